"""The properties of docker:index/service:Service."""

from __future__ import annotations

from typing import Final

from ..common.fields import (
    Field,
    Fields,
    bag,
    block,
    boolean,
    integer,
    items,
    mapping,
    string,
)
from ..common.rules import DURATION, RATIO, Rule, at_least, matching, one_of
from .mounts import mounts
from .shapes import labels

_COUNT: Final = at_least(0)
# The documentation writes "spread=node.labels.zone", the engine the part after the "=".
_SPREAD: Final = Rule(lambda value: None, lambda value: value.removeprefix("spread="))
_CAPABILITY: Final = matching(r"CAP_[A-Z_]+|ALL", "CAP_NET_ADMIN or ALL")


def duration(default: str | None = None, *, computed: bool = False) -> Field:
    """A time span such as 1m30s."""
    return string(default=default, computed=computed, rule=DURATION)


def _file(kind: str) -> Field:
    """A secret or config and the file that it becomes."""
    return bag(
        block(
            {
                "fileGid": string(default="0"),
                "fileMode": integer(default=0o444, rule=_COUNT),
                "fileName": string(required=True),
                "fileUid": string(default="0"),
                f"{kind}Id": string(required=True),
                f"{kind}Name": string(),
            }
        )
    )


def _rollout(failure_actions: tuple[str, ...]) -> Field:
    return block(
        {
            "delay": duration("0s"),
            "failureAction": string(default="pause", rule=one_of(*failure_actions)),
            "maxFailureRatio": string(default="0.0", rule=RATIO),
            "monitor": duration("5s"),
            "order": string(default="stop-first", rule=one_of("stop-first", "start-first")),
            "parallelism": integer(default=1, rule=_COUNT),
        }
    )


_CONTAINER: Final = {
    "args": items(string()),
    "capAdds": items(string(rule=_CAPABILITY)),
    "capDrops": items(string(rule=_CAPABILITY)),
    "commands": items(string()),
    "configs": _file("config"),
    "dir": string(),
    "dnsConfig": block(
        {
            "nameservers": items(string(), required=True),
            "options": items(string()),
            "searches": items(string()),
        },
        computed=True,
    ),
    "env": mapping(),
    "groups": items(string()),
    "healthcheck": block(
        {
            "interval": duration("0s"),
            "retries": integer(default=0, rule=_COUNT),
            "startPeriod": duration("0s"),
            "tests": items(string()),
            "timeout": duration("0s"),
        },
        computed=True,
    ),
    "hostname": string(),
    "hosts": bag(
        block(
            {"host": string(required=True, replace=True), "ip": string(required=True, replace=True)}
        ),
        replace=True,
    ),
    "image": string(required=True),
    "init": boolean(computed=True),
    "isolation": string(default="default", rule=one_of("default", "process", "hyperv")),
    "labels": labels(replace=True),
    "mounts": mounts(replace=False, propagation="rprivate"),
    "privileges": block(
        {
            "credentialSpec": block({"file": string(), "registry": string()}),
            "seLinuxContext": block(
                {
                    "disable": boolean(),
                    "level": string(),
                    "role": string(),
                    "type": string(),
                    "user": string(),
                }
            ),
        }
    ),
    "readOnly": boolean(),
    "secrets": _file("secret"),
    "stopGracePeriod": duration(computed=True),
    "stopSignal": string(),
    "sysctl": mapping(replace=True),
    "user": string(),
}

_AMOUNTS: Final = {"memoryBytes": integer(), "nanoCpus": integer()}
_KINDS: Final = {
    "discreteResourcesSpecs": bag(string()),
    "namedResourcesSpecs": bag(string()),
}
_NETWORK: Final = {
    "aliases": bag(string(), replace=True),
    "driverOpts": bag(string(), replace=True),
    "id": string(replace=True),
    "name": string(replace=True),
}

_TASK: Final = {
    "containerSpec": block(_CONTAINER, required=True),
    "forceUpdate": integer(computed=True, rule=_COUNT),
    "logDriver": block({"name": string(required=True), "options": mapping()}),
    "networksAdvanceds": bag(block(_NETWORK)),
    "placement": block(
        {
            "constraints": bag(string()),
            "maxReplicas": integer(rule=_COUNT),
            "platforms": bag(
                block({"architecture": string(required=True), "os": string(required=True)})
            ),
            "prefs": bag(string(rule=_SPREAD)),
        },
        computed=True,
    ),
    "resources": block(
        {
            "limits": block(_AMOUNTS),
            "reservation": block({**_AMOUNTS, "genericResources": block(_KINDS)}),
        },
        computed=True,
    ),
    "restartPolicy": block(
        {
            "condition": string(rule=one_of("none", "on-failure", "any")),
            "delay": duration(),
            "maxAttempts": integer(rule=_COUNT),
            "window": duration(),
        },
        computed=True,
    ),
    "runtime": string(computed=True, rule=one_of("container")),
}

_PORT: Final = {
    "name": string(),
    "protocol": string(default="tcp", rule=one_of("tcp", "udp", "sctp")),
    "publishMode": string(default="ingress", rule=one_of("ingress", "host")),
    "publishedPort": integer(computed=True, rule=_COUNT),
    "targetPort": integer(required=True, rule=_COUNT),
}

FIELDS: Final[Fields] = {
    "auth": block(
        {
            "password": string(secret=True, replace=True),
            "serverAddress": string(required=True, replace=True),
            "username": string(replace=True),
        },
        replace=True,
    ),
    "convergeConfig": block({"delay": duration("7s"), "timeout": duration("3m")}),
    "endpointSpec": block(
        {
            "mode": string(computed=True, rule=one_of("vip", "dnsrr")),
            "ports": items(block(_PORT)),
        },
        computed=True,
    ),
    "labels": labels(replace=False),
    "mode": block(
        {
            "global": boolean(default=False, replace=True),
            "replicated": block({"replicas": integer(default=1, rule=_COUNT)}, computed=True),
        },
        computed=True,
        replace=True,
    ),
    "name": string(replace=True, autoname=True),
    "rollbackConfig": _rollout(("pause", "continue")),
    "taskSpec": block(_TASK, required=True),
    "updateConfig": _rollout(("pause", "continue", "rollback")),
}
