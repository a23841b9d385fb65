"""REPORT.md and report.svg: what a run found. Every figure comes from the run; the sentences only say what it is."""

import os
import platform
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from tests.load.crowd import Row
from tests.load.growth import Growth

NAME: Final = "REPORT.md"
PLOT: Final = "report.svg"
HEADER: Final = (
    "scenario",
    "sockets",
    "messages/s",
    "deliveries/s",
    "CPU ms/message",
    "CPU µs/delivery",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "server busy",
    "load busy",
    "MiB at most",
    "lost",
    "twice",
    "refused",
)
_LEGEND: Final = """\
The times of *storm* are those in which other people's heartbeats are answered meanwhile; the others are of a message,
from its sending to its arrival at a reader. CPU and memory are those of the server's processes, without PostgreSQL and
Redis. *busy* is the share of one core: where the load is near 100 %, it is the load that was measured."""


@dataclass(frozen=True)
class Outcome:
    """A run: where, how, and what came out."""

    command: Sequence[str]
    where: Sequence[str]
    rows: Sequence[Row] = field(default_factory=list)
    growth: Growth | None = None

    @property
    def lost(self) -> int:
        """Messages or sockets that were lost, or that came twice."""
        return sum(row.lost + row.twice for row in self.rows) + (self.growth.lost if self.growth else 0)


def machine() -> str:
    """The one that the run is on."""
    cores = os.cpu_count() or 1
    return f"{_processor()}, {cores} core{'s' * (cores != 1)}, Python {platform.python_version()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


# Words


def text(outcome: Outcome) -> str:
    """REPORT.md."""
    parts = ["# What the chat can carry", "", "    " + shlex.join(outcome.command), ""]
    parts += [f"{time.strftime('%Y-%m-%d')}. {' '.join(outcome.where)}", ""]
    if outcome.rows:
        parts += ["## Scenarios", "", *scenario_table(outcome.rows), "", _LEGEND, ""]
        parts += [*(f"- *{row.scenario}*: {row.note}." for row in outcome.rows), ""]
    if outcome.growth:
        parts += ["## Growth", "", *growth_table(outcome.growth), ""]
        parts += [*cost_table(outcome.growth), ""] if outcome.growth.costs else []
    parts += [f"![Cost of a message by sockets, and how long messages take]({PLOT})"]
    return "\n".join(parts) + "\n"


def scenario_table(rows: Sequence[Row]) -> list[str]:
    return _table(HEADER, [_cells(row) for row in rows])


def growth_table(growth: Growth) -> list[str]:
    words = {True: "ok", False: "**not ok**", None: ""}
    rows = [(figure.what, figure.measured, figure.wanted, words[figure.ok]) for figure in growth.figures]
    rows.append(("messages lost while all this was measured", f"{growth.lost:,}", "0", words[growth.lost == 0]))
    return _table(("figure", "measured", "wanted", ""), rows)


def cost_table(growth: Growth) -> list[str]:
    """What the line was drawn through."""
    rows = [(f"{sockets:,}", *(f"{cost * 1e3:.2f}" for cost in costs)) for sockets, costs in growth.costs.items()]
    return _table(("sockets", "CPU ms/message", "CPU ms/send() to all"), rows)


def _cells(row: Row) -> tuple[str, ...]:
    seconds, cpu, memory = row.measured.seconds, row.measured.cpu, row.measured.memory
    latency = row.latency
    share = None if row.mixed else cpu
    return (
        row.scenario,
        f"{row.sockets:,}",
        f"{row.messages / seconds:,.1f}" if row.messages else "",
        f"{row.deliveries / seconds:,.0f}" if row.deliveries else "",
        f"{share / row.messages * 1e3:.2f}" if share is not None and row.messages else "",
        f"{share / row.deliveries * 1e6:.1f}" if share is not None and row.deliveries else "",
        *((f"{value * 1e3:,.1f}" for value in (latency.p50, latency.p95, latency.p99)) if latency else [""] * 3),
        f"{cpu / seconds:.0%}" if cpu is not None else "",
        f"{row.measured.load:.0%}",
        f"{memory / 2**20:,.0f}" if memory is not None else "",
        *(f"{count:,}" for count in (row.lost, row.twice, row.refused)),
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """In Markdown, with columns that also line up as plain text."""
    lines = [header, *rows]
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        return "| " + " | ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|"
    return [line(header), rule, *map(line, rows)]


# The plot


def draw(outcome: Outcome, path: Path) -> None:
    """report.svg: the cost of a message by the number of sockets, and the latencies of each scenario."""
    growth = outcome.growth if outcome.growth and outcome.growth.line else None
    panels = [_draw_cost] * (growth is not None) + [_draw_latencies] * any(row.latency for row in outcome.rows)
    drawing = Drawing(figsize=(6 * max(1, len(panels)), 4), layout="constrained")
    for number, panel in enumerate(panels, 1):
        panel(drawing.add_subplot(1, len(panels), number), outcome)
    drawing.savefig(path, metadata={"Date": None})


def _draw_cost(axes: Axes, outcome: Outcome) -> None:
    assert outcome.growth is not None
    assert outcome.growth.line is not None
    line, costs = outcome.growth.line, outcome.growth.costs
    sockets = list(costs)
    ends = [0, max(sockets)]
    label = f"{line.a * 1e3:.2f} ms + {line.b * 1e6:.1f} µs × sockets"
    axes.plot(ends, [line.at(x) * 1e3 for x in ends], color="tab:gray", label=label)
    axes.plot(sockets, [cost.message * 1e3 for cost in costs.values()], "o", color="tab:green", label="measured")
    sends = [cost.send * 1e3 for cost in costs.values()]
    axes.plot(sockets, sends, "x", color="tab:orange", label="the kernel's send() alone")
    axes.set(title="What a message costs the server", xlabel="sockets that hear it", ylabel="ms of CPU")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)


def _draw_latencies(axes: Axes, outcome: Outcome) -> None:
    rows = [(row.scenario, row.latency) for row in outcome.rows if row.latency]
    width = 0.8 / 3
    for number, (name, color) in enumerate((("p50", "tab:green"), ("p95", "tab:olive"), ("p99", "tab:orange"))):
        heights = [getattr(latency, name) * 1e3 for _, latency in rows]
        axes.bar([place + (number - 1) * width for place in range(len(rows))], heights, width, label=name, color=color)
    axes.set_xticks(range(len(rows)), [scenario for scenario, _ in rows])
    axes.set(title="How long messages take (storm: heartbeats)", ylabel="ms", yscale="log")
    axes.legend(frameon=False)


def write(outcome: Outcome, directory: Path) -> str:
    """Both files. Returns what is in REPORT.md."""
    directory.mkdir(parents=True, exist_ok=True)
    written = text(outcome)
    (directory / NAME).write_text(written, encoding="utf-8")
    draw(outcome, directory / PLOT)
    return written
