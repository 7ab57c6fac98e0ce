"""`python -m stacks.budget ENVIRONMENT`: how long an outage each fault may cause, before it does.

Read off the settings and the timers of the parts, without an engine; the same numbers that the
parts' configuration is rendered from.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from components import address, cache, database, load_balancer, node, proxy, registry, storage
from components.budget import Budget
from components.certificate import Certificate
from components.proxy_timers import ProxyTimers
from components.workload import Logging, Resources
from stacks.settings import Settings, SettingsError, read_settings

ROOT = Path(__file__).parent.parent
# Timers are asked for outages; what else a part takes makes no difference to them.
ANY_CERTIFICATE = Certificate(certificate="", key="", authority="")
ANY_RESOURCES = Resources(cpu_limit=1.0, memory_limit=1)


def budgets(settings: Settings) -> Iterator[Budget]:
    """What the timers of all parts of an environment allow, part by part."""
    several = len(settings.nodes) > 1
    balancer = settings.load_balancer
    if balancer.kind == "haproxy":
        yield from load_balancer.budgets(load_balancer.Checks())
    if balancer.vrrp is not None:
        yield from address.budgets(address.PROFILES[balancer.vrrp.profile], balancer.replicas)
    timers = ProxyTimers()
    if settings.database.kind == "galera":
        galera = database.GaleraArgs(
            members=settings.database.members or 3, nodes=(), certificate=ANY_CERTIFICATE
        )
        yield from database.budgets(galera, timers)
        yield from proxy.budgets(timers)
    if settings.cache.kind == "redis":
        yield from cache.budgets(
            cache.Failover() if several else None,
            check_interval=timers.interval,
            check_timeout=timers.timeout,
        )
    if settings.storage.kind == "glusterfs":
        glusterfs = storage.GlusterfsArgs(
            images={},
            folder="/",
            members=(),
            certificate=None,
            resources=ANY_RESOURCES,
            client_resources=ANY_RESOURCES,
            logging=Logging(),
        )
        yield from storage.budgets(
            storage.StorageArgs(labels={}, kind="glusterfs", glusterfs=glusterfs)
        )
    if settings.registry.kind == "distribution" and several:
        yield from registry.budgets()
    if several:
        yield from node.budgets()


def table(found: list[Budget]) -> list[str]:
    """Lines of a table, one a fault."""
    rows = [("PART", "FAULT", "OUTAGE", "AT MOST, AS")]
    rows += [(one.part, one.fault, f"{one.outage:.2f} s", one.formula) for one in found]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return [
        "  ".join(
            cell.rjust(width) if column == 2 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def main() -> int:
    """Print the table of one environment."""
    parser = argparse.ArgumentParser(prog="python -m stacks.budget", description=__doc__)
    parser.add_argument("environment", help="of Pulumi.<environment>.yaml")
    environment = parser.parse_args().environment
    path = ROOT / f"Pulumi.{environment}.yaml"
    if not path.exists():
        known = ", ".join(sorted(one.name.split(".")[1] for one in ROOT.glob("Pulumi.*.yaml")))
        print(f"there is no {path.name}; environments: {known}", file=sys.stderr)
        return 1
    try:
        settings = read_settings(path, deployable=False)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    found = list(budgets(settings))
    if settings.database.kind == "innodb-cluster":
        print("database: the kind innodb-cluster has no budget yet", file=sys.stderr)
    print("\n".join(table(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
