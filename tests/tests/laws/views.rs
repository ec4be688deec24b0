//! Views and in-place writes against a naive model: a view is a list of positions, a write reads everything first.

use minpy_core::backend::ScatterMode;
use minpy_core::context::with_device;
use minpy_core::{Array, Attrs, DeviceRef, Operand, Result, Target, device, ops};
use proptest::prelude::*;

/// A view in the model: base, shape, and the position of every element in C order.
#[derive(Clone, Debug)]
struct View {
    base: usize,
    shape: Vec<usize>,
    at: Vec<usize>,
}
impl View {
    fn strides(&self) -> Vec<usize> {
        (0..self.shape.len()).map(|i| self.shape[i + 1..].iter().product()).collect()
    }
    /// The view whose element `index` is element `f(index)` of this one.
    fn pick(&self, shape: Vec<usize>, f: impl Fn(&[usize]) -> Vec<usize>) -> View {
        let strides = self.strides();
        let total: usize = shape.iter().product();
        let at = (0..total)
            .map(|mut k| {
                let mut index = vec![0; shape.len()];
                for i in (0..shape.len()).rev() {
                    index[i] = k % shape[i];
                    k /= shape[i];
                }
                self.at[f(&index).iter().zip(&strides).map(|(i, s)| i * s).sum::<usize>()]
            })
            .collect();
        View { base: self.base, shape, at }
    }
}

/// The real arrays and the model, side by side.
struct World {
    bases: Vec<(Array, Vec<i32>)>,
    views: Vec<(Array, View)>,
}
/// One random step: what, on which views, with which numbers.
type Step = (u8, u8, u8, u8, u8, i8);

impl World {
    fn new() -> Result<World> {
        let mut w = World { bases: Vec::new(), views: Vec::new() };
        for shape in [&[2, 3, 4][..], &[12], &[4, 4]] {
            let n: usize = shape.iter().product();
            let data: Vec<i32> = (0..n as i32).map(|i| i * 3 - 7).collect();
            w.add(Array::from_slice(&data, shape)?, data);
        }
        Ok(w)
    }
    fn add(&mut self, a: Array, data: Vec<i32>) {
        let view = View { base: self.bases.len(), shape: a.shape().to_vec(), at: (0..data.len()).collect() };
        self.bases.push((a.clone(), data));
        self.views.push((a, view));
    }
    fn values(&self, v: &View) -> Vec<i32> {
        v.at.iter().map(|&i| self.bases[v.base].1[i]).collect()
    }
    fn write(&mut self, v: &View, values: &[i32]) {
        for (&i, &x) in v.at.iter().zip(values) {
            self.bases[v.base].1[i] = x;
        }
    }
    /// The target, and a source of its shape (or one that is broadcast to it), with the source's values.
    fn pair(&self, x: u8, y: u8) -> Option<(Array, View, Array, Vec<i32>)> {
        let (out, v) = self.views[x as usize % self.views.len()].clone();
        let candidates: Vec<&(Array, View)> = self
            .views
            .iter()
            .filter(|(_, u)| {
                u.shape == v.shape
                    || !v.shape.is_empty() && u.shape == v.shape[1..] && u.shape.len() + 1 == v.shape.len()
            })
            .collect();
        let (src, u) = candidates.get(y as usize % candidates.len().max(1))?;
        let values = self.values(u);
        let spread = if values.is_empty() {
            Vec::new()
        } else {
            (0..v.at.len()).map(|i| values[i % values.len()]).collect()
        };
        Some((out, v, src.clone(), spread))
    }
    fn step(&mut self, (kind, x, y, p, q, c): Step) -> Result<()> {
        let (a, v) = self.views[x as usize % self.views.len()].clone();
        let (p, q) = (p as usize, q as usize);
        let axis = if v.shape.is_empty() { 0 } else { p % v.shape.len() };
        match kind % 14 {
            // Views.
            0 if !v.shape.is_empty() && v.shape[axis] > 0 => {
                let n = v.shape[axis];
                let start = q % n;
                let step = [1isize, 2, -1, -2, 3][(y % 5) as usize];
                let room =
                    if step > 0 { (n - 1 - start) / step as usize } else { start / step.unsigned_abs() };
                let len = 1 + (c as u8 as usize) % (room + 1);
                let mut shape = v.shape.clone();
                shape[axis] = len;
                let at = |i: &[usize]| {
                    let mut i = i.to_vec();
                    i[axis] = (start as isize + i[axis] as isize * step) as usize;
                    i
                };
                self.views.push((a.slice(axis, start, step, len), v.pick(shape, at)));
            }
            1 => {
                let shape: Vec<usize> = v.shape.iter().rev().copied().collect();
                self.views.push((a.t(), v.pick(shape, |i| i.iter().rev().copied().collect())));
            }
            2 if !v.shape.is_empty() && v.shape[axis] > 0 => {
                let k = q % v.shape[axis];
                let mut shape = v.shape.clone();
                shape.remove(axis);
                let view = a.view(a.layout().select(axis, k));
                self.views.push((view, v.pick(shape, |i| [&i[..axis], &[k], &i[axis..]].concat())));
            }
            3 => {
                // A reshape is a view or a copy; the model learns which from the array.
                let n = v.at.len();
                let shape = [vec![n], vec![1, n], vec![2, n / 2], vec![n / 3, 3]][q % 4].clone();
                if shape.iter().product::<usize>() == n && n > 0 {
                    let signed: Vec<isize> = shape.iter().map(|&n| n as isize).collect();
                    let r = ops::reshape(&a, &signed)?;
                    if r.may_share_memory(&a) {
                        self.views.push((r, View { base: v.base, shape, at: v.at.clone() }));
                    } else {
                        self.add(r, self.values(&v));
                    }
                }
            }
            // Writes.
            4 => {
                ops::assign(&a, c as i64)?;
                self.write(&v, &vec![c as i32; v.at.len()]);
            }
            5..=7 => {
                let Some((out, v, src, new)) = self.pair(x, y) else { return Ok(()) };
                let old = self.values(&v);
                let (op, f): (_, fn(i32, i32) -> i32) = match kind % 14 {
                    5 => (&ops::ADD, |a, b| a.wrapping_add(b)),
                    6 => (&ops::MAXIMUM, |a, b| a.max(b)),
                    _ => (&ops::SUBTRACT, |a, b| a.wrapping_sub(b)),
                };
                ops::call(
                    op,
                    Attrs::NONE,
                    &[Operand::Array(&out), Operand::Array(&src)],
                    None,
                    Target::Into(&out),
                )?;
                let result: Vec<i32> = old.iter().zip(&new).map(|(&a, &b)| f(a, b)).collect();
                self.write(&v, &result);
            }
            8 => {
                let Some((out, v, src, new)) = self.pair(x, y) else { return Ok(()) };
                ops::assign(&out, &src)?;
                self.write(&v, &new);
            }
            9 => {
                // Where the target itself is small.
                let Some((out, v, src, new)) = self.pair(x, y) else { return Ok(()) };
                let old = self.values(&v);
                ops::assign_where(&out, &src, &ops::less(&out, c as i64)?)?;
                let result: Vec<i32> =
                    old.iter().zip(&new).map(|(&o, &n)| if o < c as i32 { n } else { o }).collect();
                self.write(&v, &result);
            }
            10 if !v.shape.is_empty() && v.shape[0] > 0 => {
                // Rows added at repeated indices.
                let n = v.shape[0];
                let rows = [q % n, p % n, q % n];
                let index = Array::from_slice(&rows.map(|r| r as i64 - n as i64), &[3])?;
                let one = Array::from_slice(&[c as i32], &[])?;
                ops::scatter_into(&a, &[index], &one, ScatterMode::Combine(minpy_core::backend::Prim::Add))?;
                let inner = v.at.len() / n;
                for r in rows {
                    for &i in &v.at[r * inner..(r + 1) * inner] {
                        let cell = &mut self.bases[v.base].1[i];
                        *cell = cell.wrapping_add(c as i32);
                    }
                }
            }
            11 if !v.shape.is_empty() => {
                let line = |axis: usize| {
                    let (n, inner) = (v.shape[axis], v.strides()[axis]);
                    (0..v.at.len())
                        .filter(move |i| (i / inner) % n == 0)
                        .map(move |i| (0..n).map(|k| i + k * inner).collect::<Vec<_>>())
                };
                ops::call(
                    &ops::SORT,
                    Attrs::of(&ops::Axis(axis)),
                    &[Operand::Array(&a)],
                    None,
                    Target::Into(&a),
                )?;
                let mut values = self.values(&v);
                if !values.is_empty() {
                    for l in line(axis).collect::<Vec<_>>() {
                        let mut s: Vec<i32> = l.iter().map(|&i| values[i]).collect();
                        s.sort_unstable();
                        l.iter().zip(s).for_each(|(&i, x)| values[i] = x);
                    }
                }
                self.write(&v, &values);
            }
            12 => {
                let data = self.values(&v);
                let c = ops::contiguous(&ops::copy(&a)?)?;
                self.add(c, data);
            }
            13 => {
                let data: Vec<i32> = self.values(&v).iter().map(|x| x.wrapping_mul(c as i32)).collect();
                let r = ops::contiguous(&ops::multiply(&a, c as i64)?)?;
                self.add(r, data);
            }
            _ => {}
        }
        Ok(())
    }
    fn compare(&self) -> std::result::Result<(), TestCaseError> {
        for (k, (a, v)) in self.views.iter().enumerate() {
            prop_assert_eq!(a.shape(), &v.shape[..], "shape of view {}", k);
            prop_assert_eq!(
                a.to_vec::<i32>().unwrap(),
                self.values(v),
                "view {} of base {}: {:?}",
                k,
                v.base,
                a.layout()
            );
        }
        Ok(())
    }
}

fn programs(d: DeviceRef, steps: Vec<Step>) -> std::result::Result<(), TestCaseError> {
    with_device(d, || {
        let mut w = World::new().unwrap();
        for s in steps {
            if let Err(e) = w.step(s) {
                return Err(TestCaseError::fail(format!("{s:?}: {e:?}")));
            }
            if w.views.len() > 24 {
                w.views.remove(3);
            }
        }
        w.compare()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn programs_of_views_and_writes_on_cpu(steps in prop::collection::vec(any::<Step>(), 1..40)) {
        programs(device::host().unwrap(), steps)?;
    }
}
/// The first device of every other backend linked here. Where OpenCL is required, finding none is a failure.
fn other_devices() -> Vec<DeviceRef> {
    let r = minpy_core::backend::registry::global().unwrap();
    let found: Vec<DeviceRef> =
        r.all_devices().filter(|d| !d.is_host() && d.name() != "null" && d.ordinal() == 0).collect();
    let required = std::env::var("MINPY_REQUIRE_OPENCL").is_ok_and(|v| v == "1");
    assert!(
        !required || found.iter().any(|d| d.name() == "opencl"),
        "MINPY_REQUIRE_OPENCL=1, no OpenCL device"
    );
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn programs_of_views_and_writes_on_every_other_device(steps in prop::collection::vec(any::<Step>(), 1..30)) {
        for d in other_devices() {
            programs(d, steps.clone())?;
        }
    }
}

/// `a[i] += a[j]` for every pair of slices of one length.
#[test]
fn in_place_addition_for_every_pair_of_slices() {
    const N: usize = 7;
    let mut slices = Vec::new();
    for start in 0..N {
        for step in [-3isize, -2, -1, 1, 2, 3] {
            for len in 1..=N {
                let last = start as isize + step * (len as isize - 1);
                if (0..N as isize).contains(&last) {
                    slices.push((start, step, len));
                }
            }
        }
    }
    let mut pairs = 0;
    for &(s, p, n) in &slices {
        for &(t, q, m) in slices.iter().filter(|x| x.2 == n || x.2 == 1) {
            let mut model: Vec<f32> = (0..N).map(|i| (1 << i) as f32).collect();
            let a = Array::from_slice(&model, &[N]).unwrap();
            let (x, y) = (a.slice(0, s, p, n), a.slice(0, t, q, m));
            ops::call(
                &ops::ADD,
                Attrs::NONE,
                &[Operand::Array(&x), Operand::Array(&y)],
                None,
                Target::Into(&x),
            )
            .unwrap();
            let before = model.clone();
            for k in 0..n {
                let from = (t as isize + q * if m == 1 { 0 } else { k as isize }) as usize;
                model[(s as isize + p * k as isize) as usize] += before[from];
            }
            assert_eq!(a.to_vec::<f32>().unwrap(), model, "a[{s}, step {p}, {n}] += a[{t}, step {q}, {m}]");
            pairs += 1;
        }
    }
    assert!(pairs > 1000);
}
