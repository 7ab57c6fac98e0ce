"""A service in the engine's words and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ..common.rules import duration_text, nanoseconds
from .mounts import from_mount, to_mount
from .shapes import from_labels, to_labels, without_empty

Values = Mapping[str, Any]

_CONTAINER_KEYS: Final = {
    "args": "Args",
    "capAdds": "CapabilityAdd",
    "capDrops": "CapabilityDrop",
    "commands": "Command",
    "dir": "Dir",
    "groups": "Groups",
    "hostname": "Hostname",
    "image": "Image",
    "init": "Init",
    "isolation": "Isolation",
    "readOnly": "ReadOnly",
    "stopSignal": "StopSignal",
    "sysctl": "Sysctls",
    "user": "User",
}
_DNS_KEYS: Final = {"nameservers": "Nameservers", "options": "Options", "searches": "Search"}
_LINUX_KEYS: Final = {
    "disable": "Disable",
    "level": "Level",
    "role": "Role",
    "type": "Type",
    "user": "User",
}
_PORT_KEYS: Final = {
    "name": "Name",
    "protocol": "Protocol",
    "publishMode": "PublishMode",
    "publishedPort": "PublishedPort",
    "targetPort": "TargetPort",
}
_AMOUNT_KEYS: Final = {"memoryBytes": "MemoryBytes", "nanoCpus": "NanoCPUs"}


def to_spec(inputs: Values) -> dict[str, Any]:
    """The body of a request that makes or changes a service."""
    mode = inputs.get("mode") or {}
    replicated = mode.get("replicated") or {}
    scheduling: dict[str, Any] = {"Replicated": {"Replicas": replicated.get("replicas", 1)}}
    if mode.get("global"):
        scheduling = {"Global": {}}
    return {
        "Name": inputs["name"],
        "Labels": to_labels(inputs.get("labels")),
        "TaskTemplate": _to_task(inputs["taskSpec"]),
        "Mode": scheduling,
        **without_empty(
            {
                "UpdateConfig": _to_rollout(inputs.get("updateConfig")),
                "RollbackConfig": _to_rollout(inputs.get("rollbackConfig")),
                "EndpointSpec": _to_endpoint(inputs.get("endpointSpec")),
            }
        ),
    }


def _to_task(task: Values) -> dict[str, Any]:
    networks = [
        without_empty(
            {
                "Target": network.get("id") or network.get("name"),
                "Aliases": network.get("aliases"),
                "DriverOpts": _to_pairs(network.get("driverOpts")),
            }
        )
        for network in task.get("networksAdvanceds") or ()
    ]
    driver = task.get("logDriver")
    return without_empty(
        {
            "ContainerSpec": _to_container(task["containerSpec"]),
            "Resources": _to_resources(task.get("resources")),
            "RestartPolicy": _to_restart(task.get("restartPolicy")),
            "Placement": _to_placement(task.get("placement")),
            "ForceUpdate": task.get("forceUpdate"),
            "Runtime": task.get("runtime"),
            "Networks": networks,
            "LogDriver": driver and {"Name": driver["name"], "Options": driver.get("options")},
        }
    )


def _to_container(given: Values) -> dict[str, Any]:
    body = {name: given.get(key) for key, name in _CONTAINER_KEYS.items()}
    grace = given.get("stopGracePeriod")
    body |= {
        "Labels": to_labels(given.get("labels")),
        "Env": [f"{key}={value}" for key, value in sorted((given.get("env") or {}).items())],
        "Mounts": [to_mount(mount) for mount in given.get("mounts") or ()],
        "StopGracePeriod": nanoseconds(grace) if grace else None,
        "Healthcheck": to_healthcheck(given.get("healthcheck")),
        "Hosts": [f"{host['ip']} {host['host']}" for host in given.get("hosts") or ()],
        "DNSConfig": _renamed(given.get("dnsConfig"), _DNS_KEYS),
        "Secrets": [_to_file(one, "secret") for one in given.get("secrets") or ()],
        "Configs": [_to_file(one, "config") for one in given.get("configs") or ()],
        "Privileges": _to_privileges(given.get("privileges")),
    }
    return without_empty(body)


def to_healthcheck(check: Values | None) -> dict[str, Any] | None:
    """A health check as services and containers take it."""
    if check is None:
        return None
    return without_empty(
        {
            "Test": check.get("tests"),
            "Interval": nanoseconds(check.get("interval") or "0s"),
            "Timeout": nanoseconds(check.get("timeout") or "0s"),
            "StartPeriod": nanoseconds(check.get("startPeriod") or "0s"),
            "Retries": check.get("retries"),
        }
    )


def _to_file(given: Values, kind: str) -> dict[str, Any]:
    title = kind.title()
    return {
        f"{title}ID": given[f"{kind}Id"],
        f"{title}Name": given.get(f"{kind}Name", ""),
        "File": {
            "Name": given["fileName"],
            "UID": given.get("fileUid", "0"),
            "GID": given.get("fileGid", "0"),
            "Mode": given.get("fileMode", 0o444),
        },
    }


def _to_privileges(given: Values | None) -> dict[str, Any]:
    given = given or {}
    credential = given.get("credentialSpec") or {}
    return without_empty(
        {
            "CredentialSpec": without_empty(
                {"File": credential.get("file"), "Registry": credential.get("registry")}
            ),
            "SELinuxContext": _renamed(given.get("seLinuxContext"), _LINUX_KEYS),
        }
    )


def _to_resources(given: Values | None) -> dict[str, Any]:
    given = given or {}
    reservation = given.get("reservation") or {}
    kinds = reservation.get("genericResources") or {}
    discrete = [one.partition("=") for one in kinds.get("discreteResourcesSpecs") or ()]
    named = [one.partition("=") for one in kinds.get("namedResourcesSpecs") or ()]
    generic: list[Any] = [
        {"DiscreteResourceSpec": {"Kind": kind, "Value": int(value)}} for kind, _, value in discrete
    ]
    generic += [{"NamedResourceSpec": {"Kind": kind, "Value": v}} for kind, _, v in named]
    reserved = {**_renamed(reservation, _AMOUNT_KEYS), "GenericResources": generic}
    return without_empty(
        {
            "Limits": _renamed(given.get("limits"), _AMOUNT_KEYS),
            "Reservations": without_empty(reserved),
        }
    )


def _to_restart(given: Values | None) -> dict[str, Any]:
    if given is None:
        return {}
    # As the official plugin: in a given policy, what is not said is zero, not the engine's 5 s.
    body = {
        "Delay": nanoseconds(given.get("delay") or "0s"),
        "MaxAttempts": given.get("maxAttempts") or 0,
        "Window": nanoseconds(given.get("window") or "0s"),
    }
    return body | without_empty({"Condition": given.get("condition")})


def _to_placement(given: Values | None) -> dict[str, Any]:
    given = given or {}
    platforms = given.get("platforms") or ()
    return without_empty(
        {
            "Constraints": given.get("constraints"),
            "Preferences": [
                {"Spread": {"SpreadDescriptor": one.removeprefix("spread=")}}
                for one in given.get("prefs") or ()
            ],
            "MaxReplicas": given.get("maxReplicas"),
            "Platforms": [
                {"Architecture": one["architecture"], "OS": one["os"]} for one in platforms
            ],
        }
    )


def _to_rollout(given: Values | None) -> dict[str, Any] | None:
    if given is None:
        return None
    return {
        "Parallelism": given["parallelism"],
        "Delay": nanoseconds(given["delay"]),
        "FailureAction": given["failureAction"],
        "Monitor": nanoseconds(given["monitor"]),
        "MaxFailureRatio": float(given["maxFailureRatio"]),
        "Order": given["order"],
    }


def _to_endpoint(given: Values | None) -> dict[str, Any]:
    given = given or {}
    ports = [_renamed(port, _PORT_KEYS) for port in given.get("ports") or ()]
    return without_empty({"Mode": given.get("mode"), "Ports": ports})


def _renamed(given: Values | None, keys: Mapping[str, str]) -> dict[str, Any]:
    """What is set, under the other side's names."""
    return without_empty({name: (given or {}).get(key) for key, name in keys.items()})


def _found(given: Values | None, keys: Mapping[str, str]) -> dict[str, Any]:
    """The inverse of `_renamed`."""
    return without_empty({key: (given or {}).get(name) for key, name in keys.items()})


def _to_pairs(options: Iterable[str] | None) -> dict[str, str]:
    """key=value texts as an object."""
    return {key: value for key, _, value in (one.partition("=") for one in options or ())}


def from_service(found: Values) -> dict[str, Any]:
    """The engine's answer about a service in the words of the table."""
    spec = found["Spec"]
    endpoint = found.get("Endpoint") or {}
    ordered = spec.get("EndpointSpec") or {}
    mode = spec["Mode"]
    replicated = mode.get("Replicated")
    return {
        "name": spec["Name"],
        "labels": from_labels(spec.get("Labels")),
        "taskSpec": _from_task(spec["TaskTemplate"]),
        "mode": {
            "global": "Global" in mode,
            "replicated": None if replicated is None else {"replicas": replicated["Replicas"]},
        },
        "updateConfig": _from_rollout(spec.get("UpdateConfig")),
        "rollbackConfig": _from_rollout(spec.get("RollbackConfig")),
        "endpointSpec": {
            "mode": ordered.get("Mode") or (endpoint.get("Spec") or {}).get("Mode"),
            "ports": [
                _from_port(port, endpoint.get("Ports") or ()) for port in ordered.get("Ports") or ()
            ],
        },
    }


def _from_port(port: Values, assigned: Iterable[Values]) -> dict[str, Any]:
    """A port; with the number that the engine has chosen where the program gave none."""
    found = _found(port, _PORT_KEYS)
    for one in assigned:
        same = all(one.get(key) == port.get(key) for key in ("TargetPort", "Protocol"))
        if same and "publishedPort" not in found and one.get("PublishedPort"):
            found["publishedPort"] = one["PublishedPort"]
    return found


def _from_task(task: Values) -> dict[str, Any]:
    driver = task.get("LogDriver")
    return {
        "containerSpec": _from_container(task["ContainerSpec"]),
        "resources": _from_resources(task.get("Resources") or {}),
        "restartPolicy": _from_restart(task.get("RestartPolicy")),
        "placement": _from_placement(task.get("Placement") or {}),
        "forceUpdate": task.get("ForceUpdate", 0),
        "runtime": task.get("Runtime"),
        "networksAdvanceds": [
            without_empty(
                {
                    "id": network["Target"],
                    "aliases": network.get("Aliases"),
                    "driverOpts": [
                        f"{key}={value}" for key, value in (network.get("DriverOpts") or {}).items()
                    ],
                }
            )
            for network in task.get("Networks") or ()
        ],
        "logDriver": driver and {"name": driver["Name"], "options": driver.get("Options")},
    }


def _from_container(spec: Values) -> dict[str, Any]:
    pairs = (one.partition("=") for one in spec.get("Env") or ())
    hosts = (one.partition(" ") for one in spec.get("Hosts") or ())
    grace, check = spec.get("StopGracePeriod"), spec.get("Healthcheck")
    dns = spec.get("DNSConfig")
    return {key: spec.get(name) for key, name in _CONTAINER_KEYS.items()} | {
        "labels": from_labels(spec.get("Labels")),
        "env": {key: value for key, _, value in pairs},
        "mounts": [from_mount(mount) for mount in spec.get("Mounts") or ()],
        "stopGracePeriod": None if grace is None else duration_text(grace),
        "healthcheck": from_healthcheck(check),
        "hosts": [{"ip": ip, "host": host} for ip, _, host in hosts],
        "dnsConfig": _found(dns, _DNS_KEYS) if dns else None,
        "secrets": [_from_file(one, "secret") for one in spec.get("Secrets") or ()],
        "configs": [_from_file(one, "config") for one in spec.get("Configs") or ()],
        "privileges": _from_privileges(spec.get("Privileges")),
    }


def from_healthcheck(check: Values | None) -> dict[str, Any] | None:
    """A health check in the words of the table."""
    if not check:
        return None
    return {
        "tests": check.get("Test") or [],
        "interval": duration_text(check.get("Interval", 0)),
        "timeout": duration_text(check.get("Timeout", 0)),
        "startPeriod": duration_text(check.get("StartPeriod", 0)),
        "retries": check.get("Retries", 0),
    }


def _from_file(one: Values, kind: str) -> dict[str, Any]:
    title, file = kind.title(), one.get("File") or {}
    return {
        f"{kind}Id": one[f"{title}ID"],
        f"{kind}Name": one[f"{title}Name"],
        "fileName": file.get("Name", ""),
        "fileUid": file.get("UID", "0"),
        "fileGid": file.get("GID", "0"),
        "fileMode": file.get("Mode", 0),
    }


def _from_privileges(found: Values | None) -> dict[str, Any] | None:
    if not found:
        return None
    credential = _found(found.get("CredentialSpec"), {"file": "File", "registry": "Registry"})
    linux = _found(found.get("SELinuxContext"), _LINUX_KEYS)
    return without_empty({"credentialSpec": credential, "seLinuxContext": linux})


def _from_resources(found: Values) -> dict[str, Any]:
    reserved = found.get("Reservations") or {}
    generic = reserved.get("GenericResources") or ()
    discrete = [one["DiscreteResourceSpec"] for one in generic if "DiscreteResourceSpec" in one]
    named = [one["NamedResourceSpec"] for one in generic if "NamedResourceSpec" in one]
    kinds = {
        "discreteResourcesSpecs": [f"{one['Kind']}={one['Value']}" for one in discrete],
        "namedResourcesSpecs": [f"{one['Kind']}={one['Value']}" for one in named],
    }
    return {
        "limits": _found(found.get("Limits"), _AMOUNT_KEYS),
        "reservation": {
            **_found(reserved, _AMOUNT_KEYS),
            "genericResources": without_empty(kinds),
        },
    }


def _from_restart(found: Values | None) -> dict[str, Any] | None:
    if not found:
        return None
    return {
        "condition": found.get("Condition"),
        "delay": duration_text(found.get("Delay", 0)),
        "maxAttempts": found.get("MaxAttempts", 0),
        "window": duration_text(found.get("Window", 0)),
    }


def _from_placement(found: Values) -> dict[str, Any]:
    return {
        "constraints": found.get("Constraints") or [],
        "prefs": [one["Spread"]["SpreadDescriptor"] for one in found.get("Preferences") or ()],
        "maxReplicas": found.get("MaxReplicas", 0),
        "platforms": [
            {"architecture": one["Architecture"], "os": one["OS"]}
            for one in found.get("Platforms") or ()
        ],
    }


def _from_rollout(found: Values | None) -> dict[str, Any] | None:
    if not found:
        return None
    return {
        "parallelism": found.get("Parallelism", 0),
        "delay": duration_text(found.get("Delay", 0)),
        "failureAction": found["FailureAction"],
        "monitor": duration_text(found.get("Monitor", 0)),
        "maxFailureRatio": str(round(float(found.get("MaxFailureRatio", 0)), 6)),
        "order": found["Order"],
    }
