//! Integers counted: bincount.

use super::search::check_list;
use super::{cast, max, min, scatter};
use crate::dispatch::tallied;
use crate::expr::Prim;
use crate::kernel::ScatterMode;
use crate::{Array, DType, Number, Result, bail, context};

/// How often each integer from 0 on occurs in `x`, of one axis and without negative ones, or the sum of its `weights`, as float64: at least
/// `minlength` numbers.
///
/// # Errors
/// [`ErrorKind::Value`](crate::ErrorKind::Value) for negative integers, another number of axes than one, and weights that are not as many;
/// [`ErrorKind::NotNative`](crate::ErrorKind::NotNative) for what is not safely an int64, and complex weights.
pub fn bincount(x: &Array, weights: Option<&Array>, minlength: isize) -> Result<Array> {
    check_list(x)?;
    let exact = matches!(x.dtype(), DType::Bool) || x.dtype().is_integer() && x.dtype() != DType::U64;
    if !exact {
        bail!(NotNative, "bincount: of {}", x.dtype());
    }
    let Ok(least) = usize::try_from(minlength) else { bail!(Value, "'minlength' must not be negative") };
    let zeros = |n: usize, dtype: DType| context::with_device(x.device(), || super::zeros(&[n], dtype));
    // NumPy does not look at weights of nothing.
    if x.size() == 0 {
        return zeros(least, DType::I64);
    }
    if let Some(w) = weights {
        check_list(w)?;
        if w.dtype().is_complex() {
            bail!(NotNative, "bincount: complex weights");
        }
    }
    if let Some(w) = weights
        && w.size() != x.size()
    {
        bail!(Value, "The weights and list don't have the same length.");
    }
    let (wide, heavy);
    let x = if x.dtype() == DType::I64 {
        x
    } else {
        wide = cast(x, DType::I64)?;
        &wide
    };
    let weights = match weights {
        Some(w) if w.dtype() != DType::F64 => {
            heavy = cast(w, DType::F64)?;
            Some(&heavy)
        }
        w => w,
    };
    if let Some(r) = tallied(x, weights, least)? {
        return Ok(r);
    }
    let read = |a: Array| a.item().map(|s| s.number().to_f64());
    if read(min(x, None, false)?)? < 0.0 {
        bail!(Value, "'list' argument must have no negative elements");
    }
    let most = match max(x, None, false)?.item()?.number() {
        Number::Int(n) => n as usize,
        _ => bail!(Runtime, "bincount: the greatest integer is none"),
    };
    let mode = ScatterMode::Combine(Prim::Add);
    let (dtype, one);
    let values = match weights {
        Some(w) => {
            dtype = DType::F64;
            w
        }
        None => {
            dtype = DType::I64;
            one = Array::from_scalar_on(x.device(), Number::Int(1).to_scalar(dtype)?)?;
            &one
        }
    };
    scatter(&zeros((most + 1).max(least), dtype)?, std::slice::from_ref(x), values, mode)
}

crate::functions! {
    /// How often each integer from 0 on occurs, or the sum of its weights.
    bincount(x: Array, /, weights: OptionalTried = None, minlength: Int = 0)
        -> Array, by_values, cases ["k[12]", "k[9], f[9]", "k[3], minlength=6", "k[5], n[5], minlength=20", "b[4]", "k[0], minlength=3"]
        => bincount(x, weights, minlength);
}
