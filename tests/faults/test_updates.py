"""What users of the highly available Swarm notice of updates, of good ones and of those that fail.

A bad image, migration or parameter never serves: `up` fails and says why, what served before serves
on, and the next `up` with the old settings brings everything back.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.swarm import WHOLE, Load, SwarmPlatform, containers, recorded, wait

pytestmark = [pytest.mark.cluster, pytest.mark.fault]

Change = Callable[[SwarmPlatform], dict[str, Any]]  # sections of the settings


@dataclass(frozen=True, kw_only=True)
class Bad:
    """An update that must not get through."""

    name: str
    change: Change
    told: str  # in the output of `up`


def custom(lines: str) -> Change:
    """An image of our own on top of the application's."""

    def change(platform: SwarmPlatform) -> dict[str, Any]:
        folder = platform.folder / "custom"
        folder.mkdir(exist_ok=True)
        (folder / "Dockerfile").write_text(f"ARG BASE\nFROM ${{BASE}}\nUSER root\n{lines}\n")
        images: dict[str, Any] = platform.config.get("studip:images", {})
        return {"images": images | {"custom": {"context": str(folder)}}}

    return change


def bad_parameter(platform: SwarmPlatform) -> dict[str, Any]:
    """One that no member starts with."""
    database = platform.config["studip:database"]
    return {"database": database | {"parameters": {"innodb_flush_method": "wrong_on_purpose"}}}


BAD = [
    Bad(
        name="bad image",
        change=custom(
            "RUN printf '#!/bin/sh\\necho unwell on purpose\\nexit 1\\n'"
            " >/usr/local/bin/healthcheck\nUSER www-data"
        ),
        told="unwell on purpose",
    ),
    Bad(
        name="migration that fails",
        change=custom(
            "RUN printf '<?php fwrite(STDERR, \"broken on purpose\\\\n\"); exit(3);'"
            " >/var/www/studip/cli/studip\nUSER www-data"
        ),
        told="broken on purpose",
    ),
    Bad(name="bad configuration", change=bad_parameter, told="studip-faults-database"),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_what_is_bad_never_serves(platform: SwarmPlatform, bad: Bad) -> None:
    platform.wait_whole(WHOLE)
    before = {name for _, name in containers(platform, "web")}
    platform.write(**bad.change(platform))
    began = time.monotonic()
    with Load(platform, bad.name.replace(" ", "-")) as load:
        failed = platform.up()
        serving = {name for _, name in containers(platform, "web")}
        platform.bring_up()
    assert failed.code != 0
    assert bad.told in failed.output
    assert "Traceback" not in failed.output
    assert serving == before
    recorded(load, bad.name, began)
    assert load.failures == []


def test_a_parameter_of_the_database_changes_member_by_member(platform: SwarmPlatform) -> None:
    platform.wait_whole(WHOLE)
    database = platform.config["studip:database"]
    began = time.monotonic()
    with Load(platform, "parameter") as load:
        platform.bring_up(database=database | {"parameters": {"max_connections": "99"}})
        platform.wait_whole(WHOLE)
    recorded(load, "database parameter changed", began)
    assert load.failures == []
    for number in (1, 2, 3):
        ((node, container),) = containers(platform, f"database-{number}")
        configured = node.docker("exec", container, "mariadbd", "--print-defaults")
        assert "--max_connections=99" in configured.replace("max-connections", "max_connections")
    platform.bring_up()


def test_a_registry_that_is_gone_during_an_update_costs_no_request(
    platform: SwarmPlatform,
) -> None:
    platform.wait_whole(WHOLE)
    platform.write(application=_replicas(platform, 3) | {"cron": {"grace_period": 45}})
    began = time.monotonic()
    with Load(platform, "registry") as load:
        process = platform.start("up", "--yes", "--skip-preview")
        while process.poll() is None and time.monotonic() < began + 30:
            for number in (1, 2, 3):
                for node, container in containers(platform, f"registry-{number}"):
                    node.kill_container(container)
            time.sleep(1)
        output, _ = process.communicate(timeout=platform.patience)
        assert "Traceback" not in output
        platform.bring_up()
    recorded(load, "registry gone during an update", began)
    assert load.failures == []


def test_of_two_that_update_at_once_one_is_told_to_wait(platform: SwarmPlatform) -> None:
    platform.wait_whole(WHOLE)
    platform.write(platform=platform.config["studip:platform"] | {"name": "Two at once"})
    began = time.monotonic()
    command = ("up", "--yes", "--skip-preview")
    with Load(platform, "two-at-once") as load:
        both = [platform.start(*command), platform.start(*command)]
        told = [process.communicate(timeout=platform.patience)[0] for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes[0] == 0, told
    assert codes[1] != 0, told
    assert sum("the stack is currently locked by" in one for one in told) == 1
    recorded(load, "two pulumi up at once", began)
    assert load.failures == []
    platform.bring_up()
    assert platform.up().changed == {}


def _replicas(platform: SwarmPlatform, number: int) -> dict[str, Any]:
    application: dict[str, Any] = platform.config["studip:application"]
    return application | {"web": application["web"] | {"replicas": number}}


def scale(platform: SwarmPlatform, number: int) -> None:
    """Another number of web replicas, by `up`."""
    platform.bring_up(application=_replicas(platform, number))
    wait(f"{number} replicas", lambda: len(containers(platform, "web")) == number, seconds=WHOLE)


def test_no_session_is_lost_from_two_replicas_to_eight_and_back(platform: SwarmPlatform) -> None:
    platform.wait_whole(WHOLE)
    scale(platform, 2)
    began = time.monotonic()
    with Load(platform, "scaled") as load:
        scale(platform, 8)
        scale(platform, 2)
    recorded(load, "scaled from 2 to 8 to 2", began)
    assert load.failures == []
    platform.bring_up()
