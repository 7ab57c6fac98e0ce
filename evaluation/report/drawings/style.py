"""How every drawing of the report looks: colours, sizes, and the SVG that comes of it."""

import html
import io
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito, "Color Universal Design" (2008): told apart by people with any colour blindness.
# On a dark page each becomes the custom property of that name in report.css.
INK = "#1f2430"
MUTED = "#5b6475"
RULE = "#d9dde5"
PAPER = "#ffffff"
TODAY = "#d55e00"
TARGET = "#0072b2"
OTHER = "#8b93a3"
WANTED = "#009e73"
USUAL = "#56b4e9"
BUSY = "#cc79a7"
PROPERTIES = {
    INK: "ink",
    MUTED: "muted",
    RULE: "rule",
    PAPER: "paper",
    TODAY: "today",
    TARGET: "target",
    OTHER: "other",
    WANTED: "wanted",
    USUAL: "usual",
    BUSY: "busy",
}
COLOUR = re.compile("|".join(PROPERTIES))
# What the items of a stack are drawn in; none is the colour of today or of the target.
SERIES = (USUAL, "#e69f00", WANTED, BUSY, "#f0e442", OTHER)

WIDTH = 4.6  # inches: a column of a wide page, the whole of a narrow one
FONTS = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
PARAMETERS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # wider than what pages use: nothing that fits here is cut off
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.linewidth": 0.7,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.handlelength": 1.4,
    "legend.borderpad": 0.0,
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",  # words stay words: found, read aloud, in the page's font
    "svg.hashsalt": "report",
    "lines.linewidth": 1.8,
}


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A drawing of the report."""

    name: str  # of its file
    title: str
    read: str  # how to read it
    alt: str  # what it shows, in words and numbers
    svg: str  # a document of its own

    @property
    def inline(self) -> str:
        """The drawing inside a page: as wide as its place, in the page's colours."""
        svg = self.svg[self.svg.index("<svg") :]
        svg = re.sub(r' (width|height)="[^"]*"', "", svg, count=2)
        svg = re.sub(r"<style.*?</style>", "", svg, flags=re.S)  # would hold for the whole page
        svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{self.name}-", svg)
        svg = COLOUR.sub(lambda match: f"var(--{PROPERTIES[match[0]]})", svg)
        label = html.escape(self.alt, quote=True)
        return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1).strip()


def applied() -> "AbstractContextManager[None]":
    """Draw in this style within the context."""
    from matplotlib import rc_context

    return rc_context(PARAMETERS)


def new(height: float) -> "tuple[Figure, Axes]":
    """A figure of one column, `height` inches high, with one pair of axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.add_subplot()


def svg_of(figure: "Figure") -> str:
    """A figure as an SVG document, the same each time."""
    written = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(written, format="svg", metadata=nothing)
    return written.getvalue().replace("'DejaVu Sans'", FONTS)
