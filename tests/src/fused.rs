//! Fused work: programs as one group against the same programs with a stop after every operation. A device without a kernel
//! for `Work::Rows` runs the parts, and must give the same.

use crate::subject::Subject;
use minpy_core::backend::ScatterMode;
use minpy_core::{Array, Attrs, DType, Operand, Result, Target, ops};

/// A program: it calls the second argument on every intermediate result, and hands on what comes back.
type Formula = fn(&[Array], &dyn Fn(Array) -> Result<Array>) -> Result<Array>;

/// Large enough to be deferred on every device.
const ROWS: usize = 96;
const COLUMNS: usize = 130;

fn data(s: &Subject, seed: usize, dtype: DType) -> Result<Array> {
    let values: Vec<f64> =
        (0..ROWS * COLUMNS).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f64 / 252.0 - 2.0).collect();
    ops::cast(&Array::from_slice(&values, &[ROWS, COLUMNS])?.to_device(s.device)?, dtype)
}

fn compare(s: &Subject, name: &str, dtype: DType, tolerance: f64, formula: Formula) {
    let run = || -> Result<()> {
        let inputs = [data(s, 1, dtype)?, data(s, 2, dtype)?];
        let stop = |a: Array| -> Result<Array> {
            a.buffer().memory()?;
            Ok(a)
        };
        let parts = ops::cast(&formula(&inputs, &stop)?, DType::F64)?.to_vec::<f64>()?;
        let inputs = [data(s, 1, dtype)?, data(s, 2, dtype)?];
        let whole = ops::cast(&formula(&inputs, &Ok)?, DType::F64)?.to_vec::<f64>()?;
        let size = parts.iter().fold(0f64, |m, x| m.max(x.abs()));
        let worst = parts.iter().zip(&whole).map(|(a, b)| (a - b).abs()).fold(0f64, f64::max);
        s.check(parts.len() == whole.len() && worst <= tolerance * size, || {
            format!("{name} of {dtype}: fused and in parts differ by {worst:e} of {size:e}")
        });
        Ok(())
    };
    s.ok(run(), || format!("{name} of {dtype}"));
}

const DTYPES: [(DType, f64); 2] = [(DType::F32, 2e-6), (DType::I32, 0.0)];

/// Chains through numbers, views, casts, comparisons and selections, with values that are kept on the way.
pub fn chains(s: &Subject) {
    for (dtype, tolerance) in DTYPES {
        compare(s, "a chain", dtype, tolerance, |x, at| {
            let square = at(ops::multiply(&x[0], &x[0])?)?;
            let sum = at(ops::add(&square, &x[1])?)?;
            let less = at(ops::subtract(&sum, 3)?)?;
            at(ops::maximum(&less, &x[0])?)
        });
        compare(s, "a chain through views", dtype, tolerance, |x, at| {
            let double = at(ops::multiply(&x[0], 2)?)?;
            let flipped = double.slice(0, ROWS - 1, -1, ROWS).t();
            let sum = at(ops::add(&flipped, &x[1].t())?)?;
            at(ops::multiply(&sum.t(), &x[0].slice(0, ROWS - 1, -1, ROWS))?)
        });
        compare(s, "a value that is used and kept", dtype, tolerance, |x, at| {
            let kept = at(ops::add(&x[0], &x[1])?)?;
            let square = at(ops::multiply(&kept, &kept)?)?;
            at(ops::subtract(&square, &ops::add(&kept, 1)?)?)
        });
        compare(s, "a selection", dtype, tolerance, |x, at| {
            let greater = at(ops::greater(&x[0], &x[1])?)?;
            let wide = at(ops::cast(&x[0], DType::F64)?)?;
            let chosen = at(ops::select(&greater, &wide, &ops::negative(&x[1])?)?)?;
            at(ops::add(&chosen, &ops::cast(&greater, DType::F64)?)?)
        });
    }
}

/// Reductions whose results go back into their rows, and such that end a chain.
pub fn rows(s: &Subject) {
    compare(s, "softmax", DType::F32, 2e-6, |x, at| {
        let shifted = at(ops::subtract(&x[0], &at(ops::max(&x[0], Some(&[1]), true)?)?)?)?;
        let e = at(ops::exp(&shifted)?)?;
        at(ops::divide(&e, &at(ops::sum(&e, Some(&[1]), true)?)?)?)
    });
    compare(s, "normalisation", DType::F32, 1e-5, |x, at| {
        let mean = at(ops::mean(&x[0], Some(&[1]), true, None)?)?;
        let d = at(ops::subtract(&x[0], &mean)?)?;
        let var = at(ops::mean(&at(ops::multiply(&d, &d)?)?, Some(&[1]), true, None)?)?;
        at(ops::divide(&d, &at(ops::sqrt(&at(ops::add(&var, 1e-5)?)?)?)?)?)
    });
    for (dtype, tolerance) in DTYPES {
        for axis in [0, 1] {
            let formula: Formula = match axis {
                0 => |x, at| at(ops::sum(&at(ops::multiply(&x[0], &x[1])?)?, Some(&[0]), false)?),
                _ => |x, at| at(ops::sum(&at(ops::multiply(&x[0], &x[1])?)?, Some(&[1]), false)?),
            };
            compare(s, "a sum of products", dtype, tolerance, formula);
        }
        compare(s, "the greatest element, repeated", dtype, tolerance, |x, at| {
            let m = at(ops::max(&at(ops::add(&x[0], &x[1])?)?, Some(&[1]), true)?)?;
            let out = ops::zeros(&[ROWS, COLUMNS], x[0].dtype())?;
            ops::assign(&out, &m)?;
            Ok(out)
        });
    }
}

/// Products and what is computed of them before they are stored.
pub fn products(s: &Subject) {
    for (dtype, tolerance) in DTYPES {
        compare(s, "a layer", dtype, tolerance, |x, at| {
            let product = at(ops::matmul(&x[0], &x[1].t())?)?;
            let sum = at(ops::add(&product, &x[0].slice(0, 3, 1, 1).slice(1, 0, 1, ROWS))?)?;
            drop(product);
            at(ops::maximum(&sum, 0)?)
        });
        compare(s, "a product that is kept, and what is computed of it", dtype, tolerance, |x, at| {
            let product = at(ops::matmul(&x[0].t(), &x[1])?)?;
            let positive = at(ops::greater(&product, 0)?)?;
            let chosen = at(ops::select(&positive, &at(ops::negative(&product)?)?, 3)?)?;
            at(ops::add(&chosen, &product)?)
        });
        compare(s, "a stack of products", dtype, tolerance, |x, at| {
            let split = |x: &Array| ops::reshape(x, &[8, 12, COLUMNS as isize]);
            let product = at(ops::matmul(&split(&x[0])?, &split(&x[1])?.transpose(Some(&[0, 2, 1]))?)?)?;
            let double = at(ops::add(&product, &product)?)?;
            at(ops::subtract(&double, 1)?)
        });
        compare(s, "a sum of two products", dtype, tolerance, |x, at| {
            let first = at(ops::matmul(&x[0], &x[1].t())?)?;
            let second = at(ops::matmul(&x[1], &x[1].t())?)?;
            at(ops::add(&first, &second)?)
        });
        compare(s, "a product times a column, transposed", dtype, tolerance, |x, at| {
            let product = at(ops::matmul(&x[0], &x[1].t())?)?;
            at(ops::multiply(&product.t(), &x[0].slice(1, 5, 1, 1))?)
        });
        compare(s, "a product added in place", dtype, tolerance, |x, at| {
            let total = ops::multiply(&x[0], 1)?;
            total.buffer().memory()?;
            let product = at(ops::matmul(&x[1].slice(1, 0, 1, ROWS), &x[0])?)?;
            let operands = [Operand::Array(&total), Operand::Array(&product)];
            ops::call(&ops::ADD, Attrs::NONE, &operands, None, Target::Into(&total))
        });
        // A product with a vector is a reduction: what is computed of it comes after.
        compare(s, "a layer of one output", dtype, tolerance, |x, at| {
            let product = at(ops::matmul(&x[0], &x[1].slice(0, 3, 1, 1).t())?)?;
            let positive = at(ops::greater(&product, 0)?)?;
            let double = at(ops::multiply(&product, 2)?)?;
            at(ops::select(&positive, &double, &x[0].slice(1, 4, 1, 1))?)
        });
        compare(s, "a vector added in place", dtype, tolerance, |x, at| {
            let total = x[1].slice(1, 7, 1, 1);
            let product = at(ops::matmul(&x[0], &x[1].slice(0, 3, 1, 1).t())?)?;
            let step = at(ops::multiply(&product, 3)?)?;
            drop(product);
            let operands = [Operand::Array(&total), Operand::Array(&step)];
            ops::call(&ops::SUBTRACT, Attrs::NONE, &operands, None, Target::Into(&total))
        });
        compare(s, "a step along a product", dtype, tolerance, |x, at| {
            let product = at(ops::matmul(&x[1].slice(1, 0, 1, ROWS), &x[0])?)?;
            let step = at(ops::multiply(&product, 2)?)?;
            drop(product);
            let operands = [Operand::Array(&x[1]), Operand::Array(&step)];
            ops::call(&ops::SUBTRACT, Attrs::NONE, &operands, None, Target::Into(&x[1]))
        });
        compare(s, "a product into one of its operands", dtype, tolerance, |x, at| {
            let a = x[0].slice(1, 0, 1, ROWS);
            let product = at(ops::add(&at(ops::matmul(&a, &x[1].slice(1, 0, 1, ROWS))?)?, 1)?)?;
            ops::assign(&a, &product)?;
            at(ops::add(&x[0], 0)?)
        });
        compare(s, "a product of what is overwritten", dtype, tolerance, |x, at| {
            let product = at(ops::matmul(&x[0], &x[1].t())?)?;
            ops::assign(&x[1], 0)?;
            at(ops::add(&product, &x[1].slice(1, 0, 1, ROWS))?)
        });
    }
}

/// Writes: pending values straight into views, targets that are read elsewhere by what is pending, and shifted by it.
pub fn writes(s: &Subject) {
    for (dtype, tolerance) in DTYPES {
        compare(s, "a write that pending expressions must not see", dtype, tolerance, |x, at| {
            let before = at(ops::multiply(&x[0], 3)?)?;
            ops::assign(&x[0].slice(0, 0, 1, 7), &at(ops::add(&x[1], 1)?)?.slice(0, 0, 1, 7))?;
            at(ops::add(&before, &x[0])?)
        });
        compare(s, "a shifted update", dtype, tolerance, |x, at| {
            let (up, down) = (x[0].slice(0, 0, 1, ROWS - 2), x[0].slice(0, 2, 1, ROWS - 2));
            ops::assign(&x[0].slice(0, 1, 1, ROWS - 2), &at(ops::subtract(&up, &down)?)?)?;
            at(ops::add(&x[0], &x[1])?)
        });
        compare(s, "an update in place of a pending value", dtype, tolerance, |x, at| {
            let y = at(ops::multiply(&x[0], 2)?)?;
            let z = at(ops::add(&y, 1)?)?;
            ops::call(
                &ops::ADD,
                Attrs::NONE,
                &[Operand::Array(&y), Operand::Array(&x[1])],
                None,
                Target::Into(&y),
            )?;
            at(ops::subtract(&y, &z)?)
        });
        compare(s, "a scatter into a pending value", dtype, tolerance, |x, at| {
            let y = at(ops::multiply(&x[0], 2)?)?;
            let index = Array::from_slice(&[3i64, 90], &[2])?.to_device(x[0].device())?;
            let z = at(ops::add(&y, &x[1])?)?;
            ops::scatter_into(&y, &[index], &x[1].slice(0, 0, 1, 2), ScatterMode::Set)?;
            at(ops::subtract(&y, &z)?)
        });
    }
}
