//! Rust operators on symbols: `&a + &b`, `&a * 2.0`, `-&a`.
//!
//! They panic where an operand has several outputs, as slices do on bad indices; the functions they call return errors.

use minpy_core::Error;

use crate::graph::Symbol;

#[cold]
#[track_caller]
#[expect(clippy::panic, reason = "Rust's operators return no errors; the functions they stand for do")]
fn failed(e: Error) -> ! {
    panic!("{e}")
}

macro_rules! operators {
    ($($tr:ident $f:ident $name:literal),*) => {$(
        /// Panics when an operand has several outputs; `Symbol::binary` returns the error.
        impl std::ops::$tr<&Symbol> for &Symbol {
            type Output = Symbol;
            #[track_caller]
            fn $f(self, o: &Symbol) -> Symbol { Symbol::binary($name, self, o).unwrap_or_else(|e| failed(e)) }
        }
        /// Panics when the operand has several outputs; `Symbol::binary_scalar` returns the error.
        impl std::ops::$tr<f64> for &Symbol {
            type Output = Symbol;
            #[track_caller]
            fn $f(self, o: f64) -> Symbol { Symbol::binary_scalar($name, self, o, false).unwrap_or_else(|e| failed(e)) }
        }
    )*};
}
operators!(Add add "add", Sub sub "subtract", Mul mul "multiply", Div div "divide", Rem rem "remainder");
impl std::ops::Neg for &Symbol {
    type Output = Symbol;
    #[track_caller]
    fn neg(self) -> Symbol {
        Symbol::apply("negative", None, &[(None, self)], &[]).unwrap_or_else(|e| failed(e))
    }
}
