"""Measures a replica from within its own network namespace; prints rate and p99 (ms)."""

from tests.bench.throughput import measure

if __name__ == "__main__":
    measured = measure("127.0.0.1", 80, "/live")
    print(measured.per_second, measured.p99_ms)
