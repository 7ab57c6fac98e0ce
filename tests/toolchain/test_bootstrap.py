"""toolchain/bootstrap: safe to run again, and clear about what it can't do."""

import os
import subprocess
from pathlib import Path

import pytest

from toolchain import apt, pulumi_cli, rootfs
from toolchain.failure import Failure
from toolchain.places import LOCAL, ROOT
from toolchain.run import run, run_long


def bootstrap(*stages: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(ROOT / "toolchain" / "bootstrap"), *stages],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def snapshot() -> dict[Path, int]:
    """When each file of the toolchain was changed."""
    return {path: path.lstat().st_mtime_ns for path in LOCAL.rglob("*") if path.is_file()}


@pytest.mark.live
def test_a_second_run_changes_nothing() -> None:
    assert bootstrap("all").returncode == 0
    before = snapshot()
    assert before
    again = bootstrap("all")
    assert again.returncode == 0, again.stderr
    assert snapshot() == before
    assert "installed" not in again.stdout


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        (
            ["everything"],
            "toolchain/bootstrap: unknown stage 'everything'; "
            "allowed: python, engine, rootfs, pulumi, all",
        ),
        ([], "usage: toolchain/bootstrap STAGE..."),
    ],
)
def test_a_wrong_stage_is_told_and_does_nothing(stages: list[str], message: str) -> None:
    done = bootstrap(*stages)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(message)


def test_a_wrong_choice_of_toolchain_is_told() -> None:
    done = bootstrap("pulumi", STUDIP_TOOLCHAIN="any")
    assert done.returncode == 1
    assert "STUDIP_TOOLCHAIN: must be official or air-gapped, got any" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_official_toolchain_is_refused_with_the_reason(tmp_path: Path) -> None:
    old = tmp_path / "pulumi"
    old.write_text("#!/bin/sh\necho v3.1.0\n")
    old.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = bootstrap("pulumi", STUDIP_TOOLCHAIN="official", PATH=path)
    assert done.returncode == 1
    assert "STUDIP_TOOLCHAIN=official: pulumi 3.1.0 on PATH is older than" in done.stderr


@pytest.mark.parametrize(
    ("version", "older"), [("3.9.0", True), ("3.1000.0", False), ("4.0.0-alpha.1", False)]
)
def test_versions_are_compared_by_their_numbers(version: str, older: bool) -> None:
    assert (pulumi_cli.parts(version) < pulumi_cli.parts("3.12.1")) is older


def test_a_command_that_fails_is_told_with_its_last_words() -> None:
    with pytest.raises(Failure, match=r"(?s)sh -c .* failed \(exit code 3\):\nlast words"):
        run(["sh", "-c", "echo last words; exit 3"])
    with pytest.raises(Failure, match="nowhere-to-be-found: not found"):
        run(["nowhere-to-be-found"])
    with pytest.raises(Failure, match=r"sleep 5: no answer within 0 s"):
        run(["sleep", "5"], timeout=0.2)


def test_a_long_command_tells_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    run_long(["sh", "-c", "echo one; echo two; sleep 0.5"], "steps", every=0.2)
    assert "2 steps, 0 s" in capsys.readouterr().out
    with pytest.raises(Failure, match=r"(?s)exit code 4.*last words"):
        run_long(["sh", "-c", "echo last words; exit 4"], "steps")


def test_foreign_repositories_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def answer(command: list[str]) -> str:
        asked.append(command)
        return "http://mirror.test/debian/ bookworm main\nhttp://mirror.test/debian/ b-u main\n"

    monkeypatch.setattr(apt, "run", answer)
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    assert apt.sources("bookworm", "bookworm") == [
        f"deb [signed-by={keyring}] http://mirror.test/debian/ b-u main",
        f"deb [signed-by={keyring}] http://mirror.test/debian/ bookworm main",
    ]
    assert "Origin: Debian" in asked[0]
    # Another suite comes from where the usual one does.
    assert apt.sources("sid", "bookworm") == [
        f"deb [signed-by={keyring}] http://mirror.test/debian/ sid main"
    ]


@pytest.mark.live
def test_the_root_file_system_is_small_and_keeps_no_cache() -> None:
    reference = rootfs.ensure()
    size = int(run(["docker", "image", "inspect", "--format", "{{.Size}}", reference]))
    assert size < 160 * 1000 * 1000
    files = "/var/cache/apt/*.bin /var/lib/apt/lists/*Packages* /usr/share/doc/*/changelog*"
    command = ["docker", "run", "--rm", reference, "sh", "-c", f"ls {files} 2>/dev/null | wc -l"]
    assert run(command).strip() == "0"
