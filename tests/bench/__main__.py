"""`python -m tests.bench [NAME...]`: measures into build/bench.json and docs/performance.md.

It brings up an environment of its own and removes it. A missed limit is told, and fails nothing.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from tests.bench import (
    builds,
    evaluation,
    first_page,
    image_change,
    native,
    phases,
    processes,
    swarm,
    throughput,
)
from tests.bench.figure import Figure, ratio, table, write
from tests.bench.programs import Literal, Small, floor, resources
from tests.documents import put
from tests.live.platform import Platform, containers, docker
from toolchain.failure import Failure
from toolchain.places import RESULTS, ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
ROUNDS = 5
MIB = 1024 * 1024


def no_op(platform: Platform, folder: Path) -> list[Figure]:
    """Preview and up that change nothing, against an empty program."""
    empty = Small(folder / "empty", "")
    empty.run("up", "--yes", "--skip-preview")
    number = resources(platform)
    hollow = floor(folder / "floor")
    hollow.run("up", "--yes", "--skip-preview", **number)
    literal = Literal(folder / "literal", platform)
    commands = {"noop_preview": ["preview"], "noop_up": ["up", "--yes"]}
    figures = []
    for name, command in commands.items():
        ours: list[float] = []
        floors: list[float] = []
        literals: list[float] = []
        peers: list[float] = []
        for _ in range(ROUNDS):
            began = time.monotonic()
            platform.plain(*command)
            ours.append(time.monotonic() - began)
            peers.append(empty.run(*command))
            floors.append(hollow.run(*command, **number))
            literals.append(literal.run(*command))
        peer = "an empty program, same engine"
        figures.append(ratio(f"{name}_ratio", ours, peers, peer, 1.5))
        peer = "the same; its packages imported, and as many resources with nothing in them"
        figures.append(ratio(f"{name}_floor_ratio", floors, peers, peer, None))
        peer = "the same; dev's own resources, each input written down"
        figures.append(ratio(f"{name}_literal_ratio", literals, peers, peer, None))
        figures += where_time_goes(name, command, platform, empty)
    return figures


def where_time_goes(
    name: str, command: list[str], platform: Platform, empty: Small
) -> list[Figure]:
    """Each phase of a command, of dev and of the empty program; medians of traced runs."""
    ours: list[dict[str, float]] = []
    peers: list[dict[str, float]] = []
    trace = empty.folder / "trace.json"
    tracing = ["--otel-traces", f"file://{trace}"]
    for _ in range(ROUNDS):
        for run, found in ((platform.plain, ours), (empty.run, peers)):
            trace.unlink(missing_ok=True)
            run(*command, *tracing)
            found.append(phases.phases(phases.read(trace)))
    figures = []
    for phase, words in phases.PHASES.items():
        mine, other = ([1000 * seconds[phase] for seconds in found] for found in (ours, peers))
        figures.append(
            Figure(
                name=f"{name}_{phase}_ms",
                value=round(median(mine)),
                unit="ms",
                peer=f"{median(other):.0f} ms of the empty program; {words}",
                samples=[*mine, *other],
            )
        )
    return figures


def growth(_: Platform, folder: Path) -> list[Figure]:
    """Time per service in previews of 50, 200 and 800 services."""
    program = (Path(__file__).parent / "growth.py").read_text()
    project = Small(folder / "growth", program)
    # In units of the previews of one service right before and after: a machine that slows down
    # meanwhile slows both. With one service everything is loaded and started that the others need
    # too. The fewer services, the more a disturbance weighs: so the more rounds.
    every = {50: 1, 200: 2, 800: 4}  # rounds
    each: dict[int, list[float]] = {number: [] for number in every}
    ones = [project.run("preview", BENCH_SERVICES="1")]
    for round_ in range(1, 17):
        for number in (number for number, nth in every.items() if round_ % nth == 0):
            seconds = project.run("preview", BENCH_SERVICES=str(number))
            ones.append(project.run("preview", BENCH_SERVICES="1"))
            each[number].append((2 * seconds / sum(ones[-2:]) - 1) / (number - 1))
    medians = [median(ones) * median(samples) for samples in each.values()]
    for number, one in zip(each, medians, strict=True):
        print(f"   {number} services: {1000 * one:.1f} ms each", flush=True)
    return [
        Figure(
            name="growth_spread",
            value=round(max(medians) / min(medians), 3),
            unit="x",
            limit=1.2,
            peer="cheapest of 50, 200, 800 services",
            samples=medians,
        )
    ]


def proxy(platform: Platform, _: Path) -> list[Figure]:
    """Through the load balancer against straight to a replica."""
    replica = containers(platform.name("web"))[0]
    pid = docker("inspect", "--format", "{{.State.Pid}}", replica)
    direct, through = [], []
    for _round in range(2):
        direct.append(native.straight(native.PORT, ["nsenter", "--target", pid, "--net"]))
        through.append(throughput.measure("127.0.0.1", platform.http_port, "/live"))
    print(f"   {sum(one.failed for one in (*direct, *through))} failed requests", flush=True)
    return [
        ratio(
            "proxy_throughput_ratio",
            [one.per_second for one in through],
            [one.per_second for one in direct],
            "straight to one replica (two stand behind the load balancer)",
            None,
        ),
        Figure(name="proxy_p99_ms", value=round(max(o.p99_ms for o in through), 1), unit="ms"),
        Figure(name="replica_p99_ms", value=round(max(o.p99_ms for o in direct), 1), unit="ms"),
    ]


def memory(platform: Platform, _: Path) -> list[Figure]:
    """Memory of the platform's containers, and of Pulumi during an up."""
    label = f"label=studip.environment={platform.environment}"
    names = docker("ps", "--quiet", "--filter", label).split()
    used = 0.0
    for line in docker("stats", "--no-stream", "--format", "{{.MemUsage}}", *names).splitlines():
        text = line.split("/")[0].strip()
        factor = {"K": 1 / 1024, "M": 1.0, "G": 1024.0}[text.rstrip("iB")[-1]]
        used += float(text.rstrip("KMGiB")) * factor
    process = platform.start("up", "--yes", "--skip-preview", "--config-file", str(platform.file))
    return [
        Figure(name="dev_containers_mib", value=round(used, 1), unit="MiB", limit=1024),
        Figure(name="pulumi_peak_mib", value=processes.peak(process), unit="MiB", limit=500),
    ]


def sizes(platform: Platform, _: Path) -> list[Figure]:
    """Sizes of the images on the engine."""
    figures = []
    prefix = f"127.0.0.1:{platform.registry_port}/studip/"
    for line in sorted(docker("images", "--format", "{{.Repository}} {{.ID}}").splitlines()):
        repository, image = line.split()
        if repository.startswith(prefix):
            size = int(docker("image", "inspect", "--format", "{{.Size}}", image))
            name = repository.removeprefix(prefix).replace("-", "_")
            figures.append(Figure(name=f"image_{name}_mib", value=round(size / MIB, 1), unit="MiB"))
    return figures


BENCHMARKS: dict[str, Callable[[Platform, Path], list[Figure]]] = {
    "no_op": no_op,
    "memory": memory,
    "sizes": sizes,
    "builds": builds.measure,
    "proxy": proxy,
    "container": native.measure,
    "growth": growth,
    "first_page": first_page.measure,
    "image_change": image_change.measure,
    "evaluation": evaluation.measure,
}
SWARM = "swarm"  # on three machines of its own, so after the others


def on_this_engine(names: list[str], folder: Path) -> list[Figure]:
    """Figures of benchmarks of one environment; raises RuntimeError where it can't be had."""
    platform = Platform(folder, "bench")
    print("-- bringing an environment up", flush=True)
    try:
        first = platform.up()
        if first.code:
            raise RuntimeError(first.output)
        figures: list[Figure] = []
        for name in names:
            print(f"-- {name}", flush=True)
            figures += measured(partial(BENCHMARKS[name], platform, folder))
        return figures
    finally:
        platform.destroy()


def measured(benchmark: Callable[[], list[Figure]]) -> list[Figure]:
    """Its figures; none, and a message, where it could not be measured."""
    try:
        return benchmark()
    except (AssertionError, Failure, RuntimeError) as error:
        print(f"   not measured: {error}", file=sys.stderr)
        return []


def main() -> int:
    """Run the chosen benchmarks, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    known = [*BENCHMARKS, SWARM]
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    chosen = parser.parse_args().names or known
    if unknown := set(chosen) - set(known):
        print(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
        return 1
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if here := [name for name in chosen if name != SWARM]:
            try:
                figures += on_this_engine(here, folder)
            except RuntimeError as error:
                print(error, file=sys.stderr)
                return 1
        if SWARM in chosen:
            machines = folder / SWARM
            machines.mkdir()
            figures += measured(partial(swarm.measure, machines))
    write(RESULTS / "bench.json", figures)
    text = table(figures)
    print(f"\n{text}")
    if chosen == known:
        put(DOCUMENT, "make bench", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
