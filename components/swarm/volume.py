"""Volumes on Swarm."""

from collections.abc import Mapping

import pulumi_docker as docker
from pulumi import ProviderResource, Resource, ResourceOptions


def volume(
    name: str,
    labels: Mapping[str, str],
    parent: Resource,
    driver: str = "local",
    driver_options: Mapping[str, str] | None = None,
    provider: ProviderResource | None = None,
    resource: str | None = None,
) -> docker.Volume:
    """A named volume; its data lives until the volume is destroyed.

    Other labels would replace it, data and all: what it was made with stays.

    `provider`: of the node that it is on, where that is not the default one. The same name on
    several nodes needs `resource`, what Pulumi calls it.
    """
    return docker.Volume(
        f"{resource or name}-volume",
        name=name,
        driver=driver,
        driver_opts=driver_options or None,
        labels=[docker.VolumeLabelArgs(label=k, value=v) for k, v in labels.items()],
        opts=ResourceOptions(parent=parent, provider=provider, ignore_changes=["labels"]),
    )
