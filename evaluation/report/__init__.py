"""The report: one page that explains the answer to whoever has to decide, and Markdown of the same.

The page needs nothing but itself: no script, no font, no picture from elsewhere.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.inventory.models import Inventory
from evaluation.results import Assessment

if TYPE_CHECKING:
    from evaluation.report.sections import Report

FIGURES = "figures"


def write(assessment: Assessment, inventory: Inventory, folder: Path, language: str) -> Path:
    """Write the report on an assessment into a folder; returns the page's path.

    The folder is made if it is not there; raises OSError where it can't be written.
    """
    from evaluation.report.evidence import gather
    from evaluation.report.sections import Report
    from evaluation.report.view import View

    (folder / FIGURES).mkdir(parents=True, exist_ok=True)  # before the work, which takes seconds
    view = View(assessment=assessment, inventory=inventory, language=language)
    return put(Report.of(view, gather(view)), folder)


def put(report: "Report", folder: Path) -> Path:
    """Write `report.html`, `report.md` and the drawings of the latter; returns the page's path."""
    from evaluation.report.page import html, markdown

    (folder / FIGURES).mkdir(parents=True, exist_ok=True)
    page = folder / "report.html"
    page.write_text(html(report), encoding="utf-8")
    (folder / "report.md").write_text(markdown(report), encoding="utf-8")
    for drawing in report.drawings:
        path = folder / FIGURES / f"{drawing.name}.svg"
        path.write_text(drawing.svg, encoding="utf-8")
    return page
