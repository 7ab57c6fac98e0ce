"""Memory of Pulumi's processes while a command runs."""

import subprocess
import threading
from pathlib import Path


def _children(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def _pss(pid: int) -> int:
    """Proportional memory of a process in KiB, 0 if it is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def peak(process: "subprocess.Popen[str]") -> float:
    """Wait for a process; returns the peak of its tree's memory in MiB."""
    highest = 0
    ended = threading.Event()

    def watch() -> None:
        nonlocal highest
        while not ended.wait(0.1):
            highest = max(highest, sum(_pss(pid) for pid in _children(process.pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        process.communicate(timeout=300)
    finally:
        ended.set()
        watcher.join()
    return round(highest / 1024, 1)
