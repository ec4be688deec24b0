"""A profile as HTML: tables with bars, for a page of its own and for notebooks."""
from html import escape

_KINDS = {"kernel": ("#4878a8", "kernels"), "numpy": ("#d08050", "NumPy"), "copy": ("#8860a0", "copies"), "python": ("#a8a8a8", "Python")}
_MOST_LINES = 100
_NUMBER, _TEXT = "text-align: right; padding: 1px 8px", "text-align: left; padding: 1px 8px; white-space: pre"


def _bar(parts, whole):
    """A bar of `(kind, seconds)`, as wide as their share of the whole."""
    def piece(kind, seconds):
        style = f"display: inline-block; height: 0.8em; width: {seconds / whole:.3%}; background: {_KINDS[kind][0]}"
        return f'<span title="{_KINDS[kind][1]}: {seconds * 1e3:.3f} ms" style="{style}"></span>'
    return '<div style="width: 200px; white-space: nowrap">' + "".join(piece(k, s) for k, s in parts if s > 0) + "</div>"


def _row(cells, tag, numbers, bar):
    styled = [f'<{tag} style="{_NUMBER if i < numbers else _TEXT}">{escape(c)}</{tag}>' for i, c in enumerate(cells)]
    styled.insert(numbers, f"<{tag}>{bar}</{tag}>")
    return f"<tr>{''.join(styled)}</tr>"


def _table(head, rows):
    return f'<table style="border-collapse: collapse"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'


def tables(p):
    """The time by kind of work and by line."""
    longest = max([p.python, *(g.seconds for g in p.groups)], default=0.0) or 1.0
    kinds = [_row(texts, "td", 4, _bar([(kind, seconds)], longest)) for texts, seconds, kind in p._rows()]
    longest = max((at.seconds for at in p.lines), default=0.0) or 1.0
    lines = [_row([*texts, ", ".join(at.names[:4])], "td", 3, _bar([(k, getattr(at, k)) for k in _KINDS], longest))
             for texts, at in p._lines(_MOST_LINES)]
    legend = " ".join(f'<span style="background: {colour}">&emsp;</span> {name}&emsp;' for colour, name in _KINDS.values())
    return "\n".join([
        f"<div><p>{escape(p._summary())}</p><p>{legend}</p>", _table(_row(p._HEAD, "th", 4, ""), kinds), "<br>",
        _table(_row([*p._HEAD_LINES, "what ran"], "th", 3, ""), lines), "</div>"])


def page(p):
    """A page that needs nothing but itself."""
    return ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>minpy.profile</title></head>\n'
            f'<body style="font: 14px sans-serif">\n<h1>Where the time went</h1>\n{tables(p)}\n</body></html>\n')
