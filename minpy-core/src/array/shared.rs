//! Shared ownership of buffers: what `Arc` is, with both counts in one word.
//!
//! Most buffers die with the only handle that they ever had. One look at one word tells whether that is so, and then nothing needs to
//! be counted down, which `Arc` does twice, each time waiting for all that the processor has still to write.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering, fence};

/// One handle: the lower half of the counts.
const STRONG: u64 = 1;
/// One weak reference, or all handles together: the upper half.
const WEAK: u64 = 1 << 32;
/// The counts of what has one handle and no weak references.
const ALONE: u64 = STRONG + WEAK;
/// Handles or weak references that would soon be too many for their half. Only a program that forgets them gets there.
const TOO_MANY: u32 = 1 << 31;

fn strong(counts: u64) -> u32 {
    counts as u32
}
fn weak(counts: u64) -> u32 {
    (counts >> 32) as u32
}

struct Inner<T> {
    counts: AtomicU64,
    value: T,
}

/// A handle to a shared value. See the file's head.
pub struct Shared<T> {
    at: NonNull<Inner<T>>,
    owns: PhantomData<Inner<T>>,
}
// SAFETY: as for `Arc`: a handle gives references to the value in any thread, and the last one drops it, in any thread.
unsafe impl<T: Send + Sync> Send for Shared<T> {}
// SAFETY: see above.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The value with its first handle: `write` writes it where it stays.
    ///
    /// # Safety
    /// It writes all of it.
    #[inline(always)]
    pub(super) unsafe fn written(write: impl FnOnce(*mut T)) -> Shared<T> {
        let inner = Box::<Inner<T>>::new_uninit();
        let at = Box::into_raw(inner).cast::<Inner<T>>();
        // SAFETY: nobody else has seen the new allocation, and all of it is written: the value by the caller's promise.
        unsafe {
            (&raw mut (*at).counts).write(AtomicU64::new(ALONE));
            write(&raw mut (*at).value);
            Shared { at: NonNull::new_unchecked(at), owns: PhantomData }
        }
    }
    #[inline]
    fn counts(&self) -> &AtomicU64 {
        // SAFETY: the allocation lives as long as there is a handle.
        unsafe { &(*self.at.as_ptr()).counts }
    }
    /// Whether both are handles to one value.
    #[inline]
    pub fn ptr_eq(this: &Shared<T>, other: &Shared<T>) -> bool {
        this.at == other.at
    }
    /// Where the value is.
    #[inline]
    pub fn as_ptr(this: &Shared<T>) -> *const T {
        // SAFETY: the allocation lives.
        unsafe { &raw const (*this.at.as_ptr()).value }
    }
    /// How many handles there are.
    #[inline]
    pub fn strong_count(this: &Shared<T>) -> usize {
        strong(this.counts().load(Ordering::Relaxed)) as usize
    }
    /// A reference that does not keep the value alive.
    #[inline]
    pub fn downgrade(this: &Shared<T>) -> Weak<T> {
        if weak(this.counts().fetch_add(WEAK, Ordering::Relaxed)) >= TOO_MANY {
            std::process::abort();
        }
        Weak { at: Some(this.at) }
    }
}
impl<T> Clone for Shared<T> {
    #[inline]
    fn clone(&self) -> Shared<T> {
        if strong(self.counts().fetch_add(STRONG, Ordering::Relaxed)) >= TOO_MANY {
            std::process::abort();
        }
        Shared { at: self.at, owns: PhantomData }
    }
}
impl<T> Deref for Shared<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the value lives as long as there is a handle.
        unsafe { &(*self.at.as_ptr()).value }
    }
}
impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
impl<T> Drop for Shared<T> {
    #[inline]
    fn drop(&mut self) {
        // New handles and weak references are made of others only. There are none, so there will be none; what those that there
        // were have done with the value is done (acquire, for the release of each).
        if self.counts().load(Ordering::Acquire) == ALONE {
            // SAFETY: nobody else can get at the value or the allocation.
            unsafe {
                (&raw mut (*self.at.as_ptr()).value).drop_in_place();
                free(self.at);
            }
        } else {
            self.leave();
        }
    }
}
impl<T> Shared<T> {
    fn leave(&mut self) {
        if strong(self.counts().fetch_sub(STRONG, Ordering::Release)) != 1 {
            return;
        }
        fence(Ordering::Acquire);
        // SAFETY: this was the last handle; weak references make no more of them. The allocation lives until the weak reference
        // of all handles is dropped.
        unsafe { (&raw mut (*self.at.as_ptr()).value).drop_in_place() };
        drop(Weak { at: Some(self.at) });
    }
}

/// # Safety
/// The value has been dropped, and nobody has the address any more.
#[inline]
unsafe fn free<T>(at: NonNull<Inner<T>>) {
    // SAFETY: `new` made it with this layout; what is left of the contents needs no drop.
    drop(unsafe { Box::from_raw(at.as_ptr().cast::<std::mem::MaybeUninit<Inner<T>>>()) });
}

/// A reference that does not keep the value alive: `Shared::downgrade` makes it.
pub struct Weak<T> {
    at: Option<NonNull<Inner<T>>>,
}
// SAFETY: as for `Shared`, which it can become.
unsafe impl<T: Send + Sync> Send for Weak<T> {}
// SAFETY: see above.
unsafe impl<T: Send + Sync> Sync for Weak<T> {}

impl<T> Weak<T> {
    /// A reference to nothing.
    pub const fn new() -> Weak<T> {
        Weak { at: None }
    }
    fn counts(&self) -> Option<&AtomicU64> {
        // SAFETY: the allocation lives as long as there is a weak reference.
        self.at.map(|at| unsafe { &(*at.as_ptr()).counts })
    }
    /// Where the value is, or was; null for a reference to nothing.
    pub fn as_ptr(&self) -> *const T {
        // SAFETY: see `counts`.
        self.at.map_or(std::ptr::null(), |at| unsafe { &raw const (*at.as_ptr()).value })
    }
    /// How many handles there are.
    pub fn strong_count(&self) -> usize {
        self.counts().map_or(0, |c| strong(c.load(Ordering::Relaxed)) as usize)
    }
    /// A handle, if there is one still.
    pub fn upgrade(&self) -> Option<Shared<T>> {
        let more = |c: u64| match strong(c) {
            0 => None,
            n if n >= TOO_MANY => std::process::abort(),
            _ => Some(c + STRONG),
        };
        // Acquire: the handle may be the only one when it is dropped, and then nothing is read but the counts.
        self.counts()?.fetch_update(Ordering::Acquire, Ordering::Relaxed, more).ok()?;
        Some(Shared { at: self.at?, owns: PhantomData })
    }
}
impl<T> Default for Weak<T> {
    fn default() -> Weak<T> {
        Weak::new()
    }
}
impl<T> Clone for Weak<T> {
    fn clone(&self) -> Weak<T> {
        if let Some(c) = self.counts()
            && weak(c.fetch_add(WEAK, Ordering::Relaxed)) >= TOO_MANY
        {
            std::process::abort();
        }
        Weak { at: self.at }
    }
}
impl<T> Drop for Weak<T> {
    fn drop(&mut self) {
        let Some(at) = self.at else { return };
        // SAFETY: the allocation lives until the last weak reference, which this may be, is gone.
        let counts = unsafe { &(*at.as_ptr()).counts };
        if weak(counts.fetch_sub(WEAK, Ordering::Release)) == 1 {
            fence(Ordering::Acquire);
            // SAFETY: no handle is left, because together they have a weak reference; the last of them dropped the value.
            unsafe { free(at) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn shared<T>(value: T) -> Shared<T> {
        // SAFETY: the value is written as a whole.
        unsafe { Shared::written(|at: *mut T| at.write(value)) }
    }
    /// Counts how often one is dropped.
    struct Counted<'a>(&'a AtomicUsize);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_last_handle_drops_the_value() {
        let drops = AtomicUsize::new(0);
        let a = shared(Counted(&drops));
        let b = a.clone();
        assert!(Shared::ptr_eq(&a, &b) && Shared::strong_count(&a) == 2);
        drop(a);
        assert_eq!((drops.load(Ordering::Relaxed), Shared::strong_count(&b)), (0, 1));
        drop(b);
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }
    #[test]
    fn a_weak_reference_does_not_keep_the_value() {
        let drops = AtomicUsize::new(0);
        let a = shared(Counted(&drops));
        let w = Shared::downgrade(&a);
        assert_eq!(w.as_ptr(), Shared::as_ptr(&a));
        let b = w.clone().upgrade().unwrap();
        assert_eq!(Shared::strong_count(&a), 2);
        drop((a, b));
        assert_eq!(drops.load(Ordering::Relaxed), 1);
        assert!(w.upgrade().is_none());
        assert!(Weak::<u8>::new().upgrade().is_none() && Weak::<u8>::new().as_ptr().is_null());
    }
    #[test]
    fn threads_drop_a_value_once() {
        for round in 0..200 {
            let drops = AtomicUsize::new(0);
            let a = shared(Counted(&drops));
            std::thread::scope(|s| {
                for k in 0..3 {
                    let (a, w) = (a.clone(), Shared::downgrade(&a));
                    s.spawn(move || {
                        if (k + round) % 2 == 0 {
                            drop(a);
                        }
                        // While others let go of theirs.
                        if let Some(b) = w.upgrade() {
                            assert_eq!(b.0.load(Ordering::Relaxed), 0);
                            drop((b.clone(), w.clone(), b));
                        }
                    });
                }
                drop(a);
            });
            assert_eq!(drops.load(Ordering::Relaxed), 1);
        }
    }
}
