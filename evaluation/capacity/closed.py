"""A fixed number of clients, each of which asks again as soon as it is answered."""

from dataclasses import dataclass

import numpy as np

from evaluation.formulas import formula


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What the clients get."""

    per_second: float
    mean_ms: float
    p95_ms: float


@formula("capacity.closed")
def closed_loop(
    clients: int, computing_ms: float, waiting_ms: float, cores: float, cv: float
) -> Answered:
    """Throughput and response times for `clients`: the machine repairman model.

    Each request computes for `computing_ms` on one of `cores` that all share (web server, database,
    proxies and the clients themselves) and waits for `waiting_ms` for something else. With n
    requests that compute, they end at min(n, cores) / computing and come at (clients - n) /
    waiting; throughput is the mean of the first, response time is clients / throughput. p95:
    response times as lognormal, and as variable (`cv`), as those of one client.

    Source: L. Kleinrock, Queueing Systems vol. 1 (1975), section 3.8 (finite population); E. D.
    Lazowska et al., Quantitative System Performance (1984), chapters 5 and 6, whose bounds
    clients / (computing + waiting) and cores / computing it lies below.
    Limits: exact on the mean for shared cores; what is waited for does not queue; a limit of cores
    for a single container is not known to it.
    """
    computing = computing_ms / 1000
    waiting = max(waiting_ms / 1000, computing * 1e-6)
    number = np.arange(clients + 1)
    leave = np.minimum(number, cores) / computing
    come = (clients - number) / waiting
    logs = np.concatenate([[0.0], np.cumsum(np.log(come[:-1] / leave[1:]))])
    weights = np.exp(logs - np.max(logs))
    per_second = float(np.sum(weights * leave) / np.sum(weights))
    mean = clients / per_second * 1000
    variance = np.log1p(cv**2)
    return Answered(
        per_second=per_second,
        mean_ms=mean,
        p95_ms=float(mean * np.exp(1.6449 * np.sqrt(variance) - variance / 2)),
    )
