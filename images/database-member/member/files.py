"""Small files that have to outlive whatever happens next."""

import os
from pathlib import Path


def write_durably(path: Path, text: str) -> None:
    """Replace a file's content; it is on the disk when this returns."""
    new = path.with_suffix(".new")
    with new.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
