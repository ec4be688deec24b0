//! Random programs against the same operations one by one: joined loops must not change a bit.

mod support;
use minpy_core::backend::{Builder, E, Input, Prim, Program};
use minpy_core::{DType, Number, Scalar};
use std::sync::Arc;
use support::*;

/// What a node of a random program does.
#[derive(Clone, Copy, Debug)]
enum Op {
    Input(usize),
    Const(f64),
    Unary(Prim, usize),
    Binary(Prim, usize, usize),
    /// A comparison of two values chooses between two.
    Choose(Prim, [usize; 4]),
}

fn below(rng: &mut Rng, n: usize) -> usize {
    (rng.next() >> 33) as usize % n
}

fn random(rng: &mut Rng, inputs: usize, nodes: usize) -> Vec<Op> {
    use Prim::*;
    let mut ops: Vec<Op> = (0..inputs).map(Op::Input).collect();
    ops.extend([0.5, 2.0, 3.0, -0.125].map(Op::Const));
    for _ in 0..nodes {
        // Mostly recent values, so that many have one reader only.
        let last = ops.len();
        let mut arg = || if below(rng, 3) > 0 { last - 1 - below(rng, 5) } else { below(rng, last) };
        let (a, b) = (arg(), arg());
        let unary = [Neg, Abs, Exp, Tanh, Sqrt];
        let binary = [Add, Sub, Mul, Add, Sub, Mul, Maximum, Minimum, Div];
        if below(rng, 8) == 0 {
            let compare = [Eq, Ne, Lt, Le, Gt, Ge][below(rng, 6)];
            let (c, d) = (below(rng, last), below(rng, last));
            ops.push(Op::Choose(compare, [a, b, c, d]));
            continue;
        }
        ops.push(if below(rng, 5) == 0 {
            Op::Unary(unary[below(rng, unary.len())], a)
        } else {
            Op::Binary(binary[below(rng, binary.len())], a, b)
        });
    }
    ops
}

fn program(ops: &[Op], dtype: DType, outputs: &[usize], scalars: u32) -> Arc<Program> {
    let b = Builder::new();
    let mut values: Vec<E> = Vec::new();
    for &op in ops {
        values.push(match op {
            Op::Input(_) => b.input(dtype),
            Op::Const(v) => b.constant(Number::Float(v).cast(dtype)),
            Op::Unary(p, a) => values[a].unary(p),
            Op::Binary(p, x, y) => values[x].binary(p, values[y]),
            Op::Choose(p, [x, y, c, d]) => values[x].binary(p, values[y]).select(values[c], values[d]),
        });
    }
    let ids: Vec<_> = outputs.iter().map(|&o| values[o].id()).collect();
    Arc::new(b.finish("random", &ids, scalars))
}

/// Bits, all NaN alike: which NaN comes out of two is not defined.
fn bits(a: &Arr) -> Vec<u64> {
    let bit = |s: &Scalar| match s.dtype() {
        DType::F32 => s.get::<f32>().map_or(0, |x| if x.is_nan() { 1 } else { x.to_bits() as u64 }),
        _ => s.get::<f64>().map_or(0, |x| if x.is_nan() { 1 } else { x.to_bits() }),
    };
    a.scalars().iter().map(bit).collect()
}

#[test]
fn joined_steps_change_no_bit() {
    let mut rng = Rng(11);
    for round in 0..400 {
        let dtype = [DType::F32, DType::F64][round % 2];
        let shape = [&[1][..], &[15], &[16], &[3, 7], &[100], &[5000]][below(&mut rng, 6)];
        let n: usize = shape.iter().product();
        let nodes = 2 + below(&mut rng, 40);
        let ops = random(&mut rng, 3, nodes);
        // Some values are special.
        let value = |rng: &mut Rng| match below(rng, 40) {
            0 => 0.0,
            1 => -0.0,
            2 => f64::INFINITY,
            3 => f64::NAN,
            _ => rng.unit() * 4.0 - 2.0,
        };
        let layout = |rng: &mut Rng| LAYS[below(rng, LAYS.len())];
        let mut input = || {
            let values: Vec<Scalar> = (0..n).map(|_| Number::Float(value(&mut rng)).cast(dtype)).collect();
            Arr::new(shape, layout(&mut rng), &values)
        };
        let arrays = [input(), input()];
        let third = Number::Float([0.25, 7.0, 0.0][round % 3]).cast(dtype);

        // One by one.
        let mut values: Vec<Arr> = Vec::new();
        for &op in &ops {
            let out = Arr::empty(dtype, shape, Lay::Contiguous);
            match op {
                Op::Input(i) if i < 2 => {
                    let plain = Arr::new(shape, Lay::Contiguous, &arrays[i].scalars());
                    values.push(plain);
                    continue;
                }
                Op::Input(_) => out.put(&vec![third; n]),
                Op::Const(v) => out.put(&vec![Number::Float(v).cast(dtype); n]),
                Op::Unary(p, a) => elementwise(&prim(p, &[dtype]), &[values[a].input()], &[&out]).unwrap(),
                Op::Binary(p, a, b) => {
                    let args = [values[a].input(), values[b].input()];
                    elementwise(&prim(p, &[dtype; 2]), &args, &[&out]).unwrap();
                }
                Op::Choose(p, [a, b, c, d]) => {
                    let which = Arr::empty(DType::Bool, shape, Lay::Contiguous);
                    let args = [values[a].input(), values[b].input()];
                    elementwise(&prim(p, &[dtype; 2]), &args, &[&which]).unwrap();
                    let args = [which.input(), values[c].input(), values[d].input()];
                    let select = prim(Prim::Select, &[DType::Bool, dtype, dtype]);
                    elementwise(&select, &args, &[&out]).unwrap();
                }
            }
            values.push(out);
        }

        let last = ops.len() - 1;
        let inputs = [arrays[0].input(), arrays[1].input(), Input::Scalar(third)];
        for outputs in [vec![last], vec![last, last - 1 - below(&mut rng, last.min(6))]] {
            let p = program(&ops, dtype, &outputs, 0b100);
            let outs: Vec<Arr> = outputs.iter().map(|_| Arr::empty(dtype, shape, layout(&mut rng))).collect();
            elementwise(&p, &inputs, &outs.iter().collect::<Vec<_>>()).unwrap();
            for (got, &o) in outs.iter().zip(&outputs) {
                assert_eq!(bits(got), bits(&values[o]), "round {round}: {ops:?}, output {o}");
            }
        }
        // In place: the output is an input.
        let p = program(&ops, dtype, &[last], 0b100);
        elementwise(&p, &inputs, &[&arrays[0]]).unwrap();
        assert_eq!(bits(&arrays[0]), bits(&values[last]), "round {round}, in place: {ops:?}");
    }
}
