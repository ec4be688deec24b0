//! NumPy's objects that the shim needs, looked up once: dtypes, scalar types, the array class.

use minpy_core::DType;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyModule, PyType};

/// What is kept of NumPy.
pub struct NumPy {
    /// The module.
    pub module: Py<PyModule>,
    /// `numpy.ndarray`.
    pub ndarray: Py<PyType>,
    /// `numpy.generic`: the base of its scalars.
    pub generic: Py<PyType>,
    /// `numpy.asarray`.
    pub asarray: Py<PyAny>,
    /// `numpy._NoValue`: the default of arguments that were not given.
    pub no_value: Py<PyAny>,
    /// `numpy.dtype`.
    pub dtype: Py<PyType>,
    /// `dtype` objects, in the order of `DType::ALL`.
    pub dtypes: Vec<Py<PyAny>>,
    /// Scalar types, in the same order.
    pub types: Vec<Py<PyAny>>,
}

static NUMPY: PyOnceLock<NumPy> = PyOnceLock::new();

/// NumPy; imported at the first call.
#[inline]
pub fn numpy(py: Python<'_>) -> PyResult<&'static NumPy> {
    NUMPY.get_or_try_init(py, || {
        let module = py.import("numpy")?;
        let dtype = module.getattr("dtype")?.cast_into::<PyType>()?;
        let (mut dtypes, mut types) = (Vec::new(), Vec::new());
        for d in DType::ALL {
            let object = dtype.call1((d.name(),))?;
            types.push(object.getattr("type")?.unbind());
            dtypes.push(object.unbind());
        }
        Ok(NumPy {
            ndarray: module.getattr("ndarray")?.cast_into::<PyType>()?.unbind(),
            generic: module.getattr("generic")?.cast_into::<PyType>()?.unbind(),
            asarray: module.getattr("asarray")?.unbind(),
            no_value: module.getattr("_NoValue")?.unbind(),
            dtype: dtype.unbind(),
            dtypes,
            types,
            module: module.unbind(),
        })
    })
}

/// The `numpy.dtype` object of a dtype.
pub fn dtype_object(py: Python<'_>, dtype: DType) -> PyResult<Bound<'_, PyAny>> {
    Ok(numpy(py)?.dtypes[dtype as usize].bind(py).clone())
}

/// The dtype that an object names (`float`, `'int8'`, `np.float32`, a dtype); `None` when it is a dtype that only NumPy
/// has (object, string, datetime, structured, long double, foreign byte order).
pub fn dtype_from(object: &Bound<'_, PyAny>) -> PyResult<Option<DType>> {
    let py = object.py();
    let np = numpy(py)?;
    let at = |list: &[Py<PyAny>]| list.iter().position(|d| d.is(object)).map(|i| DType::ALL[i]);
    if let Some(d) = at(&np.dtypes).or_else(|| at(&np.types)) {
        return Ok(Some(d));
    }
    let dtype = np.dtype.bind(py).call1((object,))?;
    if let Some(d) = at_dtype(np, &dtype) {
        return Ok(Some(d));
    }
    let kind: String = dtype.getattr("kind")?.extract()?;
    if !dtype.getattr("isnative")?.is_truthy()? || !dtype.getattr("names")?.is_none() {
        return Ok(None);
    }
    let size: usize = dtype.getattr("itemsize")?.extract()?;
    Ok(DType::ALL.into_iter().find(|d| d.size() == size && kind_letter(*d) == kind))
}

/// NumPy's `longlong` or `ulonglong`.
pub fn long_dtype(py: Python<'_>, d: DType) -> PyResult<Bound<'_, PyAny>> {
    let name = if d == DType::U64 { "ulonglong" } else { "longlong" };
    let np = numpy(py)?;
    np.dtype.bind(py).call1((np.module.bind(py).getattr(name)?,))
}
/// Whether an object names NumPy's `longlong` or `ulonglong` where these are not `int64` and `uint64`.
pub fn is_long(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = object.py();
    let np = numpy(py)?;
    let known = |list: &[Py<PyAny>]| list.iter().any(|d| d.is(object));
    if known(&np.dtypes) || known(&np.types) || object.is(py.get_type::<pyo3::types::PyInt>()) {
        return Ok(false);
    }
    let dtype = np.dtype.bind(py).call1((object,))?;
    if at_dtype(np, &dtype).is_some() {
        return Ok(false);
    }
    Ok(matches!(dtype.getattr("char")?.extract::<&str>()?, "q" | "Q")
        && dtype.getattr("isnative")?.is_truthy()?)
}

fn at_dtype(np: &NumPy, dtype: &Bound<'_, PyAny>) -> Option<DType> {
    np.dtypes.iter().position(|d| d.is(dtype)).map(|i| DType::ALL[i])
}

fn kind_letter(d: DType) -> &'static str {
    match d.kind() {
        minpy_core::backend::dtype::Kind::Bool => "b",
        minpy_core::backend::dtype::Kind::Unsigned => "u",
        minpy_core::backend::dtype::Kind::Signed => "i",
        minpy_core::backend::dtype::Kind::Float => "f",
        minpy_core::backend::dtype::Kind::Complex => "c",
    }
}

/// PEP 3118 letter of a dtype, as NumPy writes it on this platform.
pub fn format_letter(d: DType) -> &'static std::ffi::CStr {
    use DType::*;
    let wide = size_of::<std::ffi::c_long>() == 8;
    match d {
        Bool => c"?",
        I8 => c"b",
        I16 => c"h",
        I32 => c"i",
        I64 if wide => c"l",
        I64 => c"q",
        U8 => c"B",
        U16 => c"H",
        U32 => c"I",
        U64 if wide => c"L",
        U64 => c"Q",
        F16 => c"e",
        F32 => c"f",
        F64 => c"d",
        C64 => c"Zf",
        C128 => c"Zd",
    }
}

/// The dtype of a PEP 3118 format of one native element; `None` for anything else.
pub fn dtype_of_format(format: &str, size: usize) -> Option<DType> {
    let bare = format
        .strip_prefix(['@', '=', if cfg!(target_endian = "little") { '<' } else { '>' }])
        .unwrap_or(format);
    let kind = match bare {
        "?" => "b",
        "b" | "h" | "i" | "l" | "q" => "i",
        "B" | "H" | "I" | "L" | "Q" => "u",
        "e" | "f" | "d" => "f",
        "Zf" | "Zd" => "c",
        _ => return None,
    };
    DType::ALL.into_iter().find(|d| d.size() == size && kind_letter(*d) == kind)
}

/// An optional argument that was given: neither None nor `_NoValue`.
pub fn given<'a, 'py>(value: Option<&'a Bound<'py, PyAny>>) -> Option<&'a Bound<'py, PyAny>> {
    let v = value?;
    let absent = v.is_none() || numpy(v.py()).is_ok_and(|np| np.no_value.is(v));
    (!absent).then_some(v)
}

/// A memory order in upper case, as NumPy takes it in either case; `default` for None.
pub fn order_letter<'a>(order: Option<&'a str>, default: &'a str) -> &'a str {
    match order {
        None => default,
        Some("c") => "C",
        Some("f") => "F",
        Some("a") => "A",
        Some("k") => "K",
        Some(other) => other,
    }
}
