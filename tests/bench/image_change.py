"""From `up` to the last replica with another image, against `docker service update`."""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from tests.bench.figure import Figure, ratio, seconds
from tests.live.platform import Platform, docker

ROUNDS = 3
PARTS = ("web", "cron")  # what runs the application's image

Docker = Callable[..., str]  # the command line: its words, and what it says


def measure(
    platform: Platform, folder: Path, name: str = "image_change", docker: Docker = docker
) -> list[Figure]:
    """Two images that differ by a label, built and pushed before; ours migrates in between.

    `name`: of the figures. `docker`: the command line on a manager of the Swarm.
    """
    names = [platform.name(part) for part in PARTS]
    contexts = [_context(folder / label, label) for label in ("one", "other")]

    def choose(which: int) -> None:
        images = platform.config.get("studip:images", {})
        platform.write(images=images | {"custom": {"context": str(contexts[which])}})

    def roll_out() -> None:
        platform.plain("up", "--yes", "--skip-preview")

    def update(images: dict[str, str]) -> Callable[[], None]:
        def run() -> None:
            for service, image in images.items():
                docker("service", "update", "--detach", "--quiet", "--image", image, service)
            for service in images:
                while _state(docker, service) != "completed":
                    time.sleep(0.1)

        return run

    for which in (1, 0):
        choose(which)
        roll_out()
    ours, peers = [], []
    for number in range(ROUNDS):
        before = {service: _image(docker, service) for service in names}
        choose(1 - number % 2)
        ours.append(_until_replaced(docker, names, roll_out))
        after = {service: _image(docker, service) for service in names}
        if after == before:
            raise RuntimeError("the image did not change")
        # There and back: the state of the stack has to stay true.
        peers += [_until_replaced(docker, names, update(images)) for images in (before, after)]
        print(f"   {ours[-1]:.1f} s, docker service update {peers[-1]:.1f} s", flush=True)
    return [
        ratio(f"{name}_ratio", ours, peers, "docker service update of web and cron", None),
        seconds(f"{name}_s", ours),
    ]


def _context(folder: Path, label: str) -> Path:
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"ARG BASE\nFROM ${{BASE}}\nLABEL of.the.bench={label}\n")
    return folder


def _until_replaced(docker: Docker, names: list[str], change: Callable[[], None]) -> float:
    """Seconds from the start of a change until Swarm has replaced the last replica."""
    began = time.time()
    change()
    form = '{{.UpdateStatus.CompletedAt.Format "2006-01-02T15:04:05.000000Z07:00"}}'
    ends = [
        datetime.fromisoformat(docker("service", "inspect", "--format", form, name).strip())
        for name in names
    ]
    return max(end.timestamp() for end in ends) - began


def _state(docker: Docker, name: str) -> str:
    form = "{{with .UpdateStatus}}{{.State}}{{end}}"  # none right after a change
    return docker("service", "inspect", "--format", form, name).strip()


def _image(docker: Docker, name: str) -> str:
    form = "{{.Spec.TaskTemplate.ContainerSpec.Image}}"
    return docker("service", "inspect", "--format", form, name).strip()
