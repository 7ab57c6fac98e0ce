"""The highly available Swarm on three machines made as containers: `up`, from nothing and again."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bench import image_change
from tests.bench.figure import Figure, ratio, seconds
from tests.bench.programs import Small, floor, resources
from tests.bench.stack_file import Stack
from tests.faults.swarm import WHOLE, SwarmPlatform, wait
from tests.testbed import Testbed

ROUNDS = 2  # each takes minutes
SETTLE, WATCHED = 30.0, 30.0  # s
# An image is what its build made of it: it stays, with the registry that holds it and its storage.
KEPT = ("--exclude", "**docker:index/image:Image::**")


def measure(folder: Path) -> list[Figure]:
    """All of it on one platform, made for it."""
    with Testbed("bench") as testbed:
        testbed.join()
        platform = SwarmPlatform(folder, testbed)
        print("-- bringing three machines up", flush=True)
        platform.bring_up()
        platform.wait_whole(WHOLE)
        return [
            idle(),
            *no_op(platform, folder),
            *image_change.measure(platform, folder, "swarm_image_change", testbed.node(1).docker),
            *from_nothing(platform, folder),
        ]


def idle() -> Figure:
    """What all three machines take of the processor while nobody asks for anything."""
    time.sleep(SETTLE)
    began, before = time.monotonic(), busy()
    time.sleep(WATCHED)
    cores = (busy() - before) / (time.monotonic() - began)
    return Figure(name="swarm_idle_cores", value=round(cores, 2), unit="cores")


def busy() -> float:
    """Processor time in s that this machine has used since its start."""
    times = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _wait, irq, soft = map(int, times[:7])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def no_op(platform: SwarmPlatform, folder: Path) -> list[Figure]:
    """An `up` that changes nothing, against an empty program."""
    empty = Small(folder / "empty", "")
    empty.run("up", "--yes")
    number = resources(platform)
    hollow = floor(folder / "floor")
    hollow.run("up", "--yes", **number)
    ours, floors, peers = [], [], []
    for _ in range(3):
        began = time.monotonic()
        platform.plain("up", "--yes")
        ours.append(time.monotonic() - began)
        floors.append(hollow.run("up", "--yes", **number))
        peers.append(empty.run("up", "--yes"))
    print(
        f"   no-op: {ours[-1]:.1f} s, as many hollow resources {floors[-1]:.1f} s, "
        f"an empty program {peers[-1]:.1f} s",
        flush=True,
    )
    return [
        ratio("swarm_noop_up_ratio", ours, peers, "an empty program, same engine", 1.5),
        ratio(
            "swarm_noop_up_floor_ratio",
            floors,
            peers,
            "the same; its packages imported, and as many resources with nothing in them",
            None,
        ),
        seconds("swarm_noop_up_s", ours),
    ]


def from_nothing(platform: SwarmPlatform, folder: Path) -> list[Figure]:
    """From images, their registry and storage to a platform that is whole; no data on any side."""
    stack = Stack(platform, platform.testbed.node(1))
    number = len(services(platform))
    ours: list[float] = []
    peers: list[float] = []
    for _ in range(ROUNDS):
        platform.plain("destroy", "--yes", "--skip-preview", *KEPT)
        if not peers:
            stack.leave_out(services(platform))
            stack.write(folder / "peer")
        try:
            peers.append(until_whole(platform, stack.up, number, stack.migration))
        finally:
            stack.down()
            forget(platform, stack)
        ours.append(
            until_whole(platform, lambda: platform.plain("up", "--yes", "--skip-preview"), number)
        )
        print(f"   {ours[-1]:.0f} s, docker stack deploy {peers[-1]:.0f} s", flush=True)
    return [
        ratio("swarm_up_ratio", ours, peers, "docker stack deploy, same services", 1.3),
        seconds("swarm_up_s", ours),
        seconds("swarm_stack_deploy_s", peers),
    ]


def until_whole(
    platform: SwarmPlatform, start: Callable[[], object], number: int, ends: str = ""
) -> float:
    """Seconds until a page is served and as many services as `number` are whole.

    `ends`: a service that need not run for ever.
    """
    with ThreadPoolExecutor(1) as worker:
        began = time.monotonic()
        started = worker.submit(start)

        def done() -> bool:
            if started.done() and (error := started.exception()):
                raise RuntimeError(str(error))
            return whole(platform, number, ends)

        wait("a platform that is whole", done, platform.missing, WHOLE)
        taken = time.monotonic() - began
        started.result()
    return taken


def whole(platform: SwarmPlatform, number: int, ends: str) -> bool:
    """Whether nothing is missing, not even the first page."""
    if len(services(platform) - {ends}) < number:
        return False
    if [one for one in platform.missing() if not (ends and one.startswith(ends))]:
        return False
    return bool(platform.ask("/"))


def services(platform: SwarmPlatform) -> set[str]:
    """Names of all that the Swarm runs."""
    return set(platform.testbed.node(1).docker("service", "ls", "--format", "{{.Name}}").split())


def forget(platform: SwarmPlatform, stack: Stack) -> None:
    """Remove the containers and the data that a stack has left on the nodes."""
    own = ("--filter", f"label=com.docker.stack.namespace={stack.name}")
    nodes = platform.testbed.nodes

    def left() -> list[str]:
        return [one for node in nodes for one in node.docker("ps", "--quiet", *own).split()]

    wait("its containers are gone", lambda: not left(), left, WHOLE)
    for node in nodes:
        node.docker("container", "prune", "--force", *own)
        there = set(node.docker("volume", "ls", "--quiet").split())
        if data := sorted(there & stack.volumes):
            node.docker("volume", "rm", *data)
    networks = ("network", "ls", "--quiet", *own)
    wait("its networks are gone", lambda: not nodes[0].docker(*networks), seconds=WHOLE)
