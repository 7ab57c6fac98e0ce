"""versions.toml, the one file with every pinned version, agrees with itself."""

import json
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from toolchain.versions import FILE, versions

ROOT = FILE.parent


def test_what_is_installed_is_what_is_pinned() -> None:
    pinned = versions().python | versions().development
    assert {name: version(name) for name in pinned} == pinned


@pytest.mark.parametrize("name", sorted(versions().plugins))
def test_a_plugins_version_is_its_packages(name: str) -> None:
    spec = find_spec(f"pulumi_{name}")
    assert spec
    assert spec.origin
    described = json.loads((Path(spec.origin).parent / "pulumi-plugin.json").read_text())
    assert described["version"] == versions().plugins[name]
    assert versions().python[f"pulumi-{name}"] == versions().plugins[name]


def test_engine_and_sdk_are_of_one_version() -> None:
    assert versions().python["pulumi"] == versions().pulumi
    modules = (ROOT / "toolchain" / "engine" / "go.mod").read_text()
    assert f"github.com/pulumi/pulumi/pkg/v3 v{versions().pulumi}" in modules


def test_requirements_need_nothing_but_the_standard_library() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "toolchain" / "versions.py"), "requirements"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == versions().requirements(development=False)
    assert f"pulumi=={versions().pulumi}" in done.stdout


def test_an_unknown_word_prints_the_usage_and_exits_with_1() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "toolchain" / "versions.py"), "nonsense"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("usage:")
