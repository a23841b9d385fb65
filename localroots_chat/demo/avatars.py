"""Pictures of people that need no network: a fruit or vegetable with a face, as a `data:` address.

Each travels in every message of its person, hence the few bytes.
"""

from typing import Final, NamedTuple
from urllib.parse import quote


class Drawing(NamedTuple):
    """A ground's colour, filled paths (colour, path) from back to front, and where the face is (left eye)."""

    ground: str
    paths: tuple[tuple[str, str], ...]
    face: tuple[int, int]
    ink: str = "#3a2a20"


# On a canvas of 36 by 36, of which a circle shows the middle.
DRAWINGS: Final[dict[str, Drawing]] = {
    "tomato": Drawing(
        "#8fae7b",
        (
            ("#f2b53c", "M18 12c8-4 13 1 13 8 0 8-6 12-13 12S5 28 5 20c0-7 5-12 13-8z"),
            ("#4a6b35", "m18 14-7-1 4-3-1-5 4 4 5-4-2 5 5 3z"),
        ),
        (14, 20),
    ),
    "radish": Drawing(
        "#f0dcc0",
        (
            ("#5f8a48", "M17 12C9 9 9 3 12 2c4 2 5 6 5 10 1-5 4-8 8-8 1 4-3 8-7 8z"),
            ("#cf4565", "M7 19c0-6 5-9 11-9s11 3 11 9c0 6-5 9-8 11l-3 6-3-6c-3-2-8-5-8-11z"),
        ),
        (14, 18),
    ),
    "turnip": Drawing(
        "#5d8a94",
        (
            ("#b9d08b", "M16 11c-6-2-7-7-4-9 4 2 5 5 5 9 1-5 5-9 9-8 0 5-4 8-8 8z"),
            ("#fbf4e6", "M5 19c0-6 6-9 13-9s13 3 13 9c0 7-7 9-11 12l-2 5-2-5C12 28 5 26 5 19z"),
            ("#b583b5", "M5 17c1-5 7-7 13-7s12 2 13 7c-8-3-18-3-26 0z"),
        ),
        (14, 21),
    ),
    "olive": Drawing(
        "#e9dca6",
        (
            ("#8aa06a", "M17 9C20 3 26 2 31 4c-2 5-7 7-14 5z"),
            ("#66752c", "M18 9c7 0 11 5 11 12s-5 12-11 12S7 28 7 21 11 9 18 9z"),
        ),
        (14, 20),
        "#f7f3da",
    ),
    "plum": Drawing(
        "#f3cfae",
        (
            ("#6f8f4e", "M19 10c1-5 5-8 10-7 0 5-4 8-10 7z"),
            ("#6d4b86", "M18 11c3-2 12-2 12 9 0 8-6 12-12 12S6 28 6 20C6 9 15 9 18 11z"),
        ),
        (14, 20),
        "#fbeee4",
    ),
    "aubergine": Drawing(
        "#d9b45f",
        (
            ("#4b3560", "M18 8c5 0 5 5 7 9s3 5 3 8c0 6-5 9-10 9S8 31 8 25c0-3 1-4 3-8s2-9 7-9z"),
            ("#6e8f50", "M11 13c1-4 3-6 6-6l1-5 2 1-1 4c3 0 5 2 6 6l-4-2-3 3-3-3z"),
        ),
        (14, 22),
        "#f6e9dd",
    ),
    "bee": Drawing(
        "#a9cbd6",
        (
            ("#fdfaf2", "M17 14C6 14 6 3 12 4c4 1 6 6 5 10 0-4 2-9 7-10 6-1 6 10-7 10z"),
            ("#f0bb3f", "M18 12c8 0 13 4 13 10s-5 10-13 10S5 28 5 22s5-10 13-10z"),
            ("#4a382c", "M9 14q-3 8 0 16l-3-3q-2-5 0-10zM27 14q3 8 0 16l3-3q2-5 0-10z"),
        ),
        (14, 20),
    ),
    "pumpkin": Drawing(
        "#3f6655",
        (
            ("#93aa5f", "M16 11c0-4 1-6 4-8l2 2c-2 1-2 3-2 6z"),
            ("#e0782f", "M12 10c4-2 8-2 12 0 6 0 9 5 9 11s-4 11-9 11H12c-5 0-9-5-9-11s3-11 9-11z"),
            ("#eb9247", "M18 9c5 0 7 6 7 12s-2 12-7 12-7-6-7-12 2-12 7-12z"),
        ),
        (14, 20),
    ),
    "mango": Drawing(
        "#8d5578",
        (
            ("#9cb867", "M17 9c3-6 9-7 13-5-2 5-7 7-13 5z"),
            ("#f3ae4b", "M17 8c8-1 15 5 14 13S24 33 17 33 5 28 5 20 10 9 17 8z"),
            ("#e5764a", "M17 8c8-1 15 5 14 13-3-6-8-8-14-13z"),
        ),
        (13, 20),
    ),
    "corn": Drawing(
        "#5f83a8",
        (
            ("#f5cf57", "M18 3c6 0 9 7 9 15s-4 14-9 14-9-6-9-14S12 3 18 3z"),
            ("#7fa052", "M5 16c3 6 7 10 13 10s10-4 13-10c2 11-4 19-13 19S3 27 5 16z"),
        ),
        (14, 15),
    ),
    "pomegranate": Drawing(
        "#e6e0c9",
        (
            ("#8f2f3b", "m13 4 3 2 2-3 2 3 3-2v8H13z"),
            ("#c0414a", "M18 10c7 0 12 4 12 11s-5 12-12 12S6 28 6 21s5-11 12-11z"),
        ),
        (14, 20),
        "#fdece4",
    ),
    "mushroom": Drawing(
        "#7d8f5f",
        (
            ("#f6ead6", "M12 17h12l2 12c0 4-4 5-8 5s-8-1-8-5z"),
            ("#a5623a", "M3 19C3 9 10 3 18 3s15 6 15 16c-8 2-22 2-30 0z"),
            ("#d9a878", "M10 9a3 3 0 1 1 1 6 3 3 0 0 1-1-6zM23 8a2 2 0 1 1 0 5 2 2 0 0 1 0-5z"),
        ),
        (15, 24),
    ),
}


def address_of(drawing: Drawing) -> str:
    """The drawing as an address that an <img> shows."""
    return "data:image/svg+xml," + quote(svg_of(drawing), safe="/:='(),;!*@&+$?.-_~")


def svg_of(drawing: Drawing) -> str:
    """The drawing as SVG."""
    paths = [(drawing.ground, "M0 0h36v36H0z"), *drawing.paths]
    filled = "".join(f"<path fill='{colour}' d='{path}'/>" for colour, path in paths)
    return f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 36 36'>{filled}{_face(drawing)}</svg>"


def _face(drawing: Drawing) -> str:
    x, y = drawing.face
    eyes = f"M{x} {y}v1m{2 * (18 - x)}-1v1"
    smile = f"M{x + 1} {y + 4}q{17 - x} 3 {2 * (17 - x)} 0"
    return f"<path fill='none' stroke='{drawing.ink}' stroke-width='1.7' stroke-linecap='round' d='{eyes}{smile}'/>"
