"""The properties of docker:index/container:Container."""

from __future__ import annotations

from typing import Final

from ..common.fields import Fields, bag, block, boolean, integer, items, mapping, string
from ..common.rules import BASE64, at_least, matching, one_of
from .mounts import mounts
from .service_fields import duration
from .shapes import labels

_COUNT: Final = at_least(0)
_CAPABILITY: Final = matching(r"CAP_[A-Z_]+|ALL", "CAP_NET_ADMIN or ALL")

_OWNER: Final = matching(r"\d+", "999 (a number)")

_HEALTHCHECK: Final = {
    "interval": duration("0s"),
    "retries": integer(default=0, rule=_COUNT),
    "startInterval": duration("0s"),
    "startPeriod": duration("0s"),
    "tests": items(string()),
    "timeout": duration("0s"),
}
_NETWORK: Final = {
    "aliases": bag(string(), replace=True),
    "driverOpts": bag(string(), replace=True),
    "ipv4Address": string(replace=True),
    "ipv6Address": string(replace=True),
    "linkLocalIps": bag(string(), replace=True),
    "macAddress": string(replace=True),
    "name": string(required=True, replace=True),
}
_UPLOAD: Final = {
    "content": string(secret=True, replace=True),
    "contentBase64": string(secret=True, replace=True, rule=BASE64),
    "executable": boolean(default=False, replace=True),
    "file": string(required=True, replace=True),
    "group": string(replace=True, rule=_OWNER),
    "owner": string(replace=True, rule=_OWNER),
    "permissions": string(replace=True, rule=matching("0[0-7]{3}", "0644")),
    "source": string(replace=True),
    "sourceHash": string(replace=True),
}
_VOLUME: Final = {
    "containerPath": string(replace=True),
    "fromContainer": string(replace=True),
    "hostPath": string(replace=True, rule=matching("/.*", "/srv/data")),
    "readOnly": boolean(replace=True),
    "selinuxRelabel": string(replace=True, rule=one_of("z", "Z")),
    "volumeName": string(replace=True),
}
_DEVICE: Final = {
    "containerPath": string(replace=True),
    "hostPath": string(required=True, replace=True),
    "permissions": string(default="rwm", replace=True),
}
_PORT: Final = {
    "external": integer(replace=True, computed=True, rule=_COUNT),
    "internal": integer(required=True, replace=True, rule=_COUNT),
    "ip": string(default="0.0.0.0", replace=True),
    "protocol": string(default="tcp", replace=True, rule=one_of("tcp", "udp", "sctp")),
}
_LIMIT: Final = {
    "hard": integer(required=True, replace=True),
    "name": string(required=True, replace=True),
    "soft": integer(required=True, replace=True),
}
_HOST: Final = {
    "host": string(required=True, replace=True),
    "ip": string(required=True, replace=True),
}
_NETWORK_DATA: Final = {
    "gateway": string(output=True),
    "globalIpv6Address": string(output=True),
    "globalIpv6PrefixLength": integer(output=True),
    "ipAddress": string(output=True),
    "ipPrefixLength": integer(output=True),
    "ipv6Gateway": string(output=True),
    "macAddress": string(output=True),
    "networkName": string(output=True),
}

# The official plugin stores a change of healthcheck, init, tmpfs, cpuPeriod and cpuQuota without
# making it; what the engine can't change in a living container replaces it here.
FIELDS: Final[Fields] = {
    "attach": boolean(default=False),
    "capabilities": block(
        {
            "adds": bag(string(rule=_CAPABILITY), replace=True),
            "drops": bag(string(rule=_CAPABILITY), replace=True),
        },
        replace=True,
    ),
    "cgroupParent": string(replace=True),
    "cgroupnsMode": string(replace=True, rule=one_of("private", "host")),
    "command": items(string(), replace=True, computed=True),
    "containerReadRefreshTimeoutMilliseconds": integer(default=15000),
    "cpuPeriod": integer(replace=True, rule=_COUNT),
    "cpuQuota": integer(replace=True, rule=_COUNT),
    "cpuSet": string(rule=matching(r"\d+([,-]\d+)*", "0-3 or 0,1")),
    "cpuShares": integer(rule=_COUNT),
    "cpus": string(replace=True, rule=matching(r"\d+(\.\d{1,9})?", "1.5")),
    "destroyGraceSeconds": integer(rule=_COUNT),
    "deviceCgroupRules": bag(string(), replace=True),
    "devices": bag(block(_DEVICE), replace=True),
    "dns": bag(string(), replace=True),
    "dnsOpts": bag(string(), replace=True),
    "dnsSearches": bag(string(), replace=True),
    "domainname": string(replace=True),
    "entrypoints": items(string(), replace=True, computed=True),
    "envs": bag(string(), replace=True, computed=True),
    "groupAdds": bag(string(), replace=True),
    "healthcheck": block(_HEALTHCHECK, replace=True, computed=True),
    "hostname": string(replace=True, computed=True),
    "hosts": bag(block(_HOST), replace=True),
    "image": string(required=True, replace=True),
    "init": boolean(replace=True, computed=True),
    "ipcMode": string(replace=True, computed=True),
    "labels": labels(replace=True),
    "logDriver": string(replace=True, computed=True),
    "logOpts": mapping(replace=True),
    "logs": boolean(default=False),
    "maxRetryCount": integer(rule=_COUNT),
    "memory": integer(rule=_COUNT),  # MiB, as the two below
    "memoryReservation": integer(default=0, rule=_COUNT),
    "memorySwap": integer(rule=at_least(-1)),
    "mounts": mounts(replace=True, propagation=None),
    "mustRun": boolean(default=True),
    "name": string(replace=True, autoname=True),
    "networkMode": string(default="bridge", replace=True),
    "networksAdvanced": bag(block(_NETWORK), replace=True),
    "pidMode": string(replace=True),
    "platform": string(replace=True, computed=True),
    "ports": items(block(_PORT), replace=True),
    "privileged": boolean(replace=True),
    "publishAllPorts": boolean(replace=True),
    "readOnly": boolean(default=False, replace=True),
    "removeVolumes": boolean(default=True),
    "restart": string(default="no", rule=one_of("no", "on-failure", "always", "unless-stopped")),
    "rm": boolean(default=False),
    "runtime": string(replace=True, computed=True),
    "securityOpts": bag(string(), replace=True, computed=True),
    "shmSize": integer(replace=True, computed=True, rule=_COUNT),  # MiB
    "start": boolean(default=True),
    "stdinOpen": boolean(default=False, replace=True),
    "stopSignal": string(replace=True, computed=True),
    "stopTimeout": integer(replace=True, computed=True),  # seconds
    "storageOpts": mapping(replace=True),
    "sysctls": mapping(replace=True),
    "tmpfs": mapping(replace=True),
    "tty": boolean(default=False, replace=True),
    "ulimits": bag(block(_LIMIT), replace=True),
    "uploads": bag(block(_UPLOAD), replace=True),
    "user": string(replace=True),
    "usernsMode": string(replace=True),
    "volumes": bag(block(_VOLUME), replace=True),
    "wait": boolean(default=False),
    "waitTimeout": integer(default=60, rule=_COUNT),  # seconds
    "workingDir": string(replace=True),
    "bridge": string(output=True),
    "containerLogs": string(output=True),
    "exitCode": integer(output=True),
    "networkDatas": items(block(_NETWORK_DATA), output=True),
}
