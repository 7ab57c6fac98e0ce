"""As many resources as an environment has, and nothing in them: what Pulumi takes for their number.

Run by Pulumi.
"""

import os

import pulumi_random as random
from pulumi import ComponentResource

for number in range(int(os.environ["BENCH_COMPONENTS"])):
    ComponentResource("bench:index:Empty", f"component-{number}")
for number in range(int(os.environ["BENCH_RESOURCES"])):
    # The cheapest there is: no engine is asked for it.
    random.RandomPassword(f"resource-{number}", length=32)
