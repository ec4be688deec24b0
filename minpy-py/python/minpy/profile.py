"""`python -m minpy.profile script.py ...`: profiles a program. Imported, `minpy.profile` is the class (`minpy/profiling.py`)."""
import sys

from minpy.profiling import profile

USAGE = """usage: python -m minpy.profile [--install] [-o FILE] script.py [argument ...]
       python -m minpy.profile [--install] [-o FILE] -m module | -c code | - [argument ...]

Runs a program that uses minpy.numpy and says where its time went: as tables on standard error, or in FILE, by its end: .html (a page with
bars), .json (a trace for Perfetto or chrome://tracing) or .txt.
--install: an unmodified NumPy program, whose numpy is replaced as by `python -m minpy`.
"""


def main() -> None:
    """Runs and profiles what the command line names."""
    arguments, file, installs = sys.argv[1:], None, False
    while arguments and arguments[0] in ("--install", "-o"):
        installs = installs or arguments[0] == "--install"
        if arguments.pop(0) == "-o":
            file = arguments.pop(0) if arguments else ""
    if not arguments or arguments[0] in ("-h", "--help") or (file is not None and not file.endswith((".html", ".json", ".txt"))):
        asked = arguments[:1] in (["-h"], ["--help"])
        print(USAGE, end="", file=sys.stdout if asked else sys.stderr)
        raise SystemExit(0 if asked else 2)
    from minpy import _running, install
    program = _running.Program(arguments)
    if installs:
        install(program.folder)
    p = profile()
    try:
        with p:
            program.run()
    finally:
        if file is None:
            print(p, file=sys.stderr)
        else:
            p.save(file)


if __name__ == "__main__":
    main()
else:
    # What `import minpy.profile` gives, and leaves as the attribute of the package: the class, which is called as a function.
    sys.modules[__name__] = profile  # type: ignore[assignment]
