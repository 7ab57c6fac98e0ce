"""The Docker Engine of this machine: installed, started, a Swarm of one node."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from http.client import HTTPConnection
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import Any

from toolchain import apt
from toolchain.failure import Failure
from toolchain.places import state
from toolchain.run import run

SOCKET = Path("/var/run/docker.sock")
# The benchmark range: in use nowhere, so it hides nobody's network.
SWARM_POOL = "198.18.0.0/16"
START_TIMEOUT = 60.0  # s
ETHERNET = 1500  # bytes


def ensure() -> str:
    """Make sure that an engine answers and is a Swarm manager; returns what was done."""
    if os.environ.get("DOCKER_HOST"):
        # Whoever names an engine looks after it.
        return f"given by DOCKER_HOST={os.environ['DOCKER_HOST']}"
    done = []
    if not shutil.which("dockerd"):
        apt.install("ca-certificates", "docker.io", "iptables")
        done.append("installed")
    if not answers():
        _start()
        done.append("started")
    if _join_swarm():
        done.append("made a Swarm of one node")
    return ", ".join(done) or "running"


class _Socket(HTTPConnection):
    """HTTP over the engine's socket; enough for a question or two, without a client library."""

    def __init__(self) -> None:
        super().__init__("localhost", timeout=10)

    def connect(self) -> None:
        self.sock = socket(AF_UNIX, SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(SOCKET))


def _ask(method: str, path: str, body: object = None) -> Any:
    connection = _Socket()
    try:
        connection.request(
            method,
            path,
            json.dumps(body) if body is not None else None,
            {"Content-Type": "application/json"},
        )
        response = connection.getresponse()
        text = response.read().decode()
    finally:
        connection.close()
    answer: Any = json.loads(text) if text.startswith(("{", "[", '"')) else text
    if response.status >= 400:
        raise Failure(f"Docker Engine: {text.strip()}")
    return answer


def answers() -> bool:
    """Whether the engine of this machine answers."""
    try:
        return bool(_ask("GET", "/_ping") == "OK")
    except OSError:
        return False


def _start() -> None:
    log = state() / "dockerd.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if Path("/run/systemd/system").exists():
        run(["systemctl", "start", "docker"])
        process = None
    else:
        # No init system here: the engine is ours, and outlives this program.
        with log.open("ab") as output:
            process = subprocess.Popen(
                ["dockerd", "--mtu", str(mtu())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        (state() / "dockerd.pid").write_text(f"{process.pid}\n")
    deadline = time.monotonic() + START_TIMEOUT
    while not answers():
        ended = process is not None and process.poll() is not None
        if ended or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
            raise Failure(f"the Docker Engine does not start; its log ({log}) ends:\n{tail}")
        time.sleep(0.2)


def stop() -> None:
    """Stop the engine, if `ensure` started it by hand."""
    pid_file = state() / "dockerd.pid"
    if not pid_file.exists():
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(pid_file.read_text()), signal.SIGTERM)
    pid_file.unlink()


def mtu() -> int:
    """Bytes of the largest packet that the way out takes; bridges must not take larger ones."""
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        device, destination, *_ = line.split()
        if destination == "00000000":
            return min(int(Path(f"/sys/class/net/{device}/mtu").read_text()), ETHERNET)
    return ETHERNET


def _join_swarm() -> bool:
    swarm = _ask("GET", "/info")["Swarm"]
    match swarm["LocalNodeState"]:
        case "active" if swarm["ControlAvailable"]:
            return False
        case "active":
            raise Failure("this engine is a worker of a Swarm; use one of its managers")
        case "inactive":
            _ask(
                "POST",
                "/swarm/init",
                {
                    "ListenAddr": "127.0.0.1:2377",
                    "AdvertiseAddr": "127.0.0.1",
                    "DefaultAddrPool": [SWARM_POOL],
                    "SubnetSize": 24,
                },
            )
            return True
        case other:
            raise Failure(f"this engine's Swarm is {other}: {swarm.get('Error') or 'no reason'}")
