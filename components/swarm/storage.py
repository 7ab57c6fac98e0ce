"""Shared folders on Swarm."""

from collections.abc import Mapping, Sequence

from pulumi import ComponentResource, Output, ResourceOptions, RunError

from components.storage import STATE, Folder, NfsArgs, StorageArgs, StorageEndpoint
from components.swarm.cephfs import Cephfs
from components.swarm.glusterfs import Glusterfs
from components.swarm.volume import volume
from components.workload import Mount

# Where containers see what is mounted on their node, also when that is mounted anew.
WATCH = "/srv/studip"


class Storage(ComponentResource):
    """The application's shared folders, and others; what can be rebuilt stays in memory."""

    endpoint: StorageEndpoint
    """Mounts for the application's containers, and folders for whoever asks."""

    def __init__(self, name: str, args: StorageArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("studip:swarm:Storage", name, None, opts)
        own = [
            Mount(target=state.target, kind="tmpfs", size=state.size)
            for state in STATE
            if not state.shared
        ]
        if args.kind in ("glusterfs", "cephfs"):
            folders, watched = self._mounted(name, args)
        else:
            folders, watched = self._volumes(name, args), []
        shared = [
            Mount(
                target=state.target,
                kind=folders[state.slug].kind,
                source=folders[state.slug].source,
            )
            for state in STATE
            if state.shared
        ]
        self.endpoint = StorageEndpoint(mounts=[*own, *shared, *watched], folders=folders)
        self.register_outputs({"folders": {slug: one.source for slug, one in folders.items()}})

    def _mounted(self, name: str, args: StorageArgs) -> tuple[dict[str, Folder], Sequence[Mount]]:
        """Folders below a mount that every node has.

        Nothing lies below the mount while it is missing, and the engine refuses a bind of what is
        not there: no container starts without its folders.
        """
        kind = Glusterfs if args.kind == "glusterfs" else Cephfs
        path = kind(name, args, ResourceOptions(parent=self)).path
        chosen = args.glusterfs or args.cephfs
        assert chosen
        folders = {
            slug: Folder(kind="bind", source=Output.concat(path, "/", slug)) for slug in args.owners
        }
        watched = Mount(
            target=WATCH,
            kind="bind",
            source=chosen.folder,
            read_only=True,
            propagation="rslave",
        )
        return folders, [watched]

    def _volumes(self, name: str, args: StorageArgs) -> dict[str, Folder]:
        """One volume a folder, on every node that there is."""
        folders = {}
        for slug in args.owners:
            driver, options = _driver(name, args, slug)
            volumes = [
                volume(
                    f"{name}-{slug}",
                    args.labels,
                    self,
                    driver,
                    options,
                    node.provider if node else None,
                    f"{name}-{slug}-{node.name}" if node else None,
                )
                for node in args.nodes or (None,)
            ]
            made = Output.all(*(one.name for one in volumes))
            folders[slug] = Folder(kind="volume", source=made.apply(lambda names: names[0]))
        return folders


def _driver(name: str, args: StorageArgs, slug: str) -> tuple[str, Mapping[str, str] | None]:
    """Volume driver and options of one folder."""
    if args.kind != "nfs":
        return args.driver, args.driver_options.get(slug)
    if args.nfs is None:
        raise RunError(f"{name}: nfs needs a server and a path")
    return "local", nfs_options(args.nfs, slug)


def nfs_options(nfs: NfsArgs, slug: str) -> dict[str, str]:
    """Options of a volume that the engine mounts when a container first asks for it."""
    words = [
        f"addr={nfs.server}",
        f"nfsvers={nfs.version}",
        "proto=tcp",
        "hard",
        f"timeo={round(nfs.timeout * 10)}",
        f"retrans={nfs.retries}",
    ]
    return {"type": "nfs", "o": ",".join(words), "device": f":{nfs.path.rstrip('/')}/{slug}"}
