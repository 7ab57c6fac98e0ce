"""The same resources made by the docker plugin alone, without Pulumi: what Swarm itself takes.

`python -m tests.bench.bare up|down FILE` makes what `Bare` wrote into FILE, each resource as soon
as those are there that Pulumi has it wait for, and removes it again.
"""

import json
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from operations.pulumi import SECRET_MARK
from tests.live.platform import Platform
from toolchain.places import ROOT
from toolchain.plugins.common.resource import Call
from toolchain.plugins.docker.provider import DockerProvider


class Bare:
    """A platform's resources but for images, passwords and the registry, to be made once more."""

    def __init__(self, platform: Platform, file: Path) -> None:
        state = json.loads(platform.export("--show-secrets"))
        kept = f"-{platform.environment}-registry-"
        resources = [
            {
                "urn": resource["urn"],
                "id": resource["id"],
                "inputs": plain(resource["inputs"]),
                "after": resource.get("dependencies") or [],
            }
            for resource in state["deployment"]["resources"]
            if resource["type"].startswith("docker:")
            and not resource["type"].endswith(":Image")
            and kept not in resource["urn"]
        ]
        file.touch(mode=0o600)
        file.write_text(json.dumps(resources))
        self._file = file

    def up(self) -> "subprocess.Popen[str]":
        """Start to make everything."""
        return self._run("up")

    def down(self) -> None:
        """Remove everything, data included."""
        if self._run("down").wait():
            raise RuntimeError("what was made without Pulumi can't be removed")

    def _run(self, what: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "tests.bench.bare", what, str(self._file)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def plain(value: Any) -> Any:
    """A value of the state without secrecy and without what Pulumi notes beside it."""
    if isinstance(value, dict):
        if SECRET_MARK in value:
            return plain(json.loads(value["plaintext"]))
        return {key: plain(one) for key, one in value.items() if not key.startswith("__")}
    return [plain(one) for one in value] if isinstance(value, list) else value


def up(resources: list[dict[str, Any]]) -> None:
    """Make all; each gets `made`, its new id."""
    provider = DockerProvider("")
    futures: dict[str, Future[None]] = {}

    def make(resource: dict[str, Any]) -> None:
        for urn in resource["after"]:
            if urn in futures:
                futures[urn].result()
        text = json.dumps(resource["inputs"])
        for other in resources:
            if "made" in other:
                text = text.replace(other["id"], other["made"])
        made = provider.resource(resource["urn"]).create(call(resource), json.loads(text))
        resource["made"] = made.id

    with ThreadPoolExecutor(len(resources)) as workers:
        for resource in resources:
            futures[resource["urn"]] = workers.submit(make, resource)
    for future in futures.values():
        future.result()


def down(resources: list[dict[str, Any]]) -> None:
    """Remove what was made, the last first."""
    provider = DockerProvider("")
    for resource in reversed(resources):
        if "made" in resource:
            kind = provider.resource(resource["urn"])
            kind.delete(call(resource), resource["made"], resource["inputs"])


def call(resource: dict[str, Any]) -> Call:
    """An operation that tells nobody how it goes."""
    urn = resource["urn"]
    return Call(urn, urn.rsplit("::", 1)[-1], 0, threading.Event(), lambda *_: None)


def main() -> None:
    """See the module."""
    what, path = sys.argv[1], Path(sys.argv[2])
    resources = json.loads(path.read_text())
    try:
        up(resources) if what == "up" else down(resources)
    finally:
        path.write_text(json.dumps(resources))


if __name__ == "__main__":
    main()
