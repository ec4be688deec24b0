//! Dtypes of elementwise calls: operands of two dtypes, targets of another one, `astype`, numbers beside arrays.

use crate::elementwise::{SHAPE, call, expected, inputs, into_new, into_target, program, rows};
use crate::reference::{Expected, Value, cast, evaluate};
use crate::samples::{Form, Sample, read, values};
use crate::subject::{Subject, hash};
use minpy_core::backend::{Family, ProgramSpec};
use minpy_core::{Attrs, DType, ErrorKind, Operand, Target, ops};

/// Inputs of two dtypes, and targets of another dtype.
pub fn mixed_dtypes(s: &Subject) {
    let pairs = DType::ALL.into_iter().flat_map(|a| DType::ALL.map(|b| (a, b))).filter(|(a, b)| a != b);
    for (k, (a, b)) in pairs.enumerate() {
        const OPERATIONS: [&str; 5] = ["add", "divide", "less", "where", "power"];
        if s.options.compiled && k % 17 != 0 {
            continue;
        }
        for (op, e) in rows().into_iter().filter(|(op, _)| OPERATIONS.contains(&op.name)) {
            if s.options.compiled && op.name != OPERATIONS[k / 17 % 5] {
                continue;
            }
            let dtypes: Vec<DType> = if op.arity == 3 { vec![DType::Bool, a, b] } else { vec![a, b] };
            let Some(p) = program(op, e, &dtypes) else { continue };
            let what = || format!("{} of {a} and {b}", op.name);
            if let Some(x) = s.ok(inputs(s, op, &dtypes, &SHAPE, &[Form::Contiguous, Form::Transposed]), what)
            {
                into_new(s, op, &p, &x, &SHAPE, &what);
                // NumPy refuses casts to a lower kind.
                let natural = p.output_dtype(0);
                let Some(out) = s
                    .ok(Sample::new(s.device, a, &SHAPE, Form::Sliced, &values(a, 97, (-1.0, 1.0), 3)), what)
                else {
                    continue;
                };
                if natural.can_cast_same_kind(a) {
                    into_target(s, op, &p, &x, &out, None, &|| format!("{} out={a}", what()));
                } else {
                    let r = call(op, &x, None, Target::Into(&out.array));
                    let kind = r.as_ref().err().map(|e| e.kind());
                    s.check(kind == Some(ErrorKind::Type), || {
                        format!("{} out={a}: expected a type error, got {r:?}", what())
                    });
                }
            }
        }
    }
}

/// `astype` between all pairs of dtypes, and setitem with conversion.
pub fn casts(s: &Subject) {
    let (copy, e) = (&ops::COPY, ops::COPY.elementwise().expect("copy is elementwise"));
    for (k, (a, b)) in DType::ALL.into_iter().flat_map(|a| DType::ALL.map(|b| (a, b))).enumerate() {
        if s.options.compiled && k % 23 != 0 {
            continue;
        }
        let p = e.program(
            copy.name,
            &ProgramSpec { inputs: &[a], scalars: 0, compute: b, out: None, masked: false },
        );
        let what = || format!("cast of {a} to {b}");
        let Some(x) = s.ok(inputs(s, copy, &[a], &SHAPE, &[Form::Sliced]), what) else { continue };
        let want = expected(s, &p, &x, &SHAPE);
        let r = s.native(copy.name, Family::Elementwise, p.dtypes(), || ops::cast(&x[0].array, b));
        if let Some(got) = s.ok(r.and_then(|r| read(&r)), what) {
            s.compare(what, &SHAPE, b, &got, &want);
        }
        let out = Sample::new(s.device, b, &SHAPE, Form::Reversed, &values(b, 11, (-1.0, 1.0), 9));
        if let Some(out) = s.ok(out, what)
            && s.ok(ops::assign(&out.array, &x[0].array), what).is_some()
            && let Some(got) = s.ok(read(&out.array), what)
        {
            s.compare(|| format!("setitem: {}", what()), &SHAPE, b, &got, &want);
        }
    }
}

/// A number on either side: weak in promotion, a constant for the kernel.
pub fn numbers(s: &Subject) {
    for (op, e) in rows().into_iter().filter(|(op, _)| op.arity == 2) {
        for dtype in [DType::F32, DType::I32] {
            let draw = hash(&[op.name, dtype.name(), "number"]) as usize;
            for (side, value) in [(0, 3i64), (1, 2)] {
                let Some(p) = program(op, e, &[dtype, dtype]) else { continue };
                if s.options.compiled && (draw + side) % 6 != 0 {
                    continue;
                }
                let what = || format!("{} of {dtype} with the number {value} as argument {side}", op.name);
                let Some(x) = s.ok(inputs(s, op, &[dtype, dtype], &SHAPE, &[Form::Contiguous]), what) else {
                    continue;
                };
                let array = Operand::Array(&x[1 - side].array);
                let number = Operand::from(value);
                let operands = if side == 0 { [number, array] } else { [array, number] };
                let r = s.native(op.name, Family::Elementwise, p.dtypes(), || {
                    ops::call(op, Attrs::NONE, &operands, None, Target::New)
                });
                let seen = x[1 - side].values();
                let constant = cast(Value::Int(value as i128), dtype).0;
                let want: Vec<Expected> = seen
                    .iter()
                    .enumerate()
                    .map(|(k, &v)| {
                        evaluate(&p, &if side == 0 { [constant, v] } else { [v, constant] }, k, &s.options)[0]
                    })
                    .collect();
                if let Some(got) = s.ok(r.and_then(|r| read(&r)), what) {
                    s.compare(what, &SHAPE, p.output_dtype(0), &got, &want);
                }
            }
        }
    }
}
