//! Floating-point exceptions: what a kernel that ran on the host has met, for the warnings that NumPy would give.
//!
//! The channel is the processor's own: it notes division by zero, overflow, underflow and invalid operations in flags that stay set
//! (MXCSR on x86-64, FPSR on aarch64; elsewhere nothing is noted). Whoever runs a kernel clears them before ([`begin`], as a rule a
//! look) and looks after it ([`is_raised`]). Kernels raise by hand what the processor does not know of ([`raise`]: a division of
//! integers by zero), and take away what it notes of their inner workings ([`set`]). A kernel of several operations notes whose flag it
//! was ([`blame`]); it leaves the processor's flags set all the same. What was met becomes a [`Report`], which waits on its thread for the
//! Python package, or whoever else wants to know, to [`take`] it. Devices other than the host report nothing.

use super::context::{self, QUIET};
use crate::expr::Prim;
use crate::kernel::{ScatterMode, Work};
use crate::{DType, Number, Scalar};
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Division of a finite number by zero; the numbers of the flags are NumPy's.
pub const DIVIDE: u8 = 1;
/// A result too large for its dtype.
pub const OVERFLOW: u8 = 2;
/// A result too small for its dtype.
pub const UNDERFLOW: u8 = 4;
/// An operation without a result.
pub const INVALID: u8 = 8;
/// All of them.
pub const ALL: u8 = 15;
/// Those that NumPy tells of unless it is asked otherwise.
pub(crate) const USUAL: u8 = DIVIDE | OVERFLOW | INVALID;

#[cfg(target_arch = "x86_64")]
mod processor {
    use std::arch::asm;
    pub(super) const MASK: u32 = 0b01_1101;
    #[inline(always)]
    pub(super) fn read() -> u32 {
        let mut m = 0u32;
        // SAFETY: writes MXCSR, which every x86-64 processor has, to `m`.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut m, options(nostack, preserves_flags)) };
        m
    }
    #[inline(always)]
    pub(super) fn write(m: u32) {
        // SAFETY: of the register only flags that stay set differ from what was read, and no code relies on those.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const m, options(nostack, preserves_flags, readonly)) };
    }
    #[inline]
    pub(super) fn of(m: u32) -> u8 {
        (m >> 2 & 7 | (m & 1) << 3) as u8
    }
    #[inline]
    pub(super) fn bits(flags: u8) -> u32 {
        (flags as u32 & 7) << 2 | flags as u32 >> 3 & 1
    }
}
#[cfg(target_arch = "aarch64")]
mod processor {
    use std::arch::asm;
    pub(super) const MASK: u32 = 0b1111;
    #[inline(always)]
    pub(super) fn read() -> u32 {
        let m: u64;
        // SAFETY: reads the register of floating-point status.
        unsafe { asm!("mrs {}, fpsr", out(reg) m, options(nostack, preserves_flags)) };
        m as u32
    }
    #[inline(always)]
    pub(super) fn write(m: u32) {
        // SAFETY: of the register only flags that stay set differ from what was read, and no code relies on those.
        unsafe { asm!("msr fpsr, {}", in(reg) m as u64, options(nostack, preserves_flags)) };
    }
    #[inline]
    pub(super) fn of(m: u32) -> u8 {
        (m >> 1 & 7 | (m & 1) << 3) as u8
    }
    #[inline]
    pub(super) fn bits(flags: u8) -> u32 {
        (flags as u32 & 7) << 1 | flags as u32 >> 3 & 1
    }
}
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod processor {
    pub(super) const MASK: u32 = 0;
    #[inline(always)]
    pub(super) fn read() -> u32 {
        0
    }
    #[inline(always)]
    pub(super) fn write(_: u32) {}
    pub(super) fn of(_: u32) -> u8 {
        0
    }
    pub(super) fn bits(_: u8) -> u32 {
        0
    }
}
use processor::{MASK, bits, of, read, write};

/// Clears the flags that are set. Setting them takes the processor 17 ns, looking at them one: what is clear is left alone.
#[inline(always)]
pub fn begin() {
    let m = read();
    if m & MASK != 0 {
        write(m & !MASK);
    }
}
/// Whether anything was met since `begin`.
#[inline(always)]
pub fn is_raised() -> bool {
    read() & MASK != 0
}
/// What was met since `begin`.
#[inline]
pub fn raised() -> u8 {
    of(read())
}
/// Makes the flags those.
pub fn set(flags: u8) {
    write(read() & !MASK | bits(flags));
}
/// Adds flags to those that are set.
pub fn raise(flags: u8) {
    if raised() & flags != flags {
        write(read() | bits(flags));
    }
}

/// Operations of one kernel that are told apart.
pub const ORIGINS: usize = 64;
/// The origin of what belongs to the group's result itself and is no node of the program: a fold.
pub const ROOT: u8 = 63;
/// That of the product which a program goes on from.
pub const PRODUCT: u8 = 62;

/// What the operations of the kernel that runs on this thread have met, by the numbers of their nodes' origins (`Program::origin`).
struct Blamed {
    any: Cell<bool>,
    by: [Cell<u8>; ORIGINS],
}
thread_local! {
    static BLAMED: Blamed = const { Blamed { any: Cell::new(false), by: [const { Cell::new(0) }; ORIGINS] } };
    static REPORTS: RefCell<Reports> = const { RefCell::new(Reports { list: [NONE; MOST], count: 0 }) };
}
/// See `deferral::prepare_thread`.
pub(crate) fn prepare_thread() {
    BLAMED.with(|_| ());
    REPORTS.with(|_| ());
}

/// Notes whose flags those are.
#[cold]
pub fn blame(origin: u8, flags: u8) {
    BLAMED.with(|b| {
        b.any.set(true);
        let by = &b.by[origin as usize % ORIGINS];
        by.set(by.get() | flags);
    });
}
/// Takes what was noted on this thread: a worker hands it to the thread that called. `f` gets origins and flags.
pub fn take_blame(mut f: impl FnMut(u8, u8)) {
    BLAMED.with(|b| {
        if b.any.replace(false) {
            for (origin, by) in b.by.iter().enumerate() {
                match by.take() {
                    0 => {}
                    flags => f(origin as u8, flags),
                }
            }
        }
    });
}

/// What a call has met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// As NumPy names what ran: the ufunc, `reduce`, `accumulate`, `cast`.
    pub name: &'static str,
    /// Of `DIVIDE`, `OVERFLOW`, `UNDERFLOW`, `INVALID`.
    pub flags: u8,
    /// It was deferred: the flags are those that were asked for when it was written.
    pub late: bool,
    /// The result has no dimensions.
    pub single: bool,
}
/// Reports that wait on one thread; of more, those of one name are one.
const MOST: usize = 32;
const NONE: Report = Report { name: "", flags: 0, late: false, single: false };
struct Reports {
    list: [Report; MOST],
    count: usize,
}
/// Reports that wait, on all threads.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Whether some thread has reports.
#[inline(always)]
pub fn any_waits() -> bool {
    WAITING.load(Relaxed) != 0
}
/// Adds a report.
#[cold]
pub fn report(r: Report) {
    if r.flags == 0 {
        return;
    }
    REPORTS.with_borrow_mut(|all| {
        let n = all.count;
        if n < MOST {
            all.list[n] = r;
            all.count = n + 1;
            WAITING.fetch_add(1, Relaxed);
        } else if let Some(known) = all.list.iter_mut().find(|k| (k.name, k.late) == (r.name, r.late)) {
            known.flags |= r.flags;
        }
    });
}
/// The oldest report of this thread, which has it no longer.
#[cold]
pub fn take() -> Option<Report> {
    REPORTS.with_borrow_mut(|all| {
        let first = all.list[..all.count].first().copied()?;
        all.list.copy_within(1..all.count, 0);
        all.count -= 1;
        WAITING.fetch_sub(1, Relaxed);
        Some(first)
    })
}

/// A number as an element, of which NumPy's cast tells where its dtype does not hold it.
#[inline]
pub fn narrowed(number: Number, element: Scalar) -> Scalar {
    if matches!(element.dtype(), DType::F16 | DType::F32 | DType::C64) {
        let finite = |n: Number| match n {
            Number::Complex(c) => c.re.is_finite() && c.im.is_finite(),
            n => n.to_f64().is_finite(),
        };
        if finite(number) && !finite(element.number()) && context::flags() & QUIET == 0 {
            report(Report { name: "cast", flags: OVERFLOW, late: false, single: false });
        }
    }
    element
}

impl Prim {
    /// The floating-point exceptions that NumPy may tell of where it computes this of arguments of `dtype` (`device/flags.rs`). What
    /// else the processor notes is no one's business: that a comparison met NaN, say.
    pub fn raises(self, dtype: DType) -> u8 {
        use Prim::*;
        match self {
            FloorDiv | Rem | Fmod if dtype.is_integer() || dtype == DType::Bool => DIVIDE | OVERFLOW,
            _ if !dtype.is_inexact() => 0,
            Abs if dtype.is_complex() => OVERFLOW | UNDERFLOW | INVALID,
            Neg | Abs | Sign | Floor | Ceil | Trunc | Rint | Mantissa | Exponent | IsNan | IsInf
            | IsFinite | Signbit | Invert | Conj | Real | Imag | Maximum | Minimum | Fmax | Fmin
            | Copysign | Eq | Ne | Lt | Le | Gt | Ge | And | Or | Xor | Shl | Shr | Gcd | Lcm | Complex
            | Select | Sigmoid | Erf => 0,
            _ => ALL,
        }
    }
}
/// The same of a conversion of one dtype to another.
pub fn cast_raises(from: DType, to: DType) -> u8 {
    let (whole, narrower) = (!to.is_inexact(), to.real().size() < from.real().size());
    match from.is_inexact() {
        true if to == DType::Bool => 0,
        true if whole => INVALID,
        true if narrower => OVERFLOW | UNDERFLOW | INVALID,
        false if to == DType::F16 => OVERFLOW,
        _ => 0,
    }
}

/// What is done with flags that deferred work meets later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Later {
    /// These are told of.
    Tell(u8),
    /// Somebody wants to know at the call: it runs at once.
    Now,
}
static ASK: std::sync::OnceLock<fn() -> Later> = std::sync::OnceLock::new();
/// Who says what is to be done about flags of work that is deferred; nobody: the usual ones are told of.
pub fn install(ask: fn() -> Later) {
    let _ = ASK.set(ask);
}
pub(crate) fn later() -> Later {
    if context::flags() & QUIET != 0 {
        return Later::Tell(0);
    }
    ASK.get().map_or(Later::Tell(USUAL), |ask| ask())
}

/// NumPy's word for an operation.
pub(crate) fn word(op: &'static str, work: Option<&Work>) -> &'static str {
    match (work, op) {
        (Some(Work::Reduce(_)), _) => "reduce",
        (Some(Work::Scan(_)), _) => "accumulate",
        (Some(Work::Scatter { mode: ScatterMode::Combine(prim), .. }), _) => match prim {
            Prim::Add => "add",
            Prim::Sub => "subtract",
            Prim::Mul => "multiply",
            _ => op,
        },
        (_, "copy" | "fill") => "cast",
        (_, "where") => "select",
        _ => op,
    }
}
