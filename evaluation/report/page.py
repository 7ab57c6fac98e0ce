"""The report as a page and as Markdown."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.report import tables
from evaluation.report.figures import FIGURES
from evaluation.report.numbers import SPACE
from evaluation.report.sections import Report, lacking

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
WORDS = ("p95", "availability", "confidence", "range", "rpo", "score")  # that are explained
BEFORE_UNIT = re.compile(r"(?<=\d) (?=%|(?:h|ms|Std)\b)")  # where no line may break
CODE = re.compile(r"`([^`]*)`")


def html(report: Report) -> str:
    """One page that needs nothing but itself."""
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    return _rendered("report.html.jinja", report, escape=True, style=style)


def markdown(report: Report) -> str:
    """The same as Markdown, with drawings in `figures/`."""
    written = _rendered("report.md.jinja", report, escape=False)
    return re.sub(r"\n{3,}", "\n\n", written).strip() + "\n"


def _rendered(template: str, report: Report, *, escape: bool, **more: object) -> str:
    made = _environment(escape=escape).get_template(template)
    written = made.render(
        report=report,
        view=report.view,
        t=report.view.t,
        tables=tables,
        figures=FIGURES,
        lacking=lacking(report.view),
        words=WORDS,
        **more,
    )
    return BEFORE_UNIT.sub(SPACE, written)


def _environment(*, escape: bool) -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup
    from markupsafe import escape as escaped

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = lambda words: Markup(
        CODE.sub(r"<code>\1</code>", str(escaped(words)))
    )
    environment.filters["sentence"] = sentence
    environment.filters["cell"] = lambda words: str(words).replace("|", "\\|")
    return environment


def sentence(words: str) -> str:
    """A message as a sentence of its own: a capital first, a stop last."""
    written = words[:1].upper() + words[1:]
    return written if written.endswith((".", "!", "?")) else f"{written}."
