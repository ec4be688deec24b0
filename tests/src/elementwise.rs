//! Every row of the elementwise table: dtype x layout x target, against the reference.
//!
//! One test per dtype; a message names operation, dtypes, layouts and target. A new row needs nothing here.

use crate::reference::{Expected, Value, cast, evaluate};
use crate::samples::{Form, Sample, download, read, upload, values};
use crate::subject::{Draw, Subject, hash};
use minpy_core::expr::Program;
use minpy_core::kernel::Family;
use minpy_core::op::{Elementwise, ProgramSpec, Tier};
use minpy_core::{Array, Attrs, DType, ErrorKind, OpDef, Operand, Target, ops, registry};
use std::sync::Arc;

const SHAPE: [usize; 2] = [5, 7];

fn rows() -> Vec<(&'static OpDef, &'static Elementwise)> {
    let r = registry::global().expect("a backend is linked");
    r.ops().filter_map(|op| if let Tier::Elementwise(e) = &op.tier { Some((op, e)) } else { None }).collect()
}

/// The program of an operation for inputs of these dtypes, built as the definition says and not as dispatch does it.
fn program(op: &'static OpDef, e: &Elementwise, inputs: &[DType]) -> Option<Arc<Program>> {
    let promoted = inputs[e.rule.condition_first as usize..].iter().copied().reduce(DType::promote)?;
    let compute = (e.rule.compute)(promoted)?;
    Some(e.program(op.name, &ProgramSpec { inputs, scalars: 0, compute, out: None, masked: false }))
}

fn dtypes_of(op: &OpDef, e: &Elementwise, dtype: DType) -> Vec<DType> {
    (0..op.arity).map(|i| if i == 0 && e.rule.condition_first { DType::Bool } else { dtype }).collect()
}

fn domain(op: &OpDef, i: usize) -> (f64, f64) {
    op.domain.get(i).copied().unwrap_or((-3.0, 3.0))
}

/// Operations that look at the values of integers before they run (`power`) get non-negative ones.
fn allowed(op: &OpDef, mut data: Vec<Value>) -> Vec<Value> {
    if matches!(&op.tier, Tier::Elementwise(e) if e.check.is_some()) {
        for v in &mut data {
            if let Value::Int(i) = v {
                *i = (*i).max(0);
            }
        }
    }
    data
}

fn inputs(
    s: &Subject,
    op: &OpDef,
    dtypes: &[DType],
    shape: &[usize],
    forms: &[Form],
) -> minpy_core::Result<Vec<Sample>> {
    dtypes
        .iter()
        .enumerate()
        .map(|(i, &d)| {
            // A prime number of values: no two rows of an array are alike.
            let data = values(d, 131, domain(op, i), hash(&[op.name, d.name()]) ^ i as u64);
            Sample::new(s.device, d, shape, forms[i % forms.len()], &allowed(op, data))
        })
        .collect()
}

/// What the program gives for every element of inputs broadcast to `shape`.
fn expected(s: &Subject, p: &Program, inputs: &[Sample], shape: &[usize]) -> Vec<Expected> {
    let seen: Vec<Vec<Value>> = inputs.iter().map(|x| x.spread(shape)).collect();
    (0..shape.iter().product())
        .map(|k| evaluate(p, &seen.iter().map(|v| v[k]).collect::<Vec<_>>(), k, &s.options)[0])
        .collect()
}

fn call(
    op: &'static OpDef,
    inputs: &[Sample],
    mask: Option<&Array>,
    target: Target,
) -> minpy_core::Result<Array> {
    let operands: Vec<Operand> = inputs.iter().map(|x| Operand::Array(&x.array)).collect();
    ops::call(op, &Attrs::None, &operands, mask, target)
}

/// One call into a new array.
fn into_new(
    s: &Subject,
    op: &'static OpDef,
    p: &Program,
    inputs: &[Sample],
    shape: &[usize],
    what: &dyn Fn() -> String,
) {
    let Some(out) = s
        .ok(s.native(op.name, Family::Elementwise, p.dtypes(), || call(op, inputs, None, Target::New)), what)
    else {
        return;
    };
    s.check(out.shape() == shape, || format!("{}: result of shape {:?}", what(), out.shape()));
    s.check(out.dtype() == p.output_dtype(0), || format!("{}: result of dtype {}", what(), out.dtype()));
    s.check(out.device() == s.device, || format!("{}: result on {}", what(), out.device()));
    if let Some(got) = s.ok(read(&out), what) {
        s.compare(what, shape, out.dtype(), &got, &expected(s, p, inputs, shape));
    }
}

/// One call into an existing array; the whole buffer behind the target is compared.
fn into_target(
    s: &Subject,
    op: &'static OpDef,
    p: &Program,
    inputs: &[Sample],
    target: &Sample,
    mask: Option<&Sample>,
    what: &dyn Fn() -> String,
) {
    let shape = target.array.shape().to_vec();
    let dtype = target.array.dtype();
    let mut want: Vec<Expected> = target.buffer.iter().map(|&v| Expected::exact(v)).collect();
    let chosen = mask.map(|m| m.spread(&shape));
    for (k, e) in expected(s, p, inputs, &shape).into_iter().enumerate() {
        if chosen.as_ref().is_none_or(|m| m[k].truth()) {
            let (value, undefined) = cast(e.value, dtype);
            want[target.at[k]] = Expected { value, undefined: e.undefined || undefined, ..e };
        }
    }
    let dtypes = p.dtypes().with(dtype).with(if mask.is_some() { DType::Bool } else { dtype });
    let r = s.native(op.name, Family::Elementwise, dtypes, || {
        call(op, inputs, mask.map(|m| &m.array), Target::Into(&target.array))
    });
    if let Some(out) = s.ok(r, what) {
        s.check(out.same_view(&target.array), || format!("{}: the result is not the target", what()));
        if let Some(got) = s.ok(download(&target.array), what) {
            s.compare(what, &[got.len()], dtype, &got, &want);
        }
    }
}

/// Every row with inputs of one dtype.
pub fn all_rows(s: &Subject, dtype: DType) {
    for (op, e) in rows() {
        let dtypes = dtypes_of(op, e, dtype);
        let name = |extra: String| move || format!("{} of {dtype}, {extra}", op.name);
        let Some(p) = program(op, e, &dtypes) else {
            let made = inputs(s, op, &dtypes, &[2], &[Form::Contiguous]);
            let r = made.and_then(|i| call(op, &i, None, Target::New));
            let kind = r.as_ref().err().map(|e| e.kind());
            s.check(kind == Some(ErrorKind::Type), || {
                format!("{} of {dtype}: expected a type error, got {r:?}", op.name)
            });
            continue;
        };
        // Compiled devices: each form is a kernel of its own, so a few are drawn.
        let draw = hash(&[op.name, dtype.name()]) as usize;
        let single = dtype == DType::F32;
        let basic = matches!(op.name, "add" | "copy" | "less");
        let all = !s.options.compiled || single && matches!(op.name, "add" | "where");
        let allowed: Vec<DType> =
            DType::ALL.into_iter().filter(|&d| program(op, e, &dtypes_of(op, e, d)).is_some()).collect();
        if !basic && !s.draws_of(op.name, dtype, &allowed) {
            continue;
        }
        for (i, &form) in Form::ALL.iter().enumerate() {
            if !(all || i == 0 || single && i == 1 + draw % 21) {
                continue;
            }
            let what = name(format!("{form:?}"));
            if let Some(x) = s.ok(inputs(s, op, &dtypes, &SHAPE, &[form]), &what) {
                into_new(s, op, &p, &x, &SHAPE, &what);
            }
        }
        // Long rows for vector loops, with a remainder; and other layouts in one call.
        for (shape, forms, label) in [
            (&[3, 149][..], &[Form::Contiguous][..], "long"),
            (&SHAPE[..], &[Form::Sliced, Form::Transposed, Form::Reversed], "unlike"),
            (&[][..], &[Form::Contiguous], "0-d"),
            (&[0, 4][..], &[Form::Contiguous, Form::Transposed], "empty"),
        ] {
            if label == "unlike" && !(all || draw % 9 == 0 && op.arity > 1) {
                continue;
            }
            let what = name(label.to_string());
            if let Some(x) = s.ok(inputs(s, op, &dtypes, shape, forms), &what) {
                into_new(s, op, &p, &x, shape, &what);
            }
        }
        if all || single {
            targets(s, op, &p, &dtypes, all, draw, &name);
        }
    }
}

fn targets<F: Fn() -> String>(
    s: &Subject,
    op: &'static OpDef,
    p: &Program,
    dtypes: &[DType],
    all: bool,
    draw: usize,
    name: &dyn Fn(String) -> F,
) {
    let natural = p.output_dtype(0);
    let fill = |d: DType| values(d, 97, (-3.0, 3.0), 5);
    for (i, &form) in Form::WRITABLE.iter().enumerate() {
        if !(all || i == draw % (4 * Form::WRITABLE.len())) {
            continue;
        }
        let what = name(format!("out= {form:?}"));
        let made = inputs(s, op, dtypes, &SHAPE, &[Form::Contiguous])
            .and_then(|x| Ok((x, Sample::new(s.device, natural, &SHAPE, form, &fill(natural))?)));
        if let Some((x, out)) = s.ok(made, &what) {
            into_target(s, op, p, &x, &out, None, &what);
        }
    }
    // where=, with a mask of the full shape and one that is broadcast.
    for (i, shape) in [&SHAPE[..], &SHAPE[1..]].into_iter().enumerate() {
        if !(all || draw % 10 == i) {
            continue;
        }
        let what = name(format!("where= of shape {shape:?}"));
        let made = inputs(s, op, dtypes, &SHAPE, &[Form::Contiguous]).and_then(|x| {
            let out = Sample::new(s.device, natural, &SHAPE, Form::Transposed, &fill(natural))?;
            Ok((x, out, Sample::new(s.device, DType::Bool, shape, Form::Contiguous, &fill(DType::Bool))?))
        });
        if let Some((x, out, mask)) = s.ok(made, &what) {
            into_target(s, op, p, &x, &out, Some(&mask), &what);
        }
    }
    // The target is the last input: itself, shifted by one, reversed, and (square) transposed.
    let last = dtypes.len() - 1;
    if dtypes[last] == natural && (all || draw % 8 == 0) {
        for (label, from, to) in [
            ("itself", ([5, 7], [7, 1], 0), ([5, 7], [7, 1], 0)),
            ("shifted up", ([5, 7], [7, 1], 0), ([5, 7], [7, 1], 1)),
            ("shifted down", ([5, 7], [7, 1], 3), ([5, 7], [7, 1], 0)),
            ("reversed", ([5, 7], [7, 1], 0), ([5, 7], [-7, -1], 34)),
            ("transposed", ([6, 6], [6, 1], 0), ([6, 6], [1, 6], 0)),
        ] {
            let what = name(format!("out= overlapping, {label}"));
            let layout = |(shape, strides, offset): ([usize; 2], [isize; 2], usize)| {
                minpy_core::Layout::new(shape.as_slice(), strides.as_slice(), offset)
            };
            let made = inputs(s, op, dtypes, &from.0, &[Form::Contiguous]).and_then(|mut x| {
                let buffer = allowed(op, values(natural, 40, domain(op, last), draw as u64));
                let base = upload(s.device, natural, &buffer, &[buffer.len()])?;
                let see = |l: &minpy_core::Layout| Sample {
                    array: base.view(l.clone()),
                    at: crate::samples::positions(l.shape(), l.strides(), l.offset()),
                    buffer: buffer.clone(),
                };
                x[last] = see(&layout(from));
                Ok((x, see(&layout(to))))
            });
            if let Some((x, out)) = s.ok(made, &what) {
                into_target(s, op, p, &x, &out, None, &what);
            }
        }
    }
}

/// Inputs of two dtypes, and targets of another dtype.
pub fn mixed_dtypes(s: &Subject) {
    let pairs = DType::ALL.into_iter().flat_map(|a| DType::ALL.map(|b| (a, b))).filter(|(a, b)| a != b);
    for (k, (a, b)) in pairs.enumerate() {
        const OPERATIONS: [&str; 5] = ["add", "divide", "less", "where", "power"];
        if s.options.compiled && k % 9 != 0 {
            continue;
        }
        for (op, e) in rows().into_iter().filter(|(op, _)| OPERATIONS.contains(&op.name)) {
            if s.options.compiled && op.name != OPERATIONS[k / 9 % 5] {
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
        if s.options.compiled && k % 13 != 0 {
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
                    ops::call(op, &Attrs::None, &operands, None, Target::New)
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

/// Arrays large enough for several threads or groups, in layouts that collapse and that do not.
pub fn large(s: &Subject) {
    let shape = [311, 1024];
    for (op, e) in rows().into_iter().filter(|(op, _)| matches!(op.name, "add" | "exp" | "less" | "clip")) {
        for (dtype, forms) in [
            (DType::F32, &[Form::Contiguous, Form::Contiguous][..]),
            (DType::F32, &[Form::Transposed, Form::Contiguous]),
            (DType::I16, &[Form::Reversed, Form::BroadcastFirst]),
            (DType::F64, &[Form::BroadcastLast, Form::Contiguous]),
        ] {
            let dtypes = dtypes_of(op, e, dtype);
            let Some(p) = program(op, e, &dtypes) else { continue };
            let what = || format!("large {} of {dtype}, {forms:?}", op.name);
            if let Some(x) = s.ok(inputs(s, op, &dtypes, &shape, forms), what) {
                into_new(s, op, &p, &x, &shape, &what);
            }
        }
    }
}

/// Many dimensions, and strides far apart.
pub fn many_dimensions(s: &Subject) {
    for (op, e) in rows().into_iter().filter(|(op, _)| matches!(op.name, "add" | "negative" | "copy")) {
        if s.options.compiled && op.name != "add" {
            continue;
        }
        for shape in [&[2usize, 3, 1, 2, 3, 2][..], &[2, 1, 2, 1, 2, 2, 1, 2, 2], &[1; 40]] {
            for form in [Form::Contiguous, Form::Transposed, Form::Sliced, Form::Mixed] {
                if form == Form::Sliced && shape.len() > 8 {
                    continue;
                }
                let dtypes = dtypes_of(op, e, DType::F32);
                let Some(p) = program(op, e, &dtypes) else { continue };
                // `Mixed` puts gaps into every dimension: too many for forty.
                let form = if shape.len() > 9 && form == Form::Mixed { Form::Reversed } else { form };
                let what = || format!("{} of {shape:?}, {form:?}", op.name);
                if let Some(x) = s.ok(inputs(s, op, &dtypes, shape, &[form, Form::Contiguous]), what) {
                    into_new(s, op, &p, &x, shape, &what);
                }
            }
        }
        // One element in a hundred thousand.
        let mut d = Draw(3);
        let data: Vec<Value> = (0..400_001).map(|_| Value::Real(d.uniform(-9.0, 9.0).round())).collect();
        let what = || format!("{} with a stride of 100000", op.name);
        let dtypes = dtypes_of(op, e, DType::F32);
        let (Some(p), Some(base)) =
            (program(op, e, &dtypes), s.ok(upload(s.device, DType::F32, &data, &[data.len()]), what))
        else {
            continue;
        };
        let far = || Sample {
            array: base.slice(0, 0, 100_000, 5),
            at: (0..5).map(|i| i * 100_000).collect(),
            buffer: data.clone(),
        };
        into_new(s, op, &p, &dtypes.iter().map(|_| far()).collect::<Vec<_>>(), &[5], &what);
    }
}
