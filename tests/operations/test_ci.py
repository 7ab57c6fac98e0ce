"""`make` and `.ci/run` hold what they promise."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from toolchain.places import ROOT

TARGETS = [
    "up",
    "status",
    "logs",
    "shell",
    "preview",
    "refresh",
    "down",
    "destroy",
    "prune",
    "gc",
    "nodes",
    "drain",
    "activate",
    "test",
    "test-unit",
    "test-live",
    "test-nodes",
    "test-swarm",
    "test-swarm-kinds",
    "test-faults",
    "lint",
    "format",
    "snapshot",
    "bench",
    "schema",
    "help",
]


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    # A make around this one would pass its own flags on.
    env = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )


def test_make_alone_explains_every_target() -> None:
    done = make()
    assert done.returncode == 0
    explained = set(re.findall(r"(?m)^  (\S+) +\S", done.stdout))
    assert set(TARGETS) - {"help"} <= explained


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_one_line_behind_its_stages(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    recipe = re.search(rf"(?m)^{target}:.*\n((?:\t.*\n)*)", makefile)
    assert recipe
    assert len(recipe[1].splitlines()) <= 1
    assert make("--dry-run", target).returncode == 0


def test_the_environment_and_the_part_reach_the_command() -> None:
    planned = make("--dry-run", "logs", "STACK=review", "PART=web", "SINCE=10m", "FOLLOW=1").stdout
    assert "python -m operations logs --stack review --since 10m --follow web" in planned


def run_ci(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run `.ci/run` with a make that does as the script says."""
    program = folder / "make"
    program.write_text(f'#!/bin/sh\necho "make $*, CI=$CI"\n{script}\n')
    program.chmod(0o755)
    return subprocess.run(
        [ROOT / ".ci" / "run"],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "STUDIP_STATE": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_ci_tells_the_time_of_each_stage(tmp_path: Path) -> None:
    done = run_ci(tmp_path, "[ $1 != test ] || sleep 1.1")
    assert done.returncode == 0
    assert "make --keep-going lint, CI=true" in done.stdout
    rows = [line.split() for line in done.stdout.splitlines()[-6:]]
    assert [row[0] for row in rows] == ["STAGE", "toolchain", "lint", "test", "test-nodes", "total"]
    assert [row[3] for row in rows[1:5]] == ["ok"] * 4
    assert int(rows[3][1]) >= 1


def test_ci_goes_on_after_a_failed_stage_and_fails_in_the_end(tmp_path: Path) -> None:
    done = run_ci(tmp_path, "[ $1 = test ] || exit 2; echo 5 passed")
    assert done.returncode == 1
    assert "5 passed" in done.stdout
    assert re.search(r"(?m)^lint +\d+ s +failed \(2\)$", done.stdout)
    assert re.search(r"(?m)^test +\d+ s +ok$", done.stdout)


def test_ci_asks_nothing(tmp_path: Path) -> None:
    done = run_ci(tmp_path, "read answer && exit 3; exit 0")
    assert done.returncode == 0


def engine(folder: Path) -> str:
    """A shell script that starts what looks like an engine, and notes it as the toolchain does."""
    program = folder / "dockerd"
    program.symlink_to("/bin/sleep")
    return f"{program} 60 >/dev/null 2>&1 & echo $! >{folder}/dockerd.pid"


def pid_of(folder: Path) -> int:
    return int((folder / "dockerd.pid").read_text())


def test_ci_ends_the_engine_that_it_started(tmp_path: Path) -> None:
    start = f"[ $1 != all ] || {{ {engine(tmp_path)}; }}"
    done = run_ci(tmp_path, start)
    pid = re.search(
        r"Ending the Docker Engine that this run started \(process (\d+)\)", done.stdout
    )
    assert pid
    assert not Path(f"/proc/{pid[1]}").exists()
    assert not (tmp_path / "dockerd.pid").exists()


def test_ci_leaves_an_engine_alone_that_ran_before(tmp_path: Path) -> None:
    subprocess.run(["sh", "-c", engine(tmp_path)], check=True)
    pid = pid_of(tmp_path)
    try:
        done = run_ci(tmp_path, "exit 0")
        assert "Ending" not in done.stdout
        assert "dockerd" in Path(f"/proc/{pid}/comm").read_text()
    finally:
        os.kill(pid, signal.SIGKILL)
