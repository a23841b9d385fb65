"""Arithmetic of the report: percentiles, and the straight line through measured costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self


@dataclass(frozen=True)
class Percentiles:
    """How long things took, in seconds."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self | None:
        """None where nothing was measured."""
        if not values:
            return None
        ordered = sorted(values)
        return cls(*(ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.95, 0.99)))


class Line(NamedTuple):
    """y = a + b·x."""

    a: float
    b: float

    def at(self, x: float) -> float:
        return self.a + self.b * x


def fit(points: Sequence[tuple[float, float]]) -> Line:
    """The line nearest to these points (x, y > 0), by least squares of the relative errors.

    Relative, because a cost that is measured to some per cent is measured to some per cent at every x: by absolute
    errors the dearest point alone would say what `a` is.
    """
    weights = [1 / y**2 for _, y in points]
    total = sum(weights)
    mean_x = sum(w * x for w, (x, _) in zip(weights, points, strict=True)) / total
    mean_y = sum(w * y for w, (_, y) in zip(weights, points, strict=True)) / total
    across = sum(w * (x - mean_x) * (y - mean_y) for w, (x, y) in zip(weights, points, strict=True))
    along = sum(w * (x - mean_x) ** 2 for w, (x, _) in zip(weights, points, strict=True))
    b = across / along
    return Line(mean_y - b * mean_x, b)


def slopes(points: Sequence[tuple[float, float]]) -> list[float]:
    """The slope between each point and the next."""
    return [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in pairwise(points)]
