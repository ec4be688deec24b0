//! Memory in and out: host to device and back, inside a device, fill, arange, and the errors of bad shapes.

use crate::reference::{Expected, Value, cast};
use crate::samples::{Form, Sample, read, smooth, upload, values};
use crate::subject::Subject;
use minpy_core::backend::layout::contiguous_strides;
use minpy_core::internal::dispatch::{copy_raw, fill_raw};
use minpy_core::{Array, Attrs, DType, ErrorKind, Number, Operand, Result, Target, device, ops};

/// Every dtype up and down, at odd sizes and offsets.
pub fn host_and_device(s: &Subject) {
    for dtype in DType::ALL {
        for n in [0, 1, 3, 64, 1001] {
            let what = || format!("{n} elements of {dtype} to the device and back");
            let run = || -> Result<()> {
                let v = values(dtype, n.max(1), (-3.0, 3.0), 1)[..n].to_vec();
                let a = upload(s.device, dtype, &v, &[n])?;
                let want: Vec<Expected> = v.iter().map(|&v| Expected::exact(v)).collect();
                s.compare(what, &[n], dtype, &read(&a)?, &want);
                let bytes = a.to_bytes()?;
                s.check(bytes.len() == n * dtype.size(), || format!("{}: {} bytes", what(), bytes.len()));
                let host = a.to_device(device::host()?)?;
                s.check(host.device().is_host() && host.to_bytes()? == bytes, || {
                    format!("{}: to_device(host)", what())
                });
                let back = host.to_device(s.device)?;
                s.check(back.device() == s.device && back.to_bytes()? == bytes, || {
                    format!("{}: to_device(device)", what())
                });
                Ok(())
            };
            s.ok(run(), what);
        }
    }
}

/// Views are read as NumPy would: `to_bytes`, `item`, copies in C order.
pub fn views(s: &Subject) {
    for dtype in [DType::Bool, DType::I16, DType::F32, DType::C128] {
        for form in Form::ALL {
            for shape in [&[3, 4][..], &[2, 3, 4], &[], &[1], &[2, 0]] {
                let what = || format!("copy of {dtype} {shape:?} {form:?}");
                let run = || -> Result<()> {
                    let x = Sample::new(s.device, dtype, shape, form, &values(dtype, 29, (-3.0, 3.0), 2))?;
                    let want: Vec<Expected> = x.values().iter().map(|&v| Expected::exact(v)).collect();
                    let direct: Vec<Value> = x
                        .array
                        .to_bytes()?
                        .chunks_exact(dtype.size())
                        .map(|b| Value::from_bytes(dtype, b))
                        .collect();
                    s.compare(|| format!("to_bytes: {}", what()), shape, dtype, &direct, &want);
                    let c = copy_raw(&x.array)?;
                    s.check(c.layout().strides() == contiguous_strides(shape).as_slice(), || {
                        format!("{}: not in C order", what())
                    });
                    s.compare(what, shape, dtype, &read(&c)?, &want);
                    s.compare(
                        || format!("ops::copy: {}", what()),
                        shape,
                        dtype,
                        &read(&ops::copy(&x.array)?)?,
                        &want,
                    );
                    let r = ops::reshape(&x.array, &[-1]);
                    if x.array.size() > 0 {
                        s.compare(
                            || format!("reshape: {}", what()),
                            &[want.len()],
                            dtype,
                            &read(&r?)?,
                            &want,
                        );
                    }
                    if x.array.size() == 1 {
                        let v = x.array.item()?;
                        s.compare(
                            || format!("item: {}", what()),
                            &[],
                            dtype,
                            &[Value::from_bytes(dtype, v.bytes())],
                            &want,
                        );
                    }
                    Ok(())
                };
                s.ok(run(), what);
            }
        }
    }
}

/// Constants in every dtype, into views too.
pub fn fill(s: &Subject) {
    for dtype in DType::ALL {
        let what = || format!("fill of {dtype}");
        let run = || -> Result<()> {
            let one = cast(Value::Int(1), dtype).0;
            let ones = ops::ones(&[3, 5], dtype)?;
            s.check(ones.device() == s.device, || format!("ones on {}", ones.device()));
            s.compare(what, &[3, 5], dtype, &read(&ones)?, &[Expected::exact(one); 15]);
            let x = Sample::new(s.device, dtype, &[4, 3], Form::Sliced, &smooth(dtype, 50, (-3.0, 3.0), 3))?;
            fill_raw(&x.array, one.scalar(dtype))?;
            s.compare(what, &[4, 3], dtype, &read(&x.array)?, &[Expected::exact(one); 12]);
            Ok(())
        };
        s.ok(run(), what);
    }
}

/// `arange`, `linspace`, `eye`.
pub fn ranges(s: &Subject) {
    let run = || -> Result<()> {
        for dtype in [DType::I8, DType::I64, DType::U64, DType::F16, DType::F32, DType::F64] {
            let a = ops::arange(Number::Int(1), Number::Int(40), Number::Int(3), dtype)?;
            let want: Vec<Expected> =
                (0..13).map(|i| Expected::exact(cast(Value::Int(1 + 3 * i), dtype).0)).collect();
            s.compare(|| format!("arange(1, 40, 3) of {dtype}"), &[13], dtype, &read(&a)?, &want);
        }
        let a = ops::arange(Number::Float(0.0), Number::Float(1.0), Number::Float(0.1), DType::F64)?;
        let want: Vec<Expected> = (0..10)
            .map(|i| Expected { ulp: 1.0, scale: 1.0, ..Expected::exact(Value::Real(i as f64 * 0.1)) })
            .collect();
        s.compare(|| "arange(0, 1, 0.1)".into(), &[10], DType::F64, &read(&a)?, &want);
        let a = ops::arange(Number::Int(5), Number::Int(0), Number::Int(-2), DType::I32)?;
        let want: Vec<Expected> = [5, 3, 1].map(|i| Expected::exact(Value::Int(i))).to_vec();
        s.compare(|| "arange(5, 0, -2)".into(), &[3], DType::I32, &read(&a)?, &want);
        s.check(ops::arange(Number::Int(5), Number::Int(0), Number::Int(1), DType::I32)?.size() == 0, || {
            "arange(5, 0)".into()
        });
        let a = ops::linspace(-1.0, 2.0, 7, true, DType::F64)?;
        let want: Vec<Expected> = (0..7)
            .map(|i| Expected { ulp: 1.0, scale: 2.0, ..Expected::exact(Value::Real(-1.0 + i as f64 * 0.5)) })
            .collect();
        s.compare(|| "linspace(-1, 2, 7)".into(), &[7], DType::F64, &read(&a)?, &want);
        let e = ops::eye(3, 4, 1, DType::F32)?;
        let want: Vec<Expected> =
            (0..12).map(|k| Expected::exact(Value::Real((k % 4 == k / 4 + 1) as u8 as f64))).collect();
        s.compare(|| "eye(3, 4, 1)".into(), &[3, 4], DType::F32, &read(&e)?, &want);
        Ok(())
    };
    s.ok(run(), || "ranges".into());
}

/// Mistakes in shapes are errors that show them.
pub fn errors(s: &Subject) {
    let kind = |r: Result<Array>| r.err().map(|e| e.kind());
    let a = ops::zeros(&[2, 3], DType::F32);
    let b = ops::zeros(&[4], DType::F32);
    let (Some(a), Some(b)) = (s.ok(a, || "zeros".into()), s.ok(b, || "zeros".into())) else { return };
    let r = ops::add(&a, &b);
    s.check(
        r.as_ref().is_err_and(|e| e.kind() == ErrorKind::Value && e.message().contains("(2,3) (4,)")),
        || format!("(2,3) + (4,): {r:?}"),
    );
    s.check(kind(ops::reshape(&a, &[4, 2])) == Some(ErrorKind::Value), || "reshape to another size".into());
    s.check(kind(ops::sum(&a, Some(&[2]), false)) == Some(ErrorKind::Axis), || {
        "sum along axis 2 of two".into()
    });
    s.check(kind(ops::sum(&a, Some(&[0, 0]), false)) == Some(ErrorKind::Value), || {
        "sum along one axis twice".into()
    });
    s.check(kind(a.broadcast_to(&[3, 3])) == Some(ErrorKind::Value), || "broadcast (2,3) to (3,3)".into());
    s.check(kind(a.transpose(Some(&[0, 0]))) == Some(ErrorKind::Value), || {
        "transpose with a repeated axis".into()
    });
    s.check(ops::assign(&a, &b).is_err_and(|e| e.kind() == ErrorKind::Value), || {
        "assign (4,) to (2,3)".into()
    });
    s.check(
        kind(ops::call(&ops::INVERT, Attrs::NONE, &[Operand::Array(&a)], None, Target::New))
            == Some(ErrorKind::Type),
        || "invert of float32".into(),
    );
}
