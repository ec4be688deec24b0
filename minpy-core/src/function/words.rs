//! What parameters mean, once for all functions that have them.

use super::{Gives, Kind, Parameter};

/// A sentence about a parameter; `None` for operands, which the line of the function is about.
pub(super) fn of(p: &Parameter, gives: Gives) -> Option<&'static str> {
    Some(match (p.name, p.kind) {
        ("axis", Kind::Axes) => "axis: one axis, a tuple of them, or None: all elements.",
        ("axis", Kind::Ints) if p.default == super::Default::None => {
            "axis: one axis, several of them, or None: all elements."
        }
        ("axis", _) if matches!(p.default, super::Default::None) => {
            "axis: along which; None: of the flattened array."
        }
        ("axis", _) => "axis: along which.",
        ("dtype", _) => "dtype: in which the result is computed and given.",
        ("out", _) => "out: an array of ours that takes the result.",
        ("keepdims", _) => "keepdims: axes that are gone stay as axes of length 1.",
        ("initial", _) => "initial: what the reduction starts from.",
        ("where", _) if gives == Gives::Values => "where: a mask; only elements where it is true count.",
        ("where", _) => "where: a mask; elsewhere nothing is written.",
        ("ddof", _) => "ddof: the sum of squares is divided by the number of elements minus this.",
        ("correction", _) => "correction: another name of ddof.",
        ("mean", _) => "mean: the mean, if it is known already.",
        ("kind", _) => "kind, stable: accepted, and all the same here.",
        ("order", Kind::Order) => {
            "order: 'C' (rows), 'F' (columns), 'A' or 'K' (as the argument lies) in memory."
        }
        ("device", _) => "device: where; the current device, or that of the argument, when it is not given.",
        ("like", _) => "like: an object whose own library makes the array.",
        ("subok", _) => "subok: subclasses are NumPy's business: without effect here.",
        ("shape", _) if matches!(p.default, super::Default::None) => {
            "shape: instead of that of the argument."
        }
        ("shape", _) => "shape: a length, or a tuple of lengths.",
        ("copy", Kind::Flag) => {
            "copy: True: always; None: where it is needed; False: an error where it is needed."
        }
        ("fill_value", _) => "fill_value: the value of every element.",
        ("kth", _) => "kth: the places of the sorted order: one or several.",
        ("q", _) => {
            "q: which quantiles or percentiles: one, or an array, whose axes come first in the result."
        }
        ("method", Kind::Choice(_)) => "method: what lies between two elements, by NumPy's names.",
        ("overwrite_input", _) => "overwrite_input: NumPy may write into the argument.",
        ("bins", _) => "bins: how many of equal width, or their edges.",
        ("range", _) => "range: the first and the last edge; None: the least and the greatest element.",
        ("density", _) => "density: divided by the widths of the bins and the sum of all.",
        ("bitorder", _) => "bitorder: whether the first bit is the highest ('big') or the lowest ('little').",
        ("count", _) => "count: how many bits; negative: all but so many.",
        ("assume_unique", _) => "assume_unique: no element occurs twice.",
        ("invert", _) => "invert: whether it is not among them.",
        ("k", _) => "k: which diagonal: 0 is the main one, positive ones are above it.",
        ("N", _) => "N, M: rows and columns; as many columns as rows when M is not given.",
        ("n", Kind::Int) => "n: rows and columns.",
        ("num", _) => "num: how many values.",
        ("endpoint", _) => "endpoint: whether `stop` is the last value.",
        ("retstep", _) => "retstep: give the step too.",
        ("start_or_stop", _) => {
            "start_or_stop, stop, step: from where, to where and by how much; one alone is the end."
        }
        ("order", Kind::Foreign) => "order: fields of structured arrays, which NumPy sorts.",
        ("casting", _) => "casting: what may be cast: 'no', 'equiv', 'safe', 'same_kind' or 'unsafe'.",
        ("axes", Kind::Axes) => "axes: the order; None: reversed.",
        ("axis1", _) => "axis1, axis2: these axes.",
        ("source", _) => "source, destination: the axes, and where they go.",
        ("start", Kind::Int) => "start: before which axis.",
        ("shift", _) => "shift: how far.",
        ("reps", _) => "reps: how often along each axis.",
        ("repeats", _) => "repeats: how often each element; one number, or one per element.",
        ("indices_or_sections", _) => "indices_or_sections: how many equal parts, or where to cut.",
        ("weights", _) => "weights: how much each element counts.",
        ("returned", _) => "returned: give the sum of the weights too.",
        ("a_min", _) => "a_min, a_max (or min, max): the bounds; None: no bound.",
        ("min", Kind::Operand) => "min, max: the bounds; None: no bound.",
        ("kwargs", _) => "kwargs: what else NumPy's ufuncs take; NumPy computes that.",
        ("decimals", _) => "decimals: digits behind the point; negative ones are before it.",
        ("copy", _) => "copy: False: into the argument itself.",
        ("nan", _) => "nan, posinf, neginf: what stands in place of each.",
        ("rtol", _) => "rtol, atol: how far apart, relative to `b` and absolute.",
        ("equal_nan", _) => "equal_nan: whether a NaN equals a NaN.",
        ("n", Kind::Axis) => {
            "n: how many points are transformed: what is more is cut off, what is missing is 0."
        }
        ("s", Kind::List) => "s: how many points along each of the axes; -1: as many as there are.",
        ("norm", Kind::Choice(_)) => {
            "norm: which direction divides by the number of points: 'backward', 'forward', or both by its root, 'ortho'."
        }
        ("axes", Kind::List) => "axes: which ones; None: all.",
        ("axes", Kind::Pairs) => "axes: how many, or two lists: those of `a` and those of `b`.",
        ("indices", _) => "indices: of the elements; negative ones count from the end.",
        ("ind", Kind::Int) => "ind: how many of the first axes count as rows.",
        ("ind", _) => "ind: flat positions; negative ones count from the end.",
        ("mode", _) => {
            "mode: of positions out of range: 'raise' an error, 'wrap' around, 'clip' to the ends."
        }
        ("condition", _) => "condition: which elements: true ones.",
        ("mask", _) => "mask: where to write.",
        ("wrap", _) => "wrap: go on below in tall matrices.",
        ("offset", _) => "offset: which diagonal: 0 is the main one, positive ones are above it.",
        ("begin", _) => "begin, end: the part of the axis; end None: to its end.",
        ("act_type", _) => "act_type: 'relu', 'sigmoid', 'tanh' or 'softrelu'.",
        ("ord", _) => "ord: which norm, by NumPy's numbers and words.",
        ("optimize", _) => "optimize: accepted; the order of the products is chosen by what they cost.",
        ("max_work", _) => "max_work: how closely NumPy looks, on the host.",
        _ => return None,
    })
}
