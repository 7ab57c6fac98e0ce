"""Images, built by the engine and pushed to the registry."""

from collections.abc import Mapping

import pulumi_docker as docker
from pulumi import ComponentResource, Input, Output, ResourceOptions

from components.images import ImageArgs, SeedImageArgs
from components.registry import RegistryEndpoint


class Image(ComponentResource):
    """One built image; without a registry it stays on the engine that built it."""

    reference: Output[str]
    """`registry/repository@sha256:...`, or the image's id where there is no registry."""

    def __init__(self, name: str, args: ImageArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("studip:swarm:Image", name, None, opts)
        repository = f"{args.repository}:{args.tag}"
        image = docker.Image(
            f"{name}-image",
            image_name=(
                Output.concat(args.registry.address, "/", repository)
                if args.registry
                else repository
            ),
            build=_build(args, args.build_args),
            registry=_login(args.registry) if args.registry else None,
            skip_push=args.registry is None,
            opts=ResourceOptions(parent=self),
        )
        self.reference = image.repo_digest
        self.register_outputs({"reference": self.reference})


class SeedImage(ComponentResource):
    """One image on every node, built there through the node's own engine; nothing is pushed."""

    references: dict[str, Output[str]]
    """By node: the image's id."""
    names: dict[str, Output[str]]
    """By node: what an image that stands on it calls it, known only once it is there."""

    def __init__(self, name: str, args: SeedImageArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("studip:swarm:SeedImage", name, None, opts)
        image_name = f"{args.image.repository}:{args.tag or args.image.tag}"
        self.references = {}
        self.names = {}
        for node in args.nodes:
            own = args.node_build_args.get(node.name, {})
            image = docker.Image(
                f"{name}-{node.name}-image",
                image_name=image_name,
                build=_build(args.image, {**args.image.build_args, **own}),
                skip_push=True,
                opts=ResourceOptions(parent=self, provider=node.provider),
            )
            self.references[node.name] = image.repo_digest
            self.names[node.name] = image.repo_digest.apply(lambda _: image_name)
        self.register_outputs({"references": self.references})


def _build(args: ImageArgs, build_args: Mapping[str, Input[str]]) -> docker.DockerBuildArgs:
    return docker.DockerBuildArgs(
        context=str(args.context),
        dockerfile=str(args.dockerfile),
        target=args.target,
        args=build_args,
        builder_version=docker.BuilderVersion.BUILDER_BUILD_KIT,
    )


def _login(registry: RegistryEndpoint) -> docker.RegistryArgs:
    return docker.RegistryArgs(
        server=registry.address, username=registry.user, password=registry.password
    )
