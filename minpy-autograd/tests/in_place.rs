//! Writes under the tape: through views, masks and index arrays, in every order with reads; each against differences.

use minpy_autograd::{Session, check_gradients, grad, value_and_grad};
use minpy_core::{Array, Attrs, DType, Layout, Operand, Result, Scalar, Target, ops};
use minpy_cpu as _;

fn data(n: usize) -> Array {
    let v: Vec<f64> = (0..n).map(|i| ((i * 37 + 5) % 23) as f64 / 11.0 - 0.9).collect();
    Array::from_slice(&v, &[n]).unwrap()
}
#[track_caller]
fn check(f: impl Fn(&[Array]) -> Result<Array>, args: &[Array]) {
    if let Err(e) = check_gradients(&f, args, 2, 2e-6) {
        panic!("{e}");
    }
}
fn into(op: &'static minpy_core::OpDef, a: &Array, b: &Array, out: &Array) -> Result<()> {
    ops::call(op, Attrs::NONE, &[Operand::Array(a), Operand::Array(b)], None, Target::Into(out)).map(drop)
}
fn sum_of_squares(a: &Array) -> Result<Array> {
    ops::sum(&ops::multiply(a, a)?, None, false)
}

#[test]
fn a_write_through_a_view_changes_the_base() {
    check(
        |x| {
            let a = ops::copy(&x[0])?;
            let b = a.slice(0, 1, 1, 4);
            into(&ops::MULTIPLY, &b, &x[0].slice(0, 0, 1, 4), &b)?;
            sum_of_squares(&a)
        },
        &[data(5)],
    );
}
#[test]
fn overlapping_views_of_one_buffer() {
    check(
        |x| {
            let a = ops::copy(&x[0])?;
            into(&ops::ADD, &a.slice(0, 1, 1, 4), &a.slice(0, 0, 1, 4), &a.slice(0, 1, 1, 4))?;
            sum_of_squares(&a)
        },
        &[data(5)],
    );
    check(
        |x| {
            let a = ops::copy(&x[0])?;
            into(&ops::MULTIPLY, &a, &a.slice(0, 4, -1, 5), &a)?;
            ops::exp(&a)
        },
        &[data(5)],
    );
    check(
        |x| {
            let m = ops::reshape(&ops::copy(&x[0])?, &[3, 3])?;
            into(&ops::MULTIPLY, &m, &m.t(), &m)?;
            sum_of_squares(&m)
        },
        &[data(9)],
    );
}
#[test]
fn a_value_saved_and_then_overwritten() {
    check(
        |x| {
            let a = ops::copy(&x[0])?;
            // sin saves its input; the write comes after.
            let y = ops::sin(&a)?;
            ops::assign(&a.slice(0, 0, 2, 3), 0.25)?;
            ops::add(&ops::multiply(&y, &a)?, &y)
        },
        &[data(5)],
    );
    check(
        |x| {
            // exp saves its result.
            let y = ops::exp(&x[0])?;
            let z = ops::multiply(&y, &x[0])?;
            into(&ops::ADD, &y, &z, &y)?;
            ops::multiply(&y, &z)
        },
        &[data(4)],
    );
}
#[test]
fn reads_before_between_and_after_writes() {
    check(
        |x| {
            let a = ops::copy(&x[0])?;
            let first = ops::multiply(&a, &a)?;
            ops::assign(&a.slice(0, 0, 1, 2), &first.slice(0, 2, 1, 2))?;
            let second = ops::multiply(&a, 3.0)?;
            ops::assign(&a.slice(0, 1, 1, 3), &second.slice(0, 0, 1, 3))?;
            ops::add(&ops::multiply(&first, &second)?, &ops::multiply(&a, &a)?)
        },
        &[data(5)],
    );
}
#[test]
fn loops_that_write_row_by_row() {
    check(
        |x| {
            let out = ops::zeros(&[4, 3], DType::F64)?;
            let mut state = ops::copy(&x[0])?;
            for i in 0..4 {
                state = ops::tanh(&ops::multiply(&state, &x[1])?)?;
                ops::assign(&out.view(out.layout().select(0, i)), &state)?;
            }
            sum_of_squares(&out)
        },
        &[data(3), Array::from_slice(&[1.1, 0.7, -0.4], &[3]).unwrap()],
    );
}
#[test]
fn masks() {
    check(
        |x| {
            let a = ops::copy(&x[0])?;
            ops::assign_where(&a, &ops::multiply(&x[0], &x[0])?, &ops::greater(&x[0], 0.1)?)?;
            sum_of_squares(&a)
        },
        &[data(6)],
    );
    check(
        |x| {
            let (a, mask) = (ops::copy(&x[0])?, ops::less(&x[0], 0.2)?);
            ops::call(&ops::EXP, Attrs::NONE, &[Operand::Array(&x[1])], Some(&mask), Target::Into(&a))?;
            sum_of_squares(&a)
        },
        &[data(6), Array::from_slice(&[0.3f64], &[1]).unwrap()],
    );
}
#[test]
fn broadcast_writes() {
    check(
        |x| {
            let m = ops::zeros(&[3, 2], DType::F64)?;
            ops::assign(&m, &x[0])?;
            into(&ops::MULTIPLY, &m, &x[1], &m)?;
            sum_of_squares(&m)
        },
        &[data(2), ops::reshape(&data(3), &[3, 1]).unwrap()],
    );
}
#[test]
fn results_of_structured_operations_into_views() {
    check(
        |x| {
            let out = ops::copy(&ops::reshape(&x[0], &[2, 3])?)?;
            let row = out.view(out.layout().select(0, 1));
            let attrs = ops::reduce_attrs("sum", 2, Some(&[0]), false, None)?;
            ops::call(
                &ops::SUM,
                minpy_core::Attrs::of(&attrs),
                &[Operand::Array(&ops::multiply(&out, &out)?)],
                None,
                Target::Into(&row),
            )?;
            sum_of_squares(&out)
        },
        &[data(6)],
    );
    check(
        |x| {
            let a = ops::copy(&ops::reshape(&x[0], &[2, 2])?)?;
            ops::call(
                &ops::MATMUL,
                Attrs::NONE,
                &[Operand::Array(&a), Operand::Array(&a)],
                None,
                Target::Into(&a),
            )?;
            sum_of_squares(&a)
        },
        &[data(4)],
    );
}
#[test]
fn overwriting_with_a_constant_cuts_the_path() {
    let g = grad(
        |x| {
            let a = ops::multiply(&x[0], 2.0)?;
            ops::assign(&a.slice(0, 1, 1, 2), 7.0)?;
            ops::sum(&a, None, false)
        },
        &[data(4)],
    )
    .unwrap();
    assert_eq!(g[0].to_vec::<f64>().unwrap(), [2.0, 0.0, 0.0, 2.0]);
}
#[test]
fn the_argument_itself_may_be_written() {
    // The gradient is that with respect to the value that came in.
    let x = data(3);
    let before = x.to_vec::<f64>().unwrap();
    let (y, g) = value_and_grad(
        |x| {
            into(&ops::MULTIPLY, &x[0], &x[0], &x[0])?;
            ops::sum(&ops::multiply(&x[0], 3.0)?, None, false)
        },
        std::slice::from_ref(&x),
    )
    .unwrap();
    let want: f64 = before.iter().map(|x| 3.0 * x * x).sum();
    assert!((y.item().unwrap().number().to_f64() - want).abs() < 1e-12);
    for (g, x) in g[0].to_vec::<f64>().unwrap().iter().zip(&before) {
        assert!((g - 6.0 * x).abs() < 1e-12);
    }
}
#[test]
fn a_view_of_a_larger_array_as_argument() {
    let base = data(6);
    let v = base.slice(0, 5, -2, 3);
    let g = grad(|x| ops::sum(&ops::multiply(&x[0], &x[0])?, None, false), &[v.clone()]).unwrap();
    let want: Vec<f64> = v.to_vec::<f64>().unwrap().iter().map(|x| 2.0 * x).collect();
    assert_eq!((g[0].to_vec::<f64>().unwrap(), g[0].shape()), (want, &[3][..]));
}
#[test]
fn in_place_sort_of_a_reversed_view() {
    check(
        |x| {
            let a = ops::copy(&x[0])?;
            let v = a.slice(0, 4, -1, 5);
            ops::call(&ops::SORT, Attrs::of(&ops::Axis(0)), &[Operand::Array(&v)], None, Target::Into(&v))?;
            ops::multiply(&a, &x[0])
        },
        &[data(5)],
    );
}
/// Elements that `where=` leaves out are those at which the operation is not defined.
#[test]
fn a_mask_keeps_out_what_is_not_defined() {
    let under = |op: &'static minpy_core::OpDef, inputs: &[Operand], mask: &Array, out: &Array| {
        ops::call(op, Attrs::NONE, inputs, Some(mask), Target::Into(out))
    };
    let x = Array::from_slice(&[0.0, 1.5, 0.7], &[3]).unwrap();
    let positive = ops::greater(&x, 0.0).unwrap();
    let steep = [&ops::LOG, &ops::SQRT, &ops::RECIPROCAL];
    for op in steep {
        let f = |x: &[Array]| {
            let y = under(op, &[Operand::Array(&x[0])], &positive, &ops::multiply(&x[0], 3.0)?)?;
            ops::multiply(&y, &x[0])
        };
        // The mask is a constant: it does not follow the steps of the differences.
        check(f, std::slice::from_ref(&x));
        let g = grad(
            |x| ops::call(op, Attrs::NONE, &[Operand::Array(&x[0])], Some(&positive), Target::New),
            std::slice::from_ref(&x),
        )
        .unwrap();
        assert_eq!(g[0].to_vec::<f64>().unwrap()[0], 0.0, "{}", op.name);
    }
    let counts = Array::from_slice(&[0i64, 2, 3], &[3]).unwrap();
    let some = ops::not_equal(&counts, 0i64).unwrap();
    check(
        |a| {
            under(&ops::DIVIDE_, &[Operand::Array(&a[0]), Operand::Array(&counts)], &some, &ops::copy(&a[0])?)
        },
        &[data(3)],
    );
    check(
        |a| {
            under(
                &ops::DIVIDE_,
                &[Operand::Array(&a[0]), Operand::Array(&a[1])],
                &positive,
                &ops::copy(&a[0])?,
            )
        },
        &[data(3), x.clone()],
    );
}
#[test]
fn a_write_through_a_view_of_larger_items_keeps_all_that_was_saved() {
    let c = Array::from_slice(&[2.0f32, 3.0, 4.0], &[3]).unwrap();
    let g = grad(
        |w| {
            let y = ops::multiply(&w[0], &c)?;
            // Two of the three: a buffer of 12 bytes holds one float64 and a half.
            ops::assign(&Array::from_parts(c.buffer().clone(), Layout::contiguous(&[1]), DType::F64), 0.0)?;
            ops::sum(&y, None, false)
        },
        &[ops::ones(&[3], DType::F32).unwrap()],
    )
    .unwrap();
    assert_eq!(g[0].to_vec::<f32>().unwrap(), [2.0, 3.0, 4.0]);
    assert_eq!(c.to_vec::<f32>().unwrap(), [0.0, 0.0, 4.0]);
}
#[test]
fn a_part_of_memory_that_others_write_is_kept_alone() {
    const MEGA: usize = 1 << 20;
    let data = ops::ones(&[8 * MEGA], DType::F64).unwrap();
    data.share_for_good().unwrap();
    let batch = data.slice(0, 5 * MEGA, -1, 3);
    let used = || data.device().memory_stats().used;
    let session = Session::begin();
    let w = session.watch(&ops::ones(&[3], DType::F64).unwrap()).unwrap();
    let before = used();
    let y = ops::multiply(&w, &batch).unwrap();
    assert!(used() < before + MEGA, "the whole buffer was copied");
    // As NumPy writes: past the tape.
    minpy_core::internal::dispatch::fill_raw(&data, Scalar::new(7.0f64)).unwrap();
    let g = session.gradients(&[y], None, &[w]).unwrap().remove(0).unwrap();
    assert_eq!(g.to_vec::<f64>().unwrap(), [1.0; 3]);
}
