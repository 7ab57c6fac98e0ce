"""The search for secrets finds what was planted."""

import base64
import subprocess
import sys

import pytest

from tests.live.leaks import Processes, leaks

SECRET = "uE5xw8QyTz3mPq7RbLs9"


@pytest.mark.parametrize(
    "text",
    [
        f"password={SECRET}",
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"a:{SECRET}:b".encode()).decode(),
        base64.b64encode(f"ab:{SECRET}".encode()).decode(),
        base64.b64encode(f"abc:{SECRET}\n".encode()).decode(),
    ],
)
def test_a_secret_is_found_as_it_is_and_in_base64(text: str) -> None:
    assert leaks({"here": f"before {text} after", "there": "nothing"}, [SECRET]) == ["here"]


@pytest.mark.parametrize("where", ["argument", "environment"])
def test_a_secret_of_a_process_is_found(where: str) -> None:
    program = [sys.executable, "-c", "import time; time.sleep(60)"]
    if where == "argument":
        process = subprocess.Popen([*program, SECRET])
    else:
        process = subprocess.Popen(program, env={"LEAKED": SECRET})
    try:
        found: list[str] = []
        with Processes() as processes:
            for _ in range(50):
                processes.look()
                found = leaks(processes.texts, [SECRET])
                if found:
                    break
    finally:
        process.kill()
        process.wait()
    assert found
    assert all(f"/proc/{process.pid}/" in one for one in found)
