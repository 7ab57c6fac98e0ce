"""Mounts, which services and containers write in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..common.fields import Field, bag, block, boolean, integer, mapping, string
from ..common.rules import one_of
from .shapes import from_labels, labels, to_labels, without_empty

_PROPAGATION: Final = one_of("private", "rprivate", "shared", "rshared", "slave", "rslave")


def mounts(*, replace: bool, propagation: str | None) -> Field:
    """The table of a list of mounts; `propagation` is the default of bind mounts."""
    return bag(
        block(
            {
                "bindOptions": block(
                    {"propagation": string(default=propagation, rule=_PROPAGATION)}
                ),
                "readOnly": boolean(),
                "source": string(),
                "target": string(required=True),
                "tmpfsOptions": block({"mode": integer(), "sizeBytes": integer()}),
                "type": string(required=True, rule=one_of("bind", "volume", "tmpfs")),
                "volumeOptions": block(
                    {
                        "driverName": string(),
                        "driverOptions": mapping(),
                        "labels": labels(replace=True),
                        "noCopy": boolean(),
                    }
                ),
            }
        ),
        replace=replace,
    )


def to_mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    """One mount as the engine takes it: only the options of its own type."""
    kind = mount["type"]
    body: dict[str, Any] = {
        "Type": kind,
        "Target": mount["target"],
        "Source": mount.get("source"),
        "ReadOnly": mount.get("readOnly"),
    }
    if kind == "bind" and (bind := mount.get("bindOptions")):
        body["BindOptions"] = {"Propagation": bind.get("propagation")}
    if kind == "tmpfs" and (tmpfs := mount.get("tmpfsOptions")):
        options = {"SizeBytes": tmpfs.get("sizeBytes"), "Mode": tmpfs.get("mode")}
        body["TmpfsOptions"] = without_empty(options)
    if kind == "volume" and (volume := mount.get("volumeOptions")):
        driver = {"Name": volume.get("driverName"), "Options": volume.get("driverOptions")}
        body["VolumeOptions"] = without_empty(
            {
                "NoCopy": volume.get("noCopy"),
                "Labels": to_labels(volume.get("labels")),
                "DriverConfig": without_empty(driver),
            }
        )
    return without_empty(body)


def from_mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    """One mount as the program writes it."""
    found: dict[str, Any] = {
        "target": mount["Target"],
        "source": mount.get("Source"),
        "type": mount["Type"],
        "readOnly": mount.get("ReadOnly"),
    }
    if bind := mount.get("BindOptions"):
        found["bindOptions"] = {"propagation": bind.get("Propagation")}
    if tmpfs := mount.get("TmpfsOptions"):
        found["tmpfsOptions"] = without_empty(
            {"sizeBytes": tmpfs.get("SizeBytes"), "mode": tmpfs.get("Mode")}
        )
    if volume := mount.get("VolumeOptions"):
        driver = volume.get("DriverConfig") or {}
        found["volumeOptions"] = without_empty(
            {
                "noCopy": volume.get("NoCopy"),
                "labels": from_labels(volume.get("Labels")),
                "driverName": driver.get("Name"),
                "driverOptions": driver.get("Options"),
            }
        )
    return without_empty(found)
