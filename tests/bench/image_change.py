"""From `up` to the last replica with another image, against `docker service update`."""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from tests.bench.figure import Figure, ratio, seconds
from tests.live.platform import Platform, docker

ROUNDS = 3
PARTS = ("web", "cron")  # what runs the application's image


def measure(platform: Platform, folder: Path) -> list[Figure]:
    """Two images that differ by a label, built and pushed before; ours migrates in between."""
    names = [platform.name(part) for part in PARTS]
    contexts = [_context(folder / name, name) for name in ("one", "other")]

    def choose(which: int) -> None:
        images = platform.config.get("studip:images", {})
        platform.write(images=images | {"custom": {"context": str(contexts[which])}})

    def roll_out() -> None:
        platform.plain("up", "--yes", "--skip-preview")

    def update(images: dict[str, str]) -> Callable[[], None]:
        def run() -> None:
            for name, image in images.items():
                docker("service", "update", "--detach", "--quiet", "--image", image, name)
            for name in images:
                while _state(name) != "completed":
                    time.sleep(0.1)

        return run

    for which in (1, 0):
        choose(which)
        roll_out()
    ours, peers = [], []
    for number in range(ROUNDS):
        before = {name: _image(name) for name in names}
        choose(1 - number % 2)
        ours.append(_until_replaced(names, roll_out))
        after = {name: _image(name) for name in names}
        if after == before:
            raise RuntimeError("the image did not change")
        # There and back: the state of the stack has to stay true.
        peers += [_until_replaced(names, update(images)) for images in (before, after)]
        print(f"   {ours[-1]:.1f} s, docker service update {peers[-1]:.1f} s", flush=True)
    return [
        ratio("image_change_ratio", ours, peers, "docker service update of web and cron", None),
        seconds("image_change_s", ours),
    ]


def _context(folder: Path, label: str) -> Path:
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"ARG BASE\nFROM ${{BASE}}\nLABEL of.the.bench={label}\n")
    return folder


def _until_replaced(names: list[str], change: Callable[[], None]) -> float:
    """Seconds from the start of a change until Swarm has replaced the last replica."""
    began = time.time()
    change()
    form = '{{.UpdateStatus.CompletedAt.Format "2006-01-02T15:04:05.000000Z07:00"}}'
    ends = [
        datetime.fromisoformat(docker("service", "inspect", "--format", form, name))
        for name in names
    ]
    return max(end.timestamp() for end in ends) - began


def _state(name: str) -> str:
    form = "{{with .UpdateStatus}}{{.State}}{{end}}"  # none right after a change
    return docker("service", "inspect", "--format", form, name)


def _image(name: str) -> str:
    form = "{{.Spec.TaskTemplate.ContainerSpec.Image}}"
    return docker("service", "inspect", "--format", form, name)
