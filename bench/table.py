"""Write the tables and the plot of docs/benchmarks.md from docs/benchmarks.jsonl: `python -m bench.table`. No value is copied by hand."""

import re
import sys
from itertools import groupby
from pathlib import Path

import altair as alt
import pandas as pd
import vl_convert

from bench.results import Compared, Line, read

DOCS = Path(__file__).parent.with_name("docs")
RESULTS, PAGE, PLOT = DOCS / "benchmarks.jsonl", DOCS / "benchmarks.md", DOCS / "benchmarks.svg"
BEGIN, END = "<!-- from here on written by `python -m bench.table` -->", "<!-- up to here -->"
HEADER = "| benchmark | what | other side | ours | unit | ratio | rounds | bar |\n|---|---|---|---|---|---|---|---|"


def tables(lines: list[Line]) -> str:
    """Return a table for each number of rows, and for several of them a table of how the values grow."""
    sizes = sorted({line.rows for line in lines})
    parts = [_of_size(size, [line for line in lines if line.rows == size]) for size in sizes]
    if len(sizes) > 1:
        parts.append(_growth(lines, sizes))
    return "\n\n".join(parts)


def _of_size(rows: int, lines: list[Line]) -> str:
    runs = "; ".join(
        f"{at}, {machine}" for (at, machine), _ in groupby((line.at[:10], re.sub(r" \(load .*?\)", "", line.machine)) for line in lines)
    )
    loads = [float(load) for line in lines for load in re.findall(r"\(load ([\d.]+)\)", line.machine)]
    body = "\n".join(map(_row, lines))
    return f"### {rows:,} rows\n\n{runs}. Load at the start of a benchmark: {min(loads)} to {max(loads)}.\n\n{HEADER}\n{body}"


def _row(line: Line) -> str:
    result = line.result
    bar = "–" if result.bar is None else f"≤ {result.bar:g}{'' if result.holds else ' **missed**'}"
    if isinstance(result, Compared):
        (other, ours), (low, high) = result.sides, result.spread
        ratio = f"**{shown(result.value)}**" + (f" ({shown(low)} to {shown(high)})" if len(result.pairs) > 1 else "")
        cells = [shown(other), shown(ours), result.unit, ratio, str(len(result.pairs)), bar]
    else:
        cells = ["–", f"**{shown(result.value)}**", result.unit, "–", str(len(result.values)), bar]
    return f"| {' | '.join([f'`{line.benchmark}`', result.name, *cells])} |"


def _growth(lines: list[Line], sizes: list[int]) -> str:
    """Return a table of our own values by size. The last column is the factor between the first and the last size."""
    ours = {(line.benchmark, line.result.name, line.result.unit, line.rows): _ours(line) for line in lines}
    rows = []
    for benchmark, name, unit in dict.fromkeys(key[:3] for key in ours):
        values = [ours[benchmark, name, unit, size] for size in sizes if (benchmark, name, unit, size) in ours]
        if len(values) == len(sizes) and values[0]:
            cells = [f"`{benchmark}`", name, unit, *map(shown, values), f"{values[-1] / values[0]:.2f} ×"]
            rows.append(f"| {' | '.join(cells)} |")
    columns = ["benchmark", "what", "unit", *(f"{size:,} rows" for size in sizes), "growth"]
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"
    return "\n".join(["### Growth\n\nOur own values. A time for 1,000 rows that does not grow is linear.\n", head, *rows])


def _ours(line: Line) -> float:
    return line.result.sides[1] if isinstance(line.result, Compared) else line.result.value


def shown(number: float) -> str:
    """Return a number with three digits, or all of them before the point."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def plot(lines: list[Line]) -> str:
    """Return an SVG of each value that has a bar, divided by it: left of 1 the bar holds."""
    frame = pd.DataFrame(
        [
            {"what": f"{line.benchmark}: {line.result.name}", "share": line.result.value / line.result.bar, "rows": f"{line.rows:,} rows"}
            for line in lines
            if line.result.bar and line.result.value
        ]
    )
    share = alt.X("share:Q", title="value ÷ bar (log scale)", scale=alt.Scale(type="log"))
    what = alt.Y("what:N", sort=None, title=None, axis=alt.Axis(labelLimit=420))
    points = alt.Chart(frame).mark_point(filled=True, size=70).encode(x=share, y=what, color=alt.Color("rows:N", title=None))
    bar = alt.Chart(pd.DataFrame({"share": [1.0]})).mark_rule(strokeDash=[4, 4]).encode(x="share:Q")
    chart = (points + bar).properties(width=460, height=alt.Step(18), background="white")
    return str(vl_convert.vegalite_to_svg(chart.to_dict()))


def page(text: str, lines: list[Line]) -> str:
    """Return the page with the tables between its two marks."""
    made = f"![Each value, divided by its bar](benchmarks.svg)\n\n{tables(lines)}" if lines else "There are no results yet."
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{made}\n\n{END}{rest.split(END)[1]}"


def main() -> int:
    """Write the page and the plot. Returns the exit code."""
    lines = read(RESULTS)
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), lines), encoding="utf-8")
    if lines:
        PLOT.write_text(plot(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
