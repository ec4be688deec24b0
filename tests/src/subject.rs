//! The device under test, what may be expected of it, and how mistakes are collected.

use crate::reference::{Expected, Value, agrees};
use minpy_core::backend::layout::show;
use minpy_core::backend::{DTypeSet, Family, registry};
use minpy_core::context::{self, Policy};
use minpy_core::{DType, DeviceRef, device, stats};
use std::cell::{Cell, RefCell};

/// What a device claims to run by itself.
#[derive(Clone, Copy, Debug)]
pub enum Native {
    /// A registered kernel runs everything whose dtypes are in its set: a fallback there is a mistake.
    AsRegistered,
    /// The same, but the listed operations may fall back when they touch one of these dtypes.
    Except(&'static [(&'static str, DTypeSet)]),
    /// Kernels may answer `ErrorKind::Unsupported`; the listed operations, with these dtypes, they run.
    Listed(&'static [(&'static str, DTypeSet)]),
}

impl Native {
    /// A device that compiles what `minpy_core::backend::codegen` renders: complex inverse functions have no C text.
    pub const RENDERED: Native = {
        const COMPLEX: DTypeSet = DTypeSet::of(&[DType::C64, DType::C128]);
        Native::Except(&[
            ("arcsin", COMPLEX),
            ("arccos", COMPLEX),
            ("arctan", COMPLEX),
            ("arcsinh", COMPLEX),
            ("arccosh", COMPLEX),
            ("arctanh", COMPLEX),
        ])
    };
}

/// What may be expected of a device. Change what differs: `Options { ulp: 16.0, ..Options::DEFAULT }`.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Which device of the name.
    pub ordinal: usize,
    /// Greatest error of transcendental functions, in units in the last place.
    pub ulp: f64,
    /// Greatest error of real division, square root, floor quotient and remainder; 0 is correctly rounded.
    pub basic_ulp: f64,
    /// Greatest error of complex functions, measured on the norm. The reference itself is good for about 1000 units of
    /// complex128 where formulas cancel, and exact to rounding for complex64.
    pub complex_ulp: f64,
    /// Subnormal numbers may count as 0.
    pub flushes: bool,
    /// Kernels are compiled per program and form: combinations are drawn, by names and always the same ones, instead of all
    /// tried (unless the environment variable `MINPY_CONFORMANCE` is `full`).
    pub compiled: bool,
    /// What runs without the host.
    pub native: Native,
    /// Name of an environment variable: the suite is skipped where there is no such device, unless it is set to 1.
    pub required_by: Option<&'static str>,
}
impl Options {
    /// What the CPU of this workspace keeps.
    pub const DEFAULT: Options = Options {
        ordinal: 0,
        ulp: 4.0,
        basic_ulp: 0.0,
        complex_ulp: 2048.0,
        flushes: false,
        compiled: false,
        native: Native::AsRegistered,
        required_by: None,
    };
}

/// The device under test.
pub struct Subject {
    /// The device.
    pub device: DeviceRef,
    /// What may be expected of it.
    pub options: Options,
    failures: RefCell<Vec<String>>,
    failed: Cell<usize>,
    checks: Cell<usize>,
}

/// How many mistakes a failing test prints.
const SHOWN: usize = 25;

impl Subject {
    /// Runs one test of the kit with the device as the current one, and fails with the list of what was wrong.
    pub fn run(name: &str, options: Options, test: fn(&Subject)) {
        let found = device::device(name, options.ordinal);
        let device = match (found, options.required_by) {
            (Ok(d), _) => d,
            (Err(e), Some(variable)) if std::env::var(variable).as_deref() != Ok("1") => {
                println!("skipped: {e} (with {variable}=1 this is a failure)");
                return;
            }
            (Err(e), _) => panic!("{e}"),
        };
        let mut options = options;
        if std::env::var("MINPY_CONFORMANCE").as_deref() == Ok("full") {
            options.compiled = false;
        }
        let s = Subject {
            device,
            options,
            failures: RefCell::default(),
            failed: Cell::new(0),
            checks: Cell::new(0),
        };
        context::with_device(device, || test(&s));
        let failures = s.failures.into_inner();
        assert!(s.checks.get() > 0, "the test checked nothing");
        assert!(
            failures.is_empty(),
            "{} of {} checks failed on {device}; the first ones:\n{}",
            s.failed.get(),
            s.checks.get(),
            failures.join("\n")
        );
    }
    /// Counts one check and notes its message where it fails.
    pub fn check(&self, ok: bool, message: impl FnOnce() -> String) {
        self.checks.set(self.checks.get() + 1);
        if !ok {
            self.failed.set(self.failed.get() + 1);
            let mut all = self.failures.borrow_mut();
            if all.len() < SHOWN {
                all.push(format!("  {}", message()));
            }
        }
    }
    /// Unwraps a result; an error is a mistake with this context.
    pub fn ok<T>(&self, r: minpy_core::Result<T>, what: impl FnOnce() -> String) -> Option<T> {
        match r {
            Ok(x) => {
                self.checks.set(self.checks.get() + 1);
                Some(x)
            }
            Err(e) => {
                self.check(false, || format!("{}: {e:?}", what()));
                None
            }
        }
    }
    /// Whether the device can hold arrays of that dtype at all.
    pub fn has(&self, dtype: DType) -> bool {
        self.device.capabilities().dtypes.contains(dtype)
    }
    /// Whether this work is to run on the device itself.
    pub fn claims(&self, op: &str, family: Family, dtypes: DTypeSet) -> bool {
        let registered = || {
            let kernel = registry::global().ok().and_then(|r| r.family_kernel(self.device.kind(), family));
            kernel.is_some_and(|k| k.dtypes.contains_all(dtypes))
        };
        match self.options.native {
            Native::AsRegistered => registered(),
            Native::Except(list) => {
                !list.iter().any(|(n, d)| *n == op && d.0 & dtypes.0 != 0) && registered()
            }
            Native::Listed(list) => list.iter().any(|(n, d)| *n == op && d.contains_all(dtypes)),
        }
    }
    /// Whether a combination is tried. Where every kernel is compiled first, an operation is tried with float32 and one
    /// more dtype that is drawn by its name; `MINPY_CONFORMANCE=full` tries everything.
    pub fn draws(&self, name: &str, dtype: DType) -> bool {
        self.draws_of(name, dtype, &DType::ALL)
    }
    /// The same, when the operation takes only these dtypes.
    pub fn draws_of(&self, name: &str, dtype: DType, allowed: &[DType]) -> bool {
        if !self.options.compiled || dtype == DType::F32 {
            return true;
        }
        let others: Vec<DType> = allowed.iter().copied().filter(|&d| d != DType::F32).collect();
        others[hash(&[name]) as usize % others.len().max(1)] == dtype
    }
    /// Runs `f` and checks that nothing fell back to the host where the device claims the work.
    pub fn native<R>(&self, op: &str, family: Family, dtypes: DTypeSet, f: impl FnOnce() -> R) -> R {
        let before = stats::fallback_count();
        let r = f();
        let fell = stats::fallback_count() - before;
        if fell > 0 && self.claims(op, family, dtypes) {
            let reason = stats::fallbacks().last().map(|f| f.reason.clone()).unwrap_or_default();
            let message = format!("{op}: {} fell back to the host: {reason}", family.name());
            // Once is enough.
            let known = self.failures.borrow().iter().any(|m| m.trim() == message);
            self.check(known, || message);
        }
        r
    }
    /// Runs `f` under a policy.
    pub fn under<R>(&self, policy: Policy, f: impl FnOnce() -> R) -> R {
        context::with_policy(policy, f)
    }
    /// Compares the values of a result, in C order, with what is expected.
    pub fn compare(
        &self,
        what: impl Fn() -> String,
        shape: &[usize],
        dtype: DType,
        got: &[Value],
        want: &[Expected],
    ) {
        self.check(got.len() == want.len(), || {
            format!("{}: {} elements where {} belong", what(), got.len(), want.len())
        });
        let wrong: Vec<usize> = (0..got.len().min(want.len()))
            .filter(|&i| !agrees(dtype, got[i], &want[i], &self.options))
            .collect();
        self.check(wrong.is_empty(), || {
            let i = wrong[0];
            let w = &want[i];
            format!(
                "{}: {} of {} elements differ in {dtype} {}; element {i} is {:?}, expected {:?} within {} ulp",
                what(), wrong.len(), got.len(), show(shape), got[i], w.value, w.ulp
            )
        });
    }
}

/// A small, reproducible generator for test data (splitmix64).
pub struct Draw(pub u64);
impl Draw {
    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// Uniform in [lo, hi).
    pub fn uniform(&mut self, lo: f64, hi: f64) -> f64 {
        lo + (self.bits() >> 11) as f64 * 2f64.powi(-53) * (hi - lo)
    }
    /// Below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }
}

/// A number from text: which combinations are drawn must not depend on the order of tables.
pub fn hash(parts: &[&str]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325u64;
    for p in parts {
        for b in p.bytes().chain([0]) {
            h = (h ^ b as u64).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    Draw(h).bits()
}
