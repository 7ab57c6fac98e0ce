"""There are never two cron workers at once, whatever happens to node, network and database."""

import itertools
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import docker
import pytest

from tests.images.conftest import ROOT, Built, Run, Running, Volume, wait
from tests.images.site import Site

pytestmark = pytest.mark.live

LEASE = 6  # s, shorter than in service
# A worker that never ends says five times a second that it works, and when.
JOB = """#!/usr/bin/env php
<?php
if ($argv[1] !== 'cronjobs:worker') { require __DIR__ . '/studip.real'; exit; }
$until = microtime(true) + (float) getenv('JOB');
echo "job begins\\n";
while (microtime(true) < $until) { printf("works %.3f\\n", microtime(true)); usleep(200000); }
echo "job ends\\n";
"""


@pytest.fixture
def site(built: Built, run: Run, volume: Volume, network: str, tmp_path: Path) -> Site:
    """A database with its tables, and an application whose job says when it works."""
    source = tmp_path / "studip"
    shutil.copytree(ROOT / "images" / "demo" / "app", source)
    (source / "config").mkdir(exist_ok=True)
    real = (source / "cli" / "studip").read_text()
    (source / "cli" / "studip.real").write_text(real.split("\n", 1)[1])
    (source / "cli" / "studip").write_text(JOB)
    image = built("studip", context=source, BASE=built("php-apache"))
    site = Site(built, run, volume, network, image)
    assert site.start("migrate").wait_exit(120) == 0
    return site


def start(site: Site, job: float = 1000.0, lease: int = LEASE) -> Running:
    """Start a cron worker whose jobs take `job` seconds."""
    return site.start("cron", CRON_INTERVAL="1", CRON_LEASE=str(lease), JOB=f"{job:g}")


def works(running: Running) -> list[float]:
    """When it worked, in seconds of the one clock that all containers have here."""
    lines = running.logs().splitlines()
    return [float(line.split()[1]) for line in lines if line.startswith("works ")]


def wait_for_work(running: Running, seconds: float = 60.0) -> None:
    """Wait until it works, from now on."""
    before = len(works(running))
    wait(lambda: len(works(running)) > before, seconds)


def assert_never_together(workers: Sequence[Running]) -> None:
    """Each worked before or after each other one."""
    for one, other in itertools.combinations([works(each) for each in workers], 2):
        assert one
        assert other
        # Times of both in order: nobody begins before the other one has ended for good.
        owners = [owner for _, owner in sorted([(t, 1) for t in one] + [(t, 2) for t in other])]
        assert len(list(itertools.groupby(owners))) == 2


def cut(running: Running, *, off: bool = True) -> None:
    """Take its network away without a word to anybody, as a switch that dies would."""
    running.container.reload()
    pid = running.container.attrs["State"]["Pid"]
    for chain, flag in (("INPUT", "-i"), ("OUTPUT", "-o")):
        rule = ["iptables", "-A" if off else "-D", chain, "!", flag, "lo", "-j", "DROP"]
        subprocess.run(
            ["nsenter", "--net", "--target", str(pid), *rule], check=True, capture_output=True
        )


def test_a_worker_without_network_is_dead_before_another_begins(site: Site) -> None:
    old = start(site)
    wait_for_work(old)
    new = start(site)
    time.sleep(LEASE + 2)
    assert works(new) == []
    cut(old)
    wait_for_work(new)
    assert "cron: the lease was not confirmed any more\ncron: the job under way is killed" in (
        old.logs()
    )
    # The one that was away finds its lease gone, and waits.
    cut(old, off=False)
    time.sleep(2 * LEASE)
    assert_never_together([old, new])
    assert works(old)[-1] < works(new)[0]


def test_a_worker_that_is_killed_is_followed_after_its_lease(site: Site) -> None:
    old = start(site)
    wait_for_work(old)
    new = start(site)
    wait(lambda: "looking for jobs" in new.logs())
    old.container.kill()
    last = works(old)[-1]
    wait_for_work(new)
    assert works(new)[0] - last >= LEASE - 1.5  # the last renewal was up to a second before
    assert_never_together([old, new])


def test_a_worker_that_is_stopped_hands_over_at_once_after_its_job(site: Site) -> None:
    old = start(site, job=3)
    wait_for_work(old)
    new = start(site, job=3)
    time.sleep(LEASE + 2)
    assert works(new) == []
    old.container.stop(timeout=30)
    assert old.wait_exit() == 0
    said = old.logs()
    assert said.count("job begins") == said.count("job ends")
    assert said.endswith("cron: stopped\n")
    stopped = time.time()
    wait_for_work(new)
    assert works(new)[0] - stopped < LEASE
    assert_never_together([old, new])


def test_a_database_that_hangs_ends_the_worker_and_it_begins_again_later(
    site: Site, client: docker.DockerClient
) -> None:
    one = start(site)
    wait_for_work(one)
    database = client.containers.get(site.database.container.id)
    database.pause()
    try:
        wait(lambda: "the job under way is killed" in one.logs())
        last = works(one)[-1]
        time.sleep(2)
        assert works(one)[-1] == last
    finally:
        database.unpause()
    wait_for_work(one)


def test_two_that_start_together_are_one(site: Site) -> None:
    workers = [start(site) for _ in range(4)]
    wait(lambda: any(works(each) for each in workers))
    time.sleep(LEASE + 2)
    assert sum(bool(works(each)) for each in workers) == 1


@pytest.mark.fault
def test_over_fifty_kills_and_updates_there_are_never_two(site: Site) -> None:
    lease = 2  # s; what follows waits for it fifty times
    workers = [start(site, lease=lease)]
    for number in range(50):
        wait_for_work(workers[-1])
        workers.append(start(site, lease=lease))
        wait(lambda: "looking for jobs" in workers[-1].logs())
        if number % 5 == 4:  # an update asks first
            workers[-2].container.stop(timeout=1)
        else:
            workers[-2].container.kill()
    wait_for_work(workers[-1])
    assert len(workers) == 51
    # In the order of their starts: whoever stopped working never works again.
    for old, new in itertools.pairwise(works(each) for each in workers):
        assert old[-1] < new[0]
