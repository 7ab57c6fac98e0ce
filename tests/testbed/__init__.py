"""Real Swarm nodes as containers on the engine of this machine, and faults as methods.

`with Testbed("mine") as testbed: testbed.join(); testbed.node(2).kill()`, or from a shell
`python -m tests.testbed up`, which goes on until `python -m tests.testbed down`.
"""

from tests.testbed.node import Node
from tests.testbed.testbed import Testbed

__all__ = ["Node", "Testbed"]
