"""`np.record_op_stat()` and `np.show_op_stat()`: what ran where, and what fell back."""
from typing import Any

from minpy._minpy import counters


def record_op_stat() -> None:
    """Starts counting operations on this thread (from zero)."""
    counters.reset()
    counters.count_ops(True)


def _table(rows, head):
    rows = [head, *([str(c) for c in row] for row in rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def op_stat() -> "dict[str, Any]":
    """The counts as data: operations by device, and fallbacks."""
    names = ("op", "device", "by", "reason", "site", "calls", "bytes", "seconds")
    return {"ops": counters.ops(), "fallbacks": [dict(zip(names, f, strict=True)) for f in counters.fallbacks()]}


def show_op_stat() -> None:
    """Prints how often each operation ran on which device, and every fallback with reason, bytes, time and line."""
    stat = op_stat()
    lines = ["--------Op Dispatch Statistics Start--------"]
    devices: dict[str, list[tuple[str, int]]] = {}
    for (op, device), calls in stat["ops"].items():
        devices.setdefault(device, []).append((op, calls))
    for device, ops in sorted(devices.items()):
        lines.append(f"{device} op called times:")
        lines += [f"  {op} : {calls}" for op, calls in sorted(ops, key=lambda x: (-x[1], x[0]))]
    fallbacks = stat["fallbacks"]
    native = sum(stat["ops"].values())
    numpy_calls = sum(f["calls"] for f in fallbacks if f["by"] == "numpy")
    if fallbacks:
        lines.append("fallbacks:")
        head = ["op", "device", "done by", "calls", "bytes", "ms", "reason", "called at"]
        rows = [[f["op"], f["device"], f["by"], f["calls"], f["bytes"], f"{f['seconds'] * 1e3:.2f}", f["reason"], f["site"]]
                for f in sorted(fallbacks, key=lambda f: -f["seconds"])]
        lines += _table(rows, head)
    else:
        lines.append("fallbacks: none")
    total = native + numpy_calls
    if not native:
        lines.append("operations were not counted: np.record_op_stat() starts that (fallbacks are always counted)")
    else:
        shares = [f"{sum(n for _, n in ops) / total:.1%} in {device}" for device, ops in sorted(devices.items())]
        lines.append("Total Dispatch Proportion: " + ", ".join([*shares, f"{numpy_calls / total:.1%} in NumPy"]))
    lines.append("--------Op Dispatch Statistics End--------")
    print("\n".join(lines))
