"""Tables in documents that a command writes anew."""

from pathlib import Path


def marks(maker: str) -> tuple[str, str]:
    """The lines before and after what a command makes, such as `make bench`."""
    return f"<!-- made by `{maker}` -->\n", f"<!-- end of `{maker}` -->\n"


def replaced(document: str, maker: str, text: str) -> str:
    """The document with `text` between the marks; raises ValueError where it has none."""
    before, after = marks(maker)
    head, begin, rest = document.partition(before)
    _, end, tail = rest.partition(after)
    if not begin or not end:
        raise ValueError(f"no lines {before.strip()} and {after.strip()}")
    return f"{head}{begin}{text}{end}{tail}"


def put(document: Path, maker: str, text: str) -> None:
    """Write `text` into a document; raises ValueError as above."""
    try:
        document.write_text(replaced(document.read_text(), maker, text))
    except ValueError as error:
        raise ValueError(f"{document.name}: {error}") from None
