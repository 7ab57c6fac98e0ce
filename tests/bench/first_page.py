"""From images present to the first page, against docker-compose with the same containers."""

import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.bench.bare import Bare
from tests.bench.compose import Peer
from tests.bench.figure import Figure, ratio, seconds
from tests.live.platform import Client, Platform, free_port

ROUNDS = 3
LIMIT = 180.0  # s until there must be a page

Start = Callable[[], "subprocess.Popen[str]"]


def measure(platform: Platform, folder: Path) -> list[Figure]:
    """All sides in turn; each begins with images and nothing else: no data, no networks."""
    ours, bares, peers = [], [], []
    for number in range(ROUNDS):
        port = free_port()
        peer = Peer(folder / f"peer-{number}", platform, port)
        bare = Bare(platform, folder / f"bare-{number}.json")
        # An image is what its build made of it: the registry that holds it stays too.
        platform.plain(
            "destroy", "--yes", "--skip-preview", "--exclude", "**docker:index/image:Image::**"
        )
        try:
            peers.append(first_answer(peer.up, f"http://127.0.0.1:{port}"))
        finally:
            peer.down()
        try:
            bares.append(first_answer(bare.up, platform.url))
        finally:
            bare.down()
        ours.append(
            first_answer(lambda: platform.start("up", "--yes", "--skip-preview"), platform.url)
        )
        print(
            f"   {ours[-1]:.1f} s, without Pulumi {bares[-1]:.1f} s, "
            f"docker-compose {peers[-1]:.1f} s",
            flush=True,
        )
    return [
        ratio("first_page_ratio", ours, peers, "docker-compose, same containers", 1.3),
        seconds("first_page_s", ours),
        seconds("swarm_first_page_s", bares),
        seconds("compose_first_page_s", peers),
    ]


def first_answer(start: Start, url: str) -> float:
    """Seconds from the start of a command to the first page; waits until the command has ended."""
    began = time.monotonic()
    process = start()
    output: list[str] = []
    reader = threading.Thread(target=lambda: output.append(process.communicate()[0]))
    reader.start()
    late = failed = False
    while not answers(url):
        late, failed = time.monotonic() > began + LIMIT, process.poll() not in (None, 0)
        if late or failed:
            break
        time.sleep(0.05)
    taken = time.monotonic() - began
    reader.join()
    if process.returncode:
        raise RuntimeError(output[0][-2000:])
    if late:
        raise RuntimeError(f"no page at {url} within {LIMIT:.0f} s")
    return taken


def answers(url: str) -> bool:
    """Whether the platform's page can be read."""
    with suppress(OSError):
        return Client(url).get("/").status == 200
    return False
