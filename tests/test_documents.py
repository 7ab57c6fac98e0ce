"""Tables in documents that a command writes anew."""

from pathlib import Path

import pytest

from tests.bench.__main__ import DOCUMENT as PERFORMANCE
from tests.documents import marks, put, replaced
from tests.evaluation.reality import DOCUMENT as EVALUATION
from tests.evaluation.reality import MAKER
from tests.faults.report import DOCUMENT as RELIABILITY
from tests.faults.report import TARGETS

PLACES = [
    (PERFORMANCE, "make bench"),
    (EVALUATION, MAKER),
    *((RELIABILITY, f"make {target}") for target in TARGETS.values()),
]


def test_a_table_replaces_the_one_before_and_nothing_else() -> None:
    before, after = marks("make it")
    document = f"# Page\n{before}old\n{after}## More\n"
    assert replaced(document, "make it", "new\n") == f"# Page\n{before}new\n{after}## More\n"


def test_a_document_without_a_place_for_it_stays_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n")
    with pytest.raises(ValueError, match=r"page\.md: no lines <!-- made by `make it` -->"):
        put(page, "make it", "new\n")
    assert page.read_text() == "# Page\n"


@pytest.mark.parametrize(("document", "maker"), PLACES, ids=lambda one: str(one))
def test_each_document_has_a_place_for_what_is_put_there(document: Path, maker: str) -> None:
    assert "new" in replaced(document.read_text(), maker, "new")
