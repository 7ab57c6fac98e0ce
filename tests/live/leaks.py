"""Looking for secrets where everybody can read: texts of all kinds, and running processes."""

import base64
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

INTERVAL = 0.05  # s between two looks at all processes


def leaks(texts: Mapping[str, str], secrets: Iterable[str]) -> list[str]:
    """Where one of `secrets` stands, as it is or in base64; empty where nowhere."""
    wanted = {form for secret in secrets for form in forms(secret)}
    return sorted(where for where, text in texts.items() if any(form in text for form in wanted))


def forms(secret: str) -> Iterator[str]:
    """The secret, and how base64 writes it wherever it begins in a longer text."""
    yield secret
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret.encode()).decode()
        # The ends depend on what stands beside it.
        yield encoded[4 if before else 0 : len(encoded) // 4 * 4 - 4]


def logs(container: str) -> str:
    """What a container wrote, on both of its streams."""
    return subprocess.run(
        ["docker", "logs", container],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    ).stdout


class Processes:
    """Arguments and environment of every process that ran meanwhile, in containers or not."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Processes":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(INTERVAL):
            self.look()

    def look(self) -> None:
        """Read what runs now."""
        for process in Path("/proc").glob("[0-9]*"):
            for file in ("cmdline", "environ"):
                try:
                    text = (process / file).read_text(errors="replace")
                except OSError:
                    continue
                # A process may become another program.
                self.texts[f"{process}/{file} {text[:80]!r}"] = text
