"""A build context: which files belong to it, its digest, and the archive for the engine."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from ..common.errors import PluginError

_IN_MEMORY: Final = 16 * 1024 * 1024  # bytes of an archive before it goes to the disk
_CHUNK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Pattern:
    form: re.Pattern[str]
    negated: bool


Matches = list[bool]  # for each pattern


class Ignore:
    """The patterns of a .dockerignore file."""

    def __init__(self, text: str) -> None:
        lines = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
        self._patterns = [_pattern(line) for line in lines if line and not line.startswith("#")]
        self.negates = any(pattern.negated for pattern in self._patterns)

    def look(self, path: str, above: Matches) -> tuple[bool, Matches]:
        """Does a file or folder stay out, and which patterns matched it or a folder above?

        A pattern that could not turn the verdict is not asked, and so does not count for what
        is inside a folder: the builder does it that way, and the digest has to agree.
        """
        ignored = False
        matches = []
        for index, pattern in enumerate(self._patterns):
            matched = bool(above) and above[index]
            if not matched and pattern.negated == ignored:
                matched = pattern.form.fullmatch(path) is not None
            matches.append(matched)
            if matched:
                ignored = not pattern.negated
        return ignored, matches


def _pattern(line: str) -> _Pattern:
    negated = line.startswith("!")
    text = line[1:].strip() if negated else line
    text = os.path.normpath(text).lstrip("/") if text else text
    return _Pattern(re.compile(_expression(text), re.DOTALL), negated)


def _expression(pattern: str) -> str:
    """A regular expression for Docker's wildcards: *, ?, [..] and ** for any number of folders."""
    parts: list[str] = []
    index = 0
    while index < len(pattern):
        char = pattern[index]
        index += 1
        if pattern.startswith("*", index) and char == "*":
            index += 1
            index += pattern.startswith("/", index)
            parts.append(".*" if index >= len(pattern) else "(.*/)?")
        elif char == "*":
            parts.append("[^/]*")
        elif char == "?":
            parts.append("[^/]")
        elif char == "\\" and index < len(pattern):
            parts.append(re.escape(pattern[index]))
            index += 1
        elif char in "[]":
            parts.append(char)
        else:
            parts.append(char if char in "^-" else re.escape(char))
    return "".join(parts)


class Context:
    """A folder with a Dockerfile that may lie outside of it."""

    def __init__(self, folder: str, dockerfile: str) -> None:
        self.folder = folder
        self.dockerfile = dockerfile
        self._ignore = Ignore(self._ignore_text())

    @property
    def relative_dockerfile(self) -> str:
        """The Dockerfile as seen from the folder; begins with ../ when outside of it."""
        return os.path.relpath(self.dockerfile, self.folder)

    def _ignore_text(self) -> str:
        for path in (Path(f"{self.dockerfile}.dockerignore"), Path(self.folder, ".dockerignore")):
            if path.is_file():
                return path.read_text()
        return ""

    def digest(self) -> str:
        """Hash of names, modes and contents; the official plugin computes the very same.

        The Dockerfile counts under a fixed name first, and once more where it lies. (At a link
        to nowhere the official plugin forgets the rest of the folder; not a thing to imitate.)
        """
        total = hashlib.sha256()
        total.update(b"Dockerfile" + b"----------" + _content(self.dockerfile) + b"\0")
        for relative, entry in self._files(self.folder):
            mode = os.lstat(entry).st_mode
            inner = hashlib.sha256()
            if stat.S_ISLNK(mode):
                inner.update(_link_target(entry).encode())
                content = inner.digest()
            else:
                content = _content(entry) if stat.S_ISREG(mode) else inner.digest()
            total.update(relative.encode() + _mode_text(mode).encode() + content + b"\0")
        return total.hexdigest()

    def archive(self) -> tuple[IO[bytes], str]:
        """The context as a tar archive, and the name of the Dockerfile in it.

        Owners are root and the order is fixed, so that the builder's cache hits on any machine.
        The Dockerfile is always part of it: the builder reads it.
        """
        name = self.relative_dockerfile
        inside = not name.startswith("../")
        always = {name}
        file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        if not inside:
            name = f".dockerfile.{secrets.token_hex(8)}"
        # BuildKit takes an upload for an archive by its first 512 bytes: these must be a plain
        # header, so no extended format, and nothing with a long name first.
        with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
            _add(tar, self.dockerfile, name)
            for relative, entry in self._files(self.folder, always=always, folders=True):
                if relative != name:
                    _add(tar, entry, relative)
        file.seek(0)
        return file, name

    def _files(
        self,
        folder: str,
        prefix: str = "",
        above: Matches | None = None,
        *,
        always: Set[str] = frozenset(),
        folders: bool = False,
    ) -> Iterator[tuple[str, str]]:
        """Relative and openable path of everything that belongs to the context, sorted."""
        try:
            names = sorted(entry.name for entry in os.scandir(folder))
        except OSError as error:
            raise PluginError(f"build.context {folder} can't be read: {error.strerror}") from error
        for name in names:
            relative, entry = prefix + name, f"{folder}/{name}"
            ignored, matches = self._ignore.look(relative, above or [])
            if not stat.S_ISDIR(os.lstat(entry).st_mode):
                if not ignored or relative in always:
                    yield relative, entry
                continue
            wanted = any(one.startswith(f"{relative}/") for one in always)
            if folders and not ignored:
                yield relative, entry
            if not ignored or wanted or self._ignore.negates:
                yield from self._files(
                    entry, f"{relative}/", matches, always=always, folders=folders
                )


def _add(tar: tarfile.TarFile, entry: str, name: str) -> None:
    info = tar.gettarinfo(entry, name)
    if info is None:  # sockets have no place in an archive
        return
    info.uid = info.gid = 0
    info.mtime = int(info.mtime)
    info.uname = info.gname = ""
    if info.isreg():
        with Path(entry).open("rb") as content:
            tar.addfile(info, content)
    else:
        tar.addfile(info)


def _content(path: str) -> bytes:
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise PluginError(f"{path} of the build context can't be read: {error.strerror}") from error
    return digest.digest()


def _link_target(path: str) -> str:
    """Where a symbolic link leads, relative as long as no link on the way is absolute."""
    pending = path.split("/")
    done: list[str] = []
    links = 0
    while pending:
        part = pending.pop(0)
        if part == ".." and done and done[-1] not in ("..", ""):
            done.pop()
        elif part not in ("", ".") or (part == "" and not done):
            here = "/".join([*done, part]) or "/"
            if part and Path(here).is_symlink():
                links += 1
                if links > 255:
                    raise PluginError(f"{path} of the build context is a circle of links")
                target = str(Path(here).readlink())
                if target.startswith("/"):
                    done = []
                pending = target.split("/") + pending
            else:
                done.append(part)
    return os.path.normpath("/".join(done) or "/")


_KINDS: Final = (
    (stat.S_ISDIR, "d"),
    (stat.S_ISLNK, "L"),
    (stat.S_ISFIFO, "p"),
    (stat.S_ISSOCK, "S"),
    (stat.S_ISBLK, "D"),
    (stat.S_ISCHR, "Dc"),
)
_SPECIALS: Final = ((stat.S_ISUID, "u"), (stat.S_ISGID, "g"), (stat.S_ISVTX, "t"))


def _mode_text(mode: int) -> str:
    """A file mode in the notation of the official plugin: kinds, then rwx three times."""
    kinds = [letter for test, letter in _KINDS if test(mode)]
    kinds += [letter for bit, letter in _SPECIALS if mode & bit]
    rights = "".join(
        letter if mode & (1 << (8 - index)) else "-" for index, letter in enumerate("rwxrwxrwx")
    )
    return ("".join(kinds) or "-") + rights
