//! Slots of our classes that CPython calls in every operation, and that are ours instead of pyo3's: operators, which pyo3 looks up by
//! the class of each operand before ours does, and the memory of objects, for which pyo3 takes a lock.

#[cfg(not(Py_GIL_DISABLED))]
pub use memory::List;

/// Slots of a class: CPython's names for them, the kind of function, and ours behind it. What it may rely on, pyo3 says with the kind.
macro_rules! slots {
    ($class:ty: $($slot:ident $kind:ident $f:path;)*) => {
        pyo3::inventory::submit! {
            type Inventory = <$class as pyo3::impl_::pyclass::PyClassImpl>::Inventory;
            Inventory::new(pyo3::impl_::pyclass::PyClassItems {
                methods: &[],
                slots: &[$(pyo3::ffi::PyType_Slot {
                    slot: pyo3::ffi::$slot,
                    pfunc: pyo3::impl_::trampoline::get_trampoline_function!($kind, $f) as pyo3::ffi::$kind as _,
                }),*],
            })
        }
    };
}
pub(crate) use slots;

/// One slot of a class, by a function of C's kind. Nothing stands between it and CPython: it must not panic, and does nothing that can, but for
/// what it hands on to a function behind pyo3's guard.
macro_rules! slot {
    ($class:ty: $slot:ident $kind:ident $f:path) => {
        pyo3::inventory::submit! {
            type Inventory = <$class as pyo3::impl_::pyclass::PyClassImpl>::Inventory;
            Inventory::new(pyo3::impl_::pyclass::PyClassItems {
                methods: &[],
                slots: &[pyo3::ffi::PyType_Slot { slot: pyo3::ffi::$slot, pfunc: $f as pyo3::ffi::$kind as _ }],
            })
        }
    };
}
pub(crate) use slot;

/// A class whose objects are made without pyo3, which moves them from place to place first.
pub(crate) trait Recycled: pyo3::type_object::PyTypeInfo {
    /// Memory of an object of the class, with a reference to it; or null, with an exception.
    ///
    /// # Safety
    /// With the GIL, and the class itself.
    unsafe fn memory(class: *mut pyo3::ffi::PyTypeObject) -> *mut pyo3::ffi::PyObject;
}
/// The memory of dead objects of these classes is kept for new ones. Nobody may subclass them.
macro_rules! recycled {
    ($($class:ty)*) => { $(const _: () = {
        impl $crate::slots::Recycled for $class {
            #[inline]
            unsafe fn memory(class: *mut pyo3::ffi::PyTypeObject) -> *mut pyo3::ffi::PyObject {
                // SAFETY: the caller's promise.
                #[cfg(not(Py_GIL_DISABLED))]
                unsafe {
                    LIST.take(class, 0)
                }
                // SAFETY: as above.
                #[cfg(Py_GIL_DISABLED)]
                unsafe {
                    pyo3::ffi::PyType_GenericAlloc(class, 0)
                }
            }
        }
        #[cfg(not(Py_GIL_DISABLED))]
        static LIST: $crate::slots::List = $crate::slots::List::new();
        #[cfg(not(Py_GIL_DISABLED))]
        unsafe extern "C" fn alloc(class: *mut pyo3::ffi::PyTypeObject, items: pyo3::ffi::Py_ssize_t) -> *mut pyo3::ffi::PyObject {
            // SAFETY: CPython calls with the GIL, and for this class alone.
            unsafe { LIST.take(class, items) }
        }
        #[cfg(not(Py_GIL_DISABLED))]
        unsafe extern "C" fn free(object: *mut std::ffi::c_void) {
            // SAFETY: as above; the object is of this class, and dead.
            unsafe { LIST.give(object) }
        }
        #[cfg(not(Py_GIL_DISABLED))]
        pyo3::inventory::submit! {
            type Inventory = <$class as pyo3::impl_::pyclass::PyClassImpl>::Inventory;
            Inventory::new(pyo3::impl_::pyclass::PyClassItems {
                methods: &[],
                slots: &[
                    pyo3::ffi::PyType_Slot { slot: pyo3::ffi::Py_tp_alloc, pfunc: alloc as pyo3::ffi::allocfunc as _ },
                    pyo3::ffi::PyType_Slot { slot: pyo3::ffi::Py_tp_free, pfunc: free as pyo3::ffi::freefunc as _ },
                ],
            })
        }
    };)* };
}
pub(crate) use recycled;

/// Without the GIL, CPython's own allocator has lists for each thread.
#[cfg(not(Py_GIL_DISABLED))]
mod memory {
    use pyo3::ffi;
    use std::cell::Cell;
    use std::ffi::c_void;
    use std::ptr::null_mut;

    /// Most objects that a class keeps the memory of.
    const MOST: u32 = 1024;

    /// Memory of dead objects of one class. The first word of each is the address of the next.
    pub struct List {
        first: Cell<*mut c_void>,
        kept: Cell<u32>,
    }
    // SAFETY: only who has the GIL calls `take` and `give`.
    unsafe impl Sync for List {}

    impl List {
        pub const fn new() -> List {
            List { first: Cell::new(null_mut()), kept: Cell::new(0) }
        }
        /// The class's `tp_alloc`.
        ///
        /// # Safety
        /// With the GIL, and always for the same class.
        #[inline]
        pub unsafe fn take(
            &self,
            class: *mut ffi::PyTypeObject,
            items: ffi::Py_ssize_t,
        ) -> *mut ffi::PyObject {
            let p = self.first.get();
            // SAFETY: what is on the list holds the next one's address, and was an object of the class.
            unsafe {
                if p.is_null() {
                    return ffi::PyType_GenericAlloc(class, items);
                }
                self.first.set(*p.cast());
                self.kept.set(self.kept.get() - 1);
                ffi::PyObject_Init(p.cast(), class)
            }
        }
        /// The class's `tp_free`.
        ///
        /// # Safety
        /// With the GIL, and for a dead object of that class, which the collector of cycles does not know any more.
        #[inline]
        pub unsafe fn give(&self, object: *mut c_void) {
            if self.kept.get() == MOST {
                // SAFETY: `PyType_GenericAlloc` made it; its class is still to be read.
                unsafe {
                    return match ffi::PyType_IS_GC(ffi::Py_TYPE(object.cast())) {
                        0 => ffi::PyObject_Free(object),
                        _ => ffi::PyObject_GC_Del(object),
                    };
                }
            }
            // SAFETY: the memory is nobody's.
            unsafe { *object.cast() = self.first.get() };
            self.first.set(object);
            self.kept.set(self.kept.get() + 1);
        }
    }
}
