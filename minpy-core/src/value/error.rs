//! The one error type of the workspace.
//!
//! `kind` says which exception NumPy would raise; the message starts with the operation and names
//! shapes and dtypes. minpy-py maps kinds to Python classes; nothing else interprets them.

use std::fmt;

/// Result of every fallible function of the workspace.
pub type Result<T> = std::result::Result<T, Error>;

/// Which class of exception NumPy raises for the same mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Shapes that do not fit, bad attribute values (`ValueError`).
    Value,
    /// Unknown or unsupported dtype, forbidden cast (`TypeError`).
    Type,
    /// Index out of bounds (`IndexError`).
    Index,
    /// Axis out of bounds (`numpy.exceptions.AxisError`).
    Axis,
    /// Allocation failed (`MemoryError`).
    Memory,
    /// Integer that does not fit its dtype (`OverflowError`).
    Overflow,
    /// Singular matrix and the like (`numpy.linalg.LinAlgError`).
    LinAlg,
    /// No gradient rule on the path to the result (`NoGradientFuncError`, a `NotImplementedError`).
    NoGradient,
    /// A policy forbids the fallback that the call would need (`PrimitivePolicyError`).
    Policy,
    /// The device or its driver failed, or does not exist (`RuntimeError`).
    Device,
    /// Nothing is registered, a duplicate is registered (`RuntimeError`).
    Registry,
    /// Recoverable mistake in the use of the library (`RuntimeError`).
    Runtime,
    /// The operation exists but not for these arguments (`NotImplementedError`).
    Unsupported,
    /// A function of NumPy's that is not computed here for these arguments: Python asks NumPy (elsewhere `NotImplementedError`).
    NotNative,
}

/// An error: its class and a message. Boxed, so that `Result<Array>` stays small.
pub struct Error(Box<(ErrorKind, String)>);

impl Error {
    /// Builds an error of `kind`.
    #[cold]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new((kind, message.into())))
    }
    /// The class of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.0
    }
    /// The text, beginning with the operation.
    pub fn message(&self) -> &str {
        &self.0.1
    }
    /// The same error with `what` in front of the text.
    #[cold]
    pub fn context(self, what: &str) -> Self {
        Error::new(self.kind(), format!("{what}: {}", self.message()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind(), self.message())
    }
}
impl std::error::Error for Error {}

/// `bail!(Value, "add: ...")`: returns an error from the enclosing function.
#[macro_export]
macro_rules! bail {
    ($kind:ident, $($arg:tt)*) => {
        return Err($crate::Error::new($crate::ErrorKind::$kind, format!($($arg)*)))
    };
}
