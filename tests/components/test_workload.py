"""What a service is made of, whatever runs it."""

import subprocess
from pathlib import Path

import pytest

from components.workload import LOOKS, HealthCheck


class Engine:
    """Runs a health check as an engine does, in one container; `fails`: at which look."""

    def __init__(self, folder: Path) -> None:
        self._looks = folder / "looks"
        self._script = folder / "healthcheck"
        self._script.write_text(
            f"#!/bin/sh\necho >>{self._looks}\n"
            f'[ "$(wc -l <{self._looks})" != "$(cat {folder}/bad)" ]'
        )
        self._script.chmod(0o755)
        self._folder = folder

    def check(self, fails: int = 0, timeout: float = 12.0, command: str = "") -> tuple[bool, int]:
        """Whether one check succeeds, and how often it looked."""
        self._looks.write_text("")
        (self._folder / "bad").write_text(f"{fails}\n")
        check = HealthCheck(command=[command or str(self._script)], timeout=timeout)
        words = [word.replace("/dev/shm", str(self._folder)) for word in check.test[1:]]
        code = subprocess.run(words, timeout=30, check=False, capture_output=True).returncode
        return code == 0, len(self._looks.read_text())


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def test_the_first_check_is_one_look_so_that_a_start_is_told_at_once(engine: Engine) -> None:
    assert engine.check() == (True, 1)


def test_while_all_is_well_one_check_looks_often(engine: Engine) -> None:
    engine.check()
    assert engine.check() == (True, LOOKS)
    assert engine.check() == (True, LOOKS)


def test_the_first_look_that_fails_ends_the_check(engine: Engine) -> None:
    engine.check()
    assert engine.check(fails=3) == (False, 3)


def test_after_a_failure_one_look_tells_how_it_is(engine: Engine) -> None:
    engine.check()
    engine.check(fails=1)
    assert engine.check(fails=1) == (False, 1)
    assert engine.check() == (True, 1)
    assert engine.check() == (True, LOOKS)


def test_a_look_that_hangs_fails(engine: Engine, tmp_path: Path) -> None:
    hangs = tmp_path / "hangs"
    hangs.write_text("#!/bin/sh\nexec sleep 20")
    hangs.chmod(0o755)
    assert engine.check(timeout=0.2, command=str(hangs)) == (False, 0)


def test_the_engine_waits_longer_than_all_looks_may_take() -> None:
    check = HealthCheck(command=["healthcheck"], timeout=2.0)
    assert check.longest > LOOKS * check.timeout
