"""Runs other programs."""

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from toolchain.failure import Failure


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout: float | None = None,
) -> str:
    """Run a command quietly; returns what it wrote.

    Raises `Failure` with the command and its last lines when it fails, or takes longer than
    `timeout` seconds.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            env=env,
            cwd=folder,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise Failure(f"{words[0]}: not found") from None
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(words)}: no answer within {timeout:.0f} s") from None
    if done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-15:])
        raise Failure(f"{' '.join(words)} failed (exit code {done.returncode}):\n{tail}")
    return done.stdout


def run_long(
    command: Sequence[str | Path],
    what: str,
    *,
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
    every: float = 15.0,
) -> None:
    """Run a command that takes minutes; tells every `every` seconds how many lines it wrote.

    `what` says what a line stands for. Raises `Failure` as `run` does.
    """
    words = [str(word) for word in command]
    lines: list[str] = []
    with subprocess.Popen(
        words,
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        ended = threading.Event()
        began = time.monotonic()

        def tell() -> None:
            while not ended.wait(every):
                seconds = time.monotonic() - began
                print(f"   {len(lines)} {what}, {seconds:.0f} s", flush=True)

        threading.Thread(target=tell, daemon=True).start()
        assert process.stdout
        for line in process.stdout:
            lines.append(line.rstrip())
        ended.set()
    if process.returncode:
        tail = "\n".join(lines[-15:])
        raise Failure(f"{' '.join(words)} failed (exit code {process.returncode}):\n{tail}")
