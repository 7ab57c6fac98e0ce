"""GlusterFS's own programs."""

import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

TIMEOUT = 30.0  # s


class CommandError(Exception):
    """A command did not succeed; its text is what it said."""


def gluster(*words: str, timeout: float = TIMEOUT) -> str:
    """What `gluster` answers; CommandError if it fails or takes longer than `timeout` s."""
    command = ["gluster", "--mode=script", f"--timeout={round(timeout)}", *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout + 5)
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"{' '.join(words)}: no answer within {timeout:.0f} s") from error
    said = " ".join((done.stdout if "--xml" in words else done.stdout + done.stderr).split("\n"))
    if done.returncode:
        raise CommandError(f"{' '.join(words)}: {said.strip()}")
    return done.stdout


def peers() -> dict[str, bool]:
    """Which other members this one knows, and whether it is connected to them."""
    rows = [line.split() for line in gluster("pool", "list").splitlines()[1:]]
    return {row[1]: row[2] == "Connected" for row in rows if row[1] != "localhost"}


def volumes(member: str) -> list[str]:
    """Names of all volumes that another member knows."""
    # Of all that members answer each other's commands, this is among the few they do from afar.
    said = gluster(f"--remote-host={member}", "volume", "list")
    return said.split()


@dataclass(frozen=True)
class Heals:
    """What the copies still owe each other."""

    pending: int  # entries
    split_brain: int  # entries
    connected: frozenset[str]  # members whose brick took part

    @property
    def owing(self) -> bool:
        """Whether anything is left."""
        return bool(self.pending or self.split_brain)

    @classmethod
    def read(cls, volume: str) -> "Heals":
        """Ask all bricks that can be reached; CommandError if it can't be known."""
        said = gluster("volume", "heal", volume, "info", "summary", "--xml", timeout=120)
        return cls.parse(said)

    @classmethod
    def parse(cls, text: str) -> "Heals":
        """From the command's XML. Each copy counts for itself; the one that knows most is right."""
        try:
            bricks = ElementTree.fromstring(text).findall(".//brick")
        except ElementTree.ParseError as error:
            raise CommandError(f"heal info: {text}") from error
        if not bricks:
            raise CommandError(f"heal info: {text}")
        return cls(
            pending=max(_count(one, "numberOfEntriesInHealPending") for one in bricks),
            split_brain=max(_count(one, "numberOfEntriesInSplitBrain") for one in bricks),
            connected=frozenset(
                one.findtext("name", "").partition(":")[0]
                for one in bricks
                if one.findtext("status") == "Connected"
            ),
        )


def _count(brick: ElementTree.Element, name: str) -> int:
    text = brick.findtext(name, "")
    return int(text) if text.isdigit() else 0
