"""Which image stands on which: the folders of images/, built and published."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pulumi import Input, Output, ResourceOptions

from components.images import ImageArgs, SeedImageArgs
from components.naming import Names
from components.node import Node
from components.registry import RegistryEndpoint
from components.swarm.images import Image, SeedImage
from stacks.provenance import RECIPES, of_recipe, provenance
from stacks.settings.models import Settings
from stacks.source import checkout
from toolchain.registries import proxies, registries
from toolchain.rootfs import context as rootfs_context
from toolchain.versions import versions

UNSTAGED = ("acme", "keepalived")  # Debian's package, or none
STORAGES = ("glusterfs", "ceph")  # Debian's packages, on what they share


class Recipes:
    """Builds the images of one environment, each at most once, after the one it stands on.

    `nodes`: the machines of a cluster, whose first manager builds; what runs before the registry,
    each of them builds for itself. `options` lead to the engine that builds.
    """

    def __init__(
        self,
        settings: Settings,
        names: Names,
        nodes: Sequence[Node] = (),
        options: ResourceOptions | None = None,
    ) -> None:
        self._settings = settings
        self._names = names
        self._nodes = nodes
        self._options = options
        self._made: dict[str, Output[str]] = {}
        self._rootfs: dict[str, Mapping[str, Output[str]]] = {}

    def seeds(self, name: str) -> Mapping[str, Output[str]]:
        """By node: the image of what runs before the registry does (registry, glusterfs, ceph)."""
        if name in STORAGES:
            below = self._seed("storage-base", self._seed_bases("base")).names
            return self._seed(name, below).references
        bases = self._seed_bases(name)
        return self._seed(name, bases, self._settings.images.source).references

    def _seed_bases(self, name: str) -> Mapping[str, Input[str]]:
        """By node: the official image, or the root file system that each has."""
        official = self._official(name)
        if official is None:
            return self._root_file_systems()
        return dict.fromkeys((node.name for node in self._nodes), official)

    def _seed(
        self, name: str, bases: Mapping[str, Input[str]], target: str | None = None
    ) -> SeedImage:
        folder = RECIPES / name
        return SeedImage(
            self._names.part(f"image-{name}"),
            SeedImageArgs(
                image=ImageArgs(
                    repository=f"studip/{name}",
                    context=folder,
                    dockerfile=folder / "Dockerfile",
                    target=target,
                    build_args={**of_recipe(name), **_sealed(proxies())},
                ),
                nodes=self._nodes,
                node_build_args={node: {"BASE": base} for node, base in bases.items()},
            ),
        )

    def registry(self) -> Output[str]:
        """The registry's own image: it can't come out of itself, so it stays on the engine."""
        base = self._official("registry") or versions().rootfs
        return self._build("registry", None, {"BASE": base})

    def service(self, name: str, registry: RegistryEndpoint) -> Output[str]:
        """haproxy, mariadb, redis, proxy, keepalived or acme."""
        official = self._official("haproxy" if name == "proxy" else name)
        base = official or self._base(registry)
        return self._build(name, registry, {"BASE": base}, staged=name not in UNSTAGED)

    def galera(self, registry: RegistryEndpoint) -> Output[str]:
        """A member of a database cluster, on the single server's image."""
        mariadb = self.service("mariadb", registry)
        member = self._build("database-member", registry, {"BASE": mariadb}, staged=False)
        return self._build("galera", registry, {"BASE": member})

    def innodb_cluster(self, registry: RegistryEndpoint) -> Output[str]:
        """A member of a MySQL cluster, on the official server or on Debian's of another suite."""
        base: Input[str] = self._official("innodb-cluster") or self._newer_base(registry)
        member = self._build("database-member", registry, {"BASE": base}, staged=False)
        return self._build("innodb-cluster", registry, {"BASE": member})

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
        official = self._official("base")
        rootfs: Input[str] = official or versions().rootfs
        if self._nodes and official is None:
            rootfs = self._root_file_systems()[self._builder()]
        return self._build("base", registry, {"ROOTFS": rootfs}, staged=False)

    def _newer_base(self, registry: RegistryEndpoint) -> Output[str]:
        """Our base again, on the suite that has MySQL 9. Only what builds needs its root."""
        suite, builder = versions().mysql_suite, self._builder()
        folder = RECIPES / "base"
        rootfs = self._root_file_systems(suite)[builder]
        build_args: dict[str, Input[str]] = {"ROOTFS": rootfs, **of_recipe("base")}
        return self._image(f"base-{suite}", folder, folder / "Dockerfile", registry, build_args)

    def _builder(self) -> str:
        """Name of the node that builds what goes into the registry."""
        return next(node.name for node in self._settings.nodes if node.role == "manager")

    def _root_file_systems(self, suite: str = "") -> Mapping[str, Output[str]]:
        """By node: a root file system that the toolchain made, which only this machine has.

        Another suite than the usual one is on the node that builds, and nowhere else.
        """
        if suite not in self._rootfs:
            reference = versions().rootfs_of(suite) if suite else versions().rootfs
            repository, _, tag = reference.partition(":")
            folder = RECIPES / "rootfs"
            self._rootfs[suite] = SeedImage(
                self._names.part("-".join(filter(None, ["image-rootfs", suite]))),
                SeedImageArgs(
                    image=ImageArgs(
                        repository=repository,
                        context=rootfs_context(suite),
                        dockerfile=folder / "Dockerfile",
                    ),
                    nodes=[
                        node for node in self._nodes if not suite or node.name == self._builder()
                    ],
                    tag=tag,
                ),
            ).names
        return self._rootfs[suite]

    def _official(self, name: str) -> str | None:
        """The official image that a recipe stands on, where the settings ask for those."""
        return versions().images.get(name) if self._settings.images.source == "upstream" else None

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
                self._options,
            ).reference
        return self._made[name]


def _sealed(build_args: Mapping[str, str]) -> dict[str, Output[str]]:
    """Addresses of a site's own machines, perhaps with a login: encrypted in the state."""
    return {name: Output.secret(value) for name, value in build_args.items()}
