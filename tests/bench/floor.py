"""What Pulumi takes for a program of our kind, whatever it says. Run by Pulumi.

The packages that DESIGN names are imported, and as many resources as an environment has are
registered, with nothing in them.
"""

import os

import pulumi_docker as docker
import pulumi_random as random
import pydantic
from pulumi import ComponentResource

__all__ = ["docker", "pydantic"]

for number in range(int(os.environ["BENCH_COMPONENTS"])):
    ComponentResource("bench:index:Empty", f"component-{number}")
for number in range(int(os.environ["BENCH_RESOURCES"])):
    # The cheapest there is: no engine is asked for it.
    random.RandomPassword(f"resource-{number}", length=32)
