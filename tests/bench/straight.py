"""`python -m tests.bench.straight PORT`: measures a replica on the loopback address.

To be run within the replica's own network namespace. Prints rate, p99 (ms) and failures.
"""

import sys

from tests.bench.throughput import measure

if __name__ == "__main__":
    measured = measure("127.0.0.1", int(sys.argv[1]), "/live")
    print(measured.per_second, measured.p99_ms, measured.failed)
