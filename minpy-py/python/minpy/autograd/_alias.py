"""Modules of MinPy that have a second name here, where programs look for them."""
import importlib
import sys


def stands_for(name: str, target: str) -> None:
    """`import name` gives the module `target`, and the same for its submodules that are loaded."""
    module = importlib.import_module(target)
    for loaded, submodule in list(sys.modules.items()):
        if loaded.startswith(target + "."):
            sys.modules[name + loaded[len(target):]] = submodule
    sys.modules[name] = module
