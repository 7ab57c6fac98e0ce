"""A replica in its container against the same PHP and web server as plain processes of the host.

Both run the files of one image with one configuration; the host's side has a folder as its
root and another port, and no namespace but for its mounts, no limits, no overlay. The container is
made as a replica's, without its limit of CPU, which is a setting and no cost of a container.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from components.application import USER
from tests.bench.figure import Figure, ratio
from tests.bench.throughput import Connection, Throughput
from tests.live.platform import Platform, docker, free_port, wait_for
from toolchain.places import ROOT

ROUNDS = 3
PORT = 80  # in the container
_IN_FOLDER = """
mount --rbind /proc "$1/proc"
mount --rbind /dev "$1/dev"
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
exec chroot --userspec="$2:$2" "$1" entrypoint web
"""


def measure(platform: Platform, folder: Path) -> list[Figure]:
    """Both in turn, after a first round that warms them up."""
    form = "{{.Spec.TaskTemplate.ContainerSpec.Image}}"
    image = docker("service", "inspect", "--format", form, platform.name("web"))
    ours: list[Throughput] = []
    peers: list[Throughput] = []
    with contained(image) as pid, native(image, folder / "root") as port:
        inside = ["nsenter", "--target", pid, "--net"]
        for _ in range(ROUNDS + 1):
            ours.append(straight(PORT, inside))
            peers.append(straight(port))
    failed = sum(one.failed for one in (*ours, *peers))
    print(f"   {failed} failed requests", flush=True)
    del ours[0], peers[0]
    return [
        ratio(
            "container_throughput_ratio",
            [one.per_second for one in ours],
            [one.per_second for one in peers],
            "the same PHP and web server on the host",
            None,
        ),
        Figure(name="container_p99_ms", value=round(max(o.p99_ms for o in ours), 1), unit="ms"),
        Figure(name="host_p99_ms", value=round(max(o.p99_ms for o in peers), 1), unit="ms"),
    ]


def straight(port: int, prefix: Sequence[str] = ()) -> Throughput:
    """What a client beside a replica measures; `prefix` brings it there."""
    rate, p99, failed = subprocess.run(
        [*prefix, sys.executable, "-m", "tests.bench.straight", str(port)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return Throughput(float(rate), float(p99), int(failed))


@contextmanager
def contained(image: str) -> Iterator[str]:
    """A replica in a container; the id of its process."""
    hard = ["--read-only", "--init", "--cap-drop", "ALL", "--tmpfs", "/tmp:mode=1777"]
    container = docker("run", "--detach", "--no-healthcheck", *hard, image, "web")
    try:
        probe = ["curl", "--silent", "--fail", f"http://127.0.0.1:{PORT}/live"]
        wait_for("a replica that answers", lambda: docker("exec", container, *probe, check=False))
        yield docker("inspect", "--format", "{{.State.Pid}}", container)
    finally:
        docker("rm", "--force", "--volumes", container)


@contextmanager
def native(image: str, root: Path) -> Iterator[int]:
    """A replica below the folder `root`; its port on the loopback address."""
    unpack(image, root)
    port = free_port()
    configuration = root / "etc/apache2/studip.conf"
    text, changed = re.subn(
        r"(?m)^Listen \d+$", f"Listen 127.0.0.1:{port}", configuration.read_text()
    )
    assert changed == 1, configuration
    configuration.write_text(text)
    settings = json.loads(docker("image", "inspect", "--format", "{{json .Config.Env}}", image))
    with (root / "log").open("w") as log:
        os.fchown(log.fileno(), USER, USER)  # opened again by the web server
        process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-euc", _IN_FOLDER, "native", str(root), str(USER)],
            env=dict(setting.split("=", 1) for setting in settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_for("a server on the host that answers", lambda: answers(port))
            yield port
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def unpack(image: str, root: Path) -> None:
    """The files of an image as a folder."""
    root.mkdir()
    container = docker("create", image)
    try:
        with subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export:
            subprocess.run(["tar", "-x", "-C", str(root)], stdin=export.stdout, check=True)
    finally:
        docker("rm", container)


def answers(port: int) -> bool:
    """Whether PHP answers there."""
    connection = Connection("127.0.0.1", port, "/live")
    try:
        return connection.ask() == 200
    except OSError:
        return False
    finally:
        connection.close()
