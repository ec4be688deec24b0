//! `Array`: a view of a shared buffer. Not generic; views share memory on every device.
//!
//! Here: construction, access to the parts, views, and reading values on the host. Arithmetic is in `ops`.

pub(crate) mod buffer;
mod display;
mod late;
pub mod npy;
#[cfg(feature = "npz")]
pub mod npz;
pub(crate) mod shared;
pub(crate) mod waits;

use crate::buffer::Buffer;
use crate::cut::{Cut, Few};
use crate::device::{DeviceRef, Memory};
use crate::layout::{self, Layout, Strides, normalize_axis, show};
use crate::{DType, Element, Error, ErrorKind, Result, Scalar, bail, context, memory, profile};
use shared::Shared;
use smallvec::SmallVec;

/// An n-dimensional array: shared buffer, layout, dtype. Cloning makes another handle to the same memory.
#[derive(Clone)]
pub struct Array {
    buffer: Shared<Buffer>,
    layout: Layout,
    dtype: DType,
    weak: bool,
}

impl Array {
    /// An array from its parts.
    ///
    /// # Panics
    /// When the layout leaves the buffer: this is where every view is checked.
    #[inline]
    pub fn from_parts(buffer: Shared<Buffer>, layout: Layout, dtype: DType) -> Array {
        assert!(layout.fits(buffer.bytes() / dtype.size()), "{layout:?} of {dtype} leaves {buffer:?}");
        Array { buffer, layout, dtype, weak: false }
    }
    /// A new contiguous array with undefined contents. Under tracing: a placeholder.
    #[inline]
    pub fn empty_on(device: DeviceRef, shape: &[usize], dtype: DType) -> Result<Array> {
        Array::empty_with(device, Layout::contiguous(shape), dtype)
    }
    /// A new array with undefined contents and a dense layout of offset 0.
    #[inline]
    pub fn empty_with(device: DeviceRef, layout: Layout, dtype: DType) -> Result<Array> {
        memory::check()?;
        let n = if layout.ndim() <= 1 { layout.size() } else { layout::count("empty", layout.shape())? };
        let bytes = n.checked_mul(dtype.size()).filter(|&b| b <= isize::MAX as usize).ok_or_else(|| {
            Error::new(
                ErrorKind::Value,
                format!("empty: array of shape {} and dtype {dtype} is too big", show(layout.shape())),
            )
        })?;
        let buffer = if context::tracing() {
            Buffer::placeholder(device, bytes, None)
        } else if waits::worth(device, bytes) {
            Buffer::lazy(device, bytes)
        } else {
            Buffer::allocate(device, bytes).map_err(|e| allocation_failed(e, layout.shape(), dtype))?
        };
        Ok(Array { buffer, layout, dtype, weak: false })
    }
    /// A new array with a dense layout of offset 0 into which an expression may be deferred, however small it is.
    #[inline]
    pub(crate) fn lazy_on(device: DeviceRef, layout: Layout, dtype: DType) -> Result<Array> {
        memory::check()?;
        let bytes = layout::count("empty", layout.shape())?.saturating_mul(dtype.size());
        if context::tracing() || !waits::possible(bytes) {
            return Array::empty_with(device, layout, dtype);
        }
        Ok(Array { buffer: Buffer::lazy(device, bytes), layout, dtype, weak: false })
    }
    /// Memory for a result with the `size` elements that `first` has, outside of tracing; what waits for something pending
    /// (`joins`) waits too, however small it is.
    #[inline]
    pub(crate) fn memory_beside(
        first: &Array,
        size: usize,
        dtype: DType,
        joins: bool,
    ) -> Result<Shared<Buffer>> {
        memory::check()?;
        let device = first.device();
        // The size was counted when `first` was made. Wider elements than its may still be too many.
        let bytes = size.saturating_mul(dtype.size());
        if joins && waits::possible(bytes) || waits::worth(device, bytes) {
            return Ok(Buffer::lazy(device, bytes));
        }
        if bytes > isize::MAX as usize {
            // For its message.
            return Array::empty_with(device, first.layout.clone(), dtype).map(|a| a.buffer);
        }
        Buffer::allocate(device, bytes).map_err(|e| allocation_failed(e, first.shape(), dtype))
    }
    /// A result like `first`, which is contiguous, in memory made for it.
    #[inline]
    pub(crate) fn beside(first: &Array, buffer: Shared<Buffer>, dtype: DType) -> Array {
        Array { buffer, layout: first.layout.anew(), dtype, weak: false }
    }
    /// `empty_on` the current device.
    pub fn empty(shape: &[usize], dtype: DType) -> Result<Array> {
        Array::empty_on(context::current_device()?, shape, dtype)
    }
    /// Copies `data` (C order) to the current device.
    pub fn from_slice<T: Element>(data: &[T], shape: &[usize]) -> Result<Array> {
        if layout::count("from_slice", shape)? != data.len() {
            bail!(
                Value,
                "from_slice: cannot make an array of shape {} from {} elements",
                show(shape),
                data.len()
            );
        }
        // SAFETY: elements are plain data without padding.
        let bytes = unsafe { std::slice::from_raw_parts(data.as_ptr().cast::<u8>(), size_of_val(data)) };
        Array::from_bytes(context::current_device()?, bytes, shape, T::DTYPE)
    }
    /// Copies the bytes of a C-contiguous array to `device`.
    pub fn from_bytes(device: DeviceRef, bytes: &[u8], shape: &[usize], dtype: DType) -> Result<Array> {
        if layout::count("from_bytes", shape)? * dtype.size() != bytes.len() {
            bail!(
                Value,
                "from_bytes: {} bytes are not an array of shape {} and dtype {dtype}",
                bytes.len(),
                show(shape)
            );
        }
        // Values that are known are a constant of a traced program.
        let a = if context::tracing() {
            let buffer =
                Buffer::allocate(device, bytes.len()).map_err(|e| allocation_failed(e, shape, dtype))?;
            Array { buffer, layout: Layout::contiguous(shape), dtype, weak: false }
        } else {
            Array::empty_on(device, shape, dtype)?
        };
        if !bytes.is_empty() {
            let memory = a.buffer.memory()?;
            profile::copying(device, "to_device", bytes.len(), || device.upload(bytes, memory, 0))?;
        }
        Ok(a)
    }
    /// A 0-d array of one element on `device`.
    pub fn from_scalar_on(device: DeviceRef, value: Scalar) -> Result<Array> {
        Array::from_bytes(device, value.bytes(), &[], value.dtype())
    }

    /// Sizes of the dimensions.
    #[inline]
    pub fn shape(&self) -> &[usize] {
        self.layout.shape()
    }
    /// Number of dimensions.
    #[inline]
    pub fn ndim(&self) -> usize {
        self.layout.ndim()
    }
    /// Number of elements.
    #[inline]
    pub fn size(&self) -> usize {
        self.layout.size()
    }
    /// Element type.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.dtype
    }
    /// How the array looks at its buffer.
    #[inline]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
    /// The shared memory.
    #[inline]
    pub fn buffer(&self) -> &Shared<Buffer> {
        &self.buffer
    }
    /// Where the memory lies.
    #[inline]
    pub fn device(&self) -> DeviceRef {
        self.buffer.device()
    }
    /// A Python number in disguise: takes part in promotion by its kind only.
    #[inline]
    pub fn is_weak(&self) -> bool {
        self.weak
    }
    /// The same array, weak or not in promotion.
    pub fn with_weak(mut self, weak: bool) -> Array {
        self.weak = weak;
        self
    }

    /// Another view of the same buffer, of the same dtype. The layout must stay inside the buffer.
    #[inline]
    pub fn view(&self, layout: Layout) -> Array {
        Array::from_parts(self.buffer.clone(), layout, self.dtype)
    }
    /// `a[i]`, a view without the first axis; `None` where that has no such index, and for more dimensions than layouts keep inline.
    #[doc(hidden)]
    #[inline(always)]
    pub fn row(&self, i: usize) -> Option<Array> {
        let layout = self.layout.first(i, None, 1)?;
        Some(Array { buffer: self.buffer.clone(), layout, dtype: self.dtype, weak: false })
    }
    /// `a[start::step]`, a view of `len` rows; `None` where these are not all inside, and for more dimensions than layouts keep inline.
    #[doc(hidden)]
    #[inline(always)]
    pub fn rows(&self, start: usize, step: isize, len: usize) -> Option<Array> {
        let layout = self.layout.first(start, Some(step), len)?;
        Some(Array { buffer: self.buffer.clone(), layout, dtype: self.dtype, weak: false })
    }
    /// What is cut out of this array's layout, a view: every part of it is inside.
    #[doc(hidden)]
    #[inline(always)]
    pub fn cut<'a>(&'a self, f: impl FnOnce(&mut Few<'a>)) -> Array {
        let mut few = Few::new(&self.layout);
        f(&mut few);
        Array { buffer: self.buffer.clone(), layout: few.finish(), dtype: self.dtype, weak: false }
    }
    /// Axes permuted (`None`: reversed). A view.
    pub fn transpose(&self, axes: Option<&[isize]>) -> Result<Array> {
        let Some(axes) = axes else { return Ok(self.view(self.layout.transpose(None))) };
        let mut seen: SmallVec<[usize; 6]> = SmallVec::new();
        if axes.len() != self.ndim() {
            bail!(
                Value,
                "transpose: axes don't match array: {} axes for shape {}",
                axes.len(),
                show(self.shape())
            );
        }
        for &a in axes {
            let a = normalize_axis("transpose", a, self.ndim())?;
            if seen.contains(&a) {
                bail!(Value, "transpose: repeated axis {a} in transpose of shape {}", show(self.shape()));
            }
            seen.push(a);
        }
        Ok(self.view(self.layout.transpose(Some(&seen))))
    }
    /// The transposed array (all axes reversed). A view.
    pub fn t(&self) -> Array {
        self.view(self.layout.transpose(None))
    }
    /// Elements repeated along dimensions of size 1. A read-only view in spirit: several indices share an element.
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<Array> {
        layout::count("broadcast_to", shape)?;
        Ok(self.view(self.layout.broadcast_to("broadcast_to", shape)?))
    }
    /// New dimension of size 1 at `axis` (in the result). A view.
    pub fn expand_dims(&self, axis: isize) -> Result<Array> {
        layout::check_ndim("expand_dims", self.ndim() + 1)?;
        let axis = normalize_axis("expand_dims", axis, self.ndim() + 1)?;
        Ok(self.view(self.layout.insert_axis(axis)))
    }
    /// `start, start + step, ...` along one axis, as Python's `slice` with normalised bounds. A view.
    pub fn slice(&self, axis: usize, start: usize, step: isize, len: usize) -> Array {
        self.view(self.layout.slice(axis, start, step, len))
    }
    /// A view with that shape when the layout allows it (one size may be -1 in `ops::reshape`).
    pub fn reshape_view(&self, shape: &[usize]) -> Option<Array> {
        layout::check_ndim("reshape", shape.len()).ok()?;
        self.layout.reshape(shape).map(|l| self.view(l))
    }
    /// A view of the whole buffer as one dimension of elements.
    pub fn base_view(&self) -> Array {
        self.view(Layout::contiguous(&[self.buffer.bytes() / self.dtype.size()]))
    }
    /// Whether the arrays may share an element.
    pub fn may_share_memory(&self, other: &Array) -> bool {
        let one_buffer = Shared::ptr_eq(&self.buffer, &other.buffer);
        if one_buffer && self.dtype.size() == other.dtype.size() {
            return self.layout.may_overlap(&other.layout);
        }
        // Foreign memory may be that of another buffer: NumPy's views of one block, or ours that went out and came back.
        if !(one_buffer || self.buffer.is_foreign() || other.buffer.is_foreign()) {
            return false;
        }
        // What has no memory yet gets memory of its own.
        let (Some(a), Some(b)) = (self.buffer.present(), other.buffer.present()) else { return one_buffer };
        if !one_buffer
            && (self.device() != other.device() || !self.device().is_host() && a.handle != b.handle)
        {
            return false;
        }
        // On the host a block's name is its address; elsewhere both are inside one block.
        let start = |m: &Memory| if self.device().is_host() { m.handle + m.offset } else { m.offset };
        let bytes = |a: &Array, m: &Memory| {
            let (lo, hi) = a.layout.span();
            (start(m) + lo * a.dtype.size(), start(m) + hi * a.dtype.size())
        };
        let ((a0, a1), (b0, b1)) = (bytes(self, a), bytes(other, b));
        a0 < b1 && b0 < a1
    }
    /// Same buffer, same layout, same dtype.
    pub fn same_view(&self, other: &Array) -> bool {
        Shared::ptr_eq(&self.buffer, &other.buffer)
            && self.dtype == other.dtype
            && self.layout == other.layout
    }

    /// The values in C order. Waits for the device.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        if T::DTYPE != self.dtype {
            bail!(Type, "to_vec: array of dtype {} read as {}", self.dtype, T::DTYPE);
        }
        let n = self.size();
        let mut out: Vec<T> = memory::list(n)?;
        // SAFETY: the spare capacity holds `n` elements, and `read_into` writes every byte of them. Every bit pattern is
        // a value of every element type but bool, whose bytes are made 0 or 1: foreign memory may hold others.
        unsafe {
            let bytes = std::slice::from_raw_parts_mut(out.as_mut_ptr().cast::<u8>(), n * size_of::<T>());
            self.read_into(bytes)?;
            if self.dtype == DType::Bool {
                bytes.iter_mut().for_each(|b| *b = (*b != 0) as u8);
            }
            out.set_len(n);
        }
        Ok(out)
    }
    /// The bytes of the values in C order.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut out = memory::zeros(self.size() * self.dtype.size())?;
        self.read_into(&mut out)?;
        Ok(out)
    }
    /// Writes the values in C order into `dst`. Waits for the device.
    pub fn read_into(&self, dst: &mut [u8]) -> Result<()> {
        let item = self.dtype.size();
        assert_eq!(dst.len(), self.size() * item, "read_into: wrong length");
        if dst.is_empty() {
            return Ok(());
        }
        let memory = self.buffer.memory()?;
        profile::copying(self.device(), "to_host", dst.len(), || {
            if self.layout.is_contiguous() {
                return self.device().download(memory, self.layout.offset() * item, dst);
            }
            // Fetch the span that the view covers, then pick on the host.
            let (lo, hi) = self.layout.span();
            let mut span = memory::zeros((hi - lo) * item)?;
            self.device().download(memory, lo * item, &mut span)?;
            copy_strided(&span, &self.layout.shifted(-(lo as isize)), item, dst);
            Ok(())
        })
    }
    /// Where the element at those positions lies in the buffer; negative ones count from the end.
    fn place(&self, at: &[isize]) -> Result<usize> {
        if at.len() != self.ndim() {
            bail!(Index, "{} positions in an array of {} dimensions", at.len(), self.ndim());
        }
        let mut cut = Cut::new(&self.layout);
        at.iter().try_for_each(|&i| cut.int(i as i64))?;
        Ok(cut.element().unwrap_or_default())
    }
    /// One element, with its dtype; negative positions count from the end. Waits for the device.
    ///
    /// # Errors
    /// [`ErrorKind::Index`](crate::ErrorKind::Index) for a position outside of its axis, and for another number of positions than there
    /// are dimensions.
    pub fn element(&self, at: &[isize]) -> Result<Scalar> {
        let (place, n) = (self.place(at)?, self.dtype.size());
        let mut bytes = [0u8; 16];
        self.device().download(self.buffer.memory()?, place * n, &mut bytes[..n])?;
        Ok(Scalar::from_bytes(self.dtype, &bytes[..n]))
    }
    /// Writes one element, a value of the array's dtype, without recording.
    ///
    /// # Errors
    /// As [`Array::element`]; [`ErrorKind::Type`](crate::ErrorKind::Type) for a value of another dtype.
    pub fn set_element(&self, at: &[isize], value: Scalar) -> Result<()> {
        self.set_element_of_buffer(self.place(at)?, value)
    }
    /// Writes the element of that number in the buffer.
    #[doc(hidden)]
    #[inline]
    pub fn set_element_of_buffer(&self, place: usize, value: Scalar) -> Result<()> {
        if value.dtype() != self.dtype {
            bail!(
                Type,
                "set_element: a value of dtype {} in an array of dtype {}",
                value.dtype(),
                self.dtype
            );
        }
        self.device().upload(value.bytes(), self.buffer.memory_to_write()?, place * self.dtype.size())?;
        self.buffer.bump_version();
        Ok(())
    }
    /// Where the buffer begins in the host's memory, if its contents are there already.
    #[inline]
    pub fn host_buffer(&self) -> Option<*mut u8> {
        let memory = self.buffer.present()?;
        self.device().is_host().then(|| (memory.handle + memory.offset) as *mut u8)
    }
    /// The same for somebody who is going to write elements of it now: `None` also where it is not to be written, something waits that
    /// reads it as it is, or a tape has to know.
    #[inline]
    pub fn host_buffer_to_write(&self) -> Option<*mut u8> {
        let to = self.host_buffer()?;
        let free = self.buffer.is_unread() && self.buffer.is_unwatched() && !self.buffer.is_read_only();
        free.then(|| {
            self.buffer.bump_version();
            to
        })
    }
    /// The only element, with its dtype. Waits for the device.
    pub fn item(&self) -> Result<Scalar> {
        if self.size() != 1 {
            bail!(
                Value,
                "item: can only convert an array of size 1 to a scalar, not one of shape {}",
                show(self.shape())
            );
        }
        let mut bytes = [0u8; 16];
        let n = self.dtype.size();
        self.device().download(self.buffer.memory()?, self.layout.offset() * n, &mut bytes[..n])?;
        Ok(Scalar::from_bytes(self.dtype, &bytes[..n]))
    }
    /// The only element as a number, as `float(x)` gives it in Python. Waits for the device.
    ///
    /// ```
    /// # use minpy_core::Array;
    /// # use minpy_cpu as _;
    /// # fn main() -> minpy_core::Result<()> {
    /// let loss = Array::from([1f32, 2.0, 6.0]).mean(None, false)?;
    /// assert_eq!(loss.to_f64()?, 3.0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Value`] for an array of several elements or none,
    /// [`ErrorKind::Type`] for a complex one: take [`ops::real`](crate::ops::real()) of it.
    pub fn to_f64(&self) -> Result<f64> {
        if self.dtype.is_complex() {
            bail!(Type, "to_f64: a {} number has two parts", self.dtype);
        }
        Ok(self.item()?.number().to_f64())
    }
}

/// Copies a strided view (elements of `item` bytes) of `src` to `dst` in C order.
pub(crate) fn copy_strided(src: &[u8], layout: &Layout, item: usize, dst: &mut [u8]) {
    for_each_offset(layout.shape(), layout.strides(), layout.offset(), |k, at| {
        dst[k * item..(k + 1) * item].copy_from_slice(&src[at * item..(at + 1) * item]);
    });
}

/// Calls `f(position in C order, element offset)` for every index of a strided view.
pub fn for_each_offset(shape: &[usize], strides: &[isize], offset: usize, mut f: impl FnMut(usize, usize)) {
    if shape.contains(&0) {
        return;
    }
    let mut index: SmallVec<[usize; 6]> = SmallVec::from_elem(0, shape.len());
    let mut at = offset as isize;
    let mut k = 0;
    loop {
        f(k, at as usize);
        k += 1;
        let mut axis = shape.len();
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            index[axis] += 1;
            at += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            at -= strides[axis] * shape[axis] as isize;
            index[axis] = 0;
        }
    }
}

#[cold]
fn allocation_failed(e: Error, shape: &[usize], dtype: DType) -> Error {
    if e.kind() == ErrorKind::Memory {
        Error::new(
            ErrorKind::Memory,
            format!(
                "Unable to allocate an array with shape {} and data type {dtype}: {}",
                show(shape),
                e.message()
            ),
        )
    } else {
        e
    }
}

/// Strides of an array of that shape whose memory order follows `order` (slowest axis first).
pub(crate) fn strides_in_order(shape: &[usize], order: &[usize]) -> Strides {
    let mut strides: Strides = SmallVec::from_elem(0, shape.len());
    let mut step = 1isize;
    for &i in order.iter().rev() {
        strides[i] = step;
        step *= shape[i].max(1) as isize;
    }
    strides
}
