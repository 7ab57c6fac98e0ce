"""A container in the engine's words and back."""

from __future__ import annotations

import base64
import io
import tarfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from ..common.errors import PluginError
from .mounts import from_mount, to_mount
from .service_spec import from_healthcheck, to_healthcheck
from .shapes import from_labels, to_labels, without_empty

Values = Mapping[str, Any]

_MIB: Final = 1024 * 1024
_NANO: Final = 1_000_000_000

_CONFIG_KEYS: Final = {
    "command": "Cmd",
    "domainname": "Domainname",
    "entrypoints": "Entrypoint",
    "envs": "Env",
    "hostname": "Hostname",
    "image": "Image",
    "stdinOpen": "OpenStdin",
    "stopSignal": "StopSignal",
    "stopTimeout": "StopTimeout",
    "tty": "Tty",
    "user": "User",
    "workingDir": "WorkingDir",
}
_HOST_KEYS: Final = {
    "cgroupParent": "CgroupParent",
    "cgroupnsMode": "CgroupnsMode",
    "cpuPeriod": "CpuPeriod",
    "cpuQuota": "CpuQuota",
    "deviceCgroupRules": "DeviceCgroupRules",
    "dns": "Dns",
    "dnsOpts": "DnsOptions",
    "dnsSearches": "DnsSearch",
    "groupAdds": "GroupAdd",
    "init": "Init",
    "ipcMode": "IpcMode",
    "networkMode": "NetworkMode",
    "pidMode": "PidMode",
    "privileged": "Privileged",
    "publishAllPorts": "PublishAllPorts",
    "readOnly": "ReadonlyRootfs",
    "rm": "AutoRemove",
    "runtime": "Runtime",
    "storageOpts": "StorageOpt",
    "sysctls": "Sysctls",
    "tmpfs": "Tmpfs",
    "usernsMode": "UsernsMode",
}
_ENDPOINT_KEYS: Final = {
    "gateway": "Gateway",
    "globalIpv6Address": "GlobalIPv6Address",
    "globalIpv6PrefixLength": "GlobalIPv6PrefixLen",
    "ipAddress": "IPAddress",
    "ipPrefixLength": "IPPrefixLen",
    "ipv6Gateway": "IPv6Gateway",
    "macAddress": "MacAddress",
}


def to_create(inputs: Values) -> dict[str, Any]:
    """The body of the request that makes a container."""
    ports = inputs.get("ports") or ()
    volumes = inputs.get("volumes") or ()
    config = {name: inputs.get(key) for key, name in _CONFIG_KEYS.items()} | {
        "Labels": to_labels(inputs.get("labels")),
        "Healthcheck": _to_healthcheck(inputs.get("healthcheck")),
        "ExposedPorts": {_port_key(port): {} for port in ports},
        "Volumes": {one["containerPath"]: {} for one in volumes if _is_anonymous(one)},
    }
    return {**without_empty(config), "HostConfig": _to_host(inputs)}


def _to_host(inputs: Values) -> dict[str, Any]:
    volumes = inputs.get("volumes") or ()
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in inputs.get("ports") or ():
        binding = {"HostIp": port.get("ip", ""), "HostPort": str(port.get("external") or "")}
        bindings.setdefault(_port_key(port), []).append(binding)
    capabilities = inputs.get("capabilities") or {}
    options = list(inputs.get("securityOpts") or ())
    host = {name: inputs.get(key) for key, name in _HOST_KEYS.items()} | {
        "Binds": [_bind(one) for one in volumes if not _is_anonymous(one) and _source(one)],
        "VolumesFrom": [one["fromContainer"] for one in volumes if one.get("fromContainer")],
        "PortBindings": bindings,
        "CapAdd": capabilities.get("adds"),
        "CapDrop": capabilities.get("drops"),
        "Devices": [_device(one) for one in inputs.get("devices") or ()],
        "ExtraHosts": [f"{one['host']}:{one['ip']}" for one in inputs.get("hosts") or ()],
        "Ulimits": [
            {"Name": one["name"], "Soft": one["soft"], "Hard": one["hard"]}
            for one in inputs.get("ulimits") or ()
        ],
        "LogConfig": without_empty(
            {"Type": inputs.get("logDriver"), "Config": inputs.get("logOpts")}
        ),
        "Mounts": [to_mount(one) for one in inputs.get("mounts") or ()],
        "SecurityOpt": [one for one in options if one != "systempaths=unconfined"],
        "ShmSize": (inputs.get("shmSize") or 0) * _MIB or None,
        "NanoCpus": int(Decimal(inputs.get("cpus") or 0) * _NANO) or None,
    }
    body = {**without_empty(host), **to_resources(inputs)}
    if "systempaths=unconfined" in options:  # a word of the command line, not of the engine
        body |= {"MaskedPaths": [], "ReadonlyPaths": []}
    return body


def to_resources(inputs: Values) -> dict[str, Any]:
    """What can change while a container lives; also the body of that request."""
    swap = inputs.get("memorySwap") or 0
    return {
        "CpuShares": inputs.get("cpuShares") or 0,
        "CpusetCpus": inputs.get("cpuSet") or "",
        "Memory": (inputs.get("memory") or 0) * _MIB,
        "MemoryReservation": (inputs.get("memoryReservation") or 0) * _MIB,
        "MemorySwap": swap * _MIB if swap > 0 else swap,
        "RestartPolicy": {
            "Name": inputs.get("restart", "no"),
            "MaximumRetryCount": inputs.get("maxRetryCount") or 0,
        },
    }


def _to_healthcheck(check: Values | None) -> dict[str, Any] | None:
    from ..common.rules import nanoseconds

    body = to_healthcheck(check)
    if body is not None and check is not None and (ns := nanoseconds(check["startInterval"])):
        body["StartInterval"] = ns
    return body


def _port_key(port: Values) -> str:
    return f"{port['internal']}/{port.get('protocol', 'tcp')}"


def _is_anonymous(volume: Values) -> bool:
    return not _source(volume) and not volume.get("fromContainer")


def _source(volume: Values) -> Any:
    return volume.get("hostPath") or volume.get("volumeName")


def _bind(volume: Values) -> str:
    modes = ["ro" if volume.get("readOnly") else "rw"]
    if relabel := volume.get("selinuxRelabel"):
        modes.append(relabel)
    return f"{_source(volume)}:{volume['containerPath']}:{','.join(modes)}"


def _device(device: Values) -> dict[str, Any]:
    return {
        "PathOnHost": device["hostPath"],
        "PathInContainer": device.get("containerPath") or device["hostPath"],
        "CgroupPermissions": device.get("permissions", "rwm"),
    }


def to_endpoint(network: Values) -> dict[str, Any]:
    """How a container joins a network."""
    addresses = {
        "IPv4Address": network.get("ipv4Address"),
        "IPv6Address": network.get("ipv6Address"),
        "LinkLocalIPs": network.get("linkLocalIps"),
    }
    options = (one.partition("=") for one in network.get("driverOpts") or ())
    return without_empty(
        {
            "Aliases": network.get("aliases"),
            "IPAMConfig": without_empty(addresses),
            "MacAddress": network.get("macAddress"),
            "DriverOpts": {key: value for key, _, value in options},
        }
    )


def to_archive(upload: Values) -> bytes:
    """One uploaded file as a tar archive to be unpacked at /."""
    if "source" in upload:
        try:
            content = Path(upload["source"]).read_bytes()
        except OSError as error:
            raise PluginError(f"uploads: {upload['source']}: {error.strerror}") from error
    elif "contentBase64" in upload:
        content = base64.b64decode(upload["contentBase64"])
    else:
        content = upload["content"].encode()
    info = tarfile.TarInfo(upload["file"].lstrip("/"))
    info.size = len(content)
    info.mode = int(upload.get("permissions") or ("744" if upload.get("executable") else "644"), 8)
    info.uid, info.gid = int(upload.get("owner", 0)), int(upload.get("group", 0))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def changeable(found: Values, inputs: Values) -> dict[str, Any]:
    """What may differ from what was asked for, in the words of the table.

    Everything else of a container is fixed when it is made. A stopped container that must run
    reads as one that need not: so the next run starts it.
    """
    host, state = found["HostConfig"], found["State"]
    networks = (found.get("NetworkSettings") or {}).get("Networks") or {}
    joined = {*networks, *(one.get("NetworkID") for one in networks.values())}
    swap = host["MemorySwap"]
    policy = host["RestartPolicy"]
    live: dict[str, Any] = {
        "name": found["Name"].lstrip("/"),
        "restart": policy["Name"] or "no",
        "maxRetryCount": policy["MaximumRetryCount"],
        "memory": host["Memory"] // _MIB,
        "memoryReservation": host["MemoryReservation"] // _MIB,
        "cpuShares": host["CpuShares"],
        "cpuSet": host["CpusetCpus"],
        "networksAdvanced": [
            one for one in inputs.get("networksAdvanced") or () if one["name"] in joined
        ],
        "bridge": (found.get("NetworkSettings") or {}).get("Bridge"),
        "networkDatas": [
            {"networkName": name, **{key: one.get(k) for key, k in _ENDPOINT_KEYS.items()}}
            for name, one in sorted(networks.items())
        ],
    }
    if "memorySwap" in inputs:  # else the engine sets it from the memory limit
        live["memorySwap"] = swap // _MIB if swap > 0 else swap
    if inputs.get("mustRun", True):
        live["mustRun"] = bool(state["Running"] or state.get("Restarting"))
    if not state["Running"]:
        live["exitCode"] = state["ExitCode"]
    return live


def computed(found: Values) -> dict[str, Any]:
    """What the engine fills in where the program says nothing."""
    config, host = found["Config"], found["HostConfig"]
    return {
        "command": config.get("Cmd"),
        "entrypoints": config.get("Entrypoint"),
        "hostname": config.get("Hostname"),
        "stopSignal": config.get("StopSignal"),
        "stopTimeout": config.get("StopTimeout"),
        "ipcMode": host.get("IpcMode"),
        "logDriver": (host.get("LogConfig") or {}).get("Type"),
        "runtime": host.get("Runtime"),
        "shmSize": (host.get("ShmSize") or 0) // _MIB,
        "healthcheck": from_healthcheck(config.get("Healthcheck")),
        "init": bool(host.get("Init")),
        "securityOpts": host.get("SecurityOpt"),
    }


def imported(found: Values) -> dict[str, Any]:
    """Everything that a program would have to say to get this container."""
    config, host = found["Config"], found["HostConfig"]
    named = {key: config.get(name) for key, name in _CONFIG_KEYS.items()}
    named |= {key: host.get(name) for key, name in _HOST_KEYS.items()}
    adds, drops = host.get("CapAdd") or [], host.get("CapDrop") or []
    return named | {
        "labels": from_labels(config.get("Labels")),
        "mounts": [from_mount(one) for one in host.get("Mounts") or ()],
        "capabilities": without_empty({"adds": adds, "drops": drops}),
        "logOpts": (host.get("LogConfig") or {}).get("Config"),
    }
