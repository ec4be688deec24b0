//! Joins steps of a program that one loop can do in one pass (`prims/fused.rs`).
//!
//! A step goes into its reader when nobody else reads its result. It then runs later than it would have, but no
//! value changes in between: every temporary is written once until places are assigned.

use crate::prims::{Loop, fused};
use crate::program::{Step, TEMP};
use minpy_core::expr::Prim;

/// The steps with every addition, subtraction and multiplication joined to what makes its arguments, where possible.
/// `values` are the results that outlive the steps.
pub(crate) fn fuse(mut steps: Vec<Option<Step>>, values: &[u16]) -> Vec<Step> {
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

    for i in 0..steps.len() {
        let Some((last @ (Prim::Add | Prim::Sub | Prim::Mul), dtype)) = steps[i].as_ref().and_then(|s| s.key)
        else {
            continue;
        };
        let Some(args) = steps[i].as_ref().map(|s| s.args) else { continue };
        // The step that makes an argument, if it may be joined: its place and its primitive.
        let part = |arg: u16| {
            let at = maker[number(arg).filter(|&t| readers[t] == 1)?];
            let (prim, d) = steps[at].as_ref()?.key?;
            (d == dtype).then_some((at, prim))
        };
        let (a, b) = (part(args[0]), part(args[1]));
        let choice = [(a, b), (None, b), (a, None)]
            .into_iter()
            .find_map(|(a, b)| Some((a, b, fused::lookup(a.map(|p| p.1), b.map(|p| p.1), last, dtype)?)));
        let Some((a, b, run)) = choice else { continue };
        let mut joined = [0; 4];
        for (side, part) in [a, b].into_iter().enumerate() {
            // Arguments that a loop does not use must be readable all the same.
            let [x, y] = match part.and_then(|(at, prim)| Some((steps[at].take()?.args, prim.arity()))) {
                Some((made_of, 1)) => [made_of[0]; 2],
                Some((made_of, _)) => [made_of[0], made_of[1]],
                None => [args[side]; 2],
            };
            joined[2 * side..][..2].copy_from_slice(&[x, y]);
        }
        if let Some(step) = &mut steps[i] {
            (step.run, step.args, step.key) = (Loop::Fused(run), joined, None);
        }
    }
    steps.into_iter().flatten().collect()
}
