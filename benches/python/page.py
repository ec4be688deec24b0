"""Writes performance.md and its plots from performance/results.json, without measuring anything.

    page.py [DIRECTORY]        default: docs

Where we lose, `WHY` says why; it is kept by hand. Without matplotlib the page has no plots.
"""
from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import workloads
from systems import SYSTEMS
from workloads import Workload

ROOT = Path(__file__).resolve().parents[2]
NOT_ANALYSED = "not analysed yet"
BUSY_LOAD = 0.5  # processes that wanted to run, on average over the minute before

# Why we lose: (workload or group, system) -> reason; "*" is any system. The workload goes before the group, the system before "*".
WHY: dict[tuple[str, str], str] = {
    ("tape_add", "numpy"): "NumPy's loop neither records nor differentiates: the rest is the price of a gradient",
    ("rnn", "jaxjit"): "every step multiplies the same inputs by the same weights: a compiler does that once, an imperative program as often as it is written",
    ("depth", "*"): "products of operands that are not in cache take 4 to 5 % longer here than of those that are, and what is computed inside them 3 to 5 % more",
}

GROUP_TITLES = {
    "mlp": ("The 50-layer perceptron", "batch x width"),
    "depth": ("Depth", "hidden layers, batch 256, width 512"),
    "rnn": ("RNN over 50 steps", "batch x hidden, 256 inputs"),
    "chain": ("An elementwise expression at every size", "numbers"),
}

COLOURS = {
    "minpy": "#d62728",
    "minpysym": "#ff9896",
    "numpy": "#1f77b4",
    "autograd": "#17becf",
    "jax": "#98df8a",
    "jaxjit": "#2ca02c",
    "torch": "#ff7f0e",
    "torchcompile": "#8c564b",
    "mxsym": "#9467bd",
}

Entry = dict[str, Any]  # {"workload": ..., "systems": {system: row}} as run.py's measure() describes the rows


def label(system: str) -> str:
    return SYSTEMS[system].label


def microseconds(us: float) -> str:
    if us >= 1000:
        return f"{us:,.0f}"
    return f"{us:.3g}" if us < 100 else f"{us:.0f}"


def plain_ratio(value: float) -> str:
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.1g}"


def ratio(value: float) -> str:
    return f"**{plain_ratio(value)}**" if value > 1 else plain_ratio(value)


def spread(row: dict[str, Any]) -> str:
    return " - ".join(plain_ratio(value) for value in row["spread"])


def table(head: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[int] = (0,)) -> list[str]:
    """Lines of a Markdown table; all columns but those with `words` are aligned to the right."""
    rule = ["---" if k in words else "---:" for k in range(len(head))]
    return ["| " + " | ".join(cells) + " |" for cells in (head, rule, *rows)] + [""]


def why(group: str, workload: Workload, system: str) -> str:
    for name in (workload.name, group):
        for who in (system, "*"):
            if (name, who) in WHY:
                return WHY[name, who]
    return NOT_ANALYSED


def peers_of(entries: Sequence[Entry]) -> list[str]:
    """Peers that measured something, in the order of `SYSTEMS`."""
    return [s for s in SYSTEMS if s not in ("minpy", "minpysym") and any("ratio" in e["systems"].get(s, {}) for e in entries)]


def comparisons(group: str, entries: Sequence[Entry]) -> Iterator[tuple[Workload, str, dict[str, Any], dict[str, Any]]]:
    """(workload, peer, our row, its row) where both computed the same."""
    for entry in entries:
        for system in peers_of([entry]):
            row = entry["systems"][system]
            if row["agrees"]:
                yield Workload(**entry["workload"]), system, entry["systems"]["minpy"], row


def mode(workload: Workload) -> str:
    return "forward" if workload.forward else "gradient"


def busy(machine: dict[str, Any]) -> list[str]:
    """A warning, if others were computing when the run began."""
    load = machine["load_before"]
    if load is None or load < BUSY_LOAD:
        return []
    return [
        f"**The machine was not quiet**: its load was {load:g} when the run began. Threads that wait for each other suffer most from that "
        "(OpenBLAS by more than a factor of ten), so ratios of large products are worth little here, whichever way they point.",
        "",
    ]


def header(results: dict[str, Any]) -> list[str]:
    machine = results["machine"]
    kind = "a quick run (`make bench-quick`): few rounds, few sizes" if results["quick"] else "a full run (`make bench`)"
    lines = [
        "# Performance",
        "",
        "<!-- Written by benches/python/page.py from performance/results.json: edit the reasons there, not here. -->",
        "",
        f"Measured on {results['date']} in {results['minutes']:g} minutes by {kind}, at commit {results['commit']}, on {machine['processor']}, "
        f"{machine['cores']} cores, {machine['system']}, Python {machine['python']}. Everything uses as many threads as it chooses by itself.",
        "",
        *busy(machine),
        "A *ratio* is our time divided by the other's, taken within a round in which both ran: below 1 we are faster, **bold** is where we lose. "
        "Times are medians in microseconds. [How it is measured](#how-it-is-measured) says the rest.",
        "",
    ]
    rows = [(label(s), ", ".join(f"{p} {v}" for p, v in results["versions"][s].items())) for s in SYSTEMS if s in results["versions"]]
    lines += table(("system", "versions"), rows, words=(0, 1))
    if results["missing"]:
        lines += ["Not set up:", ""]
        lines += [f"* {label(system)}: {reason}" for system, reason in results["missing"].items()] + [""]
    left_out = [label(s) for s in SYSTEMS if s not in results["versions"] and s not in results["missing"]]
    if left_out:
        lines += [f"Not part of this run: {', '.join(left_out)}.", ""]
    if results.get("left_out"):
        lines += [f"The time of the run was limited; not measured: {', '.join(results['left_out'])}.", ""]
    return lines


def at_a_glance(entries: Sequence[Entry], plots: bool) -> list[str]:
    peers = peers_of(entries)
    all_ = list(comparisons("headline", entries))
    lost = [c for c in all_ if c[3]["ratio"] > 1]
    always_lost = [c for c in lost if c[3]["spread"][0] > 1]
    always_won = [c for c in all_ if c[3]["spread"][1] < 1]
    lines = [
        "## At a glance",
        "",
        f"Of {len(all_)} comparisons we win {len(all_) - len(lost)} ({len(always_won)} in every round) "
        f"and lose {len(lost)} ({len(always_lost)} in every round).",
        "",
    ]
    rows = []
    for entry in entries:
        cells = entry["systems"]
        if "us" not in cells["minpy"]:
            continue
        values = [ratio(cells[p]["ratio"]) if cells.get(p, {}).get("agrees") else "-" for p in peers]
        rows.append([f"`{entry['workload']['name']}`", microseconds(cells["minpy"]["us"]), *values])
    lines += table(("workload", "MinPy, us", *(f"to {label(p)}" for p in peers)), rows)
    if plots:
        lines += ["![Ratio to each peer](performance/ratios.svg)", ""]
    names = [e["workload"]["name"] for e in entries]
    lines += table(("workload", "one step is"), [(f"`{n}`", workloads.DESCRIPTIONS[n]) for n in names], words=(0, 1))
    lines += ["NumPy takes no gradients: its side of the losses is the gradient written out by hand.", ""]
    return lines


def every_comparison(entries: Sequence[Entry]) -> list[str]:
    rows = []
    for workload, system, ours, theirs in comparisons("headline", entries):
        reason = why("headline", workload, system) if theirs["ratio"] > 1 else ""
        rows.append(
            (f"`{workload.name}`", label(system), microseconds(ours["us"]), microseconds(theirs["us"]), ratio(theirs["ratio"]), spread(theirs), reason)
        )
    lines = ["## Every comparison", "", "*Rounds* are the least and the greatest ratio of a round.", ""]
    lines += table(("workload", "peer", "MinPy, us", "peer, us", "ratio", "rounds", "why we lose"), rows, words=(0, 1, 6))
    return lines + problems(entries)


def problems(entries: Sequence[Entry]) -> list[str]:
    """What was not compared, and why."""
    where: dict[str, list[str]] = {}
    for entry in entries:
        workload, rows = Workload(**entry["workload"]), entry["systems"]
        name = f"`{workload.name}`" + (" forward" if workload.forward else "")
        for system, row in rows.items():
            if "failed" in row:
                what = f"{label(system)} failed: {row['failed']}"
            elif "unavailable" in row and system != "minpysym" and (system == "minpy" or "us" in rows["minpy"]):
                what = f"{label(system)} has none: {row['unavailable']}"
            elif not row.get("agrees", True):
                what = f"{label(system)} computed something else: {row['check']}, not {rows['minpy']['check']}"
            else:
                continue
            where.setdefault(what, []).append(name)
    return ["Not compared:", "", *(f"* {', '.join(names)}: {what}" for what, names in where.items()), ""] if where else []


def floor(workload: Workload, limits: dict[str, Any]) -> tuple[float, str]:
    """The least microseconds that this machine needs for a step, and what it is bound by."""
    cost = workloads.cost(workload)
    products = max(kinds["gflops"] for kinds in limits.values())
    bounds = {
        "products": cost.flops / products / 1e3,
        "memory": cost.bytes / limits["numpy"]["gigabytes_per_second"] / 1e3,
        "calls": cost.calls * limits["numpy"]["call_ns"] / 1e3,
    }
    which = max(bounds, key=lambda kind: bounds[kind])
    return bounds[which], which


def to_the_limits(entries: Sequence[Entry], limits: dict[str, Any]) -> list[str]:
    numpy = limits["numpy"]
    lines = ["## To the limits of the machine", "", "Measured before and after everything else, the better counts:", ""]
    rows = [
        ("float32 product of 512 x 512, NumPy's BLAS", f"{numpy['gflops']:.0f} GFLOP/s"),
        ("the same, MinPy", f"{limits['minpy']['gflops']:.0f} GFLOP/s"),
        ("memory, all cores, the better of copy and add", f"{numpy['gigabytes_per_second']:.1f} GB/s"),
        ("a call of an empty Python function", f"{numpy['call_ns']:.0f} ns"),
    ]
    lines += table(("limit", "value"), rows)
    lines += [
        "A step cannot take less than its matrix products at the better of the two rates, its unavoidable memory traffic, or its Python calls need "
        "(`workloads.cost`); the largest of the three is the *floor*. It is a bound, not a promise: products of other sizes run at other rates. "
        "Less than 1 means that caches held part of the data, or that something else disturbed the measurement of the limit.",
        "",
    ]
    compared = []
    for entry in entries:
        cells = entry["systems"]
        if "us" not in cells["minpy"]:
            continue
        workload = Workload(**entry["workload"])
        least, which = floor(workload, limits)
        peers = {s: cells[s]["us"] for s in peers_of([entry]) if cells[s]["agrees"]}
        best = min(peers, key=lambda s: peers[s]) if peers else None
        compared.append(
            (
                f"`{workload.name}`",
                which,
                microseconds(least),
                microseconds(cells["minpy"]["us"]),
                f"{cells['minpy']['us'] / least:.1f}",
                label(best) if best else "-",
                f"{peers[best] / least:.1f}" if best else "-",
            )
        )
    return lines + table(("workload", "bound by", "floor, us", "MinPy, us", "MinPy / floor", "best peer", "best peer / floor"), compared, words=(0, 1, 5))


def over_symbolic(groups: dict[str, list[Entry]]) -> list[str]:
    """Ours as it is written against the same network as a graph bound once."""
    rows = []
    for group, entries in groups.items():
        for entry in entries:
            workload, twin = Workload(**entry["workload"]), entry["systems"].get("minpysym", {})
            if twin.get("agrees"):
                title = f"`{workload.name}`" if group == "headline" else f"{GROUP_TITLES[group][0]}, {workload.name}"
                ours = entry["systems"]["minpy"]["us"]
                rows.append((title, mode(workload), microseconds(ours), microseconds(twin["us"]), ratio(twin["ratio"]), spread(twin)))
    if not rows:
        return []
    lines = [
        "## Imperative over symbolic",
        "",
        "The same network written with `minpy.numpy` and `grad_and_loss`, and as a `minpy.symbol` graph that is bound once and then only run. "
        "Above 1 is what writing it as a program costs.",
        "",
    ]
    return lines + table(("network", "", "imperative, us", "symbolic, us", "ratio", "rounds"), rows, words=(0, 1))


def sweep(group: str, entries: Sequence[Entry], plots: bool) -> list[str]:
    title, sizes = GROUP_TITLES[group]
    peers = peers_of(entries)
    rows = []
    for entry in entries:
        workload, cells = Workload(**entry["workload"]), entry["systems"]
        if "us" not in cells["minpy"]:
            continue
        row = [workload.name, mode(workload) if workload.is_loss else "", microseconds(cells["minpy"]["us"])]
        lost: dict[str, list[str]] = {}
        for peer in peers:
            theirs = cells.get(peer, {})
            if not theirs.get("agrees"):
                row.append("-")
                continue
            row.append(f"{microseconds(theirs['us'])} ({ratio(theirs['ratio'])})")
            if theirs["ratio"] > 1:
                lost.setdefault(why(group, workload, peer), []).append(label(peer))
        rows.append([*row, "; ".join(f"{', '.join(names)}: {reason}" for reason, names in lost.items())])
    lines = [f"## {title}", "", f"Microseconds, in brackets our time divided by the peer's; {sizes}.", ""]
    lines += table((sizes.split(",")[0], "", "MinPy", *map(label, peers), "why we lose"), rows, words=(0, 1, 3 + len(peers)))
    if plots:
        lines += [f"![{title}](performance/{group}.svg)", ""]
    return lines + problems(entries)


def statements(rows: dict[str, dict[str, float]]) -> list[str]:
    lines = [
        "## Single statements",
        "",
        "`benches/python/bench.py`: MinPy and NumPy in turn in one process, each of our results read through NumPy (about 0.4 us); `gradient` is against formulas written out by hand.",
        "",
    ]
    cells = [(f"`{n}`", microseconds(r["minpy"] * 1e6), microseconds(r["numpy"] * 1e6), ratio(r["ratio"])) for n, r in rows.items()]
    return lines + table(("statement", "MinPy, us", "NumPy, us", "ratio"), cells)


METHOD = """## How it is measured

* Each system runs in a process of its own, in an environment of its own with the newest versions that `pip` finds (MXNet: the last that was made).
  All the processes of a workload are started and warmed up; then one after the other runs for a fraction of a second, again and again.
  A round's ratio has our time and the peer's of that round; the page shows the median over rounds. The order turns around every round.
* Inputs are float32 and the same for everybody. The loss and the norm of all gradients (or the sum and the norm of the output) must agree with ours to
  0.2 %; a row that does not is named and not compared.
* What is timed has been computed: our arrays are read through NumPy inside the step, others are waited for. In `small_add` the operation alone is timed;
  its result is waited for at the end of each group of repetitions (JAX: after each).
* Compiling, binding and warming up are not part of the time. Threads and other settings of the peers are their defaults.
* In the sweeps JAX runs only with jit, and PyTorch only uncompiled: compiling every size would take most of the run. A quick run has fewer peers there.
* The raw numbers are in [performance/results.json](performance/results.json); `benches/python/page.py` writes this page from them.
"""


def draw(results: dict[str, Any], folder: Path) -> bool:
    """The plots as SVG files; False where matplotlib is missing."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "minpy", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    from matplotlib import pyplot

    def finish(figure: Any, name: str) -> None:
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
        pyplot.close(figure)

    for group, entries in results["groups"].items():
        entries = [e for e in entries if "us" in e["systems"]["minpy"]]
        if not entries:
            continue
        if group == "headline":
            finish(draw_ratios(pyplot, entries), "ratios")
        elif group == "chain":
            finish(draw_chain(pyplot, entries, results["limits"]), group)
        else:
            finish(draw_sweep(pyplot, group, entries), group)
    return True


def draw_ratios(pyplot: Any, entries: Sequence[Entry]) -> Any:
    """Bars from 1 to the ratio: to the left we are faster."""
    peers = peers_of(entries)
    figure, axes = pyplot.subplots(figsize=(8, 0.6 + 0.16 * len(entries) * (len(peers) + 1)))
    for k, peer in enumerate(peers):
        found = [(i, e["systems"][peer]["ratio"]) for i, e in enumerate(entries) if e["systems"].get(peer, {}).get("agrees")]
        places = [i + (k + 0.5) / (len(peers) + 1) - 0.5 for i, _ in found]
        lefts, widths = [min(1, r) for _, r in found], [abs(r - 1) for _, r in found]
        axes.barh(places, widths, 0.9 / (len(peers) + 1), left=lefts, color=COLOURS[peer], label=label(peer))
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks(range(len(entries)), [e["workload"]["name"] for e in entries])
    axes.invert_yaxis()
    axes.set_xlabel("time of MinPy / time of the peer (left of 1: MinPy is faster)")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return figure


def draw_chain(pyplot: Any, entries: Sequence[Entry], limits: dict[str, Any]) -> Any:
    figure, axes = pyplot.subplots(figsize=(7, 3.5))
    for system in ("minpy", *peers_of(entries)):
        points = [(e["workload"]["batch"], e["systems"][system]["us"]) for e in entries if "us" in e["systems"].get(system, {})]
        axes.plot([n for n, _ in points], [us * 1e3 / n for n, us in points], "o-", color=COLOURS[system], label=label(system))
    sizes = [e["workload"]["batch"] for e in entries]
    memory = 12 / limits["numpy"]["gigabytes_per_second"]
    axes.plot(sizes, [memory] * len(sizes), "--", color="grey", label="memory: two reads and a write")
    axes.set(xscale="log", yscale="log", xlabel="numbers", ylabel="ns per number")
    axes.legend(frameon=False)
    return figure


def draw_sweep(pyplot: Any, group: str, entries: Sequence[Entry]) -> Any:
    """Forward to the left, with gradients to the right; time over depth, or over the sizes in their order."""
    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.5), sharey=True)
    for axes, forward in zip(panels, (True, False), strict=True):
        chosen = [e for e in entries if e["workload"]["forward"] == forward]
        xs = [e["workload"]["depth"] for e in chosen] if group == "depth" else list(range(len(chosen)))
        for system in ("minpy", "minpysym", *peers_of(entries)):
            ys = [e["systems"].get(system, {}).get("us", math.nan) / 1e3 for e in chosen]
            axes.plot(xs, ys, "o-", markersize=3, color=COLOURS[system], label=label(system))
        axes.set(yscale="log", title="forward" if forward else "with gradients", xlabel=GROUP_TITLES[group][1])
        if group != "depth":
            axes.set_xticks(xs, [e["workload"]["name"] for e in chosen], rotation=45, ha="right")
    panels[0].set_ylabel("ms")
    panels[1].legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def main() -> None:
    docs = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs"
    folder = docs / "performance"
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    plots = draw(results, folder)
    groups = results["groups"]
    lines = header(results)
    if "headline" in groups:
        entries = groups["headline"]
        lines += at_a_glance(entries, plots) + every_comparison(entries) + to_the_limits(entries, results["limits"])
    lines += over_symbolic(groups)
    for group in GROUP_TITLES:
        if group in groups:
            lines += sweep(group, groups[group], plots)
    lines += statements(results["statements"])
    page = docs / "performance.md"
    page.write_text("\n".join(lines) + "\n" + METHOD, encoding="utf-8")
    print(f"wrote {page.name} and {folder.name}/")


if __name__ == "__main__":
    main()
