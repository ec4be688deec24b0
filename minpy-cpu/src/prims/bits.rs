//! Functions of integers and bool: bitwise logic, shifts, gcd, lcm, integer powers.

use super::B8;
use super::loops::{BinaryLoop, Plain, Three, binary_loops, op1, op2, table};
use super::number::Powers;

struct Invert;
op1!(Invert, |a| !a; i8 i16 i32 i64 u8 u16 u32 u64);
op1!(Invert, |a| B8::new(!a.get()); B8);
/// Bitwise and.
pub(crate) struct And;
op2!(And, |a, b| a & b; i8 i16 i32 i64 u8 u16 u32 u64);
op2!(And, |a, b| B8::new(a.get() & b.get()); B8);
/// Bitwise or.
pub(crate) struct Or;
op2!(Or, |a, b| a | b; i8 i16 i32 i64 u8 u16 u32 u64);
op2!(Or, |a, b| B8::new(a.get() | b.get()); B8);
/// Bitwise exclusive or.
pub(crate) struct Xor;
op2!(Xor, |a, b| a ^ b; i8 i16 i32 i64 u8 u16 u32 u64);
op2!(Xor, |a, b| B8::new(a.get() ^ b.get()); B8);

// A negative count is a large unsigned one, as in `npy_lshift` and `npy_rshift`.
struct Shl;
struct Shr;
struct Gcd;
struct Lcm;
struct Pow;
macro_rules! integers {
    ($($t:ident $u:ident),*) => {$(
        op2!(Shl, |a, b| if (b as $u) < <$t>::BITS as $u { a.wrapping_shl(b as u32) } else { 0 }; $t);
        op2!(Shr, |a, b| {
            let most = <$t>::BITS as $u - 1;
            // Shifting by width - 1 leaves the sign fill of a signed number; unsigned ones become 0.
            if (b as $u) <= most { a.wrapping_shr(b as u32) } else if <$t>::MIN == 0 { 0 } else { a.wrapping_shr(most as u32) }
        }; $t);
        op2!(Gcd, |a, b| gcd(magnitude(a as i128), magnitude(b as i128)) as $t; $t);
        op2!(Lcm, |a, b| {
            let (x, y) = (magnitude(a as i128), magnitude(b as i128));
            match gcd(x, y) {
                0 => 0,
                g => (x / g).wrapping_mul(y) as $t,
            }
        }; $t);
        op2!(Pow, |a, b| {
            #[allow(unused_comparisons)]
            let negative = b < 0;
            if negative {
                // 1 / a^|b| cut to an integer.
                return if a == 1 { 1 } else if a.wrapping_add(1) == 0 { if b & 1 == 0 { 1 } else { a } } else { 0 };
            }
            let (mut base, mut left, mut r) = (a, b, 1 as $t);
            while left != 0 {
                if left & 1 != 0 {
                    r = r.wrapping_mul(base);
                }
                base = base.wrapping_mul(base);
                left >>= 1;
            }
            r
        }; $t);
        impl Powers for $t {
            fn other() -> BinaryLoop { binary_loops::<(Plain, Three), $t, Pow>()[1] }
        }
    )*};
}
integers!(i8 u8, i16 u16, i32 u32, i64 u64, u8 u8, u16 u16, u32 u32, u64 u64);

#[inline(always)]
fn magnitude(a: i128) -> u64 {
    a.unsigned_abs() as u64
}
/// Euclid's algorithm.
fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

table! {
    /// Loops of this file.
    fn lookup;
    Invert unary<Wide> Invert[i32 i64];
    Invert unary<Narrow> Invert[i8 B8];
    Invert unary<Rare> Invert[i16];
    And binary<(Wide, Commutes)> And[i32 i64];
    And binary<(Narrow, Commutes)> And[i8 B8];
    And binary<(Rare, Commutes)> And[i16];
    Or binary<(Wide, Commutes)> Or[i32 i64];
    Or binary<(Narrow, Commutes)> Or[i8 B8];
    Or binary<(Rare, Commutes)> Or[i16];
    Xor binary<(Wide, Commutes)> Xor[i32 i64];
    Xor binary<(Narrow, Commutes)> Xor[i8 B8];
    Xor binary<(Rare, Commutes)> Xor[i16];
    Shl binary<(Wide, Three)> Shl[i32 i64];
    Shl binary<(Rare, Three)> Shl[i8 i16];
    Shr binary<(Wide, Three)> Shr[i32 i64];
    Shr binary<(Rare, Three)> Shr[i8 i16 u8 u16 u32 u64];
    Gcd binary<(Plain, Three)> Gcd[i32 i64 i8 i16 u8 u16 u32 u64];
    Lcm binary<(Plain, Three)> Lcm[i32 i64 i8 i16 u8 u16 u32 u64];
    Pow binary<(Plain, Three)> Pow[i32 i64 i8 i16 u8 u16 u32 u64];
}
