"""What builds of images are told, and what of it is secret."""

from typing import Any

import pytest

from stacks import recipes, swarm
from tests.recording import is_secret, masked, record, revealed
from tests.snapshot import environment, variant

IMAGE = "docker:index/image:Image"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with registries and a proxy of its own."""
    found = {
        "NPM_REGISTRY": "https://npm.example.org",
        "COMPOSER_REGISTRY": "https://c.example.org",
    }
    monkeypatch.setattr(recipes, "registries", lambda: found)
    monkeypatch.setattr(recipes, "proxies", lambda: {"HTTPS_PROXY": "http://proxy.example.org"})
    monkeypatch.setattr(recipes, "provenance", lambda folder: {"REVISION": folder.name})
    monkeypatch.setattr(recipes, "of_recipe", lambda name: {"REVISION": name})


def build_args(name: str) -> dict[str, dict[str, Any]]:
    """Build arguments of every image, by the recipe's name."""
    settings = environment("dev") if name == "dev" else variant(name)
    prefix = "studip-dev-image-"
    return {
        image.name.removeprefix(prefix).removesuffix("-image"): image.inputs["build"]["args"]
        for image in record(lambda: swarm.build(settings)).of_type(IMAGE)
    }


def test_every_image_gets_the_proxies_and_its_folders_revision() -> None:
    args = build_args("dev")
    assert len(args) == 8
    for name, given in args.items():
        assert given["REVISION"] == name
        assert is_secret(given["HTTPS_PROXY"]), name
        assert "NPM_REGISTRY" not in given


def test_studip_gets_the_machines_registries_and_nobody_may_read_them_in_the_state() -> None:
    args = build_args("studip")
    given = args["studip"]
    assert given["REVISION"] == "app"
    assert args["custom"]["REVISION"] == "custom"
    hidden = ("NPM_REGISTRY", "COMPOSER_REGISTRY", "HTTPS_PROXY")
    assert [masked(given[name]) for name in hidden] == ["[secret]"] * 3
    assert [revealed(given[name]) for name in hidden] == [
        "https://npm.example.org",
        "https://c.example.org",
        "http://proxy.example.org",
    ]
