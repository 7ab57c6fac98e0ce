"""The report: one page that explains the answer to whoever has to decide, and Markdown of the same.

The page needs nothing but itself: no script, no font, no picture from elsewhere.
"""

from pathlib import Path

from evaluation.inventory.models import Inventory
from evaluation.results import Assessment


def write(assessment: Assessment, inventory: Inventory, folder: Path, language: str) -> Path:
    """Write `report.html`, `report.md` and the drawings of the latter; returns the page's path.

    The folder is made if it is not there; raises OSError where it can't be written.
    """
    from evaluation.report.evidence import gather
    from evaluation.report.page import html, markdown
    from evaluation.report.sections import Report
    from evaluation.report.view import View

    drawings_folder = folder / "figures"
    drawings_folder.mkdir(parents=True, exist_ok=True)
    view = View(assessment=assessment, inventory=inventory, language=language)
    report = Report.of(view, gather(view))
    page = folder / "report.html"
    page.write_text(html(report), encoding="utf-8")
    (folder / "report.md").write_text(markdown(report), encoding="utf-8")
    for drawing in report.drawings:
        (drawings_folder / f"{drawing.name}.svg").write_text(drawing.svg, encoding="utf-8")
    return page
