"""Volumes for the application's state on Swarm."""

from pulumi import ComponentResource, ResourceOptions

from components.storage import STATE, StorageArgs, StorageEndpoint
from components.swarm.volume import volume
from components.workload import Mount


class Storage(ComponentResource):
    """One volume for each shared folder; folders that can be rebuilt stay in memory."""

    endpoint: StorageEndpoint
    """Mounts for the application's containers."""

    def __init__(self, name: str, args: StorageArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("studip:swarm:Storage", name, None, opts)
        mounts = [
            Mount(target=state.target, kind="tmpfs", size=state.size)
            for state in STATE
            if not state.shared
        ]
        for state in STATE:
            if not state.shared:
                continue
            made = volume(
                f"{name}-{state.slug}",
                args.labels,
                self,
                args.driver,
                args.driver_options.get(state.slug),
            )
            mounts.append(Mount(target=state.target, kind="volume", source=made.name))
        self.endpoint = StorageEndpoint(mounts=mounts)
        self.register_outputs({"volumes": [mount.source for mount in mounts if mount.source]})
