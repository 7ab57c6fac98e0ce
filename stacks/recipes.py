"""Which image stands on which: the folders of images/, built and published."""

from collections.abc import Mapping
from pathlib import Path

from pulumi import Input, Output

from components.images import ImageArgs
from components.naming import Names
from components.registry import RegistryEndpoint
from components.swarm.images import Image
from stacks.settings import Settings
from toolchain.versions import versions

FOLDER = Path(__file__).parent.parent / "images"


class Recipes:
    """Builds the images of one environment, each at most once, after the one it stands on."""

    def __init__(self, settings: Settings, names: Names) -> None:
        self._settings = settings
        self._names = names
        self._made: dict[str, Output[str]] = {}

    def registry(self) -> Output[str]:
        """The registry's own image: it can't come out of itself, so it stays on the engine."""
        return self._build("registry", {"BASE": self._upstream("registry") or versions().rootfs})

    def service(self, name: str, registry: RegistryEndpoint) -> Output[str]:
        """An image that has no other of ours below it but the base: haproxy, mariadb, redis."""
        return self._build(name, {"BASE": self._base(name, registry)}, registry)

    def application(self, registry: RegistryEndpoint) -> Output[str]:
        """The application, on its runtime, and a customised one on top if there is one."""
        images = self._settings.images
        runtime = self._build(
            images.runtime, {"BASE": self._base(images.runtime, registry)}, registry
        )
        application = self._build(images.application, {"BASE": runtime}, registry, target=None)
        if images.custom is None:
            return application
        return Image(
            self._names.part("image-custom"),
            ImageArgs(
                repository="studip/custom",
                context=Path(images.custom.context),
                dockerfile=Path(images.custom.context) / images.custom.dockerfile,
                build_args={"BASE": application},
                registry=registry,
            ),
        ).reference

    def _base(self, name: str, registry: RegistryEndpoint) -> Input[str]:
        return self._upstream(name) or self._build(
            "base", {"ROOTFS": versions().rootfs}, registry, target=None
        )

    def _upstream(self, name: str) -> str | None:
        return versions().images[name] if self._settings.images.source == "upstream" else None

    def _build(
        self,
        name: str,
        build_args: Mapping[str, Input[str]],
        registry: RegistryEndpoint | None = None,
        target: str | None = "",
    ) -> Output[str]:
        if name not in self._made:
            folder = FOLDER / name
            self._made[name] = Image(
                self._names.part(f"image-{name}"),
                ImageArgs(
                    repository=f"studip/{name}",
                    context=folder,
                    dockerfile=folder / "Dockerfile",
                    target=self._settings.images.source if target == "" else target,
                    build_args=build_args,
                    registry=registry,
                ),
            ).reference
        return self._made[name]
