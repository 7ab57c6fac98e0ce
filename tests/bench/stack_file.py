"""The services of a Swarm as a stack file, to be brought up by `docker stack deploy`.

Everything is read from the services as they run, so both sides are the same: image, command,
environment, mounts, limits, health check, placement, updates. What the file leaves to Swarm is the
order: whatever needs something else is started again until that is there.
"""

import base64
import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.bench.bare import plain
from tests.live.platform import Platform
from tests.testbed import Node
from tests.testbed.node import docker

STACK = "peer"
FOLDER = "/root/peer"  # on the node
FILES = {"secrets": "Secret", "configs": "Config"}  # in a stack file and on the engine
KINDS = ("docker:index/secret:Secret", "docker:index/serviceConfig:ServiceConfig")


class Stack:
    """The services of a platform under the names that they have, in a stack of their own."""

    def __init__(self, platform: Platform, node: Node) -> None:
        names = node.docker("service", "ls", "--quiet").split()
        specs = [one["Spec"] for one in json.loads(node.docker("service", "inspect", *names))]
        ids = {one["Target"] for spec in specs for one in spec["TaskTemplate"]["Networks"]}
        networks = json.loads(node.docker("network", "inspect", *ids))
        self.name = STACK
        self.migration = f"{STACK}_{platform.name('migrate')}"
        self._node = node
        self._networks = {one["Id"]: one for one in networks}
        self._contents = _contents(platform)
        self._specs = {spec["Name"]: spec for spec in [*specs, _migration(platform, specs)]}

    @property
    def volumes(self) -> set[str]:
        """Names of those that nodes keep for it."""
        return {
            mount["Source"]
            for spec in self._specs.values()
            for mount in spec["TaskTemplate"]["ContainerSpec"].get("Mounts", ())
            if mount["Type"] == "volume"
        }

    def leave_out(self, services: Iterable[str]) -> None:
        """Services that run on, and so are not its own."""
        for name in services:
            del self._specs[name]

    def write(self, folder: Path) -> None:
        """Put the file, and those that it names, on the node."""
        folder.mkdir()
        for name, content in self._contents.items():
            (folder / name).write_bytes(content)
        # A dollar would be a variable's.
        text = yaml.safe_dump(self._definition()).replace("$", "$$")
        (folder / "stack.yaml").write_text(text)
        docker("cp", str(folder), f"{self._node.container}:{FOLDER}")

    def up(self) -> None:
        """`docker stack deploy`; the nodes hold the images."""
        options = ("--resolve-image", "never", "--compose-file", f"{FOLDER}/stack.yaml")
        self._node.docker("stack", "deploy", *options, STACK, timeout=300)

    def down(self) -> None:
        """Remove it; volumes stay."""
        self._node.docker("stack", "rm", STACK, timeout=300)

    def _definition(self) -> dict[str, Any]:
        specs = self._specs.values()
        files = {
            kind: {one[f"{word}Name"] for spec in specs for one in _files(spec, word)}
            for kind, word in FILES.items()
        }
        return {
            "version": "3.9",
            "services": {
                name: _service(spec, self._networks) for name, spec in self._specs.items()
            },
            "networks": {one["Name"]: _network(one) for one in self._networks.values()},
            "volumes": {name: {"name": name} for name in self.volumes},
            **{
                kind: {name: {"file": f"{FOLDER}/{name}"} for name in names}
                for kind, names in files.items()
            },
        }


def _files(spec: Mapping[str, Any], word: str) -> list[dict[str, Any]]:
    """Secrets or configs of a service."""
    found: list[dict[str, Any]] = spec["TaskTemplate"]["ContainerSpec"].get(f"{word}s", [])
    return found


def _contents(platform: Platform) -> dict[str, bytes]:
    """What is in each secret and config of the state, by name."""
    state = json.loads(platform.export("--show-secrets"))["deployment"]["resources"]
    found = {}
    for resource in state:
        if resource["type"] in KINDS:
            inputs = plain(resource["inputs"])
            found[inputs["name"]] = base64.b64decode(inputs["data"])
    return found


def _network(inspected: Mapping[str, Any]) -> dict[str, Any]:
    if inspected["Driver"] != "overlay":
        return {"external": True, "name": inspected["Name"]}
    return {
        "name": inspected["Name"],
        "driver": "overlay",
        "internal": inspected["Internal"],
        "attachable": inspected["Attachable"],
        "ipam": {"config": [{"subnet": one["Subnet"]} for one in inspected["IPAM"]["Config"]]},
    }


def _service(spec: Mapping[str, Any], networks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    name, task = spec["Name"], spec["TaskTemplate"]
    container = task["ContainerSpec"]
    own = [networks[network["Target"]] for network in task["Networks"]]
    return {
        "image": container["Image"],
        **({"command": container["Args"]} if "Args" in container else {}),
        "environment": container.get("Env", []),
        "labels": container["Labels"],
        "read_only": container["ReadOnly"],
        "init": container["Init"],
        "cap_add": container.get("CapabilityAdd", []),
        "cap_drop": container["CapabilityDrop"],
        "stop_grace_period": _time(container["StopGracePeriod"]),
        "dns": container.get("DNSConfig", {}).get("Nameservers", []),
        "healthcheck": _health_check(container.get("Healthcheck")),
        "networks": {
            one["Name"]: {"aliases": [name, f"tasks.{name}"]} if one["Driver"] == "overlay" else {}
            for one in own
        },
        **{
            kind: [
                {
                    "source": one[f"{word}Name"],
                    "target": one["File"]["Name"],
                    "uid": one["File"]["UID"],
                    "gid": one["File"]["GID"],
                    "mode": one["File"]["Mode"],
                }
                for one in _files(spec, word)
            ]
            for kind, word in FILES.items()
        },
        "volumes": [_mount(mount) for mount in container.get("Mounts", ())],
        "ports": [
            {
                "target": port["TargetPort"],
                "published": port["PublishedPort"],
                "protocol": port["Protocol"],
                "mode": port["PublishMode"],
            }
            for port in spec["EndpointSpec"].get("Ports", ())
        ],
        "logging": {"driver": task["LogDriver"]["Name"], "options": task["LogDriver"]["Options"]},
        "deploy": _deploy(spec),
    }


def _health_check(check: Mapping[str, Any] | None) -> dict[str, Any]:
    if check is None:
        return {"disable": True}
    return {
        "test": check["Test"],
        "interval": _time(check["Interval"]),
        "timeout": _time(check["Timeout"]),
        "start_period": _time(check["StartPeriod"]),
        "retries": check["Retries"],
    }


def _mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    words: dict[str, Any] = {
        "type": mount["Type"],
        "target": mount["Target"],
        "read_only": mount.get("ReadOnly", False),
    }
    if "Source" in mount:
        words["source"] = mount["Source"]
    if size := mount.get("TmpfsOptions", {}).get("SizeBytes"):
        words["tmpfs"] = {"size": size}
    if propagation := mount.get("BindOptions", {}).get("Propagation"):
        words["bind"] = {"propagation": propagation}
    return words


def _deploy(spec: Mapping[str, Any]) -> dict[str, Any]:
    task = spec["TaskTemplate"]
    placement, restart = task["Placement"], task["RestartPolicy"]
    return {
        "replicas": spec["Mode"]["Replicated"]["Replicas"],
        "endpoint_mode": spec["EndpointSpec"]["Mode"],
        "labels": spec["Labels"],
        "placement": {
            "constraints": placement.get("Constraints", []),
            "preferences": [
                {"spread": one["Spread"]["SpreadDescriptor"]}
                for one in placement.get("Preferences", ())
            ],
            "max_replicas_per_node": placement.get("MaxReplicas", 0),
        },
        "resources": {
            "limits": _resources(task["Resources"]["Limits"]),
            "reservations": _resources(task["Resources"]["Reservations"]),
        },
        "restart_policy": {
            "condition": restart["Condition"],
            "delay": _time(restart["Delay"]),
        },
        "update_config": _update(spec["UpdateConfig"]),
        "rollback_config": _update(spec["RollbackConfig"]),
    }


def _resources(words: Mapping[str, Any]) -> dict[str, str]:
    found = {"memory": str(words["MemoryBytes"])} if "MemoryBytes" in words else {}
    if "NanoCPUs" in words:
        found["cpus"] = str(words["NanoCPUs"] / 1e9)
    return found


def _update(words: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "parallelism": words["Parallelism"],
        "delay": _time(words.get("Delay", 0)),
        "failure_action": words["FailureAction"],
        "monitor": _time(words["Monitor"]),
        "max_failure_ratio": words["MaxFailureRatio"],
        "order": words["Order"],
    }


def _migration(platform: Platform, specs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What Swarm has in the place of a job: a service that is started again until it ends well."""
    (web,) = [spec for spec in specs if spec["Name"] == platform.name("web")]
    spec = copy.deepcopy(dict(web))
    spec["Name"] = platform.name("migrate")
    spec["Mode"] = {"Replicated": {"Replicas": 1}}
    task = spec["TaskTemplate"]
    task["ContainerSpec"] |= {"Args": ["migrate"], "Healthcheck": None}
    task["RestartPolicy"]["Condition"] = "on-failure"
    return spec


def _time(nanoseconds: int) -> str:
    return f"{nanoseconds}ns"
