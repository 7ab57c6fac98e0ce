"""A program of many services, for how the time of a preview grows. Run by Pulumi."""

import os

from components.labels import labels
from components.swarm.service import Service, ServiceArgs
from components.workload import HealthCheck, Network, Resources, Update, Workload
from policy.enforce import enforce

enforce()
for number in range(int(os.environ["BENCH_SERVICES"])):
    Service(
        f"studip-growth-{number}",
        ServiceArgs(
            workload=Workload(
                image=f"registry.test/any@sha256:{'0' * 64}",
                labels=labels("growth", "database"),
                networks=[Network(id="network", name="network")],
                resources=Resources(cpu_limit=0.5, memory_limit=64),
                env={"NUMBER": str(number)},
            ),
            health_check=HealthCheck(command=["true"]),
            update=Update(order="stop-first"),
        ),
    )
