//! Every primitive of every dtype, in every operand form, against plain scalar formulas; casts between all dtypes.

mod support;
use half::f16;
use minpy_core::backend::{Builder, E, Input, Prim, Program};
use minpy_core::{DType, Number, Scalar};
use num_complex::Complex64;
use std::sync::Arc;
use support::*;

/// Interesting values of a dtype.
fn samples(d: DType) -> Vec<Scalar> {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    match d.int_range() {
        Some((lo, hi)) => [0, 1, 2, 3, 5, 7, 8, 31, 64, 100, hi, hi - 1, lo, lo + 1, -1, -2, -3, -7]
            .into_iter()
            .filter(|x| (lo..=hi).contains(x))
            .map(|x| Number::Int(x).cast(d))
            .collect(),
        None => {
            let real =
                [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, -7.25, 100.0, 1e-3, inf, -inf, nan];
            if d.is_complex() {
                let parts = [0.0, -0.0, 1.0, -1.5, 2.0, inf, -inf, nan];
                let grid = parts.iter().flat_map(|&re| parts.map(|im| Complex64::new(re, im)));
                grid.map(|z| Number::Complex(z).cast(d)).collect()
            } else {
                real.into_iter().map(|x| Number::Float(x).cast(d)).collect()
            }
        }
    }
}

/// Integer functions in wide arithmetic; `None` where NumPy has no loop.
fn integer(p: Prim, d: DType, x: i128, y: i128) -> Option<Number> {
    use Prim::*;
    let (lo, hi) = d.int_range()?;
    let bits = d.size() as i128 * 8;
    let wrap = |v: i128| {
        Some(Number::Int(if d == DType::Bool { v } else { v.wrapping_sub(lo).rem_euclid(hi - lo + 1) + lo }))
    };
    let truth = |b: bool| Some(Number::Bool(b));
    let bool_ = d == DType::Bool;
    match p {
        Neg if !bool_ => wrap(-x),
        Abs => wrap(x.abs()),
        Sign if !bool_ => wrap(x.signum()),
        Floor | Ceil | Trunc | Rint | Conj => wrap(x),
        IsNan | IsInf => truth(false),
        IsFinite => truth(true),
        Signbit => truth(x < 0),
        Invert if bool_ => wrap(1 - x),
        Invert => wrap(!x),
        Add if bool_ => wrap(x | y),
        Add => wrap(x + y),
        Sub if !bool_ => wrap(x - y),
        Mul => wrap(x.wrapping_mul(y)),
        FloorDiv if !bool_ => {
            wrap(if y == 0 { 0 } else { x.div_euclid(y) - (y < 0 && x.rem_euclid(y) != 0) as i128 })
        }
        Rem if !bool_ => {
            wrap(if y == 0 { 0 } else { x - y * (x.div_euclid(y) - (y < 0 && x.rem_euclid(y) != 0) as i128) })
        }
        Fmod if !bool_ => wrap(if y == 0 { 0 } else { x % y }),
        Pow if !bool_ && y >= 0 => {
            let mut r = 1i128;
            for _ in 0..y.min(300) {
                r = r.wrapping_mul(x).wrapping_sub(lo).rem_euclid(hi - lo + 1) + lo;
            }
            // Larger exponents are covered by identities in `integer_powers`.
            if y > 300 { None } else { wrap(r) }
        }
        Maximum | Fmax => wrap(x.max(y)),
        Minimum | Fmin => wrap(x.min(y)),
        Eq => truth(x == y),
        Ne => truth(x != y),
        Lt => truth(x < y),
        Le => truth(x <= y),
        Gt => truth(x > y),
        Ge => truth(x >= y),
        And => wrap(x & y),
        Or => wrap(x | y),
        Xor => wrap(x ^ y),
        Shl if !bool_ => wrap(if (0..bits).contains(&y) { x << y } else { 0 }),
        Shr if !bool_ => wrap(if (0..bits).contains(&y) { x >> y } else { if x < 0 { -1 } else { 0 } }),
        Gcd if !bool_ => wrap(gcd(x, y)),
        Lcm if !bool_ => wrap(if gcd(x, y) == 0 { 0 } else { (x.abs() / gcd(x, y)).wrapping_mul(y.abs()) }),
        _ => None,
    }
}
fn gcd(x: i128, y: i128) -> i128 {
    if y == 0 { x.abs() } else { gcd(y, x % y) }
}

/// Functions of float64; the narrow types round its result (exact ones) or are compared with a tolerance.
fn real(p: Prim, x: f64, y: f64) -> Option<Number> {
    use Prim::*;
    let f = |v: f64| Some(Number::Float(v));
    let truth = |b: bool| Some(Number::Bool(b));
    let divmod = || {
        let mut m = x % y;
        let mut q = (x - m) / y;
        if m != 0.0 {
            if (y < 0.0) != (m < 0.0) {
                m += y;
                q -= 1.0;
            }
        } else {
            m = 0f64.copysign(y);
        }
        let q = if q != 0.0 {
            if q - q.floor() > 0.5 { q.floor() + 1.0 } else { q.floor() }
        } else {
            0f64.copysign(x / y)
        };
        (q, m)
    };
    match p {
        Neg => f(-x),
        Abs => f(x.abs()),
        Sign => f(if x > 0.0 {
            1.0
        } else if x < 0.0 {
            -1.0
        } else if x == 0.0 {
            0.0
        } else {
            x
        }),
        Sqrt => f(x.sqrt()),
        Cbrt => f(x.cbrt()),
        Mantissa => f(libm::frexp(x).0),
        Exponent => f(if x.is_finite() { libm::frexp(x).1 as f64 } else { 0.0 }),
        Exp => f(x.exp()),
        Exp2 => f(x.exp2()),
        Expm1 => f(x.exp_m1()),
        Log => f(x.ln()),
        Log2 => f(x.log2()),
        Log10 => f(x.log10()),
        Log1p => f(x.ln_1p()),
        Sin => f(x.sin()),
        Cos => f(x.cos()),
        Tan => f(x.tan()),
        Arcsin => f(x.asin()),
        Arccos => f(x.acos()),
        Arctan => f(x.atan()),
        Sinh => f(x.sinh()),
        Cosh => f(x.cosh()),
        Tanh => f(x.tanh()),
        Arcsinh => f(libm::asinh(x)),
        Arccosh => f(libm::acosh(x)),
        Arctanh => f(libm::atanh(x)),
        Sigmoid => f(1.0 / (1.0 + (-x).exp())),
        Erf => f(libm::erf(x)),
        Floor => f(x.floor()),
        Ceil => f(x.ceil()),
        Trunc => f(x.trunc()),
        Rint => f(x.round_ties_even()),
        Conj => f(x),
        IsNan => truth(x.is_nan()),
        IsInf => truth(x.is_infinite()),
        IsFinite => truth(x.is_finite()),
        Signbit => truth(x.is_sign_negative()),
        Add => f(x + y),
        Sub => f(x - y),
        Mul => f(x * y),
        Div => f(x / y),
        FloorDiv => f(if y == 0.0 { x / y } else { divmod().0 }),
        Rem => f(if y == 0.0 { x % y } else { divmod().1 }),
        Fmod => f(x % y),
        Pow => f(x.powf(y)),
        Arctan2 => f(x.atan2(y)),
        Hypot => f(x.hypot(y)),
        Maximum => f(if x.is_nan() || x >= y { x } else { y }),
        Minimum => f(if x.is_nan() || x <= y { x } else { y }),
        Fmax => f(if y.is_nan() || x >= y { x } else { y }),
        Fmin => f(if y.is_nan() || x <= y { x } else { y }),
        Copysign => f(x.copysign(y)),
        Logaddexp | Logaddexp2 => {
            if x == y {
                return f(x + if p == Logaddexp { std::f64::consts::LN_2 } else { 1.0 });
            }
            let (hi, gap) = (x.max(y), -(x - y).abs());
            f(if x.is_nan() || y.is_nan() {
                f64::NAN
            } else if p == Logaddexp {
                hi + gap.exp().ln_1p()
            } else {
                hi + gap.exp2().ln_1p() * std::f64::consts::LOG2_E
            })
        }
        Eq => truth(x == y),
        Ne => truth(x != y),
        Lt => truth(x < y),
        Le => truth(x <= y),
        Gt => truth(x > y),
        Ge => truth(x >= y),
        _ => None,
    }
}

/// Complex functions that need no special care; transcendental ones are tested beside `math`.
fn complex(p: Prim, x: Complex64, y: Complex64) -> Option<Number> {
    use Prim::*;
    let c = |v: Complex64| Some(Number::Complex(v));
    let truth = |b: bool| Some(Number::Bool(b));
    let nan = |z: Complex64| z.re.is_nan() || z.im.is_nan();
    let ge = |a: Complex64, b: Complex64| {
        a.re > b.re && !a.im.is_nan() && !b.im.is_nan() || a.re == b.re && a.im >= b.im
    };
    let gt = |a: Complex64, b: Complex64| {
        a.re > b.re && !a.im.is_nan() && !b.im.is_nan() || a.re == b.re && a.im > b.im
    };
    match p {
        Neg => c(-x),
        Abs => Some(Number::Float(x.re.hypot(x.im))),
        Conj => c(x.conj()),
        Real => Some(Number::Float(x.re)),
        Imag => Some(Number::Float(x.im)),
        Add => c(x + y),
        Sub => c(x - y),
        Mul => c(Complex64::new(x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re)),
        Maximum => c(if nan(x) || ge(x, y) { x } else { y }),
        Minimum => c(if nan(x) || ge(y, x) { x } else { y }),
        Fmax => c(if nan(y) || ge(x, y) { x } else { y }),
        Fmin => c(if nan(y) || ge(y, x) { x } else { y }),
        IsNan => truth(nan(x)),
        IsInf => truth(x.re.is_infinite() || x.im.is_infinite()),
        IsFinite => truth(x.re.is_finite() && x.im.is_finite()),
        Eq => truth(x == y),
        Ne => truth(x != y),
        Lt => truth(gt(y, x)),
        Le => truth(ge(y, x)),
        Gt => truth(gt(x, y)),
        Ge => truth(ge(x, y)),
        _ => None,
    }
}

fn reference(p: Prim, d: DType, x: Scalar, y: Scalar) -> Option<Number> {
    match (x.number(), y.number()) {
        (Number::Int(a), Number::Int(b)) => integer(p, d, a, b),
        (Number::Bool(a), Number::Bool(b)) => integer(p, d, a as i128, b as i128).map(|n| match n {
            Number::Int(i) => Number::Bool(i != 0),
            n => n,
        }),
        (Number::Float(a), Number::Float(b)) => real(p, a, b),
        (Number::Complex(a), Number::Complex(b)) => complex(p, a, b),
        _ => None,
    }
}

/// Relative error allowed: none for functions that round once (all inputs of narrow types are exact in float64).
fn tolerance(p: Prim, d: DType) -> f64 {
    use Prim::*;
    let once = matches!(
        p,
        Neg | Abs
            | Sign
            | Sqrt
            | Floor
            | Ceil
            | Trunc
            | Rint
            | Mantissa
            | Exponent
            | Conj
            | Real
            | Imag
            | Add
            | Sub
            | Mul
            | Div
            | Fmod
            | Copysign
            | Maximum
            | Minimum
            | Fmax
            | Fmin
    );
    let eps = match d.real() {
        DType::F16 => 1e-3,
        DType::F32 => f32::EPSILON as f64,
        _ => f64::EPSILON,
    };
    if d.is_inexact() && (!once || d.is_complex()) { 8.0 * eps } else { 0.0 }
}

fn forms(p: Prim, d: DType) -> [Arc<Program>; 3] {
    [0u32, 0b10, 0b01].map(|scalars| {
        let b = Builder::new();
        let args: Vec<E> = (0..p.arity()).map(|_| b.input(d)).collect();
        let id = E::apply(p, &args).id();
        drop(args);
        Arc::new(b.finish(p.name(), &[id], scalars))
    })
}

#[test]
fn primitives() {
    use Prim::*;
    let mut tested = std::collections::BTreeSet::new();
    for &p in Prim::ALL {
        for d in DType::ALL {
            if p.arity() == 3 || matches!(p, Nextafter | Complex) {
                continue;
            }
            let v = samples(d);
            // All pairs, so that vectors, tails and every operand form are used.
            let pairs: Vec<(Scalar, Scalar)> =
                v.iter().flat_map(|&x| v.iter().map(move |&y| (x, y))).collect();
            let pairs = if p.arity() == 1 { v.iter().map(|&x| (x, x)).collect() } else { pairs };
            if pairs.iter().all(|&(x, y)| reference(p, d, x, y).is_none()) {
                continue;
            }
            tested.insert(p);
            let [vv, vs, sv] = forms(p, d);
            let n = pairs.len();
            let (xs, ys): (Vec<Scalar>, Vec<Scalar>) = pairs.iter().copied().unzip();
            let (a, b) = (Arr::new(&[n], Lay::Contiguous, &xs), Arr::new(&[n], Lay::Contiguous, &ys));
            let out = Arr::zeros(vv.output_dtype(0), &[n]);
            let inputs = [a.input(), b.input()];
            elementwise(&vv, &inputs[..p.arity()], &[&out]).unwrap();
            let got = out.scalars();
            for (i, &(x, y)) in pairs.iter().enumerate() {
                let Some(want) = reference(p, d, x, y) else { continue };
                // tanh and friends of numpy differ from the float64 route only by rounding.
                let want = want.cast(out.dtype);
                assert!(
                    same(got[i], want, tolerance(p, d)),
                    "{}({x:?}, {y:?}) = {:?}, expected {want:?}",
                    p.name(),
                    got[i]
                );
            }
            // The scalar forms and the in-place form give bit for bit the same.
            if p.arity() == 2 {
                let k = v.len();
                for (i, &s) in v.iter().enumerate() {
                    let o = Arr::zeros(out.dtype, &[k]);
                    elementwise(&sv, &[Input::Scalar(s), Arr::new(&[k], Lay::Contiguous, &v).input()], &[&o])
                        .unwrap();
                    assert_same(
                        &o.scalars(),
                        &got[i * k..(i + 1) * k],
                        0.0,
                        &format!("{} scalar-vector {d}", p.name()),
                    );
                    let column: Vec<Scalar> = got.iter().skip(i).step_by(k).copied().collect();
                    elementwise(&vs, &[Arr::new(&[k], Lay::Contiguous, &v).input(), Input::Scalar(s)], &[&o])
                        .unwrap();
                    assert_same(&o.scalars(), &column, 0.0, &format!("{} vector-scalar {d}", p.name()));
                }
            }
            if out.dtype == d {
                elementwise(&vv, &inputs[..p.arity()], &[&a]).unwrap();
                assert_same(&a.scalars(), &got, 0.0, &format!("{} in place {d}", p.name()));
            }
        }
    }
    let missing: Vec<&Prim> = Prim::ALL.iter().filter(|p| !tested.contains(p)).collect();
    assert_eq!(missing, [&Nextafter, &Complex, &Select]);
}

#[test]
fn integer_powers() {
    for d in DType::ALL.into_iter().filter(|d| d.is_integer()) {
        let p = prim(Prim::Pow, &[d, d]);
        let run = |x: i128, y: i128| {
            let o = Arr::zeros(d, &[1]);
            let arr = |v: i128| Arr::new(&[1], Lay::Contiguous, &[Number::Int(v).cast(d)]);
            elementwise(&p, &[arr(x).input(), arr(y).input()], &[&o]).unwrap();
            o.scalars()[0].number()
        };
        let (lo, hi) = d.int_range().unwrap();
        assert_eq!(run(1, hi), Number::Int(1));
        assert_eq!(run(2, hi), Number::Int(0));
        if lo < 0 {
            assert_eq!(
                (run(1, -3), run(-1, -3), run(-1, -2), run(2, -1), run(0, -1)),
                (Number::Int(1), Number::Int(-1), Number::Int(1), Number::Int(0), Number::Int(0))
            );
        }
    }
}

#[test]
fn special_values_of_floor_division() {
    let p = prim(Prim::FloorDiv, &[DType::F64; 2]);
    // numpy.floor_divide
    for (x, y, q) in [
        (-1.0, f64::INFINITY, -1.0),
        (1.0, f64::INFINITY, 0.0),
        (7.0, 0.0, f64::INFINITY),
        (-0.0, 3.0, -0.0),
        (0.3, 0.1, 2.0),
        (-7.5, 2.0, -4.0),
    ] {
        let o = Arr::zeros(DType::F64, &[1]);
        elementwise(&p, &[Arr::of(&[1], &[x]).input(), Arr::of(&[1], &[y]).input()], &[&o]).unwrap();
        assert_eq!(o.values::<f64>()[0].to_bits(), f64::to_bits(q), "{x} // {y}");
    }
}

#[test]
fn complex_division_and_sign() {
    let c = |re: f64, im: f64| Complex64::new(re, im);
    let div = prim(Prim::Div, &[DType::C128; 2]);
    for (x, y) in
        [(c(1.0, 2.0), c(3.0, -4.0)), (c(1.0, 2.0), c(-0.5, 4.0)), (c(1e200, 1e200), c(1e200, 1e200))]
    {
        let o = Arr::zeros(DType::C128, &[1]);
        elementwise(&div, &[Arr::of(&[1], &[x]).input(), Arr::of(&[1], &[y]).input()], &[&o]).unwrap();
        let want = if x.re > 1e100 { c(1.0, 0.0) } else { x / y };
        assert!((o.values::<Complex64>()[0] - want).norm() < 1e-15, "{x} / {y}");
    }
    let o = Arr::zeros(DType::C128, &[1]);
    elementwise(
        &div,
        &[Arr::of(&[1], &[c(1.0, -1.0)]).input(), Arr::of(&[1], &[c(0.0, 0.0)]).input()],
        &[&o],
    )
    .unwrap();
    assert_eq!(o.values::<Complex64>()[0], c(f64::INFINITY, f64::NEG_INFINITY));
    let sign = prim(Prim::Sign, &[DType::C128]);
    let inf = f64::INFINITY;
    for (x, want) in [
        (c(3.0, 4.0), c(0.6, 0.8)),
        (c(0.0, -0.0), c(0.0, 0.0)),
        (c(-inf, 2.0), c(-1.0, 0.0)),
        (c(1.0, -inf), c(0.0, -1.0)),
    ] {
        elementwise(&sign, &[Arr::of(&[1], &[x]).input()], &[&o]).unwrap();
        assert_eq!(o.values::<Complex64>()[0], want, "{x}");
    }
}

#[test]
fn nextafter_steps_one() {
    fn check<T: minpy_core::Element>(x: T, y: T, want: T) {
        let o = Arr::zeros(T::DTYPE, &[1]);
        elementwise(
            &prim(Prim::Nextafter, &[T::DTYPE; 2]),
            &[Arr::of(&[1], &[x]).input(), Arr::of(&[1], &[y]).input()],
            &[&o],
        )
        .unwrap();
        assert_same(&o.scalars(), &[Scalar::new(want)], 0.0, "nextafter");
    }
    check(1f32, 2.0, 1.0 + f32::EPSILON);
    check(0f64, -1.0, -f64::from_bits(1));
    check(1f64, f64::NAN, f64::NAN);
    let h = f16::from_f32;
    check(h(1.0), h(2.0), f16::from_bits(h(1.0).to_bits() + 1));
    check(h(0.0), h(-1.0), f16::from_bits(0x8001));
    check(f16::from_bits(1), h(-1.0), h(0.0));
    check(h(-1.0), h(-2.0), f16::from_bits(h(-1.0).to_bits() + 1));
    check(f16::MAX, f16::INFINITY, f16::INFINITY);
}

#[test]
fn select_in_every_form() {
    let mut rng = Rng(1);
    for d in DType::ALL {
        let n = 300;
        let c = rng.smalls(DType::Bool, n);
        let (x, y) = (rng.smalls(d, n), rng.smalls(d, n));
        let pick = |c: &Scalar, x: &Scalar, y: &Scalar| if c.get::<bool>().unwrap() { *x } else { *y };
        for bits in 0..8u32 {
            let b = Builder::new();
            let id = b.input(DType::Bool).select(b.input(d), b.input(d)).id();
            let p = Arc::new(b.finish("select", &[id], bits));
            let (ca, xa, ya) = (
                Arr::new(&[n], Lay::Contiguous, &c),
                Arr::new(&[n], Lay::Contiguous, &x),
                Arr::new(&[n], Lay::Contiguous, &y),
            );
            let s = |k: u32| bits >> k & 1 == 1;
            let inputs = [
                if s(0) { Input::Scalar(c[0]) } else { ca.input() },
                if s(1) { Input::Scalar(x[0]) } else { xa.input() },
                if s(2) { Input::Scalar(y[0]) } else { ya.input() },
            ];
            let at = |k: u32, i: usize| if s(k) { 0 } else { i };
            let want: Vec<Scalar> = (0..n).map(|i| pick(&c[at(0, i)], &x[at(1, i)], &y[at(2, i)])).collect();
            let o = Arr::zeros(d, &[n]);
            elementwise(&p, &inputs, &[&o]).unwrap();
            assert_same(&o.scalars(), &want, 0.0, &format!("select {d} {bits}"));
            // Over its second value.
            elementwise(&p, &inputs, &[&ya]).unwrap();
            assert_same(&ya.scalars(), &want, 0.0, &format!("select in place {d} {bits}"));
        }
    }
}

#[test]
fn complex_from_parts() {
    let o = Arr::zeros(DType::C64, &[2]);
    elementwise(
        &prim(Prim::Complex, &[DType::F32; 2]),
        &[Arr::of(&[2], &[1f32, 2.0]).input(), Arr::of(&[2], &[3f32, 4.0]).input()],
        &[&o],
    )
    .unwrap();
    assert_eq!(
        o.values::<num_complex::Complex32>(),
        [num_complex::Complex32::new(1.0, 3.0), num_complex::Complex32::new(2.0, 4.0)]
    );
}

/// NumPy's conversion on x86-64 of one element.
fn cast_reference(x: Scalar, to: DType) -> Scalar {
    let n = match x.number() {
        Number::Complex(c) if !to.is_complex() && to != DType::Bool => Number::Float(c.re),
        n => n,
    };
    match (n, to.int_range()) {
        (Number::Float(f), Some(_)) if to != DType::Bool => {
            let wide = |lo: f64, hi: f64, min: i128| if f >= lo && f < hi { f.trunc() as i128 } else { min };
            let i = match to {
                DType::I64 => wide(-2f64.powi(63), 2f64.powi(63), i64::MIN as i128),
                DType::U32 => wide(-2f64.powi(63), 2f64.powi(63), i64::MIN as i128),
                DType::U64 if f >= 2f64.powi(63) && f < 2f64.powi(64) => f as i128,
                DType::U64 if f >= 2f64.powi(64) => 0,
                DType::U64 => wide(-2f64.powi(63), 2f64.powi(63), i64::MIN as i128),
                _ => wide(-2147483648.0, 2147483648.0, i32::MIN as i128),
            };
            Number::Int(i).cast(to)
        }
        (Number::Float(f), None) if to == DType::F16 => {
            // Round to odd by hand: `half` itself goes through float32.
            let t = f as f32;
            let exact = t as f64 == f || f.is_nan();
            let down = if (t as f64).abs() > f.abs() { f32::from_bits(t.to_bits() - 1) } else { t };
            Scalar::new(f16::from_f32(if exact { t } else { f32::from_bits(down.to_bits() | 1) }))
        }
        _ => n.cast(to),
    }
}

#[test]
fn casts_between_all_dtypes() {
    for from in DType::ALL {
        let mut v = samples(from);
        if from.is_inexact() {
            let more = [
                300.0,
                -129.0,
                65535.7,
                70000.0,
                3e9,
                -3e9,
                5e18,
                1.2e19,
                2e19,
                1e30,
                -1e30,
                1e-9,
                2049.0 + 1e-9,
                65519.99999,
            ];
            v.extend(more.map(|x| Number::Float(x).cast(from)));
        }
        for to in DType::ALL {
            let o = Arr::zeros(to, &[v.len()]);
            elementwise(&cast(from, to), &[Arr::new(&[v.len()], Lay::Contiguous, &v).input()], &[&o])
                .unwrap();
            for (x, got) in v.iter().zip(o.scalars()) {
                let want = cast_reference(*x, to);
                assert!(same(got, want, 0.0), "{x:?} as {to}: {got:?}, expected {want:?}");
            }
        }
    }
}
