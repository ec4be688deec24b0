//! A value that arrives once: what `OnceLock` is, without its queue of waiters, for values that are copied.
//!
//! Every buffer holds one, and most are made with their value: that must cost no more than a store.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU8, Ordering};

const EMPTY: u8 = 0;
const WRITING: u8 = 1;
const THERE: u8 = 2;

/// See the file's head.
pub(super) struct Late<T: Copy> {
    value: UnsafeCell<MaybeUninit<T>>,
    state: AtomicU8,
}

// SAFETY: the value is written by the one thread that moved `state` from EMPTY to WRITING, and read only by threads that
// saw THERE, which is stored after the write (release, acquire). It never changes again.
unsafe impl<T: Copy + Send + Sync> Sync for Late<T> {}

impl<T: Copy> Late<T> {
    /// With its value.
    #[inline]
    pub(super) fn there(value: T) -> Late<T> {
        Late { value: UnsafeCell::new(MaybeUninit::new(value)), state: AtomicU8::new(THERE) }
    }
    /// Without a value yet.
    #[inline]
    pub(super) fn empty() -> Late<T> {
        Late { value: UnsafeCell::new(MaybeUninit::uninit()), state: AtomicU8::new(EMPTY) }
    }
    /// The value, if it has arrived.
    #[inline]
    pub(super) fn get(&self) -> Option<&T> {
        // SAFETY: THERE is stored after the value was written, and nobody writes it again.
        (self.state.load(Ordering::Acquire) == THERE)
            .then(|| unsafe { (*self.value.get()).assume_init_ref() })
    }
    /// Stores the value; `false` when there is one already, or another thread is storing it.
    pub(super) fn set(&self, value: T) -> bool {
        if self.state.compare_exchange(EMPTY, WRITING, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return false;
        }
        // SAFETY: only the thread that moved the state from EMPTY gets here, and nobody reads before THERE.
        unsafe { (*self.value.get()).write(value) };
        self.state.store(THERE, Ordering::Release);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn one_value_arrives() {
        assert_eq!(Late::there(1).get(), Some(&1));
        assert!(!Late::there(1).set(2));
        let late = Late::empty();
        assert!(late.get().is_none());
        let stored = std::thread::scope(|s| {
            let threads: Vec<_> = (0..4)
                .map(|k| {
                    s.spawn({
                        let l = &late;
                        move || l.set(k)
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).filter(|&set| set).count()
        });
        assert_eq!(stored, 1);
        assert!(late.get().is_some());
    }
}
