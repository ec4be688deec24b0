//! `minpy._minpy`: the Rust half of the Python package. It parses arguments and calls core; no operation, dtype rule or
//! gradient lives here. The other half is python/minpy.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod array;
mod basic;
mod binding;
mod capi;
mod context;
mod convert;
mod creation;
mod deference;
mod element;
mod errors;
mod executor;
mod fallback;
mod flags;
mod foreign;
mod host;
mod importer;
mod index;
mod inner;
mod item;
mod lines;
mod lists;
mod numbers;
mod numpy;
mod object;
mod operators;
mod overrides;
mod parts;
mod reader;
mod record;
mod run;
mod shape;
mod slots;
mod symbol;
mod table;
mod tape;
mod ufunc;
mod vector;

use minpy_cpu as _;
use minpy_cuda as _;
use minpy_opencl as _;
#[cfg(feature = "outside-backend")]
use outside_backend as _;
use pyo3::prelude::*;

/// Small requests for memory are met also when the system has none: they must not abort the user's process.
#[global_allocator]
static MEMORY: minpy_core::memory::Reserve<std::alloc::System> =
    minpy_core::memory::Reserve(std::alloc::System);

/// See `minpy_core::backend::memory::begin_thread`.
fn prepare_thread() {
    minpy_core::internal::prepare_thread();
    minpy_cpu::threads::prepare_thread();
    minpy_autograd::prepare_thread();
    minpy_symbol::prepare_thread();
    context::prepare_thread();
    errors::prepare_thread();
    flags::prepare_thread();
    foreign::prepare_thread();
    lines::prepare_thread();
    numbers::prepare_thread();
}

/// Complains about variables that the libraries below would pass over, being unable to complain.
fn check_environment() -> PyResult<()> {
    for (name, least, word) in [("MINPY_NUM_THREADS", 1, None), ("MINPY_DEFER_BYTES", 0, Some("off"))] {
        let Ok(text) = std::env::var(name) else { continue };
        let text = text.trim();
        if !text.is_empty() && word != Some(text) && !text.parse().is_ok_and(|n: usize| n >= least) {
            let or = word.map_or(String::new(), |w| format!(" or '{w}'"));
            let message = format!("{name}={text}: a whole number from {least} on{or} is needed");
            return Err(pyo3::exceptions::PyValueError::new_err(message));
        }
    }
    match std::env::var("MINPY_SIMD") {
        Ok(name) if !["", "base", "avx2", "avx512"].contains(&name.trim()) => {
            let message = format!("MINPY_SIMD={name}: 'base', 'avx2' or 'avx512' is needed");
            Err(pyo3::exceptions::PyValueError::new_err(message))
        }
        _ => Ok(()),
    }
}

#[pymodule]
fn _minpy(m: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = m.py();
    check_environment()?;
    prepare_thread();
    minpy_core::backend::memory::install_thread(prepare_thread);
    context::install();
    flags::install();
    lines::install();
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    m.add("NoGradientFuncError", py.get_type::<errors::NoGradientFuncError>())?;
    m.add("PrimitivePolicyError", py.get_type::<errors::PrimitivePolicyError>())?;
    m.add_class::<array::PyArray>()?;
    m.add_class::<array::NdArray>()?;
    m.add_class::<array::PyScalar>()?;
    m.add_class::<ufunc::Ufunc>()?;
    m.add_class::<foreign::Foreign>()?;
    m.add_class::<importer::Importer>()?;
    m.add_class::<symbol::PySymbol>()?;
    m.add_class::<executor::PyExecutor>()?;
    m.add_class::<executor::PyFunction>()?;
    m.add_class::<record::PyRecorded>()?;
    m.add_class::<tape::PyForeignCall>()?;
    m.add_class::<tape::PyHeld>()?;
    m.add_class::<tape::PyKept>()?;
    m.add_class::<context::Devices>()?;
    m.add_class::<context::Counters>()?;
    m.add("devices", Bound::new(py, context::Devices)?)?;
    m.add("counters", Bound::new(py, context::Counters)?)?;
    m.add("profiler", Bound::new(py, context::Profiler)?)?;
    m.add("tape", Bound::new(py, tape::Tape)?)?;
    macro_rules! functions {
        ($($file:ident: $($f:ident),*;)*) => { $($( m.add_function(wrap_pyfunction!($file::$f, m)?)?; )*)* };
    }
    functions! {
        array: _set_metaclass, _ndarray;
        ufunc: _ufuncs;
        table: _functions, _table, _table_cases;
        creation: array, asarray, ascontiguousarray, asfortranarray, _adopt, _result, _wrote;
        shape: _same_view, _windows;
        host: _references, _import_table;
        record: _record;
    }
    foreign::install(py)?;
    deference::install(py)
}
