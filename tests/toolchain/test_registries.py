"""What builds are told of the machine's registries and proxies."""

import json
from pathlib import Path

import pytest

from toolchain.registries import PROXIES, proxies, registries

NPM = "https://npm.example.org/"
COMPOSER = "https://composer.example.org"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any configuration; its folder of programs."""
    for name in (*PROXIES, "npm_config_registry", "COMPOSER_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(programs))
    return programs


def install_npm(programs: Path, script: str) -> None:
    (programs / "npm").write_text(f"#!/bin/sh\n{script}\n")
    (programs / "npm").chmod(0o755)


def configure_composer(folder: Path, repositories: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"repositories": repositories}))


def test_a_machine_that_says_nothing_has_none() -> None:
    assert registries() == {}
    assert proxies() == {}


@pytest.mark.parametrize("name", ["npm_config_registry", "NPM_CONFIG_REGISTRY"])
def test_npms_variable_is_taken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, NPM)
    assert registries() == {"NPM_REGISTRY": NPM}


def test_npm_itself_is_asked_where_it_is_installed(machine: Path) -> None:
    install_npm(machine, f'[ "$*" = "config get registry" ] && echo {NPM}')
    assert registries() == {"NPM_REGISTRY": NPM}


def test_an_npm_that_fails_has_none(machine: Path) -> None:
    install_npm(machine, "echo nonsense; exit 1")
    assert registries() == {}


@pytest.mark.parametrize("folder", [".config/composer", ".composer"])
@pytest.mark.parametrize(
    "repositories",
    [
        {"packagist": {"type": "composer", "url": COMPOSER}},
        [
            {"elsewhere": False},
            {"type": "vcs", "url": "x"},
            {"type": "composer", "url": COMPOSER},
        ],
    ],
    ids=["object", "list"],
)
def test_composers_configuration_is_read(folder: str, repositories: object, tmp_path: Path) -> None:
    configure_composer(tmp_path / folder, repositories)
    assert registries() == {"COMPOSER_REGISTRY": COMPOSER}


def test_composers_home_can_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure_composer(tmp_path / ".composer", {"a": {"type": "composer", "url": "other"}})
    configure_composer(tmp_path / "home", {"a": {"type": "composer", "url": COMPOSER}})
    monkeypatch.setenv("COMPOSER_HOME", str(tmp_path / "home"))
    assert registries() == {"COMPOSER_REGISTRY": COMPOSER}


@pytest.mark.parametrize("text", ["{", "[]", '{"repositories": 3}', '{"repositories": [3]}'])
def test_a_configuration_that_names_no_repository_has_none(text: str, tmp_path: Path) -> None:
    folder = tmp_path / ".composer"
    folder.mkdir()
    (folder / "config.json").write_text(text)
    assert registries() == {}


def test_proxies_are_taken_in_either_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    monkeypatch.setenv("no_proxy", "example.org")
    assert proxies() == {
        "HTTPS_PROXY": "http://proxy.example.org:3128",
        "NO_PROXY": "example.org",
    }
