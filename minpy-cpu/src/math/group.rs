//! Several registers side by side as [`Lanes`].
//!
//! A formula is one long chain of operations, each waiting four cycles for the last. A processor looks ahead no more
//! than some three elements of it, which is too little to fill the time: chains side by side fill it.

use super::lanes::Lanes;
use super::wide::Wide;
use core::ops::{Add, Div, Mul, Neg, Sub};

/// Four registers.
#[derive(Clone, Copy, Debug)]
pub struct Group<V>([V; 4]);

/// `[f(0), f(1), ...]` without closures, which would not always be inlined: then they would lack the vector features.
macro_rules! four {
    ($i:ident => $e:expr) => {
        [
            {
                let $i = 0;
                $e
            },
            {
                let $i = 1;
                $e
            },
            {
                let $i = 2;
                $e
            },
            {
                let $i = 3;
                $e
            },
        ]
    };
}

macro_rules! operators {
    ($($trait:ident $f:ident)*) => {$(
        impl<V: Wide> $trait for Group<V> {
            type Output = Group<V>;
            #[inline(always)]
            fn $f(self, other: Group<V>) -> Group<V> {
                Group(four!(i => self.0[i].$f(other.0[i])))
            }
        }
    )*};
}
operators!(Add add Sub sub Mul mul Div div);

impl<V: Wide> Neg for Group<V> {
    type Output = Group<V>;
    #[inline(always)]
    fn neg(self) -> Group<V> {
        Group(four!(i => -self.0[i]))
    }
}

/// Methods that act on every register by itself: `name [FMA] (other arguments)`.
macro_rules! each {
    ($($f:ident $([$p:ident])? ($($a:ident),*);)*) => {$(
        #[inline(always)]
        fn $f $(<const $p: bool>)? (self $(, $a: Self)*) -> Self {
            Group(four!(i => self.0[i].$f $(::<$p>)? ($($a.0[i]),*)))
        }
    )*};
}

impl<V: Wide> Lanes for Group<V> {
    type One = V::One;
    type Mask = [V::Mask; 4];
    #[inline(always)]
    fn all(v: V::One) -> Self {
        Group([V::all(v); 4])
    }
    each! {
        fma[FMA](b, c);
        abs();
        copysign(sign);
        at_most(bound);
        at_least(bound);
        scale(n);
        over(d);
        exp_q[FMA]();
        exp2_q[FMA]();
        sinh_q[FMA]();
    }
    #[inline(always)]
    fn is_negative(self) -> Self::Mask {
        four!(i => self.0[i].is_negative())
    }
    #[inline(always)]
    fn below(self, other: Self) -> Self::Mask {
        four!(i => self.0[i].below(other.0[i]))
    }
    #[inline(always)]
    fn pick(mask: Self::Mask, yes: Self, no: Self) -> Self {
        Group(four!(i => V::pick(mask[i], yes.0[i], no.0[i])))
    }
    #[inline(always)]
    fn pow2(n: Self) -> Self {
        Group(four!(i => V::pow2(n.0[i])))
    }
}

impl<V: Wide> Wide for Group<V> {
    const N: usize = V::N * 4;
    #[inline(always)]
    unsafe fn load(p: *const V::One) -> Self {
        // SAFETY: the caller's promise.
        Group(four!(i => unsafe { V::load(p.add(i * V::N)) }))
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut V::One) {
        // SAFETY: the caller's promise.
        four!(i => unsafe { self.0[i].store(p.add(i * V::N)) });
    }
}
