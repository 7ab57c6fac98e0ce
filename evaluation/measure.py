"""`python -m evaluation measure`: service times and throughput of a running installation.

Within bounds: a number of requests and of seconds, one page, and nobody's machine but this one
unless its name is typed a second time. First one request at a time: how long it takes alone. Then
more and more at a time: how many the installation answers at once.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

MOST_REQUESTS = 5_000
MOST_SECONDS = 120.0
WARM_UP = 10  # requests that are not counted
ALONE_SHARE = 0.3  # of requests and seconds, for requests that come one at a time
MOST_FAILURES = 5  # in one step
TIMEOUT = 30.0  # s for one answer
# Below this share of its cores' number, what an installation does at once is limited by workers.
CORES_BUSY = 0.8

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is measured."""

    secure: bool
    host: str
    port: int
    path: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """What was measured with some requests at a time."""

    at_once: int
    requests: int
    failed: int
    per_second: float
    times_ms: tuple[float, ...]  # ascending

    def quantile_ms(self, share: float) -> float:
        """Time within which `share` of all answers came (nearest rank); nan where none came."""
        if not self.times_ms:
            return float("nan")
        return self.times_ms[min(int(share * len(self.times_ms)), len(self.times_ms) - 1)]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What an installation does."""

    service_ms: float  # mean, one request at a time
    cv: float
    steps: tuple[Step, ...]  # the first one: one request at a time
    stopped: bool  # early, for failures

    @property
    def servers(self) -> float:
        """Requests that are served at full speed at a time: throughput x service time.

        Little's law, at the step with the greatest throughput.
        """
        return max(step.per_second for step in self.steps) * self.service_ms / 1000


class MeasureError(Exception):
    """Why nothing was measured."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--url", required=True, help="such as http://127.0.0.1:8080/")
    parser.add_argument("--path", help="page to ask for (default: that of --url)")
    parser.add_argument(
        "--requests",
        type=_within(int, 20, MOST_REQUESTS),
        default=1_000,
        metavar="N",
        help=f"at most, up to {MOST_REQUESTS} (default: 1000)",
    )
    parser.add_argument(
        "--seconds",
        type=_within(float, 1, MOST_SECONDS),
        default=30.0,
        metavar="S",
        help=f"at most, up to {MOST_SECONDS:.0f} (default: 30)",
    )
    parser.add_argument(
        "--concurrency",
        type=_levels,
        default=(2, 4, 8),
        metavar="N,N,...",
        help="requests at a time, one step after the other (default: 2,4,8)",
    )
    parser.add_argument(
        "--cores",
        type=_within(float, 0.1, 512),
        metavar="N",
        help="of the measured machine (default: of this one, where it is measured)",
    )
    parser.add_argument(
        "--into", type=Path, metavar="FILE", help="the inventory to write the numbers into"
    )
    parser.add_argument(
        "--i-may-load-this-host", metavar="HOST", help="allows to measure another machine"
    )
    parser.add_argument("--lang", choices=("en", "de"), default="en", help="(default: en)")


def main(arguments: argparse.Namespace) -> int:
    """Measure, show what was found, and write it where `--into` says; 1 where that fails."""
    from evaluation.inventory.file import load
    from evaluation.texts import text

    def say(key: str, **values: str | float) -> str:
        return text(f"capacity.measure.{key}", arguments.lang, **values)

    if arguments.into is not None:
        load(arguments.into)  # raises before anything is loaded with requests
    try:
        target = target_of(arguments.url, arguments.path)
        here = _is_loopback(target.host)
        if not here and arguments.i_may_load_this_host != target.host:
            raise MeasureError(say("not_here", host=target.host))
        found = measure(
            target,
            arguments.requests,
            arguments.seconds,
            arguments.concurrency,
            lambda line: print(line, file=sys.stderr, flush=True),
            say,
        )
    except MeasureError as error:
        print(error, file=sys.stderr)
        return 1
    print(table(found, say))
    if found.stopped:
        print(say("stopped"), file=sys.stderr)
    if arguments.into is not None:
        _write(arguments.into, found, arguments.cores or (_cores() if here else None), say)
    return 1 if found.stopped else 0


def target_of(url: str, path: str | None) -> Target:
    """What an address means; raises `MeasureError` where it is none."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise MeasureError(f"--url: {error}: {url}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise MeasureError(f"--url: must be like http://127.0.0.1:8080/, got {url}")
    asked = path or parts.path or "/"
    query = f"?{parts.query}" if parts.query and not path else ""
    return Target(
        secure=parts.scheme == "https",
        host=parts.hostname,
        port=port or (443 if parts.scheme == "https" else 80),
        path=(asked if asked.startswith("/") else f"/{asked}") + query,
    )


def measure(
    target: Target,
    requests: int,
    seconds: float,
    levels: Sequence[int],
    progress: Say,
    say: Callable[..., str],
) -> Measured:
    """Measure within `requests` and `seconds`; raises `MeasureError` where nothing answers."""
    from statistics import fmean, pstdev

    warm = run(target, 1, min(WARM_UP, requests), seconds * 0.1)
    if not warm.times_ms:
        raise MeasureError(say("silent", host=target.host, port=target.port, path=target.path))
    left = requests - warm.requests
    alone = run(target, 1, max(int(left * ALONE_SHARE), 1), seconds * ALONE_SHARE)
    if not alone.times_ms:
        raise MeasureError(say("silent", host=target.host, port=target.port, path=target.path))
    service = fmean(alone.times_ms)
    progress(say("step", at_once=1, rate=alone.per_second, p95=alone.quantile_ms(0.95)))
    steps = [alone]
    stopped = alone.failed >= MOST_FAILURES
    left -= alone.requests
    for number, level in enumerate(levels):
        if stopped or left < 1:
            break
        share = 1 / (len(levels) - number)
        step = run(
            target,
            level,
            max(int(left * share), 1),
            seconds * (0.9 - ALONE_SHARE) / len(levels),
        )
        left -= step.requests
        steps.append(step)
        stopped = step.failed >= MOST_FAILURES
        progress(say("step", at_once=level, rate=step.per_second, p95=step.quantile_ms(0.95)))
    return Measured(
        service_ms=service,
        cv=pstdev(alone.times_ms) / service,
        steps=tuple(steps),
        stopped=stopped,
    )


def run(target: Target, at_once: int, requests: int, seconds: float) -> Step:
    """Keep `at_once` requests under way until `requests` were begun or `seconds` are over.

    Each on a kept connection where the server keeps it. Ends early after `MOST_FAILURES`.
    """
    import threading
    import time

    lock = threading.Lock()
    begun = failed = 0
    times: list[float] = []
    start = time.perf_counter()
    last = start

    def may_begin() -> bool:
        nonlocal begun
        with lock:
            over = begun >= requests or failed >= MOST_FAILURES
            if over or time.perf_counter() - start >= seconds:
                return False
            begun += 1
            return True

    def ask() -> None:
        nonlocal failed, last
        browser = _Browser(target)
        while may_begin():
            asked = time.perf_counter()
            well = browser.ask()
            now = time.perf_counter()
            with lock:
                last = max(last, now)
                if well:
                    times.append((now - asked) * 1000)
                else:
                    failed += 1
        browser.close()

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Step(
        at_once=at_once,
        requests=begun,
        failed=failed,
        per_second=len(times) / max(last - start, 1e-9),
        times_ms=tuple(sorted(times)),
    )


class _Browser:
    """One connection."""

    def __init__(self, target: Target) -> None:
        import http.client

        kind = http.client.HTTPSConnection if target.secure else http.client.HTTPConnection
        self._connection = kind(target.host, target.port, timeout=TIMEOUT)
        self._errors = (OSError, http.client.HTTPException)
        self._path = target.path

    def ask(self) -> bool:
        """Whether an answer that is no error came, read to its end."""
        try:
            self._connection.request("GET", self._path)
            answer = self._connection.getresponse()
            answer.read()
        except self._errors:
            self._connection.close()
            return False
        return answer.status < 400

    def close(self) -> None:
        self._connection.close()


def table(found: Measured, say: Callable[..., str]) -> str:
    """What was found, for a terminal."""
    lines = [say("alone", service=found.service_ms, cv=found.cv), "", say("head")]
    for step in found.steps:
        lines.append(
            f"{step.at_once:>10}{step.per_second:>12.1f}"
            + "".join(f"{step.quantile_ms(share):>10.1f}" for share in (0.5, 0.95, 0.99))
            + f"{step.failed:>10}"
        )
    return "\n".join([*lines, "", say("servers", servers=found.servers)])


def values_of(found: Measured, cores: float | None, workers_per_core: float) -> dict[str, str]:
    """What is written into an inventory whose number of workers a core is `workers_per_core`.

    Where fewer are served at a time than there are cores, workers are the limit: they are written.
    Else cores are; there are at least as many workers, and a core that serves more than one at a
    time waits in between.
    """
    values = {
        "service_time_ms": f"{found.service_ms:.4g}",
        "service_time_cv": f"{found.cv:.3g}",
    }
    if cores is None:
        return values
    a_core = found.servers / cores
    if a_core < CORES_BUSY or a_core > workers_per_core:
        values["workers_per_core"] = f"{a_core:.3g}"
    if a_core >= CORES_BUSY:
        values["cpu_share"] = f"{min(1.0, 1 / a_core):.3g}"
    return values


def _write(path: Path, found: Measured, cores: float | None, say: Callable[..., str]) -> None:
    from datetime import UTC, datetime

    from evaluation.edit import with_values
    from evaluation.inventory.file import load

    workers = load(path).load.workers_per_core.low
    values = values_of(found, cores, workers)
    remark = f"measured {datetime.now(UTC):%Y-%m-%d}"
    text = with_values(path.read_text(encoding="utf-8"), values, remark)
    path.write_text(text, encoding="utf-8")
    load(path)
    print(say("written", file=str(path), keys=", ".join(f"load.{key}" for key in values)))


def _is_loopback(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _cores() -> float:
    import os

    return float(len(os.sched_getaffinity(0)))


def _within(kind: type[int] | type[float], least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = kind(least - 1)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be from {least:g} to {most:g}, got {text}")
        return value

    return read


def _levels(text: str) -> tuple[int, ...]:
    try:
        levels = tuple(int(part) for part in text.split(","))
    except ValueError:
        levels = ()
    if not levels or not all(1 <= level <= 64 for level in levels):
        raise argparse.ArgumentTypeError(f"must be numbers from 1 to 64 like 2,4,8, got {text}")
    return levels
