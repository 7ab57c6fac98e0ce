"""Pulumi programs beside ours, each with a project and a state of its own."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.live.platform import Platform
from toolchain import stack
from toolchain.places import BIN, ROOT
from toolchain.versions import versions


class Small:
    """A Pulumi project beside ours, on the same engine, with a state of its own."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder = folder
        (folder / "state").mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
        (folder / "__main__.py").write_text(program)
        self.run("stack", "init")

    def run(self, *arguments: str, **env: str) -> float:
        """Seconds of a command; raises RuntimeError where it fails."""
        env = {
            **os.environ,
            **stack.environment(),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "of a benchmark",
            "PYTHONPATH": str(ROOT),
            **env,
        }
        return seconds([*arguments, "--stack", "bench"], self.folder, env)


class Literal:
    """A platform's resources in a program that says each of them literally, on a copy of its state.

    Nothing that it runs may change anything.
    """

    def __init__(self, folder: Path, platform: Platform) -> None:
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text("name: studip\nruntime: python\n")
        program = Path(__file__).parent / "literal.py"
        (folder / "__main__.py").write_text(program.read_text())
        (folder / "state.json").write_text(platform.export("--show-secrets"))
        shutil.copytree(platform.state, folder / "state")
        self._folder = folder
        self._options = ("--stack", platform.environment, "--config-file", str(platform.file))
        plugins = {f"BENCH_{name.upper()}": version for name, version in versions().plugins.items()}
        self._env = {
            **platform.env,
            **plugins,
            "BENCH_STATE": str(folder / "state.json"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PYTHONPATH": str(ROOT),
        }

    def run(self, *arguments: str) -> float:
        """Seconds of a command; raises RuntimeError where it changes something."""
        return seconds([*arguments, *self._options, "--expect-no-changes"], self._folder, self._env)


def seconds(words: Sequence[str], folder: Path, env: Mapping[str, str]) -> float:
    """Seconds of a Pulumi command in a project's folder; raises RuntimeError where it fails."""
    began = time.monotonic()
    done = subprocess.run(
        [str(BIN / "pulumi"), *words, "--non-interactive"],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"pulumi {' '.join(words)} failed:\n{done.stdout[-2000:]}")
    return time.monotonic() - began


def floor(folder: Path) -> Small:
    """The program of `tests/bench/floor.py`, which registers resources with nothing in them."""
    return Small(folder, (Path(__file__).parent / "floor.py").read_text())


def resources(platform: Platform) -> dict[str, str]:
    """How many resources and components an environment has, as `tests/bench/floor.py` asks."""
    state = json.loads(platform.export())["deployment"]["resources"]
    own = [one["type"] for one in state if not one["type"].startswith("pulumi:")]
    components = sum(kind.startswith("studip:") for kind in own)
    return {
        "BENCH_COMPONENTS": str(components),
        "BENCH_RESOURCES": str(len(own) - components),
    }
