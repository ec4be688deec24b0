//! Views share memory: writes through one are seen by all, and overlapping in-place calls behave as if the inputs had
//! been copied first.

use crate::reference::{Expected, Value};
use crate::samples::{read, upload};
use crate::subject::Subject;
use minpy_core::{Array, Attrs, DType, Operand, Result, Target, ops};

fn ramp(s: &Subject, n: usize) -> Result<Array> {
    let v: Vec<Value> = (0..n).map(|i| Value::Real(i as f64)).collect();
    upload(s.device, DType::F32, &v, &[n])
}
fn same(s: &Subject, what: &str, a: &Array, want: &[f64]) -> Result<()> {
    let want: Vec<Expected> = want.iter().map(|&x| Expected::exact(Value::Real(x))).collect();
    s.compare(|| what.to_string(), a.shape(), DType::F32, &read(a)?, &want);
    s.check(a.device() == s.device, || format!("{what}: the array moved to {}", a.device()));
    Ok(())
}
fn add_into(a: &Array, b: &Array, out: &Array) -> Result<()> {
    ops::call(&ops::ADD, Attrs::NONE, &[Operand::Array(a), Operand::Array(b)], None, Target::Into(out))
        .map(drop)
}

/// A write through a view is a write to the base, and to every other view of it.
pub fn writes_through_views(s: &Subject) {
    let run = || -> Result<()> {
        let a = ramp(s, 12)?;
        let m = ops::reshape(&a, &[3, 4])?;
        s.check(m.may_share_memory(&a), || "reshape of a contiguous array copies".into());
        ops::assign(&m.t().slice(0, 1, 2, 2), -1.0)?;
        same(s, "m.T[1::2] = -1", &a, &[0.0, -1.0, 2.0, -1.0, 4.0, -1.0, 6.0, -1.0, 8.0, -1.0, 10.0, -1.0])?;
        let (even, back) = (a.slice(0, 0, 2, 6), a.slice(0, 11, -1, 12));
        s.check(!even.may_share_memory(&a.slice(0, 1, 2, 6)), || {
            "interleaved views are said to overlap".into()
        });
        ops::assign(&back.slice(0, 0, 1, 2), &even.slice(0, 0, 1, 2))?;
        same(s, "back[:2] = even[:2]", &a.slice(0, 8, 1, 4), &[8.0, -1.0, 2.0, 0.0])?;
        let v = a.buffer().version();
        ops::assign(&even, 0.0)?;
        s.check(a.buffer().version() > v, || "a write through a view does not raise the version".into());
        let c = ops::copy(&even)?;
        ops::assign(&even, 5.0)?;
        same(s, "a copy stays", &c, &[0.0; 6])
    };
    s.ok(run(), || "writes through views".into());
}

/// `a[1:] += a[:-1]` and the like.
pub fn overlapping_in_place(s: &Subject) {
    let run = || -> Result<()> {
        let a = ramp(s, 6)?;
        add_into(&a.slice(0, 1, 1, 5), &a.slice(0, 0, 1, 5), &a.slice(0, 1, 1, 5))?;
        same(s, "a[1:] += a[:-1]", &a, &[0.0, 1.0, 3.0, 5.0, 7.0, 9.0])?;
        let a = ramp(s, 6)?;
        add_into(&a.slice(0, 0, 1, 5), &a.slice(0, 1, 1, 5), &a.slice(0, 0, 1, 5))?;
        same(s, "a[:-1] += a[1:]", &a, &[1.0, 3.0, 5.0, 7.0, 9.0, 5.0])?;
        let a = ramp(s, 5)?;
        add_into(&a, &a.slice(0, 4, -1, 5), &a)?;
        same(s, "a += a[::-1]", &a, &[4.0; 5])?;
        let m = ops::reshape(&ramp(s, 9)?, &[3, 3])?;
        add_into(&m, &m.t(), &m)?;
        same(s, "m += m.T", &m, &[0.0, 4.0, 8.0, 4.0, 8.0, 12.0, 8.0, 12.0, 16.0])?;
        let a = ramp(s, 6)?;
        ops::call(
            &ops::ADD,
            Attrs::NONE,
            &[Operand::Array(&a.slice(0, 1, 1, 5)), Operand::from(1i64)],
            None,
            Target::Into(&a.slice(0, 0, 1, 5)),
        )?;
        same(s, "add(a[1:], 1, out=a[:-1])", &a, &[2.0, 3.0, 4.0, 5.0, 6.0, 5.0])?;
        let a = ramp(s, 4)?;
        let m = ops::reshape(&ramp(s, 16)?, &[4, 4])?;
        // The first row is added to every row, itself included.
        add_into(&m, &m.view(m.layout().select(0, 1)), &m)?;
        same(s, "m += m[1]", &m, &(0..16).map(|i| (i + 4 + i % 4) as f64).collect::<Vec<_>>())?;
        add_into(&a, &a, &a)?;
        same(s, "a += a", &a, &[0.0, 2.0, 4.0, 6.0])?;
        // Another dtype in the same buffer cannot be had; a mask that is computed from the target can.
        let mask = ops::greater(&a, 3.0)?;
        ops::assign_where(&a, &a.slice(0, 3, -1, 4), &mask)?;
        same(s, "a[a > 3] = a[::-1] there", &a, &[0.0, 2.0, 2.0, 0.0])
    };
    s.ok(run(), || "overlapping in-place calls".into());
}

/// Broadcast operands of in-place calls, shapes that may and may not be.
pub fn broadcast_targets(s: &Subject) {
    let run = || -> Result<()> {
        let m = ops::reshape(&ramp(s, 6)?, &[2, 3])?;
        add_into(&m, &m.slice(0, 0, 1, 1), &m)?;
        same(s, "m += m[:1]", &m, &[0.0, 2.0, 4.0, 3.0, 5.0, 7.0])?;
        let small = ramp(s, 3)?;
        let r = add_into(&small, &m, &small);
        s.check(r.is_err(), || "(3,) += (2,3) must be refused".into());
        same(s, "after the refusal", &small, &[0.0, 1.0, 2.0])?;
        ops::assign(&m.slice(1, 0, 2, 2), &small.slice(0, 1, 1, 1))?;
        same(s, "m[:, ::2] = 1", &m, &[1.0, 2.0, 1.0, 1.0, 5.0, 1.0])
    };
    s.ok(run(), || "broadcast targets".into());
}
