//! Every row of the elementwise table: dtype x layout x target, against the reference.
//!
//! One test per dtype; a message names operation, dtypes, layouts and target. A new row needs nothing here.

use crate::reference::{Expected, Value, cast, evaluate};
use crate::samples::{Form, Sample, download, read, upload, values};
use crate::subject::{Draw, Subject, hash};
use minpy_core::backend::{Elementwise, Family, Program, ProgramSpec, Tier};
use minpy_core::{Array, Arrays, Attrs, DType, ErrorKind, OpDef, Operand, Target, ops};
use std::sync::Arc;

pub(crate) const SHAPE: [usize; 2] = [5, 7];

/// The rows of one result.
pub(crate) fn rows() -> Vec<(&'static OpDef, &'static Elementwise)> {
    definitions().filter(|(op, _)| op.results == 1).collect()
}
fn definitions() -> impl Iterator<Item = (&'static OpDef, &'static Elementwise)> {
    let all = OpDef::all().expect("a backend is linked");
    all.filter_map(|op| if let Tier::Elementwise(e) = &op.tier { Some((op, e)) } else { None })
}

/// The program of an operation for inputs of these dtypes, built as the definition says and not as dispatch does it.
pub(crate) fn program(op: &'static OpDef, e: &Elementwise, inputs: &[DType]) -> Option<Arc<Program>> {
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

pub(crate) fn inputs(
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
pub(crate) fn expected(s: &Subject, p: &Program, inputs: &[Sample], shape: &[usize]) -> Vec<Expected> {
    expected_result(s, p, inputs, shape, 0)
}
fn expected_result(
    s: &Subject,
    p: &Program,
    inputs: &[Sample],
    shape: &[usize],
    result: usize,
) -> Vec<Expected> {
    let seen: Vec<Vec<Value>> = inputs.iter().map(|x| x.spread(shape)).collect();
    (0..shape.iter().product())
        .map(|k| evaluate(p, &seen.iter().map(|v| v[k]).collect::<Vec<_>>(), k, &s.options)[result])
        .collect()
}

pub(crate) fn call(
    op: &'static OpDef,
    inputs: &[Sample],
    mask: Option<&Array>,
    target: Target,
) -> minpy_core::Result<Array> {
    let operands: Vec<Operand> = inputs.iter().map(|x| Operand::Array(&x.array)).collect();
    ops::call(op, Attrs::NONE, &operands, mask, target)
}

/// One call into a new array.
pub(crate) fn into_new(
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
pub(crate) fn into_target(
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
    several_results(s, dtype);
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
        let all = !s.options.compiled || single && op.name == "add";
        let allowed: Vec<DType> =
            DType::ALL.into_iter().filter(|&d| program(op, e, &dtypes_of(op, e, d)).is_some()).collect();
        // Complex formulas are written by hand, one by one: each is tried in its shorter dtype.
        let formula = dtype == DType::C64 && op.arity == 1;
        if !basic && !formula && !s.draws_of(op.name, dtype, &allowed) {
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
            if !all
                && (label == "unlike" && (draw % 9 != 0 || op.arity == 1) || label == "0-d" && draw % 8 != 0)
            {
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
        if !(all || i == draw % (8 * Form::WRITABLE.len())) {
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
        if !(all || draw % 16 == i) {
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
    if dtypes[last] == natural && (all || draw % 24 == 0) {
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

/// Every row of several results with inputs of one dtype: into new arrays, and under a mask into existing ones, of which one is the
/// first input.
pub fn several_results(s: &Subject, dtype: DType) {
    for (op, e) in definitions().filter(|(op, _)| op.results > 1) {
        let dtypes = dtypes_of(op, e, dtype);
        let Some(p) = program(op, e, &dtypes) else {
            let made = inputs(s, op, &dtypes, &[2], &[Form::Contiguous]);
            let r = made.and_then(|i| call_several(op, &i, None, &vec![Target::New; op.results]));
            let kind = r.as_ref().err().map(|e| e.kind());
            s.check(kind == Some(ErrorKind::Type), || {
                format!("{} of {dtype}: expected a type error, got {r:?}", op.name)
            });
            continue;
        };
        if s.options.compiled && dtype != DType::F32 && hash(&[op.name, dtype.name()]) % 4 != 0 {
            continue;
        }
        for (shape, forms) in [
            (&SHAPE[..], &[Form::Contiguous][..]),
            (&SHAPE[..], &[Form::Transposed, Form::Reversed]),
            (&[3, 149], &[Form::Contiguous]),
            (&[], &[Form::Contiguous]),
            (&[0, 4], &[Form::Contiguous]),
        ] {
            let what = || format!("{} of {dtype}, {shape:?}, {forms:?}", op.name);
            let Some(x) = s.ok(inputs(s, op, &dtypes, shape, forms), what) else { continue };
            let r = s.native(op.name, Family::Elementwise, p.dtypes(), || {
                call_several(op, &x, None, &vec![Target::New; op.results])
            });
            for (k, out) in s.ok(r, what).into_iter().flatten().enumerate() {
                let what = || format!("result {k} of {}", what());
                s.check(out.shape() == shape && out.device() == s.device, || {
                    format!("{}: shape {:?} on {}", what(), out.shape(), out.device())
                });
                s.check(out.dtype() == p.output_dtype(k), || format!("{}: dtype {}", what(), out.dtype()));
                if let Some(got) = s.ok(read(&out), what) {
                    s.compare(what, shape, out.dtype(), &got, &expected_result(s, &p, &x, shape, k));
                }
            }
        }
        let what = || format!("{} of {dtype} into existing arrays, where=", op.name);
        let made = inputs(s, op, &dtypes, &SHAPE, &[Form::Contiguous]).and_then(|x| {
            let mask = values(DType::Bool, 97, (-3.0, 3.0), 5);
            let mask = Sample::new(s.device, DType::Bool, &SHAPE, Form::Contiguous, &mask)?;
            let last = op.results - 1;
            let natural = p.output_dtype(last);
            let fill = values(natural, 97, (-3.0, 3.0), 6);
            let out = Sample::new(s.device, natural, &SHAPE, Form::Transposed, &fill)?;
            Ok((x, out, mask))
        });
        let Some((x, out, mask)) = s.ok(made, what) else { continue };
        if p.output_dtype(0) != dtype {
            continue;
        }
        let chosen = mask.spread(&SHAPE);
        let want: Vec<Vec<Expected>> = [(0, &x[0]), (op.results - 1, &out)]
            .into_iter()
            .map(|(k, old)| {
                let old = old.spread(&SHAPE);
                let new = expected_result(s, &p, &x, &SHAPE, k);
                let each = new.into_iter().zip(old).zip(&chosen);
                each.map(|((n, o), m)| if m.truth() { n } else { Expected::exact(o) }).collect()
            })
            .collect();
        let mut targets = vec![Target::New; op.results];
        (targets[0], targets[op.results - 1]) = (Target::Into(&x[0].array), Target::Into(&out.array));
        let r = s.native(op.name, Family::Elementwise, p.dtypes().with(DType::Bool), || {
            call_several(op, &x, Some(&mask.array), &targets)
        });
        if s.ok(r, what).is_some() {
            for (target, want) in [&x[0], &out].into_iter().zip(&want) {
                if let Some(got) = s.ok(read(&target.array), what) {
                    s.compare(what, &SHAPE, target.array.dtype(), &got, want);
                }
            }
        }
    }
}
fn call_several(
    op: &'static OpDef,
    inputs: &[Sample],
    mask: Option<&Array>,
    targets: &[Target],
) -> minpy_core::Result<Arrays> {
    let operands: Vec<Operand> = inputs.iter().map(|x| Operand::Array(&x.array)).collect();
    ops::call_all(op, Attrs::NONE, &operands, mask, targets)
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
