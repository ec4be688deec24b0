//! Functions whose gradient is not that of their value, by definition.

use crate::session::record_foreign;
use crate::tape::ForeignRule;
use minpy_core::internal::context;
use minpy_core::internal::context::unrecorded;
use minpy_core::{Array, Result, bail, ops};

/// Softmax along the last axis, whose gradient with respect to `x` is that of the cross entropy with `y`, averaged over rows:
/// `(softmax(x) - y) / N`, whatever comes from above.
///
/// # Errors
/// As [`ops::softmax`].
pub fn softmax_output(x: &Array, y: &Array) -> Result<Array> {
    let answer = unrecorded(|| ops::softmax(x, -1))?;
    if context::flags() & context::RECORDING == 0 {
        return Ok(answer);
    }
    // Both may be written later: what backward sees is what was here.
    let (softmax, labels) = unrecorded(|| {
        Ok::<_, minpy_core::Error>((ops::copy(&answer)?, ops::copy(&y.to_device(answer.device())?)?))
    })?;
    let Some(&rows) = answer.shape().first() else { bail!(Axis, "softmax_output: x has no rows") };
    let gradient = move |_: &[Option<Array>]| -> Result<Vec<Option<Array>>> {
        let g = ops::divide(&ops::subtract(&softmax, &labels)?, rows as f64)?;
        Ok(vec![Some(g), None])
    };
    record_foreign(
        "softmax_output",
        &[x.clone(), y.clone()],
        std::slice::from_ref(&answer),
        ForeignRule::vjp(gradient),
    )?;
    Ok(answer)
}

minpy_core::functions! {
    /// Softmax of the original: its gradient with respect to `x` is `(softmax(x) - y) / N`, whatever comes from above.
    softmax_output(x: Array, y: Array) -> Array, cases ["n[3,4], f[3,4]"]
        => softmax_output(x, y);
}
