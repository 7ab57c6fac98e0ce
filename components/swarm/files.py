"""Secrets and configs of Swarm, which cannot be changed in place.

Their names end in a hash of the content: the new one is made, the service moves to it, then the
old one goes. This is the one place that knows.
"""

import base64
from collections.abc import Mapping

import pulumi_docker as docker
from pulumi import Output, Resource, ResourceOptions

from components.naming import content_hash
from components.workload import ConfigFile, SecretFile


def _base64(content: str) -> str:
    return base64.b64encode(content.encode()).decode()


def _hashed_name(prefix: str, content: Output[str]) -> Output[str]:
    # A hash of a random password says nothing about it, and names must be readable.
    return Output.unsecret(content.apply(lambda text: f"{prefix}-{content_hash(text)}"))


def secret(
    name: str, file: SecretFile, labels: Mapping[str, str], user: int | None, parent: Resource
) -> docker.ServiceTaskSpecContainerSpecSecretArgs:
    """A Swarm secret, and how a container sees it: readable by `user` (a uid) alone."""
    content = Output.secret(file.content)
    made = docker.Secret(
        f"{name}-{file.name}",
        name=_hashed_name(f"{name}-{file.name}", content),
        data=content.apply(_base64),
        labels=[docker.SecretLabelArgs(label=k, value=v) for k, v in labels.items()],
        opts=ResourceOptions(parent=parent),
    )
    return docker.ServiceTaskSpecContainerSpecSecretArgs(
        secret_id=made.id,
        secret_name=made.name,
        file_name=file.name,
        file_uid=str(user or 0),
        file_gid=str(user or 0),
        file_mode=0o400,
    )


def config(
    name: str, file: ConfigFile, parent: Resource
) -> docker.ServiceTaskSpecContainerSpecConfigArgs:
    """A Swarm config, and where a container sees it, readable by all.

    `pulumi_docker.ServiceConfig` takes no labels.
    """
    content = Output.from_input(file.content)
    slug = file.path.rsplit("/", 1)[-1].replace(".", "-")
    made = docker.ServiceConfig(
        f"{name}-{slug}",
        name=_hashed_name(f"{name}-{slug}", content),
        data=content.apply(_base64),
        opts=ResourceOptions(parent=parent),
    )
    return docker.ServiceTaskSpecContainerSpecConfigArgs(
        config_id=made.id, config_name=made.name, file_name=file.path, file_mode=0o444
    )
