"""The highly available Swarm on machines made as containers, and what befalls it under load."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from components.labels import ENVIRONMENT as LABEL
from components.labels import labels
from stacks.budget import budgets
from stacks.settings.load import read_settings
from stacks.settings.models import Settings
from tests.faults.load import Record, Sample
from tests.faults.outage import Result, noise, outage
from tests.live.platform import Config, Platform, Run
from tests.testbed import Node, Testbed
from tests.testbed.node import docker
from toolchain.failure import Failure
from toolchain.places import RESULTS, ROOT
from toolchain.run import run

ENVIRONMENT = "faults"
FILES = "/var/www/studip/data/upload_doc"
AUTHORITY = "/tmp/authority.pem"  # in the client's container
DISK_MEMBER = 2  # member of the database with a disk of its own, on the node of that number
DISK_MIB = 1536
WHOLE = 900.0  # s until everything must be whole again, however loaded this machine is
# Parts that a request passes.
PASSED = ("load-balancer", "web", "proxy", *(f"database-{number}" for number in (1, 2, 3)))
KINDS = ("page", "write")  # of requests whose outage is told
BUSY = 1.0  # s that machines which share two cores may take longer to do what a timer bids them
READ_AGAIN = 600.0  # s in which all uploads are read again, however loaded this machine is
WARM_UP = 10.0  # s of load before anything happens
ROWS = RESULTS / "swarm-faults.json"  # beside it a folder with every request of each fault
ROWS_OF_KINDS = RESULTS / "swarm-kinds-faults.json"  # the same with other kinds


def config(testbed: Testbed) -> dict[str, Any]:
    """The settings of swarm, on the machines of a testbed."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.swarm.yaml").read_text())["config"]
    config["studip:nodes"] = testbed.settings()
    config["studip:platform"]["url"] = f"https://{testbed.address}"
    config["studip:application"] = {"web": {"replicas": 3}}
    config["studip:load_balancer"]["vrrp"] |= {"address": testbed.address, "profile": "standard"}
    return config


class SwarmPlatform(Platform):
    """The platform of `Pulumi.swarm.yaml` on a testbed, as users outside see it."""

    patience = 2400  # s; the first time every image is built
    results = ROWS  # where it is written down what befell it

    def __init__(self, folder: Path, testbed: Testbed) -> None:
        super().__init__(folder, ENVIRONMENT, config(testbed))
        self.testbed = testbed
        self.env["PATH"] = f"{testbed.folder / 'bin'}{os.pathsep}{self.env['PATH']}"

    @property
    def url(self) -> str:
        """Address that moves."""
        return f"https://{self.testbed.address}"

    @property
    def settings(self) -> Settings:
        """What the settings file says."""
        return read_settings(self.file)

    @property
    def profile(self) -> str:
        """How fast the address moves."""
        vrrp = self.settings.load_balancer.vrrp
        assert vrrp is not None
        return vrrp.profile

    def bring_up(self, **sections: Config) -> None:
        """`pulumi up` with other sections of the settings, or with none: as they were."""
        self.write(**sections)
        done = self.up()
        assert done.code == 0, done.output

    def up(self, *arguments: str) -> Run:
        """`pulumi up`; whoever loads afterwards trusts the platform's authority."""
        done = super().up(*arguments)
        if done.code == 0:
            authority = self._pulumi("stack", "output", "authority").output
            # In one step: a load may be reading it.
            keep = f"cat >{AUTHORITY}.new && mv {AUTHORITY}.new {AUTHORITY}"
            write = ["docker", "exec", "--interactive", self.testbed.client, "sh", "-c", keep]
            subprocess.run(write, input=authority, text=True, check=True, capture_output=True)
        return done

    def operate(self, *words: str) -> str:
        """Output of a command for operators, who have the settings file in their checkout."""
        file = ROOT / self.file.name
        file.write_text(self.file.read_text())
        try:
            command = [sys.executable, "-m", "operations", *words, "--stack", self.environment]
            return run(command, env=self.env, folder=ROOT, timeout=self.patience)
        finally:
            file.unlink()

    def put_on_a_disk(self, part: str, node: int) -> None:
        """Let a part's volume have a disk of its own, before it is used."""
        machine, volume = self.testbed.node(node), self.name(part)
        own = labels(self.environment, part.partition("-")[0])
        marks = [word for key, value in own.items() for word in ("--label", f"{key}={value}")]
        machine.docker("volume", "create", *marks, volume)
        machine.disk(volume, DISK_MIB)

    def ask(self, path: str, *options: str) -> str:
        """What a client outside is answered; raises Failure."""
        return docker(
            *("exec", self.testbed.client, "curl", "--silent", "--show-error", "--fail"),
            *("--cacert", AUTHORITY, "--max-time", "20", *options, f"{self.url}{path}"),
        )

    def json(self, path: str, *options: str) -> Any:
        """The same as JSON."""
        return json.loads(self.ask(path, *options))

    def owners(self) -> list[Node]:
        """Machines that have the address."""
        return [
            node
            for node in self.testbed.nodes
            if node.running and f"inet {self.testbed.address}/" in node.run("ip", "address")
        ]

    def allowed(self, *faults: tuple[str, str]) -> float | None:
        """Budget in s of parts and faults that happen together; requests wait for the longest."""
        outages = {(one.part, one.fault): one.outage for one in budgets(self.settings)}
        return max((outages[fault] for fault in faults), default=None)

    def missing(self) -> list[str]:
        """What should run and does not, as the Swarm and each machine say."""
        node = next(node for node in self.testbed.nodes if node.running)
        form = "{{.Name}} {{.Replicas}}"
        found = []
        for line in node.docker("service", "ls", "--format", form).splitlines():
            name, counted = line.split()[:2]
            if len(set(counted.split("/"))) != 1:
                found.append(f"{name} {counted}")
        for one in self.testbed.nodes:
            if not one.running:
                found.append(one.name)
                continue
            for health in ("unhealthy", "starting"):
                own = ("--filter", f"label={LABEL}={ENVIRONMENT}", "--filter", f"health={health}")
                found += one.docker("ps", *own, "--format", "{{.Names}}").split()
        return found

    def wait_whole(self, seconds: float = 300) -> None:
        """Wait until nothing is missing; an AssertionError with what is."""
        wait("everything is whole", lambda: not self.missing(), self.missing, seconds)


def whole_since(missing: Callable[[], object], seconds: float, pause: float = 1.0) -> float | None:
    """Look on for so long: since when nothing is missing, in s of the monotonic clock.

    What has just died may count as running for a moment: only what lasts counts.
    """
    until, since = time.monotonic() + seconds, None
    while (now := time.monotonic()) < until:
        try:
            since = None if missing() else since or now
        except Failure:  # a machine that is not quite there
            since = None
        time.sleep(min(pause, max(0.0, until - time.monotonic())))
    return since


def containers(platform: SwarmPlatform, part: str) -> list[tuple[Node, str]]:
    """All running containers of a part, each with its machine."""
    return [
        (node, container)
        for node in platform.testbed.nodes
        if node.running
        for container in node.containers(platform.name(part))
    ]


def copies(platform: SwarmPlatform, file: str) -> list[str]:
    """SHA-256 of an uploaded file, as each web replica finds it in its shared folder."""
    find = f"find {FILES} -type f -name '*{file}*' -exec sha256sum {{}} +"
    return [
        node.docker("exec", container, "sh", "-c", find).split()[0]
        for node, container in containers(platform, "web")
    ]


def wait(
    what: str,
    condition: Callable[[], object],
    why: Callable[[], object] = lambda: "",
    seconds: float = 60,
) -> None:
    """Wait until something holds; an AssertionError with `why()` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except Failure as failure:
            reason: object = failure
        else:
            reason = why()
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}: {reason}"
        time.sleep(1)


@dataclass
class Load:
    """Requests from outside while a block lasts."""

    platform: SwarmPlatform
    name: str  # mark of what is written
    record: Record = field(default_factory=Record)
    began: float = 0.0  # s since the epoch

    def __enter__(self) -> Self:
        command = [
            *("docker", "exec", "--interactive", self.platform.testbed.client, "python3", "-m"),
            *("tests.faults.load", self.platform.url, "--authority", AUTHORITY),
            *("--name", self.name, "--seconds", "600"),
        ]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.began = time.time()
        time.sleep(WARM_UP)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        output, errors = self._process.communicate(timeout=READ_AGAIN)
        if self._process.returncode != 0:
            raise Failure(f"the load failed: {errors}")
        raw = json.loads(output)
        samples = [Sample(**sample) for sample in raw.pop("samples")]
        self.record = Record(samples=samples, **raw)
        folder = self.platform.results.with_suffix("")
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.name}-{self.platform.profile}.json"
        file.write_text(output)
        if self.failures:
            file.with_suffix(".log").write_text(self._logs())

    def _logs(self) -> str:
        """What all that requests pass wrote meanwhile, also those who have ended since."""
        found = []
        for node in self.platform.testbed.nodes:
            for part in PASSED if node.running else ():
                own = f"label=com.docker.swarm.service.name={self.platform.name(part)}"
                for container in node.docker("ps", "--all", "--quiet", "--filter", own).split():
                    log = ("logs", "--timestamps", "--since", f"{self.began:.0f}", container)
                    # Logs come on both streams.
                    lines = node.run("sh", "-c", 'docker "$@" 2>&1', "sh", *log)
                    found.append(f"== {node.name} {part} {container}\n{lines}")
        return "\n".join(found)

    @property
    def failures(self) -> list[Sample]:
        """Requests that failed."""
        return [sample for sample in self.record.samples if sample.failure]

    def within(self, outage: float, budget: float) -> bool:
        """Whether an outage (s) is no longer than its budget, as far as can be told here."""
        return outage <= budget + BUSY + noise(self.record.samples, KINDS, self.began + WARM_UP)

    def lost(self) -> list[str]:
        """Acknowledged writes that the platform does not have."""
        stored: set[str] = set()
        last = 0
        while rows := self.platform.json(f"/api/writes?after={last}")["writes"]:
            stored |= {row["value"] for row in rows}
            last = rows[-1]["id"]
        return [value for value in self.record.acknowledged if value not in stored]

    def result(self, fault: str, budget: float | None, redundancy: float | None) -> Result:
        """What is written down of it; the outage is that of pages and writes."""
        samples = self.record.samples
        return Result(
            fault=fault,
            profile=self.platform.profile,
            requests=len(samples),
            failed=len(self.failures),
            slowest_ms=round(max(sample.seconds for sample in samples) * 1000),
            outage_s=round(max(outage(samples, [kind]) for kind in KINDS), 2),
            budget_s=budget,
            writes_acknowledged=len(self.record.acknowledged),
            writes_lost=len(self.lost()),
            redundancy_s=redundancy,
        )


def write_down(result: Result, file: Path) -> None:
    """Keep a result, in the place of an older one of the same fault."""
    new = result.row
    old: list[Mapping[str, Any]] = json.loads(file.read_text()) if file.exists() else []
    kept = [row for row in old if any(row[key] != new[key] for key in ("fault", "profile"))]
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps([*kept, new], indent=1) + "\n")


def recorded(
    load: Load,
    fault: str,
    began: float,
    budget: float | None = None,
    whole: float | None = None,
) -> Result:
    """Wait until all is whole and write down what it cost; nothing that was kept may be lost.

    `began`: when the fault began, or ended, where it lasts; `whole`: when all was whole again,
    where that was seen already; s of the monotonic clock.
    """
    if whole is None or load.platform.missing():
        load.platform.wait_whole(WHOLE)
        whole = time.monotonic()
    result = load.result(fault, budget, round(whole - began, 1))
    write_down(result, load.platform.results)
    print(result)
    assert result.writes_acknowledged > 0
    assert result.writes_lost == 0
    assert load.record.sessions_lost == []
    assert load.record.files_lost == []
    if budget is not None:
        assert load.within(result.outage_s, budget)
    return result
