"""`python -m minpy script.py ...`: runs a NumPy program as it is, with its `numpy` replaced by `minpy.numpy`."""
import sys

USAGE = """usage: python -m minpy script.py [argument ...]
       python -m minpy -m module | -c code | - [argument ...]

Runs an unmodified NumPy program: what it and the modules of its folder import as numpy is minpy.numpy; libraries keep NumPy.
"""


def main() -> None:
    """Runs what the command line names."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="", file=sys.stdout if arguments else sys.stderr)
        raise SystemExit(0 if arguments else 2)
    from minpy import _running, install
    program = _running.Program(arguments)
    install(program.folder)
    program.run()


if __name__ == "__main__":
    main()
