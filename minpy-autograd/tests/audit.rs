//! Every operation has a gradient decision, and every elementwise rule is right to second order inside its op's domain.
//!
//! Table-driven from the registry: a new row is tested with no new test code.

use minpy_autograd::{Decision, check_gradients, decision, decisions};
use minpy_core::backend::Tier;
use minpy_core::{Array, Attrs, DType, OpDef, Operand, Target, ops};
use minpy_cpu as _;

fn all() -> Vec<&'static OpDef> {
    OpDef::all().unwrap().collect()
}
/// Uneven values inside an interval, away from its ends.
fn inside((lo, hi): (f64, f64), n: usize, seed: usize) -> Array {
    let v: Vec<f64> =
        (0..n).map(|i| lo + (hi - lo) * (0.1 + 0.8 * ((i * 7 + seed * 5 + 3) % 11) as f64 / 10.0)).collect();
    Array::from_slice(&v, &[n]).unwrap()
}

#[test]
fn every_operation_has_a_decision() {
    // What decomposes is differentiated by its parts.
    let by_parts = |op: &OpDef| matches!(op.tier, Tier::Structured(s) if s.decomposes());
    let missing: Vec<&str> = all()
        .into_iter()
        .filter(|op| !by_parts(op) && matches!(decision(op).unwrap(), Decision::Missing))
        .map(|op| op.name)
        .collect();
    assert!(
        missing.is_empty(),
        "no gradient decision for {missing:?}: add a rule in minpy-autograd/src/rules, or mark the operation as `constant`"
    );
}

#[test]
fn rules_have_no_more_maps_than_inputs() {
    let mut count = 0;
    for (op, d, file, line) in decisions() {
        let fits = !matches!(d, Decision::Rule(r) if r.inputs.len() > op.arity.max(1));
        assert!(fits, "{}: more rules than inputs, at {file}:{line}", op.name);
        count += 1;
    }
    assert!(count > 60, "the tables are found");
}

#[test]
fn elementwise_rules_agree_with_differences_to_second_order() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for op in all() {
        let (Tier::Elementwise(e), Ok(Decision::Rule(_))) = (&op.tier, decision(op)) else { continue };
        let first = e.rule.condition_first as usize;
        let condition = Array::from_slice(&[true, false, true, true], &[4]).unwrap();
        let args: Vec<Array> = (first..op.arity).map(|i| inside(op.domain[i], 4, i)).collect();
        let f = |x: &[Array]| {
            let mut operands: Vec<Operand> = Vec::new();
            if first == 1 {
                operands.push(Operand::Array(&condition));
            }
            operands.extend(x.iter().map(Operand::Array));
            ops::call(op, Attrs::NONE, &operands, None, Target::New)
        };
        if let Err(e) = check_gradients(&f, &args, 2, 1e-6) {
            wrong.push(format!("{}: {e}", op.name));
        }
        checked += 1;
    }
    assert!(checked > 45, "only {checked} elementwise rules");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn elementwise_rules_unbroadcast() {
    let mut wrong = Vec::new();
    for op in all() {
        let (Tier::Elementwise(e), Ok(Decision::Rule(_))) = (&op.tier, decision(op)) else { continue };
        if op.arity < 2 || e.rule.condition_first {
            continue;
        }
        let mut args: Vec<Array> = (0..op.arity).map(|i| inside(op.domain[i], 3, i)).collect();
        args[0] = ops::reshape(&inside(op.domain[0], 2, 7), &[2, 1]).unwrap();
        args.push(inside(op.domain[op.arity - 1], 1, 3));
        let last = ops::reshape(&args.pop().unwrap(), &[]).unwrap();
        for replaced in 0..2 {
            let mut list = args.clone();
            if replaced == 1 {
                *list.last_mut().unwrap() = last.clone();
            }
            let f = |x: &[Array]| {
                let operands: Vec<Operand> = x.iter().map(Operand::Array).collect();
                ops::call(op, Attrs::NONE, &operands, None, Target::New)
            };
            if let Err(e) = check_gradients(&f, &list, 1, 1e-6) {
                wrong.push(format!("{}: {e}", op.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn elementwise_rules_work_with_numbers_and_single_precision() {
    let mut wrong = Vec::new();
    for op in all() {
        let (Tier::Elementwise(e), Ok(Decision::Rule(_))) = (&op.tier, decision(op)) else { continue };
        if op.arity != 2 || e.rule.condition_first {
            continue;
        }
        for side in 0..2 {
            let (lo, hi) = op.domain[1 - side];
            let number = lo + (hi - lo) * 0.37;
            let f = |x: &[Array]| {
                let operands = if side == 0 {
                    [Operand::Array(&x[0]), Operand::from(number)]
                } else {
                    [Operand::from(number), Operand::Array(&x[0])]
                };
                ops::call(op, Attrs::NONE, &operands, None, Target::New)
            };
            let x = inside(op.domain[side], 3, 2);
            if let Err(e) = check_gradients(&f, std::slice::from_ref(&x), 2, 1e-6) {
                wrong.push(format!("{} with a number beside argument {side}: {e}", op.name));
            }
            let single = ops::cast(&x, DType::F32).unwrap();
            match minpy_autograd::grad(f, std::slice::from_ref(&single)) {
                // `float_power` computes in double; its gradient still has the dtype of the argument.
                Ok(g) if g[0].dtype() != DType::F32 => {
                    wrong.push(format!("{}: gradient of float32 is {}", op.name, g[0].dtype()))
                }
                Ok(_) => {}
                Err(e) => wrong.push(format!("{} of float32: {e}", op.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
