"""Members of a cluster that keeps data, on Swarm."""

from collections.abc import Sequence

from pulumi import ComponentResource, Output, ResourceOptions

from components.members import MembersArgs, hosts
from components.swarm.service import Service, ServiceArgs
from components.swarm.volume import volume
from components.workload import HealthCheck, Mount, Update, Workload


class Members(ComponentResource):
    """One service a member, each made or changed only once the one before is healthy again.

    Swarm publishes the name of a service once its task is healthy: a member that waits for others
    says so after a short while, one that joins a living cluster only when it has joined.
    """

    hosts: Sequence[Output[str]]
    """Names of the members, known only once all of them are healthy."""

    def __init__(self, name: str, args: MembersArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("studip:swarm:Members", name, None, opts)
        names = hosts(name, args.count)
        before: list[Service] = []
        for number, host in enumerate(names, 1):
            before.append(self._member(number, host, ",".join(names), args, before[-1:]))
        last = before[-1].name
        self.hosts = [last.apply(lambda _, host=host: host) for host in names]  # type: ignore[misc]
        self.register_outputs({"hosts": self.hosts})

    def _member(
        self, number: int, host: str, all_hosts: str, args: MembersArgs, before: list[Service]
    ) -> Service:
        node = args.nodes[(number - 1) % len(args.nodes)]
        data = volume(host, args.labels, self, provider=node.provider)
        timers = args.timers
        return Service(
            host,
            ServiceArgs(
                workload=Workload(
                    image=args.image,
                    labels=args.labels,
                    networks=[args.network],
                    resources=args.resources,
                    user=args.user,
                    env={
                        "MEMBER": str(number),
                        "MEMBERS": all_hosts,
                        "MEMBER_TICK": f"{timers.tick:g}",
                        "MEMBER_POLL": f"{timers.poll:g}",
                        "MEMBER_GRACE": f"{timers.grace:g}",
                        "MEMBER_HANG": f"{timers.hang:g}",
                        **args.env,
                    },
                    secrets=args.secrets,
                    configs=args.configs,
                    mounts=[
                        Mount(
                            target=args.data, kind="volume", source=data.name, labels=args.labels
                        ),
                        *args.mounts,
                    ],
                    logging=args.logging,
                ),
                health_check=HealthCheck(command=["healthcheck"], start_period=timers.join),
                # Two servers must never share the data.
                update=Update(order="stop-first", timeout=timers.join),
                stop_grace_period=args.stop_grace_period,
                constraints=[node.constraint],
            ),
            ResourceOptions(parent=self, depends_on=before),
        )
