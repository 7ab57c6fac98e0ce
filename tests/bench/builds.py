"""Seconds to build each image: from its base alone (cold), and with everything cached (warm)."""

import json
import threading
import time
from pathlib import Path

from tests.bench.figure import Figure, seconds
from tests.live.platform import Platform, docker
from toolchain.plugins.common.resource import Call
from toolchain.plugins.docker.build import build
from toolchain.plugins.docker.connection import Engine, Settings

NAME = "studip-bench/build"


def measure(platform: Platform, _: Path) -> list[Figure]:
    """As Pulumi has built them, by the same plugin; packages come from the usual mirrors."""
    state = json.loads(platform.export())
    images = [
        (resource["inputs"]["imageName"], resource["inputs"]["build"])
        for resource in state["deployment"]["resources"]
        if resource["type"] == "docker:index/image:Image"
    ]
    engine = Engine(Settings())
    figures = []
    for name, options in images:
        image = name.rpartition("/")[2].partition(":")[0]
        for kind, no_cache in (("cold", True), ("warm", False)):
            call = Call("", image, 0, threading.Event(), lambda *_: None)
            began = time.monotonic()
            build(call, engine, NAME, options, no_cache=no_cache)
            taken = time.monotonic() - began
            print(f"   {image}, {kind}: {taken:.1f} s", flush=True)
            figures.append(seconds(f"build_{image.replace('-', '_')}_{kind}_s", [taken]))
    docker("image", "rm", "--force", NAME)
    return figures
