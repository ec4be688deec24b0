//! Rust operators on arrays. They panic on bad shapes, as slices do on bad indices; the functions of `ops` return errors.

use crate::{Array, ops};

macro_rules! operators {
    ($($tr:ident $f:ident $op:ident;)*) => {$(
        impl std::ops::$tr<&Array> for &Array {
            type Output = Array;
            #[track_caller]
            fn $f(self, o: &Array) -> Array { ops::$op(self, o).unwrap_or_else(|e| panic!("{e}")) }
        }
        impl std::ops::$tr<f64> for &Array {
            type Output = Array;
            #[track_caller]
            fn $f(self, o: f64) -> Array { ops::$op(self, o).unwrap_or_else(|e| panic!("{e}")) }
        }
    )*};
}
operators! { Add add add; Sub sub subtract; Mul mul multiply; Div div divide; Rem rem remainder; }
impl std::ops::Neg for &Array {
    type Output = Array;
    #[track_caller]
    fn neg(self) -> Array {
        ops::negative(self).unwrap_or_else(|e| panic!("{e}"))
    }
}
