"""Images, built by the engine and pushed to the registry."""

import pulumi_docker as docker
from pulumi import ComponentResource, Output, ResourceOptions

from components.images import ImageArgs
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
            build=docker.DockerBuildArgs(
                context=str(args.context),
                dockerfile=str(args.dockerfile),
                target=args.target,
                args=args.build_args,
                builder_version=docker.BuilderVersion.BUILDER_BUILD_KIT,
            ),
            registry=_login(args.registry) if args.registry else None,
            skip_push=args.registry is None,
            opts=ResourceOptions(parent=self),
        )
        self.reference = image.repo_digest
        self.register_outputs({"reference": self.reference})


def _login(registry: RegistryEndpoint) -> docker.RegistryArgs:
    return docker.RegistryArgs(
        server=registry.address, username=registry.user, password=registry.password
    )
