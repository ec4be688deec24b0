"""Python's own: containers of traced values are ordinary ones here."""
import builtins

dict, isinstance, list, tuple, type = builtins.dict, builtins.isinstance, builtins.list, builtins.tuple, builtins.type

__all__ = ["dict", "isinstance", "list", "tuple", "type"]
