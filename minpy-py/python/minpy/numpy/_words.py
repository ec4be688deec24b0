"""What parameters mean, once for all functions that have them; and what NumPy's methods do that have no function of ours."""

PARAMETERS = {
    "dtype": "dtype: of the elements of the result.",
    "order": "order: 'C' (rows), 'F' (columns), 'A' or 'K' (as the argument lies) in memory.",
    "device": "device: where; the current device, or that of the argument, when it is not given.",
    "like": "like: an object whose own library makes the array.",
    "requirements": "requirements: on the memory, as NumPy's letters.",
    "copy": "copy: True: always; None: where it is needed; False: an error where it is needed.",
}

# Methods that are NumPy's own on host views.
METHODS = {
    "dump": "Pickles the array into a file.",
    "dumps": "The array, pickled, as bytes.",
    "getfield": "The bytes at an offset of each element as another dtype.",
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
