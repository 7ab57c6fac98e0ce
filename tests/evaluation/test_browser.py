"""The report as a browser shows it: whole, quiet, and by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluation.assess import assess
from evaluation.inventory.file import load
from evaluation.report import put
from evaluation.report.evidence import gather
from evaluation.report.sections import Report
from evaluation.report.view import View
from tests.evaluation.chromium import Page, chromium

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLE = ROOT / "evaluation" / "samples" / "large.yaml"
WIDE, NARROW = 1400, 390
FIGURES = 12

# Of each drawing its name, its size, and the words that stick out of it.
DRAWINGS = """
[...document.querySelectorAll("figure")].map(figure => {
  const svg = figure.querySelector("svg"), frame = svg.getBoundingClientRect();
  const cut = [...svg.querySelectorAll("text")].filter(text => {
    const box = text.getBoundingClientRect();
    return box.left < frame.left - 0.5 || box.right > frame.right + 0.5
      || box.top < frame.top - 0.5 || box.bottom > frame.bottom + 0.5;
  });
  return {
    name: figure.id, width: frame.width, height: frame.height,
    drawn: svg.querySelectorAll("path, rect, polyline").length,
    words: svg.querySelectorAll("text").length,
    cut: cut.map(text => text.textContent),
  };
})
"""
# Words of a drawing that lie on other words.
OVERLAPS = """
[...document.querySelectorAll("figure svg")].flatMap(svg => {
  const texts = [...svg.querySelectorAll("text")].filter(text => text.textContent.trim());
  const boxes = texts.map(text => text.getBoundingClientRect());
  return texts.flatMap((text, i) => texts.slice(i + 1).filter((_, j) => {
    const a = boxes[i], b = boxes[i + 1 + j];
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    return wide > 2 && high > 0.35 * Math.min(a.height, b.height);
  }).map(other => `${text.textContent} / ${other.textContent}`));
})
"""
# What is wider than the page.
STICKS_OUT = """
[...document.querySelectorAll("main *")].filter(element =>
  element.getBoundingClientRect().right > document.documentElement.clientWidth + 1
).slice(0, 5).map(element => element.outerHTML.slice(0, 120))
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The report on a sample, in each language."""
    inventory = load(SAMPLE)
    assessment = assess(inventory, draws=200)
    views = {
        language: View(assessment=assessment, inventory=inventory, language=language)
        for language in ("en", "de")
    }
    found = gather(views["en"])
    made = {}
    for language, view in views.items():
        made[language] = tmp_path_factory.mktemp(language)
        put(Report.of(view, found), made[language])
    return made


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of a browser."""
    with chromium() as browser:
        yield browser.page()


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_report_is_whole_quiet_and_by_itself(
    language: str, width: int, folders: dict[str, Path], page: Page
) -> None:
    report = folders[language] / "report.html"
    page.open(report, width)

    assert page.errors == []
    assert page.requests[0] == report.as_uri()
    assert [url for url in page.requests[1:] if not url.startswith("data:")] == []
    assert page.evaluate("document.documentElement.lang") == language

    drawings = page.evaluate(DRAWINGS)
    assert len(drawings) == FIGURES
    for drawing in drawings:
        assert drawing["width"] > 0.7 * min(width, 500), drawing
        assert drawing["height"] > 100, drawing
        assert drawing["drawn"] > 5, drawing
        assert drawing["words"] > 3, drawing
        assert drawing["cut"] == [], drawing
    assert page.evaluate(OVERLAPS) == []

    assert page.evaluate(STICKS_OUT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_words_can_be_read_on_a_light_and_on_a_dark_page(
    folders: dict[str, Path], page: Page
) -> None:
    for dark in (False, True):
        page.open(folders["en"] / "report.html", WIDE, dark=dark)
        assert page.evaluate(FAINT) == [], "dark" if dark else "light"


# Words whose contrast to what is behind them is below that of WCAG 2.2, 1.4.3: 4.5, large ones 3.
FAINT = """
(() => {
  const parse = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.getClientRects().length) continue;
    const style = getComputedStyle(element), svg = element.closest("svg");
    const a = light(parse(svg ? style.fill : style.color)), b = light(behind(svg || element));
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = svg || parseFloat(style.fontSize) >= 24;
    if (contrast < (large ? 3 : 4.5)) {
      found.add(`${element.textContent.trim().slice(0, 40)}: ${contrast.toFixed(1)}`);
    }
  }
  return [...found].slice(0, 10);
})()
"""


def test_a_printed_report_has_everything(folders: dict[str, Path], page: Page) -> None:
    page.open(folders["en"] / "report.html", WIDE)
    page.call("Emulation.setEmulatedMedia", media="print")
    hidden = page.evaluate(
        '[...document.querySelectorAll("details > *")].filter(e => !e.checkVisibility('
        "{contentVisibilityAuto: true})).length"
    )
    page.call("Emulation.setEmulatedMedia", media="")
    assert hidden == 0
    printed = folders["en"] / "report.pdf"
    page.print(printed)
    assert printed.read_bytes().startswith(b"%PDF")


def test_the_browser_would_tell_of_what_is_wrong(tmp_path: Path, page: Page) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(BAD)
    page.open(bad, NARROW)
    assert "http://example.org/x.png" in page.requests
    assert any("Uncaught" in error for error in page.errors)
    (drawing,) = page.evaluate(DRAWINGS)
    assert drawing["cut"] == ["sticks out"]
    assert page.evaluate(OVERLAPS) == ["one / two"]
    assert len(page.evaluate(STICKS_OUT)) == 1
    assert page.evaluate(FAINT) == ["pale: 1.6"]


BAD = """<!doctype html><main>
<img src="http://example.org/x.png"><script>throw Error("oh")</script>
<figure><svg width="200" height="100">
<text x="10" y="20">one</text><text x="12" y="22">two</text>
<text x="180" y="80">sticks out</text>
</svg></figure>
<p style="color: #ccc">pale</p><hr style="width: 500px">
</main>"""
