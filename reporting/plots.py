"""The plots of the report as inline SVG, without scripts, fonts or addresses. Import it late: that takes a second."""

import re
from collections.abc import Sequence
from html import escape
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

from reporting.report import Statistic

#: Lines and labels have the colour of the page's text, so that the plots fit light and dark pages.
_INK = {"labelColor": "currentColor", "titleColor": "currentColor", "tickColor": "currentColor", "domainColor": "currentColor"}
_LABELS = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelFontWeight": "normal"}
_THEME: dict[str, Any] = {
    "background": None,
    "aria": False,
    "font": "system-ui, sans-serif",
    "padding": {"left": 24, "right": 24, "top": 4, "bottom": 4},
    "view": {"stroke": None},
    "axis": {**_INK, **_LABELS, "gridColor": "#8883", "domainOpacity": 0.4, "tickOpacity": 0.4, "titlePadding": 10},
    "legend": {**_INK, **_LABELS, "orient": "top", "title": None, "symbolType": "square", "columnPadding": 18, "labelLimit": 260},
    "text": {"color": "currentColor", "fontSize": 12},
    "range": {"category": ["#3f7cac", "#e08e45", "#5f9e6e", "#c05b5b", "#8a76b5", "#b59f3b", "#6b7a88", "#d18ab0"]},
}
_WIDTH = 800
_REASONS_SHOWN = 7


def left_behind(rows: Sequence[Statistic]) -> str:
    """Draw the rows that stay behind: bars stacked by reason, one for each month of creation."""
    frame = _frame(rows).rename(columns={"label": "reason", "detail": "month"})
    frame["reason"] = frame["reason"].str.replace("_", " ")
    order = frame.groupby("reason")["value"].sum().sort_values(ascending=False).index.tolist()
    frame["place"] = frame["reason"].map(order.index)
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("month:O", title="month of creation", axis=alt.Axis(labelAngle=-40)),
            y=alt.Y("value:Q", title="artworks that stay behind", axis=alt.Axis(format=",d")),
            color=alt.Color("reason:N", sort=order, legend=alt.Legend(columns=_REASONS_SHOWN)),
            order=alt.Order("place:Q"),
        )
        .properties(width=_WIDTH, height=260)
    )
    totals = ", ".join(f"{reason} {frame.loc[frame['reason'] == reason, 'value'].sum():,}" for reason in order)
    return _svg(chart, "Artworks that stay behind, by reason and month", f"Stacked bars, one for each month. Totals: {totals}.")


def artworks_per_customer(rows: Sequence[Statistic], left_with_nothing: int) -> str:
    """Draw the customers by the number of their artworks, before and after the migration."""
    frame = _frame([*rows, Statistic("artworks_per_customer", "clean", "0", left_with_nothing)])
    frame["artworks"] = frame["detail"].replace("10", "10 or more")
    frame["side"] = frame["label"].map({"legacy": "before", "clean": "after"})
    order = [str(number) for number in range(10)] + ["10 or more"]
    chart = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("artworks:O", sort=order, title="artworks of a customer", axis=alt.Axis(labelAngle=0)),
            xOffset=alt.XOffset("side:N", sort=["before", "after"]),
            y=alt.Y("value:Q", title="customers", axis=alt.Axis(format=",d")),
            color=alt.Color("side:N", sort=["before", "after"]),
        )
        .properties(width=_WIDTH, height=240)
    )
    description = f"Grouped bars. After the migration {left_with_nothing:,} customers have no artwork."
    return _svg(chart, "Customers by the number of their artworks, before and after", description)


def seconds(rows: Sequence[Statistic]) -> str:
    """Draw the seconds of each step, in the order of the steps."""
    frame = _frame(rows).sort_values("detail").rename(columns={"label": "step"})
    frame["text"] = frame["value"].map("{:,.1f} s".format)
    bars = alt.Chart(frame).encode(
        x=alt.X("value:Q", axis=None),
        y=alt.Y("step:N", sort=frame["step"].tolist(), title=None, axis=alt.Axis(labelLimit=260)),
    )
    chart = (bars.mark_bar(size=14) + bars.mark_text(align="left", dx=6).encode(text="text:N")).properties(
        width=_WIDTH - 160, height=alt.Step(24)
    )
    return _svg(chart, "Seconds of each step", ", ".join(f"{step} {text}" for step, text in zip(frame["step"], frame["text"], strict=True)))


def _frame(rows: Sequence[Statistic]) -> pd.DataFrame:
    return pd.DataFrame(list(rows)).astype({"value": float})


def _svg(chart: alt.Chart | alt.LayerChart, title: str, description: str) -> str:
    """Return the chart as an element of the page that shrinks with it, with a title and a description for screen readers."""
    spec = {**chart.to_dict(), "config": _THEME}
    svg = vl_convert.vegalite_to_svg(spec)
    opening = re.match(r'<svg[^>]* width="(\d+)"[^>]* viewBox="([^"]*)"[^>]*>', svg)
    if opening is None:
        raise ValueError("The first element of the plot has no width or no viewBox: vl_convert draws it differently now.")
    name = re.sub(r"\W+", "-", title.lower())
    return (
        f'<svg role="img" aria-labelledby="{name} {name}-text" viewBox="{opening[2]}" style="max-width: {opening[1]}px">'
        f'<title id="{name}">{title}</title><desc id="{name}-text">{escape(description)}</desc>{svg[opening.end() :]}'
    )
