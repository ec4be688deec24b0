//! Gradients of buffers: how contributions that came through different views are added up.
//!
//! The gradient of a node is the gradient of a whole buffer. As long as every read saw the buffer through one dense view
//! it stays an array of that view's shape; a read through a part of the buffer turns it into a flat array that views
//! are added into.

use minpy_core::internal::Shared;
use minpy_core::internal::context::{RECORDING, flags};
use minpy_core::internal::dispatch::fill_raw;
use minpy_core::ops::{ADD, add, call, cast, copy, reshape, sum};
use minpy_core::{Array, Attrs, DType, DeviceRef, Layout, Number, Operand, Result, Target, bail};
use smallvec::SmallVec;

/// What is known of the buffer whose gradient is collected.
pub(crate) struct Home {
    pub elements: usize,
    pub dtype: DType,
    pub device: DeviceRef,
}

/// The gradient of a buffer so far.
pub(crate) struct Total {
    array: Array,
    /// The view of the buffer that `array` corresponds to: dense, covering all of it.
    layout: Layout,
    /// Nobody else holds `array`: it may be added to in place.
    owned: bool,
}

fn covers(layout: &Layout, elements: usize) -> bool {
    layout.offset() == 0 && layout.size() == elements && layout.is_dense()
}
fn add_in_place(target: &Array, g: &Array) -> Result<()> {
    call(&ADD, Attrs::NONE, &[Operand::Array(target), Operand::Array(g)], None, Target::Into(target))
        .map(drop)
}

impl Total {
    /// Adds the gradient `g` of a read through `layout`.
    pub fn deposit(slot: &mut Option<Total>, g: Array, layout: &Layout, home: &Home) -> Result<()> {
        if g.dtype() != home.dtype {
            // A read through `view(dtype)`: its layout counts other elements than the buffer's.
            bail!(
                NoGradient,
                "No partial derivative of view defined on argument 0: {} memory was read as {}.",
                home.dtype,
                g.dtype()
            );
        }
        let recording = flags() & RECORDING != 0;
        match slot {
            None if covers(layout, home.elements) => {
                *slot = Some(Total { array: g, layout: layout.clone(), owned: false })
            }
            None => {
                let flat = Array::empty_on(home.device, &[home.elements], home.dtype)?;
                fill_raw(&flat, Number::Int(0).cast(home.dtype))?;
                add_view(&flat, layout, &g)?;
                *slot =
                    Some(Total { array: flat, layout: Layout::contiguous(&[home.elements]), owned: true });
            }
            Some(t) if t.layout == *layout => {
                if t.owned && !recording {
                    let _last = g.buffer().last_use();
                    add_in_place(&t.array, &g)?;
                } else {
                    t.array = add(&t.array, &g)?;
                    t.owned = true;
                }
            }
            Some(t) => {
                let flat = t.flat(true)?;
                add_view(&flat, layout, &g)?;
                *t = Total { array: flat, layout: Layout::contiguous(&[home.elements]), owned: true };
            }
        }
        Ok(())
    }
    /// Adds this gradient of a buffer to that of its earlier contents. Where there is none yet it becomes it, with its
    /// memory: of a buffer that is written slice by slice only the slices are touched.
    pub fn pass_on(self, slot: &mut Option<Total>, home: &Home) -> Result<()> {
        if slot.is_none() && self.array.dtype() == home.dtype {
            *slot = Some(self);
            return Ok(());
        }
        let flat = Layout::contiguous(&[home.elements]);
        Total::deposit(slot, self.through(&flat)?, &flat, home)
    }
    /// The gradient in memory order; an array of its own when `fresh`.
    fn flat(&self, fresh: bool) -> Result<Array> {
        let Some(order) = self.layout.dense_order() else {
            bail!(Runtime, "gradient: a total that is not dense");
        };
        let a = self.array.view(self.array.layout().transpose(Some(&order)));
        let r = reshape(&a, &[-1])?;
        let aliased = Shared::ptr_eq(r.buffer(), self.array.buffer());
        if aliased && (!r.layout().is_injective() || fresh && !self.owned) { copy(&r) } else { Ok(r) }
    }
    /// The gradient itself, where it corresponds to that view.
    #[inline]
    pub fn as_seen(&self, layout: &Layout) -> Option<&Array> {
        (self.layout == *layout).then_some(&self.array)
    }
    /// The gradient of the elements that `layout` shows.
    pub fn through(&self, layout: &Layout) -> Result<Array> {
        if self.layout == *layout {
            return Ok(self.array.clone());
        }
        let flat = self.flat(false)?;
        compose(&flat, layout)
    }
    /// The gradient of what was there before a write through `layout` (under `mask`): zero in the written elements.
    pub fn without(self, layout: &Layout, mask: Option<&Array>, home: &Home) -> Result<Option<Total>> {
        if mask.is_none() && covers(layout, home.elements) {
            return Ok(None);
        }
        let flat = self.flat(true)?;
        let part = compose(&flat, layout)?;
        call(
            &minpy_core::ops::COPY,
            Attrs::NONE,
            &[Operand::Number(Number::Int(0))],
            mask,
            Target::Into(&part),
        )?;
        Ok(Some(Total { array: flat, layout: Layout::contiguous(&[home.elements]), owned: true }))
    }
}

/// `layout` of the buffer, seen in the one-dimensional array that holds the buffer's gradient.
fn compose(flat: &Array, layout: &Layout) -> Result<Array> {
    let flat = minpy_core::ops::contiguous(flat)?;
    Ok(flat.view(layout.shifted(flat.layout().offset() as isize)))
}

/// Adds `g` into the elements that `layout` shows, each as often as it is shown.
fn add_view(flat: &Array, layout: &Layout, g: &Array) -> Result<()> {
    if g.size() == 0 {
        return Ok(());
    }
    let g = g.broadcast_to(layout.shape())?;
    // Repeated elements (stride 0): sum first.
    let repeated: Vec<isize> = (0..layout.ndim())
        .filter(|&i| layout.strides()[i] == 0 && layout.shape()[i] > 1)
        .map(|i| i as isize)
        .collect();
    if !repeated.is_empty() {
        let less = repeated.iter().rev().fold(layout.clone(), |l, &i| l.select(i as usize, 0));
        return add_view(flat, &less, &sum(&g, Some(&repeated), false)?);
    }
    if layout.is_injective() {
        return add_in_place(&compose(flat, layout)?, &g);
    }
    // Overlapping windows: walk over the fewest indices whose axes cause the overlap.
    let axes = overlapping_axes(layout);
    let counts: SmallVec<[usize; 6]> = axes.iter().map(|&i| layout.shape()[i]).collect();
    let mut result = Ok(());
    minpy_core::backend::layout::for_each_offset(&counts, &vec![0; counts.len()], 0, |k, _| {
        if result.is_ok() {
            let (mut rest, mut l, mut part) = (k, layout.clone(), g.layout().clone());
            for (&axis, &n) in axes.iter().zip(&counts).rev() {
                l = l.select(axis, rest % n);
                part = part.select(axis, rest % n);
                rest /= n;
            }
            result = compose(flat, &l).and_then(|t| add_in_place(&t, &g.view(part)));
        }
    });
    result
}

/// The set of axes (ascending) with the fewest indices without which the layout shows every element once.
fn overlapping_axes(layout: &Layout) -> SmallVec<[usize; 6]> {
    let n = layout.ndim().min(16);
    let mut best: Option<(usize, SmallVec<[usize; 6]>)> = None;
    for set in 1u32..1 << n {
        let axes: SmallVec<[usize; 6]> = (0..n).filter(|&i| set >> i & 1 == 1).collect();
        let cost = axes.iter().map(|&i| layout.shape()[i]).product();
        if best.as_ref().is_none_or(|(c, _)| cost < *c)
            && axes.iter().rev().fold(layout.clone(), |l, &i| l.select(i, 0)).is_injective()
        {
            best = Some((cost, axes));
        }
    }
    best.map_or_else(|| (0..layout.ndim()).collect(), |(_, a)| a)
}

/// Sums the axes along which an input was broadcast, and converts to the input's dtype.
pub(crate) fn unbroadcast(g: Array, shape: &[usize], dtype: DType) -> Result<Array> {
    let mut g = g;
    if g.shape() != shape {
        if g.ndim() < shape.len() || g.shape().iter().rev().zip(shape.iter().rev()).any(|(&a, &b)| a < b) {
            let grown = minpy_core::backend::layout::broadcast_shapes("gradient", &[g.shape(), shape])?;
            g = g.broadcast_to(&grown)?;
        }
        let lead = g.ndim() - shape.len();
        let axes: SmallVec<[isize; 6]> = (0..g.ndim())
            .filter(|&i| i < lead || shape[i - lead] == 1 && g.shape()[i] != 1)
            .map(|i| i as isize)
            .collect();
        if !axes.is_empty() {
            // Leading axes go, others stay with size 1.
            g = sum(&g, Some(&axes), axes.len() > lead)?;
        }
        if g.shape() != shape {
            let to: SmallVec<[isize; 6]> = shape.iter().map(|&n| n as isize).collect();
            g = reshape(&g, &to)?;
        }
    }
    if g.dtype() == dtype {
        return Ok(g);
    }
    if g.dtype().is_complex() && !dtype.is_complex() {
        g = minpy_core::ops::real(&g)?;
    }
    cast(&g, dtype)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minpy_core::ops::ones;
    use minpy_cpu as _;

    #[test]
    fn writes_slice_by_slice_touch_only_the_slices() {
        let g = ones(&[6], DType::F64).unwrap();
        let home = Home { elements: 6, dtype: DType::F64, device: g.device() };
        let mut slot = None;
        Total::deposit(&mut slot, g.clone(), g.layout(), &home).unwrap();
        let mut buffers = Vec::new();
        for i in (0..6).rev() {
            let written = g.slice(0, i, 1, 1);
            let before = slot.take().unwrap().without(written.layout(), None, &home).unwrap().unwrap();
            before.pass_on(&mut slot, &home).unwrap();
            // What the write read: the element before.
            let read = g.slice(0, i.saturating_sub(1), 1, 1);
            Total::deposit(&mut slot, read.clone(), read.layout(), &home).unwrap();
            buffers.push(slot.as_ref().unwrap().array.buffer().clone());
        }
        assert!(buffers.windows(2).all(|b| Shared::ptr_eq(&b[0], &b[1])));
        // The seed is not ours to write.
        assert_eq!(g.to_vec::<f64>().unwrap(), [1.0; 6]);
        assert_eq!(slot.unwrap().array.to_vec::<f64>().unwrap(), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
