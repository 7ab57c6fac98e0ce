"""Both languages say the same, and write numbers as they do."""

import string

import pytest

from evaluation import texts
from evaluation.results import Message
from evaluation.texts import LANGUAGES, area_texts, areas, number, render, text


def values_in(sentence: str) -> set[str]:
    """The values that a text names."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("area", areas())
def test_each_text_stands_in_both_languages_with_the_same_values(area: str) -> None:
    for name, translations in area_texts(area).items():
        assert set(translations) == set(LANGUAGES), name
        assert all(isinstance(said, str) and said for said in translations.values()), name
        english, german = (values_in(translations[language]) for language in LANGUAGES)
        assert english == german, name


@pytest.fixture
def _example(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        "hours": {"en": "{hours:,.1f} h on {part!t}", "de": "{hours:,.1f} h an {part!t}"},
        "part.disk": {"en": "the disk", "de": "der Platte"},
    }
    monkeypatch.setattr(texts, "area_texts", lambda area: found if area == "example" else {})


@pytest.mark.usefixtures("_example")
@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", "1,234.5 h on the disk"), ("de", "1.234,5 h an der Platte")],
)
def test_a_message_names_its_values_in_the_language(language: str, expected: str) -> None:
    message = Message(key="example.hours", values={"hours": 1234.5, "part": "example.part.disk"})
    assert render(message, language) == expected


@pytest.mark.usefixtures("_example")
@pytest.mark.parametrize(
    ("key", "missing"), [("example.nothing", "example.nothing"), ("example.hours", "hours")]
)
def test_what_is_missing_is_named(key: str, missing: str) -> None:
    with pytest.raises(KeyError, match=missing):
        text(key, "en")


def test_what_never_ends_is_written_so() -> None:
    assert number(float("inf"), "en", ".0f") == "∞"
    assert number(0.5, "de") == "0,5"
