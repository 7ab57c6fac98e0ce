"""A whole environment on the engine of this machine, driven by plain Pulumi commands."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml

from toolchain import stack
from toolchain.places import BIN, ROOT

ENVIRONMENT = "live"
Config = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """How a Pulumi command ended."""

    code: int
    output: str
    changes: Mapping[str, int] = field(default_factory=dict)  # operation -> resources

    @property
    def changed(self) -> dict[str, int]:
        """Operations that changed something."""
        return {kind: count for kind, count in self.changes.items() if kind not in ("same", "read")}


@dataclass(frozen=True)
class Answer:
    """A response of the platform."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Client:
    """A browser with one cookie jar; each request on a connection of its own."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc
        self._cookies: dict[str, str] = {}

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; raises OSError where there is no answer."""
        with closing(http.client.HTTPConnection(self._address, timeout=10)) as connection:
            cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
            sent = {**({"Cookie": cookies} if cookies else {}), **(headers or {})}
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            for value in response.headers.get_all("Set-Cookie") or []:
                name, _, rest = value.partition("=")
                self._cookies[name] = rest.partition(";")[0]
            return Answer(response.status, dict(response.headers), response.read())

    def get(self, path: str) -> Answer:
        """GET."""
        return self.request("GET", path)

    def post(self, path: str, **form: str) -> Answer:
        """POST of a form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.request("POST", path, urlencode(form).encode(), kind)

    def upload(self, path: str, name: str, content: bytes) -> Answer:
        """POST of one file, in the field `file`."""
        boundary = uuid.uuid4().hex
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        return self.request(
            "POST", path, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        )


class Platform:
    """One environment with a state folder and a settings file of its own.

    `config`: its settings; none: those of dev, with ports of its own.
    """

    patience = 900  # s until a command of Pulumi counts as stuck

    def __init__(
        self, folder: Path, environment: str = ENVIRONMENT, config: Config | None = None
    ) -> None:
        self.environment = environment
        self.folder = folder
        self.file = folder / f"Pulumi.{environment}.yaml"
        if config is None:
            config = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]
            config["studip:load_balancer"] = {"kind": "haproxy", "http_port": free_port()}
            config["studip:registry"] = {"kind": "distribution", "port": free_port()}
        self.config: Config = config
        self.write()
        self.state = folder / "state"
        passphrase = self.state / "passphrase"
        self.env = {
            **os.environ,
            **stack.environment(),
            "STUDIP_STATE": str(self.state),
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
            "PULUMI_DEBUG_COMMANDS": "true",  # --event-log is one of these options
        }
        self.state.mkdir()
        passphrase.write_text("a passphrase of the test")
        self._pulumi("stack", "init")
        # It writes its salt beside the program; ours comes with the first `up`, into our own file.
        (ROOT / self.file.name).unlink(missing_ok=True)

    @property
    def http_port(self) -> int:
        """TCP on this machine, or on the nodes."""
        return int(self.config["studip:load_balancer"]["http_port"])

    @property
    def registry_port(self) -> int:
        """TCP on the loopback address."""
        return int(self.config["studip:registry"]["port"])

    @property
    def url(self) -> str:
        """Address of the load balancer."""
        return f"http://127.0.0.1:{self.http_port}"

    def write(self, **sections: Config) -> None:
        """Write the settings file, with whole sections replaced."""
        kept = {}
        if self.file.exists():
            read = yaml.safe_load(self.file.read_text())
            kept = {key: value for key, value in read.items() if key != "config"}
        config = self.config | {f"studip:{name}": value for name, value in sections.items()}
        self.file.write_text(yaml.safe_dump({**kept, "config": config}))

    def name(self, part: str) -> str:
        """Name of a part on the engine."""
        return f"studip-{self.environment}-{part}"

    def up(self, *arguments: str) -> Run:
        """`pulumi up` without preview."""
        return self._events("up", "--yes", "--skip-preview", *arguments)

    def preview(self) -> Run:
        """`pulumi preview`."""
        return self._events("preview")

    def refresh(self) -> Run:
        """`pulumi refresh`, told what it found."""
        return self._events("refresh", "--yes", "--skip-preview")

    def destroy(self) -> Run:
        """`pulumi destroy`."""
        return self._events("destroy", "--yes", "--skip-preview")

    def plain(self, *arguments: str) -> None:
        """A command as an operator types it; raises AssertionError where it fails."""
        done = self._pulumi(*arguments)
        assert done.code == 0, done.output

    def export(self, *arguments: str) -> str:
        """The state as it is stored."""
        return self._pulumi("stack", "export", *arguments).output

    def passwords(self) -> list[str]:
        """Every generated password, in plain text."""
        state = json.loads(self.export("--show-secrets"))
        return [
            json.loads(resource["outputs"]["result"]["plaintext"])
            for resource in state["deployment"]["resources"]
            if resource["type"] == "random:index/randomPassword:RandomPassword"
        ]

    def in_state(self, type_: str) -> int:
        """How many resources of a type the state holds."""
        state = json.loads(self.export())
        return sum(r["type"] == type_ for r in state["deployment"]["resources"])

    def start(self, *arguments: str, before: Sequence[str] = ()) -> "subprocess.Popen[str]":
        """Start a command, behind the words `before`, and do not wait."""
        return subprocess.Popen(
            [*before, *self._command(*arguments)],
            env=self.env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _command(self, *arguments: str) -> list[str]:
        options = ["--stack", self.environment, "--non-interactive"]
        if arguments[0] in ("up", "preview", "refresh", "destroy"):
            options += ["--config-file", str(self.file)]
        if arguments[:2] == ("stack", "init"):
            return [str(BIN / "pulumi"), *arguments, self.environment, "--non-interactive"]
        return [str(BIN / "pulumi"), *arguments, *options]

    def _events(self, *arguments: str) -> Run:
        log = self.folder / "events.json"
        log.unlink(missing_ok=True)
        done = self._pulumi(*arguments, "--event-log", str(log))
        changes: dict[str, int] = {}
        for line in log.read_text().splitlines() if log.exists() else ():
            summary = json.loads(line).get("summaryEvent")
            if summary:
                changes = summary["resourceChanges"] or {}
        return Run(done.code, done.output, changes)

    def _pulumi(self, *arguments: str) -> Run:
        process = self.start(*arguments)
        try:
            output, _ = process.communicate(timeout=self.patience)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return Run(process.returncode, output)


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def docker(*arguments: str, check: bool = True) -> str:
    """Output of the Docker command line."""
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=check
    ).stdout.strip()


def containers(service: str) -> list[str]:
    """Ids of a service's running containers."""
    return docker(
        "ps", "--quiet", "--filter", f"label=com.docker.swarm.service.name={service}"
    ).split()


def wait_for(what: str, condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait until `condition()` holds; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)


def answering_replicas(client: Client, requests: int = 20) -> set[str]:
    """Names of the replicas that answered."""
    return {client.get("/api/status").json["replica"] for _ in range(requests)}
