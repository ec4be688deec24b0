"""What parameters mean, once for all functions that have them; and what NumPy's methods do that have no function of ours."""

PARAMETERS = {
    "axis": "axis: along which.",
    "dtype": "dtype: of the elements of the result.",
    "out": "out: an array of ours that takes the result.",
    "order": "order: 'C' (rows), 'F' (columns), 'A' or 'K' (as the argument lies) in memory.",
    "device": "device: where; the current device, or that of the argument, when it is not given.",
    "like": "like: an object whose own library makes the array.",
    "subok": "subok: subclasses are NumPy's business: without effect here.",
    "keepdims": "keepdims: axes that are gone stay as axes of length 1.",
    "k": "k: which diagonal: 0 is the main one, positive ones are above it.",
    "offset": "offset: which diagonal: 0 is the main one, positive ones are above it.",
    "axis1": "axis1, axis2: the axes of the matrices.",
    "casting": "casting: what may be cast: 'no', 'equiv', 'safe', 'same_kind' or 'unsafe'.",
    "where": "where: a mask; elsewhere nothing is written.",
    "indices_or_sections": "indices_or_sections: how many equal parts, or where to cut.",
    "indices": "indices: of the elements; negative ones count from the end.",
    "mode": "mode: of indices out of range: 'raise' an error, 'wrap' around, 'clip' to the ends.",
    "rtol": "rtol, atol: how far apart, relative to `b` and absolute.",
    "equal_nan": "equal_nan: whether a NaN equals a NaN.",
    "start": "start, stop: the first value, and the end.",
    "step": "step: from one value to the next.",
    "num": "num: how many values.",
    "endpoint": "endpoint: whether `stop` is the last value.",
    "retstep": "retstep: give the step too.",
    "N": "N, M: rows and columns; as many columns as rows when M is not given.",
    "n": "n: rows and columns.",
    "shape": "shape: a length, or a tuple of lengths.",
    "fill_value": "fill_value: the value of every element.",
    "requirements": "requirements: on the memory, as NumPy's letters.",
    "copy": "copy: True: always; None: where it is needed; False: an error where it is needed.",
    "axes": "axes: which, one or several.",
    "a_min": "a_min, a_max (or min, max): the bounds; None: no bound.",
    "weights": "weights: how much each element counts.",
    "returned": "returned: give the sum of the weights too.",
    "decimals": "decimals: digits behind the point; negative ones are before it.",
    "nan": "nan, posinf, neginf: what stands in place of each.",
    "act_type": "act_type: 'relu', 'sigmoid', 'tanh' or 'softrelu'.",
    "ind": "ind: flat positions.",
    "wrap": "wrap: go on below in tall matrices.",
    "mask": "mask: where to write.",
    "begin": "begin, end: the part of the axis; end None: to its end.",
    "source": "source, destination: the axes, and where they go.",
    "reps": "reps: how often along each axis.",
    "repeats": "repeats: how often each element; one number, or one per element.",
    "shift": "shift: how far; what leaves at the end comes in at the beginning.",
    "condition": "condition: which elements: true ones.",
    "max_work": "max_work: without effect.",
    "ddof": "ddof: the divisor is the number of elements minus this.",
}

# Methods that are NumPy's own on host views.
METHODS = {
    "argpartition": "Indices that would put the element `kth` in its sorted place, lesser ones before it.",
    "dump": "Pickles the array into a file.",
    "dumps": "The array, pickled, as bytes.",
    "getfield": "The bytes at an offset of each element as another dtype.",
    "partition": "Puts the element `kth` in its sorted place, lesser ones before it, in place.",
    "put": "Writes values at flat positions.",
    "searchsorted": "Where values would have to be inserted to keep a sorted array sorted.",
    "setfield": "Writes the bytes at an offset of each element.",
    "tobytes": "The elements as bytes, in C order unless `order` says otherwise.",
    "tofile": "Writes the elements into a file, as bytes or as text with a separator.",
    "tostring": "The elements as bytes.",
    "newbyteorder": "The same memory with the other order of bytes.",
}


def explain(function):
    """Adds to a docstring of one line what the parameters mean. Classes speak for themselves."""
    if isinstance(function, type):
        return
    code = function.__code__
    names = code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]
    lines = [PARAMETERS[n] for n in names if n in PARAMETERS]
    if lines and "\n" not in function.__doc__:
        function.__doc__ = "\n".join([function.__doc__, "", *lines])
