//! What a kernel sees: clean, canonical work on views of one device's memory.
//!
//! Dispatch has promoted, broadcast, checked and allocated before a kernel runs; a kernel never allocates results
//! and never sees an operation it did not register for. The canonical forms (`Work`) are few: that is all a backend needs.

use crate::device::{DeviceRef, Memory};
use crate::dtype::DTypeSet;
pub(crate) use crate::expr::{Fold, PlainLoop};
use crate::expr::{Prim, Program};
use crate::value::attributes::{Attributes, Attrs};
use crate::{DType, Result, Scalar};
use std::sync::Arc;

/// A strided view of memory. Strides and offset count elements from the start of `memory`'s piece.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The piece of device memory (`handle` and byte `offset` of the piece).
    pub memory: &'a Memory,
    /// Element type.
    pub dtype: DType,
    /// Sizes of the dimensions.
    pub shape: &'a [usize],
    /// Strides in elements; 0 repeats, negative runs backwards.
    pub strides: &'a [isize],
    /// First element.
    pub offset: usize,
}

impl View<'_> {
    /// Address of the first element, for devices whose memory the host can reach.
    #[inline]
    pub fn host_ptr(&self) -> *mut u8 {
        (self.memory.handle + self.memory.offset + self.offset * self.dtype.size()) as *mut u8
    }
    /// Elements follow one another in C order.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        let mut step = 1isize;
        for (&n, &s) in self.shape.iter().zip(self.strides).rev() {
            if n != 1 && s != step {
                return false;
            }
            step *= n as isize;
        }
        true
    }
    /// Number of elements.
    #[inline]
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }
}

/// An input of a kernel.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Elements in memory.
    View(View<'a>),
    /// One number, already in the dtype of the program's input.
    Scalar(Scalar),
}

impl<'a> Input<'a> {
    /// The view; panics on a number (only elementwise and reduce programs take numbers).
    #[inline]
    pub fn view(&self) -> &View<'a> {
        match self {
            Input::View(v) => v,
            Input::Scalar(_) => unreachable!("this kernel takes arrays only"),
        }
    }
}

/// How a scatter treats the element that is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScatterMode {
    /// Replace; with repeated indices the last one in C order stays.
    Set,
    /// Combine with a primitive, repeated indices one after another (`numpy.ufunc.at`).
    Combine(Prim),
}

/// Makes of the rows below: `Work` with what each form carries, `Family`, names, and which forms only join what others do, for
/// speed (`optional`).
macro_rules! forms {
    (@optional) => { false };
    (@optional optional) => { true };
    ($(
        $(#[$doc:meta])* $form:ident $text:literal $(, $optional:ident)? $(($($of:tt)*))? $({$($field:tt)*})?;
    )*) => {
        /// The canonical forms of work. Shapes are those of the views.
        #[derive(Clone, Debug)]
        pub enum Work {
            $( $(#[$doc])* $form $(($($of)*))? $({$($field)*})?, )*
            /// One operation with a kernel of its own, which finds its attributes here (`KernelCall::attributes`): registered
            /// and looked up by the operation's name (`registry::Slot::Op`), so it is of no family.
            Custom(Arc<dyn Attributes>),
        }

        impl Work {
            /// The form by name: under it kernels are registered.
            #[inline]
            pub fn family(&self) -> Option<Family> {
                match self {
                    $( Work::$form { .. } => Some(Family::$form), )*
                    Work::Custom(_) => None,
                }
            }
        }

        /// The forms by name; a kernel is registered for one of them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Family {
            $( #[doc = concat!("`Work::", stringify!($form), "`")] $form, )*
        }

        impl Family {
            /// Every family.
            pub const ALL: [Family; Family::COUNT] = [$(Family::$form),*];
            /// Number of families.
            pub const COUNT: usize = [$(stringify!($form)),*].len();
            /// Lower-case name.
            pub fn name(self) -> &'static str {
                match self {
                    $( Family::$form => $text, )*
                }
            }
            /// Whether the form only joins what others do: a device without it gets the parts.
            pub fn is_optional(self) -> bool {
                match self {
                    $( Family::$form => forms!(@optional $($optional)?), )*
                }
            }
        }
    };
}

forms! {
    /// `outputs[k][i] = program(inputs[..][i])_k`: all views have the shape of the outputs (stride 0 where broadcast).
    /// An output may be the same view as an input; it never overlaps one in another way.
    Elementwise "elementwise";
    /// `outputs[0][o] = fold over r of program(inputs[..][o, r])`, starting from the identity; the input views have the
    /// shape `outer ++ inner`, the output view has the shape `outer` (its length says how many axes are outer).
    /// The program's output has the dtype of the output view. Sums of half are accumulated in float32.
    Reduce "reduce" (Fold);
    /// `outputs[0][o]` (int64) = first position along the single last axis of the greatest (or smallest) element; NaN counts as extreme.
    ArgReduce "arg_reduce" {
        /// Greatest and not smallest.
        max: bool,
    };
    /// Fused row reductions: elementwise work whose program holds folds (`expr::Node::Fold`). The input views have the shape
    /// `outer ++ inner`, `inner` axes of which are a row; a fold is the fold of its node over one row, and is used as a number
    /// in that row. An output view has the shape `outer ++ inner`, or `outer` for a value that is the same along each row.
    /// Optional for a backend: without it the parts run one by one. A kernel may answer `ErrorKind::Unsupported` to what it
    /// cannot do well.
    Rows "rows", optional {
        /// Number of trailing axes that are a row.
        inner: usize,
    };
    /// Running fold along the last axis; input and output have one shape and dtype.
    Scan "scan" (Fold);
    /// `outputs[0][.., m, n] = sum over k of inputs[0][.., m, k] * inputs[1][.., k, n]`: equal leading axes (stride 0 where
    /// broadcast), one dtype, any strides. With k == 0 the result is 0.
    Matmul "matmul";
    /// A product and what is computed of it, element by element, before it is stored: `outputs[k][i] = program(p[i],
    /// inputs[2..][i])_k` with `p` the `Matmul` of the first two inputs. Its dtype is theirs, that of `outputs[0]` and of the
    /// program's first input; all further inputs and the outputs have its shape. An input from the third on may be the same
    /// view as `outputs[0]`; otherwise outputs overlap nothing. Optional for a backend: without it the parts run one by one. A
    /// kernel may answer `ErrorKind::Unsupported` to what it cannot do well, before it writes anything.
    Epilogue "epilogue", optional;
    /// `Epilogue` (without a program `Matmul`) and what can be computed at the same time. Optional for a backend, and refused,
    /// as `Epilogue` is.
    Products "products", optional {
        /// An output follows those of the epilogue: `outputs[0]` summed over its last axis but one, in its dtype.
        sum: bool,
        /// Two inputs follow those of the epilogue, whose `Matmul` is the last output. Nothing else in the call touches that;
        /// sizes and dtype of this product are its own.
        beside: bool,
    };
    /// `outputs[0][b.., r..] = inputs[0][i_0[b], i_1[b], .., r..]`: `inputs[1..=indexed]` are int64 views of shape `b`,
    /// negative indices count from the end; an index out of range is an `IndexError` (`index_error`).
    Gather "gather" {
        /// Number of leading axes of `inputs[0]` that are indexed.
        indexed: usize,
    };
    /// `outputs[0][i_0[b], .., r..] = inputs[0][b.., r..]` (or combined): `inputs[1..=indexed]` as for `Gather`. All
    /// indices are checked before anything is written.
    Scatter "scatter" {
        /// Number of leading axes of `outputs[0]` that are indexed.
        indexed: usize,
        /// Replace or combine.
        mode: ScatterMode,
    };
    /// Sorts along the last axis, stably, NaN last; `outputs[0]` has the dtype of the input, or int64 positions when `arg`.
    Sort "sort" {
        /// Positions instead of values.
        arg: bool,
    };
    /// `outputs[0]` (int64, shape `[ndim, n]`): the indices of the `n` nonzero elements in C order; `n` was counted before.
    Nonzero "nonzero";
    /// Philox-4x32-10: `outputs[0]` (uint32, contiguous) is the stream of `key` from block `counter` on, four words a block.
    RandomBits "random_bits" {
        /// Key.
        key: [u32; 2],
        /// Number of the first block.
        counter: u64,
    };
}

impl Work {
    /// Name of the form.
    pub fn name(&self) -> &'static str {
        self.family().map_or("custom", Family::name)
    }
}

/// One call of a kernel.
#[derive(Clone, Copy, Debug)]
pub struct KernelCall<'a> {
    /// The operation, for messages and for kernels of a single operation.
    pub op: &'static str,
    /// What to do.
    pub work: &'a Work,
    /// The scalar program (elementwise, reduce, rows and epilogue; products that have one).
    pub program: Option<&'a Arc<Program>>,
    /// What is read.
    pub inputs: &'a [Input<'a>],
    /// What is written. Never empty views: dispatch does not launch work on zero elements.
    pub outputs: &'a [View<'a>],
}

impl<'a> KernelCall<'a> {
    /// The scalar program of elementwise and reduce work.
    #[inline]
    pub fn program(&self) -> &'a Arc<Program> {
        match self.program {
            Some(p) => p,
            None => unreachable!("elementwise and reduce calls carry a program"),
        }
    }
    /// The attributes of an operation with a kernel of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Type`](crate::ErrorKind::Type) where they have another type.
    pub fn attributes<T: Attributes>(&self) -> Result<&'a T> {
        match self.work {
            Work::Custom(a) => {
                let a: &'a dyn Attributes = &**a;
                (a as &dyn std::any::Any).downcast_ref().ok_or_else(|| {
                    let wanted = std::any::type_name::<T>();
                    let message =
                        format!("{}: attributes of type {wanted} expected, not {}", self.op, a.type_name());
                    crate::Error::new(crate::ErrorKind::Type, message)
                })
            }
            _ => Attrs::NONE.expect(self.op),
        }
    }
    /// Every dtype the work touches.
    pub fn dtypes(&self) -> DTypeSet {
        let mut set = self.program.map_or(DTypeSet(0), |p| p.dtypes());
        for i in self.inputs {
            if let Input::View(v) = i {
                set = set.with(v.dtype);
            }
        }
        self.outputs.iter().fold(set, |s, v| s.with(v.dtype))
    }
}

/// The error of a gather or scatter whose index is out of range, in NumPy's words.
#[cold]
pub fn index_error(op: &str, index: i64, axis: usize, size: usize) -> crate::Error {
    crate::Error::new(
        crate::ErrorKind::Index,
        format!("{op}: index {index} is out of bounds for axis {axis} with size {size}"),
    )
}

/// A kernel: runs `call` on `device`. May return before the device is done.
pub type KernelFn = fn(DeviceRef, &KernelCall) -> Result<()>;
