"""Which image stands on which: the folders of images/, built and published."""

from collections.abc import Mapping
from pathlib import Path

from pulumi import Input, Output

from components.images import ImageArgs
from components.naming import Names
from components.registry import RegistryEndpoint
from components.swarm.images import Image
from stacks.provenance import RECIPES, of_recipe, provenance
from stacks.settings import Settings
from stacks.source import checkout
from toolchain.registries import proxies, registries
from toolchain.versions import versions


class Recipes:
    """Builds the images of one environment, each at most once, after the one it stands on."""

    def __init__(self, settings: Settings, names: Names) -> None:
        self._settings = settings
        self._names = names
        self._made: dict[str, Output[str]] = {}

    def registry(self) -> Output[str]:
        """The registry's own image: it can't come out of itself, so it stays on the engine."""
        base = self._official("registry") or versions().rootfs
        return self._build("registry", None, {"BASE": base})

    def service(self, name: str, registry: RegistryEndpoint) -> Output[str]:
        """haproxy, mariadb or redis."""
        base = self._official(name) or self._base(registry)
        return self._build(name, registry, {"BASE": base})

    def application(self, registry: RegistryEndpoint) -> Output[str]:
        """The application on its runtime, and a customised image on top where there is one."""
        images = self._settings.images
        source = {"SOURCE": images.source}
        php = self._build("php", registry, {"BASE": self._base(registry), **source}, staged=False)
        official = self._official(images.runtime)
        runtime = self._build(
            images.runtime,
            registry,
            {"BASE": php, **source, **({"UPSTREAM": official} if official else {})},
            staged=False,
        )
        if images.application == "studip":
            made = self._studip(registry, runtime)
        else:
            made = self._build("demo", registry, {"BASE": runtime}, staged=False)
        if images.custom is None:
            return made
        folder = Path(self._settings.file).parent / images.custom.context
        dockerfile = folder / images.custom.dockerfile
        build_args: dict[str, Input[str]] = {"BASE": made, **provenance(folder)}
        return self._image("custom", folder, dockerfile, registry, build_args)

    def _studip(self, registry: RegistryEndpoint, runtime: Output[str]) -> Output[str]:
        """Stud.IP from its source; the settings' checks made sure that there is one way to it."""
        source = self._settings.images.studip
        if source.directory is not None:
            folder = Path(self._settings.file).parent / source.directory
            version = provenance(folder)
        else:
            assert source.git
            assert source.revision
            folder = checkout(source.git, source.revision)
            version = {"VERSION": source.revision, "REVISION": source.revision}
        dockerfile = RECIPES / "studip" / "Dockerfile"
        build_args: dict[str, Input[str]] = {
            "BASE": runtime,
            **version,
            **_sealed(registries()),
        }
        return self._image("studip", folder, dockerfile, registry, build_args)

    def _base(self, registry: RegistryEndpoint) -> Output[str]:
        rootfs = self._official("base") or versions().rootfs
        return self._build("base", registry, {"ROOTFS": rootfs}, staged=False)

    def _official(self, name: str) -> str | None:
        """The official image that a recipe stands on, where the settings ask for those."""
        return versions().images[name] if self._settings.images.source == "upstream" else None

    def _build(
        self,
        name: str,
        registry: RegistryEndpoint | None,
        build_args: Mapping[str, Input[str]],
        *,
        staged: bool = True,
    ) -> Output[str]:
        """The image of `images/<name>`; a `staged` recipe ends in one stage a source."""
        folder = RECIPES / name
        build_args = {**build_args, **of_recipe(name)}
        target = self._settings.images.source if staged else None
        return self._image(name, folder, folder / "Dockerfile", registry, build_args, target)

    def _image(
        self,
        name: str,
        context: Path,
        dockerfile: Path,
        registry: RegistryEndpoint | None,
        build_args: Mapping[str, Input[str]],
        target: str | None = None,
    ) -> Output[str]:
        if name not in self._made:
            self._made[name] = Image(
                self._names.part(f"image-{name}"),
                ImageArgs(
                    repository=f"studip/{name}",
                    context=context,
                    dockerfile=dockerfile,
                    target=target,
                    build_args={**build_args, **_sealed(proxies())},
                    registry=registry,
                ),
            ).reference
        return self._made[name]


def _sealed(build_args: Mapping[str, str]) -> dict[str, Output[str]]:
    """Addresses of a site's own machines, perhaps with a login: encrypted in the state."""
    return {name: Output.secret(value) for name, value in build_args.items()}
