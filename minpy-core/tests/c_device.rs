//! What every device that compiles C does the same way (`codegen::CDevice`), on a driver that computes nothing: room for what the
//! driver has no memory for, ranges, arguments that are too many, error words of several devices at once.

use minpy_core::backend::codegen::{ERROR_WORDS, Found, Tuning, fault};
use minpy_core::backend::{Device, Fold, Input, KernelCall, Memory, View, Work};
use minpy_core::{DType, Error, ErrorKind, Result};
use minpy_tests::fake::{Event, Fake, Told, fake};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

fn memory(n: usize) -> Vec<Memory> {
    (1..=n).map(|i| Memory { handle: 1000 + i, offset: 0, bytes: 1 << 10 }).collect()
}
fn view(memory: &Memory, dtype: DType) -> View<'_> {
    View { memory, dtype, shape: &[4], strides: &[1], offset: 0 }
}
/// One launch.
fn scan(device: &Fake) -> Result<()> {
    let m = memory(2);
    let (inputs, outputs) = ([Input::View(view(&m[0], DType::I32))], [view(&m[1], DType::I32)]);
    let work = &Work::Scan(Fold::Add);
    device.run(&KernelCall { op: "cumsum", work, program: None, inputs: &inputs, outputs: &outputs })
}
/// A launch with a check of indices.
fn gather(device: &Fake) -> Result<()> {
    let m = memory(3);
    let inputs = [Input::View(view(&m[0], DType::F32)), Input::View(view(&m[1], DType::I64))];
    let (work, outputs) = (&Work::Gather { indexed: 1 }, [view(&m[2], DType::F32)]);
    device.run(&KernelCall { op: "take", work, program: None, inputs: &inputs, outputs: &outputs })
}

#[test]
fn the_pool_makes_room_once_for_whatever_needs_memory() {
    // Every request but those for blocks fails as often as `left` says.
    let left = Arc::new(Mutex::new((0, ErrorKind::Memory)));
    let asked = Arc::new(AtomicUsize::new(0));
    let (fails, asks) = (left.clone(), asked.clone());
    let found = fake(move |event| {
        let mut left = fails.lock().unwrap();
        if !matches!(event, Event::Allocate) {
            asks.fetch_add(1, Relaxed);
            if left.0 > 0 {
                left.0 -= 1;
                return Err(Error::new(left.1, "no"));
            }
        }
        Ok(())
    });
    let device = Found { kept: 1 << 20, ..found }.device("fake", 0);
    let [a, b]: [Memory; 2] = memory(2).try_into().unwrap();
    let requests: [(&str, &dyn Fn() -> Result<()>); 4] = [
        ("launch", &|| scan(&device)),
        ("upload", &|| device.upload(&[1; 100], &a, 0)),
        ("download", &|| device.download(&a, 0, &mut [0; 100])),
        ("copy", &|| device.copy(&a, 0, &b, 0, 100)),
    ];
    for (what, request) in requests {
        for (times, kind, error, tries, pooled) in [
            (0, ErrorKind::Memory, None, 1, true),
            (1, ErrorKind::Memory, None, 2, false),
            (2, ErrorKind::Memory, Some(ErrorKind::Memory), 2, false),
            (1, ErrorKind::Device, Some(ErrorKind::Device), 1, true),
        ] {
            device.free(device.allocate(5000).unwrap());
            *left.lock().unwrap() = (times, kind);
            asked.store(0, Relaxed);
            assert_eq!(request().err().map(|e| e.kind()), error, "{what}, {times} x {kind:?}");
            assert_eq!(asked.load(Relaxed), tries, "{what}, {times} x {kind:?}");
            assert_eq!(device.memory_stats().pooled > 0, pooled, "{what}, {times} x {kind:?}");
        }
    }
}

#[test]
fn transfers_keep_to_their_blocks_and_nothing_is_no_request() {
    let device = fake(|_| Err(Error::new(ErrorKind::Type, "asked"))).device("fake", 0);
    let whole = &memory(2);
    // A part of a block ends where it ends.
    let part = Memory { offset: 100, bytes: 50, ..whole[0] };
    let kind = |r: Result<()>| r.err().map(|e| e.kind());
    for (at, bytes, expected) in [
        (0, 50, Some(ErrorKind::Type)),
        (49, 1, Some(ErrorKind::Type)),
        (50, 0, None),
        (0, 51, Some(ErrorKind::Device)),
        (50, 1, Some(ErrorKind::Device)),
        (51, 0, Some(ErrorKind::Device)),
        (usize::MAX, 2, Some(ErrorKind::Device)),
    ] {
        let mut bytes_there = vec![0; bytes];
        assert_eq!(kind(device.upload(&bytes_there, &part, at)), expected, "{bytes} to {at}");
        assert_eq!(kind(device.download(&part, at, &mut bytes_there)), expected, "{bytes} from {at}");
        assert_eq!(kind(device.copy(&part, at, &whole[1], 0, bytes)), expected, "{bytes} from {at}");
        assert_eq!(kind(device.copy(&whole[1], 0, &part, at, bytes)), expected, "{bytes} to {at}");
    }
    let e = device.upload(&[0; 51], &part, 0).unwrap_err();
    assert_eq!(e.message(), "fake: upload: 51 bytes at 0 leave a block of 50 bytes");
}

#[test]
fn more_arguments_than_a_launch_may_have_are_left_to_the_host() {
    let launches = Arc::new(AtomicUsize::new(0));
    let with = |parameters| {
        let n = launches.clone();
        let found: Found<Told> = fake(move |event| {
            n.fetch_add(matches!(event, Event::Launch(_)) as usize, Relaxed);
            Ok(())
        });
        Found { tuning: Tuning { parameters, ..found.tuning }, ..found }.device("fake", 0)
    };
    let small = with(32);
    let e = scan(&small).unwrap_err();
    assert!(e.kind() == ErrorKind::Unsupported && e.message().contains("the device takes 32"), "{e}");
    assert_eq!((launches.load(Relaxed), small.kernels_made()), (0, 0), "it is not even compiled");
    let large = with(1 << 10);
    scan(&large).unwrap();
    scan(&large).unwrap();
    assert_eq!((launches.load(Relaxed), large.kernels_made()), (2, 1));
}

#[test]
fn checks_of_two_devices_do_not_wait_for_each_other() {
    let (begun, first) = mpsc::channel();
    let (end, ended) = mpsc::channel();
    let ended = Mutex::new(ended);
    // The first device reads its error words only when the second one is done.
    let one = fake(move |event| {
        if let Event::Download(to) = event {
            assert_eq!(to.len(), 8 * ERROR_WORDS);
            begun.send(()).unwrap();
            let done = ended.lock().unwrap().recv_timeout(Duration::from_secs(60));
            return done.map_err(|_| Error::new(ErrorKind::Device, "the other device waits"));
        }
        Ok(())
    })
    .device("fake", 0);
    let other = fake(|_| Ok(())).device("fake", 1);
    std::thread::scope(|s| {
        let waits = s.spawn(|| gather(&one));
        first.recv().unwrap();
        gather(&other).unwrap();
        end.send(()).unwrap();
        waits.join().unwrap().unwrap();
    });
}

#[test]
fn faults_say_which_device_what_it_did_and_why() {
    for (out_of_memory, kind) in [(true, ErrorKind::Memory), (false, ErrorKind::Device)] {
        let e = fault("opencl", "copy", out_of_memory, -5);
        assert_eq!((e.kind(), e.message()), (kind, "opencl: copy: -5"));
    }
}
