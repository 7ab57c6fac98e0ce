"""Reads versions.toml, the one file with every pinned version.

`python3 toolchain/versions.py requirements [--development]` prints what pip shall install,
`... check` which official images have no digest. It needs nothing but the standard library, as it
runs before anything is installed.
"""

import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

IMAGE = re.compile(
    r"[\w.-]+(:\d+)?(/[\w.-]+)*:(?!latest\b)[\w.-]+(?P<digest>@sha256:[0-9a-f]{64})?"
)
FILE = Path(__file__).parent.parent / "versions.toml"


@dataclass(frozen=True, kw_only=True)
class Versions:
    """The pinned versions."""

    pulumi: str  # engine
    go: str
    plugins: dict[str, str]  # resource plugin -> version
    python: dict[str, str]  # package -> version, needed to run
    development: dict[str, str]  # package -> version, needed to test and lint
    images: dict[str, str]  # recipe -> official base image
    suite: str  # Debian
    mysql_suite: str  # where Debian has MySQL 9
    serial: str  # date of the root file system

    @property
    def rootfs(self) -> str:
        """Name of the root file system on the engine."""
        return self.rootfs_of(self.suite)

    def rootfs_of(self, suite: str) -> str:
        """Name of the root file system of a suite."""
        return f"studip/rootfs:{suite}-{self.serial}"

    def requirements(self, *, development: bool) -> list[str]:
        """Lines for pip, sorted."""
        packages = self.python | (self.development if development else {})
        return [f"{name}=={version}" for name, version in sorted(packages.items())]


@cache
def versions() -> Versions:
    """What versions.toml says."""
    read = tomllib.loads(FILE.read_text())
    python = dict(read["python"])
    development = python.pop("development")
    toolchain = read["toolchain"]
    return Versions(
        pulumi=toolchain["pulumi"],
        go=toolchain["go"],
        plugins={
            key.removesuffix("_plugin"): version
            for key, version in toolchain.items()
            if key.endswith("_plugin")
        },
        python=python,
        development=development,
        images=read["images"],
        suite=read["debian"]["suite"],
        mysql_suite=read["debian"]["mysql_suite"],
        serial=read["debian"]["serial"],
    )


def unpinned(images: Mapping[str, str]) -> list[str]:
    """What is wrong with references of official images, or lacks a digest; one line each."""
    found = []
    for recipe, image in sorted(images.items()):
        named = IMAGE.fullmatch(image)
        if named is None:
            allowed = "name:tag or name:tag@sha256:..., and no latest"
            found.append(f"images.{recipe}: must be {allowed}, got {image}")
        elif named["digest"] is None:
            found.append(f"images.{recipe}: has no digest, so its tag can move: {image}")
    return found


def main(arguments: list[str]) -> int:
    """Print requirements, what is not pinned, or one value: `pulumi`, `go`, `rootfs`, `suite`."""
    match arguments:
        case ["requirements", *rest] if rest in ([], ["--development"]):
            print("\n".join(versions().requirements(development=bool(rest))))
        case ["check"]:
            found = unpinned(versions().images)
            print("\n".join(found or ["All official images are pinned by digest."]))
            return int(bool(found))
        case ["pulumi" | "go" | "rootfs" | "suite" as name]:
            print(getattr(versions(), name))
        case _:
            print(
                f"usage: {sys.argv[0]} requirements [--development] | check | pulumi | go | rootfs"
            )
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
