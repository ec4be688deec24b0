//! What this crate asks of a CUDA driver, without a GPU: libraries that stand for the driver and the compiler (`stub/`), which check
//! that a context is current, have 64 MiB of memory and compute nothing.
#![cfg(target_os = "linux")]

use minpy_core::context::{self, Policy};
use minpy_core::{Array, DType, DeviceRef, ErrorKind, Result, device, ops};
use minpy_cpu as _;
use minpy_cuda as _;
use minpy_tests::{Options, Subject, memory};
use std::path::Path;
use std::process::Command;

const MIB: usize = 1 << 20;

fn compile(name: &str, to: &Path) -> bool {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/stub/{name}.c"));
    let mut cc = Command::new("cc");
    cc.args(["-w", "-O1", "-shared", "-fPIC", "-o"]).arg(to.join(format!("lib{name}.so"))).arg(source);
    cc.status().is_ok_and(|s| s.success())
}

/// Libraries are looked for when a process begins, so the tests run in another one.
#[test]
fn against_a_stub() {
    let folder = std::env::temp_dir().join(format!("minpy-cuda-stub-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    if !compile("cuda", &folder) || !compile("nvrtc", &folder) {
        assert!(std::env::var_os("CI").is_none(), "no C compiler (cc), and nothing is left out in CI");
        eprintln!("skipped: no C compiler (cc)");
        return;
    }
    let run = |compiles: &str| {
        let mut again = Command::new(std::env::current_exe().expect("this program"));
        again.args(["--ignored", "--test-threads=1"]);
        again.env("LD_LIBRARY_PATH", &folder).env("MINPY_CACHE_DIR", folder.join("cache"));
        let output = again.env("STUB_COMPILES", compiles).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("5 passed"), "{text}");
    };
    run("1");
    // What the first one compiled lies on disk.
    run("0");
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}

fn stub() -> DeviceRef {
    device::device("cuda", 0).unwrap_or_else(|e| panic!("{e}"))
}
/// Without a way to the host.
fn strictly<R>(f: impl FnOnce() -> Result<R>) -> Result<R> {
    context::with_device(stub(), || context::with_policy(Policy::OnlyDevice, f))
}
fn array(n: usize) -> Result<Array> {
    Array::from_bytes(stub(), &vec![0; 4 * n], &[n], DType::F32)
}
fn computed(x: &Array) -> Result<()> {
    ops::exp(x)?.buffer().memory().map(drop)
}

#[test]
#[ignore = "run by `against_a_stub`"]
fn what_is_too_old_is_left_out_and_said() {
    let found = device::devices("cuda").expect("the registry is in order");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].capabilities().description, "Stub 0 (compute capability 9.0)");
    let why = minpy_core::backend::left_out("cuda").join("; ");
    assert!(
        why.contains("Stub 1 has compute capability 6.0") && why.contains("knows 7.5 and later"),
        "{why}"
    );
    assert_eq!(minpy_cuda::why_not(), None);
}

#[test]
#[ignore = "run by `against_a_stub`"]
fn transfers() {
    Subject::run("cuda", Options::DEFAULT, memory::transfers);
}

#[test]
#[ignore = "run by `against_a_stub`"]
fn every_entry_makes_the_context_current() {
    let (d, x) = (stub(), array(10).expect("an array"));
    // On a thread of its own, where nothing was called before.
    let on_its_own = |what: &str, f: &(dyn Fn() -> Result<()> + Sync)| {
        let done = std::thread::scope(|s| s.spawn(f).join());
        done.expect("no panic").unwrap_or_else(|e| panic!("{what}: {e}"));
    };
    d.trim();
    on_its_own("allocate", &|| d.allocate(3 * MIB).map(|m| d.free(m)));
    // The results below are blocks that the pool has.
    strictly(|| computed(&x)).expect("a result");
    let (m, n) = (d.allocate(MIB).expect("a block"), d.allocate(MIB).expect("a block"));
    on_its_own("a small upload", &|| d.upload(&[1; 4], &m, 0));
    on_its_own("an upload", &|| d.upload(&[1; 500], &m, 0));
    on_its_own("download", &|| d.download(&m, 0, &mut [0; 500]));
    on_its_own("copy", &|| d.copy(&m, 0, &n, 0, 500));
    on_its_own("synchronize", &|| d.synchronize());
    on_its_own("a new kernel", &|| strictly(|| ops::sin(&x)?.buffer().memory().map(drop)));
    on_its_own("a known kernel", &|| strictly(|| computed(&x)));
    d.free(d.allocate(28 * MIB).expect("a block"));
    on_its_own("trim", &|| {
        d.trim();
        Ok(())
    });
    d.free(d.allocate(40 * MIB).expect("what was pooled is free"));
    d.free(m);
    d.free(n);
}

#[test]
#[ignore = "run by `against_a_stub`"]
fn the_pool_makes_room_for_blocks_and_for_launches() {
    let d = stub();
    let x = array(10).expect("an array");
    let fill = |bytes| d.free(d.allocate(bytes).expect("room"));
    d.trim();
    fill(28 * MIB);
    assert!(d.memory_stats().pooled >= 28 * MIB);
    let most = d.allocate(34 * MIB).expect("the rest");
    strictly(|| computed(&x)).expect("the pool is emptied for the launch");
    assert!(d.memory_stats().pooled < MIB);
    let e = d.allocate(32 * MIB).expect_err("34 of 64 MiB are in use");
    assert_eq!(e.kind(), ErrorKind::Memory, "{e}");
    d.free(most);
    fill(20 * MIB);
    d.free(d.allocate(60 * MIB).expect("the pool is emptied for the block"));
}

#[test]
#[ignore = "run by `against_a_stub`"]
fn without_room_a_launch_is_an_error_of_memory() {
    let d = stub();
    let x = array(10).expect("an array");
    d.trim();
    let most = d.allocate(63 * MIB).expect("all");
    let e = strictly(|| computed(&x)).expect_err("a launch needs 2 MiB");
    assert_eq!(e.kind(), ErrorKind::Memory, "{e}");
    d.free(most);
    strictly(|| computed(&x)).expect("there is room again");
}
