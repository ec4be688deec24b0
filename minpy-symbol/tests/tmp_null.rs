use minpy_core::device::*; use minpy_core::*; use minpy_symbol::*;
struct Null(Capabilities);
impl Device for Null {
    fn name(&self) -> &'static str { "cpu" }
    fn ordinal(&self) -> usize { 0 }
    fn capabilities(&self) -> &Capabilities { &self.0 }
    fn allocate(&self, bytes: usize) -> Result<Memory> { let v = vec![0u8; bytes.max(1)].into_boxed_slice(); Ok(Memory { handle: Box::leak(v).as_mut_ptr() as usize, offset: 0, bytes }) }
    fn free(&self, _: Memory) {}
    fn upload(&self, _: &[u8], _: &Memory, _: usize) -> Result<()> { Ok(()) }
    fn download(&self, _: &Memory, _: usize, _: &mut [u8]) -> Result<()> { Ok(()) }
    fn copy(&self, _: &Memory, _: usize, _: &Memory, _: usize, _: usize) -> Result<()> { Ok(()) }
    fn synchronize(&self) -> Result<()> { Ok(()) }
    fn memory_stats(&self) -> MemoryStats { Default::default() }
    fn trim(&self) {}
    fn as_any(&self) -> &dyn std::any::Any { self }
}
minpy_core::driver!(pub DRIVER: "cpu", || vec![Box::new(Null(Capabilities { description: "null".into(), dtypes: DTypeSet::ALL, host_accessible: true, total_memory: 0 }))]);
fn nothing(_: DeviceRef, _: &minpy_core::kernel::KernelCall) -> Result<()> { Ok(()) }
use minpy_core::kernel::Family;
use minpy_core::registry::{KernelEntry, Slot, Item};
fn mlp(layers: usize) -> Symbol {
    let mut net = Symbol::variable("data");
    let a = |n: i64| vec![("num_hidden".to_string(), Value::Int(n))];
    for _ in 0..layers - 1 {
        net = Symbol::apply("FullyConnected", None, &[(None, &net)], &a(64)).unwrap();
        net = Symbol::apply("Activation", None, &[(None, &net)], &[("act_type".into(), "relu".into())]).unwrap();
    }
    net = Symbol::apply("FullyConnected", None, &[(None, &net)], &a(10)).unwrap();
    Symbol::apply("SoftmaxOutput", Some("softmax"), &[(None, &net)], &[("normalization".into(), "batch".into())]).unwrap()
}
#[test]
fn smoke() {
    let ks: Vec<Item> = Family::ALL.iter().filter(|f| **f != Family::Custom).map(|f| Item::Kernel(Box::leak(Box::new(KernelEntry { device: "cpu", slot: Slot::Family(*f), dtypes: DTypeSet::ALL, run: nothing, file: file!(), line: line!() })))).collect();
    minpy_core::registry::register(&ks).unwrap();
    let net = mlp(3);
    println!("{:?}", net.list_arguments());
    let i = net.infer(&[Known::shape("data", &[32, 784])]).unwrap();
    println!("{i:?}");
    let mut ex = net.simple_bind(device::host().unwrap(), &[Known::shape("data", &[32, 784])], |_| GradReq::Write).unwrap();
    println!("{:?}", ex.report());
    println!("{}", ex.dump());
    ex.forward(true).unwrap();
    ex.backward(None).unwrap();
    let net = mlp(51);
    let t = std::time::Instant::now();
    let mut ex = net.simple_bind(device::host().unwrap(), &[Known::shape("data", &[32, 784])], |_| GradReq::Write).unwrap();
    println!("bind {:?} {:?}", t.elapsed(), ex.report());
    for _ in 0..5 {
    let t = std::time::Instant::now();
    for _ in 0..100 { ex.forward(true).unwrap(); ex.backward(None).unwrap(); }
    println!("step {:?}", t.elapsed() / 100);
    }
}
