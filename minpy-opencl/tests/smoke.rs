//! smoke
use minpy_core::{Array, DeviceRef, Result, ops};
use minpy_opencl as _;
use std::time::Instant;
fn cpu() -> f64 { let s = std::fs::read_to_string("/proc/self/stat").unwrap(); let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect(); (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0 }
fn dev() -> Option<DeviceRef> { minpy_core::device::devices("opencl").ok()?.first().copied() }
fn f32s(d: DeviceRef, v: &[f32], shape: &[usize]) -> Array {
    Array::from_bytes(d, &v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>(), shape, minpy_core::DType::F32).unwrap()
}
#[test]
fn smoke() -> Result<()> {
    let t = Instant::now();
    let Some(d) = dev() else { println!("no opencl"); return Ok(()) };
    println!("probe {:?} {:?} {:?}", t.elapsed(), d.capabilities(), d.downcast::<minpy_opencl::OpenClDevice>().map(|d| minpy_core::codegen::CDevice::tuning(d).clone()));
    let n = 1000;
    let x = f32s(d, &(0..n).map(|i| i as f32 * 0.01).collect::<Vec<_>>(), &[n]);
    let t = Instant::now();
    let y = ops::add(&x, &x)?;
    println!("launch {:?}", t.elapsed());
    println!("{:?} {:?}", &y.to_vec::<f32>()?[..5], t.elapsed());
    let t = Instant::now();
    let z = ops::exp(&ops::multiply(&y, 0.5f64)?)?;
    println!("{:?} {:?}", &z.to_vec::<f32>()?[..5], t.elapsed());
    let m = ops::reshape(&x, &[10, 100])?;
    let t = Instant::now();
    println!("{:?} {:?}", ops::sum(&m, Some(&[1]), false)?.to_vec::<f32>()?, t.elapsed());
    println!("{:?}", &ops::sum(&m, Some(&[0]), false)?.to_vec::<f32>()?[..4]);
    println!("{:?}", ops::sum(&m, None, false)?.to_vec::<f32>()?);
    let t = Instant::now();
    let p = ops::matmul(&m, &m.t())?;
    println!("{:?} {:?}", &p.to_vec::<f32>()?[..4], t.elapsed());
    // launch cost
    let a = f32s(d, &vec![1.0; 1024], &[32, 32]);
    let mut b = ops::add(&a, &a)?;
    d.synchronize()?;
    let t = Instant::now();
    for _ in 0..5000 { b = ops::add(&a, &b)?; }
    println!("op cost {:?}", t.elapsed() / 5000);
    d.synchronize()?;
    println!("op cost synced {:?}", t.elapsed() / 5000);
    // bandwidth
    let a = f32s(d, &vec![1.0; 1 << 24], &[1 << 12, 1 << 12]);
    let mut b = ops::add(&a, &a)?;
    d.synchronize()?;
    let t = Instant::now();
    for _ in 0..10 { b = ops::add(&a, &b)?; }
    d.synchronize()?;
    println!("add GB/s {:.1}", 10.0 * 3.0 * (1u64 << 26) as f64 / t.elapsed().as_secs_f64() / 1e9);
    for (name, axes) in [("all", None), ("1", Some(&[1isize][..])), ("0", Some(&[0isize][..]))] {
        let mut s = ops::sum(&a, axes, false)?; d.synchronize()?;
        let t = Instant::now();
        for _ in 0..10 { s = ops::sum(&a, axes, false)?; }
        d.synchronize()?;
        println!("sum {name} GB/s {:.1} {:?}", 10.0 * (1u64 << 26) as f64 / t.elapsed().as_secs_f64() / 1e9, s.to_vec::<f32>()?[0]);
    }
    let t0 = ops::copy(&a.t())?; d.synchronize()?;
    let t = Instant::now();
    let _t1 = ops::copy(&a.t())?; d.synchronize()?; drop(t0);
    println!("transpose copy GB/s {:.1}", 2.0 * (1u64 << 26) as f64 / t.elapsed().as_secs_f64() / 1e9);
    for n in [64usize, 256, 1024] {
        let a = f32s(d, &vec![1.0; n * n], &[n, n]);
        for (s, b) in [("nn", a.clone()), ("nt", a.t())] {
            let mut c = ops::matmul(&a, &b)?; d.synchronize()?;
            let reps = (1 << 31) / (n * n * n) + 1;
            let t = Instant::now(); let c0 = cpu();
            for _ in 0..reps { c = ops::matmul(&a, &b)?; }
            d.synchronize()?;
            println!("matmul {s} {n} GFLOP/cpu-s {:.1} GFLOP/s {:.1} {}", reps as f64 * 2.0 * (n * n * n) as f64 / (cpu() - c0) / 1e9, reps as f64 * 2.0 * (n * n * n) as f64 / t.elapsed().as_secs_f64() / 1e9, c.to_vec::<f32>()?[n]);
        }
    }
    println!("builds {:?} {:?}", d.downcast::<minpy_opencl::OpenClDevice>().map(|d| d.builds()), d.memory_stats());
    Ok(())
}
#[test]
fn cost() {
    use minpy_core::kernel::*; use minpy_core::codegen::*;
    let Some(d) = dev() else { return };
    let a = f32s(d, &vec![1.0; 1024], &[32, 32]);
    let b = f32s(d, &vec![1.0; 1024], &[32, 32]);
    let op = minpy_core::registry::global().unwrap().op("add").unwrap();
    let p = op.elementwise().unwrap().same_dtype_program("add", minpy_core::DType::F32, 2, 0).unwrap();
    let view = |a: &'static Array| View { memory: a.buffer().memory().unwrap(), dtype: a.dtype(), shape: a.shape(), strides: a.layout().strides(), offset: 0 };
    let (a, b): (&'static Array, &'static Array) = (Box::leak(Box::new(a)), Box::leak(Box::new(b)));
    let inputs = [Input::View(view(a)), Input::View(view(a))];
    let outputs = [view(b)];
    let call = KernelCall { op: "add", work: &Work::Elementwise, program: Some(p), inputs: &inputs, outputs: &outputs };
    let dev = d.downcast::<minpy_opencl::OpenClDevice>().unwrap();
    let n = 100000;
    let c = cpu(); for _ in 0..n { std::hint::black_box(plan(&call, dev.tuning()).unwrap()); } println!("plan {:.3} us", (cpu() - c) / n as f64 * 1e6);
    run(dev, &call).unwrap(); d.synchronize().unwrap();
    let (c, t) = (cpu(), Instant::now()); for _ in 0..n { run(dev, &call).unwrap(); } let t1 = t.elapsed(); d.synchronize().unwrap(); println!("run {:.3} cpu-us (with the kernel), wall {:?} {:?}", (cpu() - c) / n as f64 * 1e6, t1 / n, t.elapsed() / n);
}
