"""Networks, volumes, secrets, configs and tags, through their lives on the real engine."""

from __future__ import annotations

import base64
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from toolchain.plugins.common.values import Secret

from .conftest import Bench, Failed, Plugin, eventually, rootfs, started, unchanged

pytestmark = pytest.mark.live

NETWORK = "docker:index/network:Network"
VOLUME = "docker:index/volume:Volume"
SECRET = "docker:index/secret:Secret"
CONFIG = "docker:index/serviceConfig:ServiceConfig"
TAG = "docker:index/tag:Tag"

HIDDEN = "a secret that nobody may see"
DATA = base64.b64encode(HIDDEN.encode()).decode()


def inputs_of(token: str, bench: Bench) -> dict[str, Any]:
    """A small resource of each type."""
    own: dict[str, dict[str, Any]] = {
        NETWORK: {"driver": "overlay", "attachable": True},
        VOLUME: {},
        SECRET: {"data": Secret(DATA)},
        CONFIG: {"data": base64.b64encode(b"listen 80\n").decode()},
    }
    return {"name": bench.name("part"), "labels": bench.labels, **own[token]}


@pytest.mark.parametrize("token", [NETWORK, VOLUME, SECRET, CONFIG])
def test_a_part_is_made_found_unchanged_and_removed(
    plugin: Plugin, bench: Bench, token: str
) -> None:
    inputs = inputs_of(token, bench)
    thing = plugin.create(token, "part", inputs)
    unchanged(plugin, thing, inputs)
    plugin.delete(thing)
    assert plugin.read(thing) is None
    plugin.delete(thing)


@pytest.mark.parametrize("token", [NETWORK, VOLUME, SECRET, CONFIG])
def test_a_part_that_an_interrupted_run_has_made_is_taken_over(
    plugin: Plugin, bench: Bench, token: str
) -> None:
    inputs = inputs_of(token, bench)
    plugin.create(token, "part", inputs)
    again = plugin.create(token, "part", inputs)
    unchanged(plugin, again, inputs)
    plugin.delete(again)
    assert plugin.read(again) is None


@pytest.mark.parametrize("token", [NETWORK, VOLUME, SECRET, CONFIG])
def test_a_strangers_part_is_not_taken_over(plugin: Plugin, bench: Bench, token: str) -> None:
    inputs = inputs_of(token, bench)
    plugin.create(token, "part", inputs)
    other = {**inputs, "labels": [*bench.labels, {"label": "owner", "value": "us"}]}
    with pytest.raises(Failed, match=r"already.*remove it.*pulumi import"):
        plugin.create(token, "part", other)


def test_a_bridge_network_keeps_the_addresses_that_it_was_given(
    plugin: Plugin, bench: Bench
) -> None:
    pool = {"subnet": "198.19.250.0/24", "gateway": "198.19.250.1", "ipRange": "198.19.250.128/25"}
    inputs = {
        "labels": bench.labels,
        "internal": True,
        "ipamConfigs": [pool],
        "options": {"com.docker.network.bridge.enable_icc": "true"},
    }
    thing = plugin.create(NETWORK, "part", inputs)
    unchanged(plugin, thing, inputs)
    assert thing.outputs["driver"] == "bridge"
    assert thing.outputs["ipamConfigs"] == [pool]
    plugin.delete(thing)


# What the engine never tells, so that an import can't know it.
UNTOLD: dict[str, set[str]] = {NETWORK: set(), VOLUME: set(), SECRET: {"data"}, CONFIG: set()}


@pytest.mark.parametrize("token", [NETWORK, VOLUME, SECRET, CONFIG])
def test_an_imported_part_needs_no_change_by_a_program_that_says_the_same(
    plugin: Plugin, bench: Bench, token: str
) -> None:
    inputs = inputs_of(token, bench)
    thing = plugin.create(token, "part", inputs)
    thing.inputs, thing.state = {}, {}
    found = plugin.read(thing)
    assert found is not None
    assert found.inputs["name"] == bench.name("part")
    found.inputs |= {key: inputs[key] for key in UNTOLD[token]}
    assert plugin.diff(found, inputs).changes == {}
    assert plugin.diff(found, inputs | {"name": bench.name("other")}).replaces == ["name"]


def test_a_network_in_use_is_removed_as_soon_as_it_is_free(plugin: Plugin, bench: Bench) -> None:
    thing = plugin.create(NETWORK, "part", inputs_of(NETWORK, bench))
    container = bench.client.containers.run(
        rootfs(),
        ["sleep", "60"],
        detach=True,
        init=True,
        network=thing.outputs["name"],
        labels={entry["label"]: entry["value"] for entry in bench.labels},
    )
    remover = threading.Thread(target=lambda: plugin.delete(thing))
    remover.start()
    time.sleep(1)
    assert remover.is_alive()
    container.remove(force=True)
    remover.join(timeout=20)
    assert plugin.read(thing) is None


def test_a_removed_volume_is_made_again(plugin: Plugin, bench: Bench) -> None:
    inputs = inputs_of(VOLUME, bench)
    thing = plugin.create(VOLUME, "part", inputs)
    bench.client.volumes.get(thing.id).remove()
    assert plugin.read(thing) is None
    unchanged(plugin, plugin.create(VOLUME, "part", inputs), inputs)


def test_a_secret_is_sealed_and_never_shown(plugin: Plugin, bench: Bench) -> None:
    thing = plugin.create(SECRET, "part", inputs_of(SECRET, bench))
    assert thing.state["data"] == Secret(DATA)
    assert thing.inputs["data"] == Secret(DATA)
    # A name that gives the data away makes the message of a conflict contain it.
    data = base64.b64encode(f"{bench.mark}-unpadded-".encode()).decode()
    labels = {entry["label"]: entry["value"] for entry in bench.labels}
    bench.client.secrets.create(name=data, data=b"x", labels={**labels, "owner": "us"})
    with pytest.raises(Failed) as caught:
        plugin.create(SECRET, "part", {"name": data, "data": data, "labels": bench.labels})
    assert data not in str(caught.value)
    assert "there is a Secret named [secret] already" in str(caught.value)
    assert not any(DATA in line or HIDDEN in line for line in plugin.log.lines)


def test_a_changed_config_by_hand_is_found(plugin: Plugin, bench: Bench) -> None:
    inputs = inputs_of(CONFIG, bench)
    thing = plugin.create(CONFIG, "part", inputs)
    bench.client.configs.get(thing.id).remove()
    assert plugin.read(thing) is None


def test_a_tag_is_a_second_name_of_an_image(plugin: Plugin, bench: Bench) -> None:
    target = f"{bench.name('tag')}:1"
    inputs = {"sourceImage": rootfs(), "targetImage": target}
    thing = plugin.create(TAG, "tag", inputs)
    try:
        unchanged(plugin, thing, inputs)
        assert thing.outputs["sourceImageId"] == bench.client.images.get(target).id
        plugin.delete(thing)
        plugin.delete(thing)
    finally:
        bench.client.images.remove(target)
    assert plugin.read(thing) is None


def test_a_network_can_be_looked_up(plugin: Plugin, bench: Bench) -> None:
    thing = plugin.create(NETWORK, "part", inputs_of(NETWORK, bench))
    token = "docker:index/getNetwork:getNetwork"
    found = plugin.invoke(token, {"name": thing.outputs["name"]})
    assert found["id"] == thing.id
    assert found["driver"] == "overlay"
    with pytest.raises(Failed, match="there is no network 'nowhere-at-all'"):
        plugin.invoke(token, {"name": "nowhere-at-all"})


def test_resources_are_made_at_the_same_time(tmp_path: Path, bench: Bench) -> None:
    """Removals that wait for each other's containers would never end one after another."""
    with started(tmp_path) as plugin:
        things = [
            plugin.create(
                NETWORK,
                f"n{index}",
                {"driver": "overlay", "attachable": True, "labels": bench.labels},
            )
            for index in range(3)
        ]
        containers = [
            bench.client.containers.run(
                rootfs(),
                ["sleep", "60"],
                detach=True,
                init=True,
                network=thing.outputs["name"],
                labels={entry["label"]: entry["value"] for entry in bench.labels},
            )
            for thing in things
        ]
        removers = [
            threading.Thread(target=lambda thing=thing: plugin.delete(thing)) for thing in things
        ]
        for remover in removers:
            remover.start()
        # The last one is freed first: it must not have to wait for the others.
        containers[-1].remove(force=True)
        eventually(lambda: not removers[-1].is_alive(), 15)
        assert removers[0].is_alive()
        for container in containers[:-1]:
            container.remove(force=True)
        for remover in removers:
            remover.join(timeout=20)
            assert not remover.is_alive()
