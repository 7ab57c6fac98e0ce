"""The same containers brought up by docker-compose: the peer of the first page.

Everything of a container is read from the service that runs it, so both sides are the same: image,
command, environment, mounts, limits, health check, log rotation. The order is that of
`components/swarm`. The networks are plain bridges, as docker-compose makes them.
"""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.live.platform import Platform, docker
from toolchain import apt

PASSWORD = "of-a-benchmark"
PROJECT = "studip-bench-peer"
HEALTHY = {"condition": "service_healthy"}
MIGRATED = {"migrate": {"condition": "service_completed_successfully"}}
# What must be there before a container starts.
ORDER: Mapping[str, Mapping[str, Any]] = {
    "database": {},
    "cache": {},
    "migrate": {"database": HEALTHY, "cache": HEALTHY},
    "web": MIGRATED,
    "cron": MIGRATED,
    "load-balancer": {},
}


class Peer:
    """A docker-compose project of what a platform runs; its data is its own."""

    def __init__(self, folder: Path, platform: Platform, port: int) -> None:
        apt.install("docker-compose")
        folder.mkdir()
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        text = yaml.safe_dump(definition(platform, port))
        (folder / "compose.yaml").write_text(text.replace("$", "$$"))  # no variables
        self._folder = folder

    def up(self) -> "subprocess.Popen[str]":
        """Start `docker-compose up --detach`."""
        return subprocess.Popen(
            self._command("up", "--detach"),
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def down(self) -> None:
        """Remove everything, data included."""
        command = self._command("down", "--volumes", "--timeout", "1")
        subprocess.run(command, cwd=self._folder, capture_output=True, check=False)

    @staticmethod
    def _command(*arguments: str) -> list[str]:
        return ["docker-compose", "--project-name", PROJECT, "--file", "compose.yaml", *arguments]


def definition(platform: Platform, port: int) -> dict[str, Any]:
    """A compose file of the platform's containers; the load balancer's port is `port`."""
    parts = {part: _container(platform, platform.name(part)) for part in ORDER if part != "migrate"}
    job = {key: value for key, value in parts["web"].items() if key != "healthcheck"}
    parts["migrate"] = {**job, "command": ["migrate"], "networks": ["data"]}
    parts["web"]["scale"] = 2
    parts["load-balancer"]["ports"] = [f"{port}:8080"]
    services = {
        # Names as in the environment variables; dots are for aliases only.
        platform.name(part): {
            **parts[part],
            "depends_on": {platform.name(other): how for other, how in order.items()},
        }
        for part, order in ORDER.items()
    }
    volumes: dict[str, Any] = {
        volume.partition(":")[0]: {}
        for service in services.values()
        for volume in service["volumes"]
        if not volume.startswith(".")
    }
    networks = {name: {"internal": name == "data"} for name in ("edge", "application", "data")}
    return {"services": services, "volumes": volumes, "networks": networks}


def _container(platform: Platform, name: str) -> dict[str, Any]:
    """A Swarm service's containers in the words of a compose file."""
    task = json.loads(docker("service", "inspect", name))[0]["Spec"]["TaskTemplate"]
    spec, limits = task["ContainerSpec"], task["Resources"]["Limits"]
    check = spec["Healthcheck"]
    networks = [
        docker("network", "inspect", "--format", "{{.Name}}", network["Target"])
        for network in task["Networks"]
    ]
    mounts = spec["Mounts"]
    return {
        "image": spec["Image"],
        **({"command": spec["Args"]} if "Args" in spec else {}),
        "environment": spec["Env"],
        "read_only": spec["ReadOnly"],
        "init": spec["Init"],
        "cap_drop": spec["CapabilityDrop"],
        "cpus": limits["NanoCPUs"] / 1e9,
        "mem_limit": limits["MemoryBytes"],
        "healthcheck": {
            "test": check["Test"],
            "interval": f"{check['Interval']}ns",
            "timeout": f"{check['Timeout']}ns",
            "start_period": f"{check['StartPeriod']}ns",
            "retries": check["Retries"],
        },
        "networks": {
            network.removeprefix(platform.name("")): {"aliases": [f"tasks.{name}"]}
            for network in networks
        },
        "tmpfs": [
            f"{mount['Target']}:size={mount['TmpfsOptions']['SizeBytes']},mode=1777"
            for mount in mounts
            if mount["Type"] == "tmpfs"
        ],
        "volumes": [
            *(
                f"{mount['Source']}:{mount['Target']}"
                for mount in mounts
                if mount["Type"] == "volume"
            ),
            *(
                f"./password:/run/secrets/{secret['File']['Name']}:ro"
                for secret in spec.get("Secrets", ())
            ),
        ],
        "logging": {"driver": task["LogDriver"]["Name"], "options": task["LogDriver"]["Options"]},
    }
