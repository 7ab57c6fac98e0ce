"""What the model predicts of the dev environment from one replica, and what it then does.

All replicas, the database, the load balancer and the clients share the cores of this machine: more
replicas can't answer more. What is predicted takes this in; containers get as many cores as there
are, so that these are the only limit.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.labels import ENVIRONMENT as LABEL
from evaluation.capacity.closed import closed_loop
from evaluation.inventory.file import load
from evaluation.measure import Step, Target, run, target_of
from tests.evaluation.reality import Basis, Row, table, write
from tests.live.platform import (
    Client,
    Config,
    Platform,
    answering_replicas,
    containers,
    docker,
    wait_for,
)
from toolchain.places import ROOT

ENVIRONMENT = "reality"
OWN = f"label={LABEL}={ENVIRONMENT}"
PATH = "/api/status"
REPLICAS = (1, 2, 4)
CLIENTS = (2, 8)
REQUESTS, SECONDS = 1_500, 12.0  # of each step, at most
CORES = float(len(os.sched_getaffinity(0)))
IDLE_SECONDS = 5.0


class Site(Platform):
    """A platform whose containers have no limit of their own."""

    def scaled(self, replicas: int) -> None:
        """`up` with so many web replicas, until all of them answer."""
        limits: Config = {"resources": {"limits": {"cpus": CORES, "memory_mib": 256}}}
        self.write(
            application={"web": {"replicas": replicas, **limits}},
            database={
                "kind": "single",
                "resources": {"limits": {"cpus": CORES, "memory_mib": 512}},
            },
            load_balancer={**self.config["studip:load_balancer"], **limits},
        )
        done = self.up()
        assert done.code == 0, done.output
        client = Client(self.url)
        wait_for(
            f"{replicas} replicas that answer",
            lambda: len(answering_replicas(client, 10 * replicas)) == replicas,
        )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, ENVIRONMENT)
    try:
        yield made
    finally:
        made.destroy()
        for kind in ("service", "secret", "config", "network", "volume"):
            for name in docker(kind, "ls", "--quiet", "--filter", OWN).split():
                docker(kind, "rm", name, check=False)
        for name in docker("ps", "--all", "--quiet", "--filter", OWN).split():
            docker("rm", "--force", name, check=False)


def busy_seconds() -> float:
    """Seconds for which cores of this machine have been busy with what does not give way."""
    user, _, system, _, _, interrupts, soft, stolen = (
        int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    ticks = user + system + interrupts + soft + stolen
    return ticks / os.sysconf("SC_CLK_TCK")


def replica_alone(site: Site, folder: Path) -> tuple[float, float]:
    """Service time (ms) and its variation, as `measure` finds them beside the only replica."""
    (container,) = containers(site.name("web"))
    process = docker("inspect", "--format", "{{.State.Pid}}", container)
    inventory = folder / "site.yaml"
    inventory.write_text("name: one replica\n")
    bounds = ["--requests", "1000", "--seconds", "20", "--concurrency", "2"]
    command = [sys.executable, "-m", "evaluation", "measure", "--url", f"http://127.0.0.1{PATH}"]
    subprocess.run(
        ["nsenter", "--target", process, "--net", *command, *bounds, "--into", str(inventory)],
        cwd=ROOT,
        check=True,
    )
    found = load(inventory).load
    return found.service_time_ms.low, found.service_time_cv.low


def basis_of(site: Site, target: Target, folder: Path) -> Basis:
    """All that a prediction knows, from one replica with one client."""
    service, cv = replica_alone(site, folder)
    run(target, 1, 50, 5)  # through the load balancer for the first time
    before, start = busy_seconds(), time.monotonic()
    time.sleep(IDLE_SECONDS)
    idle = (busy_seconds() - before) / (time.monotonic() - start)
    before, start = busy_seconds(), time.monotonic()
    step = run(target, 1, REQUESTS, SECONDS)
    took = time.monotonic() - start
    computing = (busy_seconds() - before - idle * took) / step.requests * 1000
    mean, spread = moments(step)
    return Basis(
        service_ms=service,
        service_cv=cv,
        entrance_ms=mean,
        entrance_cv=spread,
        computing_ms=computing,
        cores=CORES,
        busy_cores=idle,
    )


def moments(step: Step) -> tuple[float, float]:
    """Mean (ms) and variation of the response times."""
    mean = sum(step.times_ms) / len(step.times_ms)
    variance = sum((one - mean) ** 2 for one in step.times_ms) / len(step.times_ms)
    return mean, variance**0.5 / mean


def compared(basis: Basis, target: Target, replicas: int, clients: int) -> Row:
    """A prediction, made before its load is run."""
    predicted = closed_loop(
        clients,
        basis.computing_ms,
        max(basis.entrance_ms - basis.computing_ms, 0.0),
        basis.cores - basis.busy_cores,
        basis.entrance_cv,
    )
    run(target, clients, 200, 5)  # processes and their caches
    step = run(target, clients, REQUESTS, SECONDS)
    return Row(
        replicas=replicas,
        clients=clients,
        predicted_rps=predicted.per_second,
        measured_rps=step.per_second,
        predicted_p95_ms=predicted.p95_ms,
        measured_p95_ms=step.quantile_ms(0.95),
        requests=step.requests,
        failed=step.failed,
    )


@pytest.mark.measured
def test_the_dev_environment_does_what_one_replica_predicts(site: Site, tmp_path: Path) -> None:
    rows: list[Row] = []
    target = target_of(f"{site.url}{PATH}", None)
    basis: Basis | None = None
    for replicas in REPLICAS:
        site.scaled(replicas)
        if basis is None:
            basis = basis_of(site, target, tmp_path)
        rows += [compared(basis, target, replicas, clients) for clients in CLIENTS]
    assert basis is not None
    write(basis, rows)
    print(table({"basis": vars(basis), "rows": [vars(row) for row in rows]}))
    for row in rows:
        assert row.failed == 0, row
        assert 0.5 < row.predicted_rps / row.measured_rps < 2, row
        assert 0.5 < row.predicted_p95_ms / row.measured_p95_ms < 2, row


def example() -> dict[str, object]:
    """Results as they are written."""
    basis = Basis(
        service_ms=10.0,
        service_cv=0.5,
        entrance_ms=12.5,
        entrance_cv=0.4,
        computing_ms=8.0,
        cores=2.0,
        busy_cores=0.1,
    )
    row = Row(
        replicas=2,
        clients=8,
        predicted_rps=220.0,
        measured_rps=200.0,
        predicted_p95_ms=70.0,
        measured_p95_ms=66.0,
        requests=1500,
        failed=0,
    )
    return {"basis": vars(basis), "rows": [vars(row)]}


def test_the_table_says_how_far_off_a_prediction_was() -> None:
    assert "| 2 | 8 | 220.0 | 200.0 | +10% | 70 ms | 66 ms |" in table(example())
