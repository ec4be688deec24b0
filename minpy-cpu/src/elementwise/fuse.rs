//! Joins steps of a program that one loop can do in one pass (`prims/fused.rs`).
//!
//! A step goes into its reader when nobody else reads its result. It then runs later than it would have, but no
//! value changes in between: every temporary is written once until places are assigned.

use super::program::{Key, Part, Step, TEMP};
use crate::prims::{Loop, fused};
use minpy_core::backend::Prim;
use minpy_core::{DType, Scalar};

/// A constant's number, for the codes of constants.
fn constant(code: u16, consts: &[Scalar]) -> Option<f64> {
    let s = consts.get((code & !TEMP).checked_sub(0x4000)? as usize).filter(|_| code & TEMP == 0)?;
    match s.dtype() {
        DType::F32 => s.get::<f32>().map(f64::from),
        DType::F64 => s.get(),
        DType::U8 => s.get::<u8>().map(f64::from),
        _ => None,
    }
}

/// The steps with every addition, subtraction and multiplication joined to what makes its arguments, and every choice
/// to its comparison, where possible.
/// `values` are the results that outlive the steps.
pub(crate) fn fuse(mut steps: Vec<Option<Step>>, values: &[u16], consts: &[Scalar]) -> Vec<Step> {
    // Readers and maker of each temporary.
    let mut readers = vec![0usize; steps.len()];
    let mut maker = vec![0usize; steps.len()];
    let number = |code: u16| (code & TEMP != 0).then_some((code & !TEMP) as usize);
    for (i, step) in steps.iter().enumerate() {
        let Some(step) = step else { continue };
        maker[(step.dst & !TEMP) as usize] = i;
        step.args[..step.run.arity()].iter().filter_map(|&a| number(a)).for_each(|t| readers[t] += 1);
    }
    values.iter().filter_map(|&v| number(v)).for_each(|t| readers[t] += 1);
    // Steps that are `x == y ? z / 2 : 0`, with x, y, z: the second half of `taken`.
    let mut ties: Vec<Option<[u16; 3]>> = vec![None; steps.len()];

    for i in 0..steps.len() {
        let Some(Step { args, key: Some(Key::Prim(last, dtype)), .. }) = steps[i] else { continue };
        // The step that makes an argument that nobody else reads.
        let made = |arg: u16| number(arg).filter(|&t| readers[t] == 1).map(|t| maker[t]);
        // The same if it may be joined: its place and its primitive.
        let part = |arg: u16| {
            let at = made(arg)?;
            let Key::Prim(prim, d) = steps[at].as_ref()?.key? else { return None };
            (d == dtype).then_some((at, prim))
        };
        if let (Prim::Select, DType::U8) = (last, dtype) {
            if let Some(Side { greater, equal, tie, of, compared, run }) = side(&steps, &made, args, consts) {
                for at in [greater, equal, tie] {
                    steps[at] = None;
                }
                if let Some(step) = &mut steps[i] {
                    let key = Some(Key::Side(compared));
                    (step.run, step.args, step.key) = (Loop::Fused(run), [of[0], of[1], of[0], of[0]], key);
                }
            }
            continue;
        }
        if last == Prim::Select {
            let Some((at, run)) = part(args[0]).and_then(|(at, p)| Some((at, fused::choice(p, dtype)?)))
            else {
                continue;
            };
            let Some(Step { args: [x, y, ..], key: Some(Key::Prim(prim, _)), .. }) = steps[at] else {
                continue;
            };
            if let (Prim::Eq, Some(0.0), Some((at, Prim::Mul))) =
                (prim, constant(args[2], consts), part(args[1]))
                && let Some(Step { args: [z, half, ..], .. }) = steps[at]
                && constant(half, consts) == Some(0.5)
                && constant(args[2], consts).is_some_and(f64::is_sign_positive)
            {
                ties[i] = Some([x, y, z]);
            }
            steps[at] = None;
            // `taken(x, y, z)`, the gradient of maximum, takes three such steps into one.
            let tie = number(args[2]).filter(|&t| readers[t] == 1).map(|t| maker[t]);
            if let (Prim::Gt, Some(at), Some(run)) = (prim, tie, fused::taken(dtype))
                && ties[at] == Some([x, y, args[1]])
                && let Some(inner) = steps[at].take()
            {
                steps[maker[(inner.args[2] & !TEMP) as usize]] = None;
                if let Some(step) = &mut steps[i] {
                    (step.run, step.args, step.key) =
                        (Loop::Fused(run), [x, y, args[1], args[1]], Some(Key::Taken(dtype)));
                }
                continue;
            }
            if let Some(step) = &mut steps[i] {
                let joined = [x, y, args[1], args[2]];
                (step.run, step.args, step.key) = (Loop::Fused(run), joined, None);
            }
            continue;
        }
        if !matches!(last, Prim::Add | Prim::Sub | Prim::Mul) {
            continue;
        }
        let (a, b) = (part(args[0]), part(args[1]));
        let choice = [(a, b), (None, b), (a, None)]
            .into_iter()
            .find_map(|(a, b)| Some((a, b, fused::lookup(a.map(|p| p.1), b.map(|p| p.1), last, dtype)?)));
        let Some((a, b, run)) = choice else { continue };
        let mut joined = [0; 4];
        let mut parts = [None; 3];
        for (side, part) in [a, b].into_iter().enumerate() {
            // Arguments that a loop does not use must be readable all the same.
            let [x, y] = match part.and_then(|(at, prim)| Some((steps[at].take()?, prim.arity()))) {
                Some((made, arity)) => {
                    parts[side] = Some(Part { run: made.run, flags: made.flags });
                    if arity == 1 { [made.args[0]; 2] } else { [made.args[0], made.args[1]] }
                }
                None => [args[side]; 2],
            };
            joined[2 * side..][..2].copy_from_slice(&[x, y]);
        }
        if let Some(step) = &mut steps[i] {
            let key = Key::Joined(a.map(|p| p.1), b.map(|p| p.1), last, dtype);
            (step.run, step.args, step.key) = (Loop::Fused(run), joined, Some(key));
        }
    }
    steps.into_iter().flatten().collect()
}

/// The steps that make `x > y ? 2 : x == y ? 1 : 0`.
struct Side {
    greater: usize,
    equal: usize,
    tie: usize,
    of: [u16; 2],
    compared: DType,
    run: fused::FusedLoop,
}
/// Finds them from the arguments of the last one.
fn side(
    steps: &[Option<Step>],
    made: &impl Fn(u16) -> Option<usize>,
    args: [u16; 4],
    consts: &[Scalar],
) -> Option<Side> {
    let step = |at: usize, prim: Prim| {
        let step = steps[at].as_ref()?;
        let Key::Prim(p, dtype) = step.key? else { return None };
        (p == prim).then_some((step.args, dtype))
    };
    let (greater, tie) = (made(args[0])?, made(args[2])?);
    let ([x, y, ..], dtype) = step(greater, Prim::Gt)?;
    let ([which, one, zero, _], _) = step(tie, Prim::Select)?;
    let equal = made(which)?;
    let same = step(equal, Prim::Eq)? == ([x, y, 0, 0], dtype);
    let numbers = [args[1], one, zero].map(|c| constant(c, consts)) == [Some(2.0), Some(1.0), Some(0.0)];
    (same && numbers).then_some(Side {
        greater,
        equal,
        tie,
        of: [x, y],
        compared: dtype,
        run: fused::side(dtype)?,
    })
}

#[cfg(test)]
mod tests {
    use crate::elementwise::compiled::compiled;
    use crate::elementwise::program::Use;
    use crate::prims::Loop;
    use minpy_core::DType;
    use minpy_core::backend::{Builder, E, Prim};

    /// Steps of a program of three inputs, and how many of them are joined ones.
    fn steps(formula: impl for<'b> Fn([E<'b>; 3]) -> Vec<E<'b>>) -> (usize, usize) {
        let b = Builder::new();
        let outputs = formula([(); 3].map(|()| b.input(DType::F32)));
        let ids: Vec<_> = outputs.iter().map(|o| o.id()).collect();
        let program = b.finish("test", &ids, 0);
        let c = compiled(&program, 0, Use::Store).expect("loops for float32");
        let joined = c.steps.iter().filter(|s| matches!(s.run, Loop::Fused(_))).count();
        (c.steps.len(), joined)
    }

    #[test]
    fn what_is_joined() {
        assert_eq!(steps(|[x, y, z]| vec![x * y + z]), (1, 1));
        assert_eq!(steps(|[x, y, z]| vec![x * x - y * z]), (1, 1));
        // A constant power of two is no division; the sign goes along.
        assert_eq!(steps(|[x, ..]| vec![-x / 2.0]), (1, 1));
        assert_eq!(steps(|[x, y, z]| vec![x.binary(Prim::Gt, y).select(x + y, z)]), (2, 1));
        // The gradient of maximum; of other numbers it is three steps.
        for (half, count) in [(0.5, 1), (0.25, 3)] {
            let found = steps(|[x, y, z]| {
                let tie = x.binary(Prim::Eq, y).select(z * half, z.lit(0.0));
                vec![x.binary(Prim::Gt, y).select(z, tie)]
            });
            assert_eq!(found.0, count);
        }
        // What the tape keeps of maximum.
        let found = steps(|[x, y, z]| {
            let (greater, equal) = (x.binary(Prim::Gt, y), x.binary(Prim::Eq, y));
            let of = |n: f64| equal.cast(DType::U8).lit(n);
            vec![greater.select(of(2.0), equal.select(of(1.0), of(0.0))), x.binary(Prim::Maximum, z)]
        });
        assert_eq!(found, (2, 1));
        // Read twice, or an output: computed once, by itself.
        assert_eq!(
            steps(|[x, y, _]| {
                let t = x * y;
                vec![(t + x) / (t - y)]
            }),
            (4, 0)
        );
        assert_eq!(
            steps(|[x, y, z]| {
                let t = x * y;
                vec![t, t + z]
            }),
            (2, 0)
        );
        let bell = steps(|[x, y, _]| {
            let bell = (-(x * x + y * y) / 2.0).exp();
            vec![bell * (x - y) + (x * 0.5).tanh() * 0.25 + y.binary(Prim::Maximum, y.lit(0.0))]
        });
        assert_eq!(bell, (8, 5));
    }
}
