"""The same queues request by request: workers, cores that they share, and users who give up."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.capacity.day import load_profile
from evaluation.capacity.stations import cores, offered_nodes, stations
from evaluation.formulas import formula
from evaluation.inventory.models import Inventory
from evaluation.quantity import FloatArray
from evaluation.results import Candidate

if TYPE_CHECKING:
    import simpy

QUARTERS = 96  # of a day
QUARTER = 900.0  # s
MOST_REQUESTS = 200_000  # that a simulated day may have


@dataclass(frozen=True, kw_only=True)
class Day:
    """A simulated day, by quarter-hours; all arrays have shape (96,)."""

    offered_rps: FloatArray  # requests/s that came
    p50_ms: FloatArray  # of those that were answered; nan where none was
    p95_ms: FloatArray
    lost: FloatArray  # share whose users gave up before a worker was free
    requests: int  # that were simulated


def simulate(
    arrivals: FloatArray,
    works: FloatArray,
    servers: Sequence[float],
    workers: int,
    patience: float = np.inf,
) -> FloatArray:
    """Response times (s) of requests that come at `arrivals` (s, ascending).

    `works`: shape (stations, requests), s that each takes at each station when it is alone there;
    `servers`: requests that each station serves at full speed at a time, beyond which all are
    slower alike; `workers`: requests that may be at the stations at a time, in the order in which
    they came. Who waits for a worker for more than `patience` (s) is gone: its time is nan.
    """
    import simpy

    env = simpy.Environment()
    times = np.full(len(arrivals), np.nan)
    pool = _Pool(workers, patience)

    def begin(request: int) -> None:
        ways[0].take(request, works[0, request])

    def end(request: int) -> None:
        times[request] = env.now - arrivals[request]
        following = pool.release(env.now)
        if following is not None:
            begin(following)

    def onwards(station: int) -> Any:
        if station + 1 == len(servers):
            return end
        return lambda request: ways[station + 1].take(request, works[station + 1, request])

    ways = [_Cores(env, number, onwards(station)) for station, number in enumerate(servers)]

    def arrive(_: Any = None) -> None:
        request = pool.came
        if pool.take(float(env.now)):
            begin(request)
        if pool.came < len(arrivals):
            env.timeout(max(arrivals[pool.came] - env.now, 0.0)).callbacks.append(arrive)

    if len(arrivals):
        env.timeout(arrivals[0]).callbacks.append(arrive)
    env.run()
    return times


class _Pool:
    """Workers, and the line in front of them."""

    def __init__(self, workers: int, patience: float) -> None:
        self.free = workers
        self.patience = patience
        self.came = 0
        self.line: deque[tuple[int, float]] = deque()

    def take(self, now: float) -> bool:
        """Whether the request that comes now has a worker at once."""
        self.came += 1
        if self.free:
            self.free -= 1
            return True
        self.line.append((self.came - 1, now))
        return False

    def release(self, now: float) -> int | None:
        """The next request in the line whose user is still there."""
        while self.line:
            request, since = self.line.popleft()
            if now - since <= self.patience:
                return request
        self.free += 1
        return None


class _Cores:
    """Cores that all requests at a station share alike, none of which uses more than one.

    `done`: work that each request here has got so far, counted from the beginning of time; a
    request leaves when that has grown by its own work.
    """

    def __init__(self, env: "simpy.Environment", servers: float, onwards: Any) -> None:
        self.env = env
        self.servers = servers
        self.onwards = onwards
        self.here: list[tuple[float, int]] = []  # by the value of `done` at which they leave
        self.done = 0.0
        self.seen = 0.0  # time of `done`
        self.alarm = np.inf  # when we look next

    def take(self, request: int, work: float) -> None:
        self._progress()
        heappush(self.here, (self.done + work, request))
        self._look_again()

    def _progress(self) -> None:
        now = self.env.now
        if self.here:
            self.done += (now - self.seen) * min(1.0, self.servers / len(self.here))
        self.seen = now

    def _look_again(self) -> None:
        left = self.here[0][0] - self.done
        wait = max(left / min(1.0, self.servers / len(self.here)), 0.0)
        # A look that comes too early looks again; only one that came too late would be wrong.
        if self.seen + wait < self.alarm:
            self.alarm = self.seen + wait
            self.env.timeout(wait).callbacks.append(self._look)

    def _look(self, _: Any) -> None:
        if self.env.now < self.alarm:
            return
        self.alarm = np.inf
        self._progress()
        leaving = []
        while self.here and self.here[0][0] <= self.done + 1e-9:
            leaving.append(heappop(self.here)[1])
        if self.here:
            self._look_again()
        for request in leaving:
            self.onwards(request)


def service_times(
    mean: float, cv: float, number: int, generator: np.random.Generator
) -> FloatArray:
    """Lognormal times (s)."""
    variance = np.log1p(cv**2)
    return generator.lognormal(np.log(mean) - variance / 2, np.sqrt(variance), number)


@formula("capacity.arrivals")
def arrivals_of_day(rates: FloatArray, length: float, generator: np.random.Generator) -> FloatArray:
    """Times (s) at which requests come; `rates`: requests/s of each piece of `length` seconds.

    Each piece has a Poisson number of them, at times that are uniform in it.

    Source: order statistics of a Poisson process: S. M. Ross, Introduction to Probability Models,
    10th ed. (2010), section 5.3.
    Limits: users come independently of each other; requests of one page come one by one.
    """
    numbers = generator.poisson(rates * length)
    starts = np.repeat(np.arange(len(rates)) * length, numbers)
    return np.sort(starts + generator.random(len(starts)) * length)


def quarter_rates(inventory: Inventory) -> FloatArray:
    """Requests/s in each quarter-hour of the first day of a semester, in the middle of all ranges.

    Within an hour the load grows to the peak factor, as `capacity.overload_hours` has it.
    """
    profile = load_profile(inventory)
    edges = (np.arange(5) / 4) ** float(profile.peak_factor[0])
    return (profile.start_day[:, :1] * 4 * np.diff(edges)).ravel()


@formula("capacity.simulated_day")
def simulate_day(
    inventory: Inventory,
    candidate: Candidate,
    nodes: float | None = None,
    seed: int = 1,
    requests: int = 60_000,
    patience: float = 10.0,
) -> Day:
    """The first day of a semester, request by request, all numbers in the middle of their ranges.

    Its load has four steps an hour, growing to the peak factor with the means of
    `capacity.overload_hours`. Not many more than `requests` are simulated: of a busier day the
    same part of each quarter-hour, one after the other, but four times the patience at least; of
    one that is busier still, a platform and a load that are both smaller by the same factor.
    `nodes`: as many as are on offer unless given; `patience`: s after which users give up.

    Source: discrete events with simpy; the model of `capacity.stations`. Patience: J. Nielsen,
    Usability Engineering (1993), chapter 5: 10 s keep a user's attention.
    Limits: a line that grows for longer than a simulated part of a quarter-hour is shorter here
    than on that day; patience keeps lines from growing for so long. A smaller platform waits longer
    at the same utilisation.
    """
    generator = np.random.default_rng(seed)
    rates = quarter_rates(inventory)
    whole = max(float(np.sum(rates)) * QUARTER, 1.0)
    compressed = min(1.0, max(requests / whole, 4 * patience / QUARTER))
    scale = min(1.0, MOST_REQUESTS / (whole * compressed))
    length = QUARTER * compressed
    arrivals = arrivals_of_day(rates * scale, length, generator)

    number = offered_nodes(inventory, candidate)
    if nodes is not None:
        number = np.full_like(number, nodes)
    found = stations(inventory, cores(inventory, candidate, number))
    means = [float(station.service[0]) for station in found]
    total = service_times(
        sum(means), float(inventory.load.service_time_cv.value[0]), len(arrivals), generator
    )
    times = simulate(
        arrivals,
        np.array([total * mean / sum(means) for mean in means]),
        [float(station.servers[0]) * scale for station in found],
        max(round(float(found[-1].slots[0]) * scale), 1),
        patience,
    )
    return _by_quarter(arrivals, times, length, scale)


def _by_quarter(arrivals: FloatArray, times: FloatArray, length: float, scale: float) -> Day:
    edges = np.searchsorted(arrivals, np.arange(1, QUARTERS) * length)
    pieces = np.split(times, edges)
    answered = [piece[~np.isnan(piece)] for piece in pieces]

    def quantile(share: float) -> FloatArray:
        return np.array([np.quantile(a, share) * 1000 if a.size else np.nan for a in answered])

    came = np.array([piece.size for piece in pieces], dtype=np.float64)
    kept = np.array([piece.size for piece in answered], dtype=np.float64)
    return Day(
        offered_rps=came / length / scale,
        p50_ms=quantile(0.5),
        p95_ms=quantile(0.95),
        lost=(came - kept) / np.maximum(came, 1.0),
        requests=len(arrivals),
    )
