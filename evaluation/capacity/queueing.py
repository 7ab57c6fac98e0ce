"""Queues: how long requests take where several servers share them.

All arrays have shape (draws,); `servers` may be a fraction and differ from draw to draw. Beyond
capacity a time is inf and a probability 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from statistics import NormalDist

import numpy as np

from evaluation.formulas import formula
from evaluation.quantity import FloatArray, Indices

# More servers than these are counted as these, at the same utilisation: waits come out longer.
MOST_SERVERS = 512.0
FEWEST_SERVERS = 0.04
_LOGS = np.linspace(np.log(FEWEST_SERVERS), np.log(MOST_SERVERS), 160)
_USED = np.linspace(0.005, 0.9995, 80)
SMALLEST_CV = 0.02  # below, service times are treated as if they varied this much
STEPS = 20  # of a search for a root, at most
NEAR = 3e-3  # of a probability, relatively: near enough
REACH = 5.0  # standard deviations that an integral goes over
LEAST_CHANCE = 2e-4  # below, a wait is none
LEAST_LOAD = 0.005  # of the capacity, at which the greatest rate is searched for
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
NODES, WEIGHTS = _NODES[:, None], _WEIGHTS[:, None] / np.sqrt(2 * np.pi)


@dataclass(frozen=True, kw_only=True)
class Station:
    """Servers that share requests."""

    service: FloatArray  # s that a request takes here, on the mean, when it is alone
    servers: FloatArray  # requests that are served at full speed at a time
    slots: FloatArray  # requests that may be here at a time; the others wait in front

    def of(self, some: Indices) -> "Station":
        """Only `some` of the draws."""
        return Station(
            service=self.service[some], servers=self.servers[some], slots=self.slots[some]
        )


@formula("capacity.erlang_b")
def erlang_b(servers: FloatArray, offered: FloatArray) -> FloatArray:
    """Share of requests that find all servers busy, if those were lost.

    B(n) = a B(n - 1) / (n + a B(n - 1)); `offered`: a = arrival rate x service time (erlang).

    Source: A. K. Erlang 1917; recursion and, for a fraction of a server to start with, Rapp's
    parabola: V. B. Iversen, Teletraffic Engineering and Network Planning (2015), ch. 4.
    Limits: random (Poisson) arrivals; a fraction of a server is within 1 % of the integral.
    """
    part = servers % 1.0
    spread = (1 + offered) ** 2 + offered
    blocked = 1 - part * (offered + 2) / spread + part**2 / ((1 + offered) * spread)
    whole = np.floor(servers)
    load, all_ = np.empty_like(blocked), np.empty_like(blocked)
    for n in range(1, int(np.max(whole, initial=0)) + 1):
        np.multiply(offered, blocked, out=load)
        np.add(load, part + n, out=all_)
        np.divide(load, all_, out=blocked, where=n <= whole)
    return blocked


@formula("capacity.erlang_c")
def erlang_c(servers: FloatArray, offered: FloatArray) -> FloatArray:
    """Share of requests that wait: C = B / (1 - u (1 - B)), u = a / n the utilisation.

    Source: A. K. Erlang 1917; L. Kleinrock, Queueing Systems vol. 1 (1975), section 3.5.
    Limits: random (Poisson) arrivals, exponential service times, endless patience; above 512
    servers as if there were 512 at the same utilisation.
    """
    used = np.minimum(offered / servers, 1.0)
    counted = np.minimum(servers, MOST_SERVERS)
    blocked = erlang_b(counted, used * counted)
    return np.where(used < 1, blocked / (1 - used * (1 - blocked)), 1.0)


def waiting_share(servers: FloatArray, offered: FloatArray) -> FloatArray:
    """`erlang_c` within 2 %, mostly 0.2 %, at a twentieth of its time.

    C = u^y, y from a table of exponents:
    y hardly depends on u and grows like the root of 2 n (H. Sakasegawa, An approximation formula
    L = alpha rho^beta / (1 - rho), Annals of the Institute of Statistical Mathematics 29 (1977)),
    so that the table may be coarse.
    """
    used = np.clip(offered / servers, _USED[0], 1.0)
    log = np.log(np.clip(servers, FEWEST_SERVERS, MOST_SERVERS))
    across = (log - _LOGS[0]) / (_LOGS[1] - _LOGS[0])
    along = (np.minimum(used, _USED[-1]) - _USED[0]) / (_USED[1] - _USED[0])
    row = np.minimum(across.astype(np.intp), len(_LOGS) - 2)
    column = np.minimum(along.astype(np.intp), len(_USED) - 2)
    across -= row
    along -= column
    table = _exponents()
    at = row * len(_USED) + column
    upper = table.take(at) * (1 - along) + table.take(at + 1) * along
    at += len(_USED)
    lower = table.take(at) * (1 - along) + table.take(at + 1) * along
    share: FloatArray = used ** (upper * (1 - across) + lower * across)
    return share


@cache
def _exponents() -> FloatArray:
    """Log C / log u by the logarithm of servers and by utilisation."""
    servers, used = np.meshgrid(np.exp(_LOGS), _USED, indexing="ij")
    waiting = erlang_c(servers.ravel(), (servers * used).ravel())
    return np.log(np.maximum(waiting, 1e-300)) / np.log(used.ravel())


@formula("capacity.wait_mmc")
def wait_mmc(rate: FloatArray, service: FloatArray, servers: FloatArray) -> FloatArray:
    """Mean wait in front of n servers (s): W = C S / (n (1 - u)).

    `rate`: requests/s; `service`: mean service time S (s).

    Source: L. Kleinrock, Queueing Systems vol. 1 (1975), section 3.5; D. Gross and C. M. Harris,
    Fundamentals of Queueing Theory, 3rd ed. (1998), section 2.3.
    Limits: those of `capacity.erlang_c`.
    """
    used = rate * service / servers
    with np.errstate(divide="ignore", invalid="ignore"):
        wait = erlang_c(servers, rate * service) * service / (servers * (1 - used))
    return np.where(used < 1, wait, np.inf)


@formula("capacity.wait_mgc")
def wait_mgc(
    rate: FloatArray, service: FloatArray, servers: FloatArray, cv: FloatArray
) -> FloatArray:
    """Mean wait in front of n servers (s) whose service times vary by `cv`: W(M/M/n) (1 + cv²) / 2.

    `cv`: standard deviation of the service time over its mean.

    Source: A. O. Allen, Probability, Statistics, and Queueing Theory, 2nd ed. (1990), section 5.2
    (Allen-Cunneen); T. Kimura, A two-moment approximation for the mean waiting time in the GI/G/s
    queue, Management Science 32 (1986) 751-763.
    Limits: exact for one server and for cv = 1, else an approximation, within some 10 % for cv from
    0.5 to 2; requests are served in the order in which they come.
    """
    return wait_mmc(rate, service, servers) * (1 + cv**2) / 2


@formula("capacity.processor_sharing")
def stretch(rate: FloatArray, station: Station) -> FloatArray:
    """How much longer a request takes because others share the cores: w = C / (n (1 - u)).

    It takes S (1 + w) on the mean where processes that all run take turns, as PHP workers and
    database threads do on an operating system; on the mean this does not depend on how service
    times vary.

    Source: J. W. Cohen, The multiple phase service network with generalized processor sharing, Acta
    Informatica 12 (1979) 245-284; F. Baskett et al., Open, closed and mixed networks of queues,
    J. ACM 22 (1975) 248-260 (type 2 stations).
    Limits: switching from process to process costs nothing; caches do not suffer.
    """
    return wait_mmc(rate, station.service, station.servers) / station.service


@formula("capacity.limited_sharing")
def in_front(rate: FloatArray, station: Station) -> FloatArray:
    """Share of the wait that is spent in front of the workers: q = u^(slots - n).

    Not more requests share the cores than there are workers. Of all that wait, q find all workers
    busy and wait in their order (`capacity.wait_mgc`); the others share the cores
    (`capacity.processor_sharing`).

    Source: B. Avi-Itzhak and S. Halfin, Expected response times in a non-symmetric time sharing
    queue with a limited number of service positions, Proc. ITC 12 (1988), who have it for one core.
    Limits: an approximation for several cores; exact on the mean for cv = 1.
    """
    used = np.minimum(rate * station.service / station.servers, 1.0)
    return used ** np.maximum(station.slots - station.servers, 0.0)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How response times are spread at one rate: X (1 + w) + V, see `capacity.response_time`."""

    mean: FloatArray  # s: of the stretched service time; inf beyond capacity
    cv: FloatArray  # of the service time
    chances: tuple[FloatArray, ...]  # by station: of a wait in front of the workers
    speeds: tuple[FloatArray, ...]  # by station, 1/s: one over the mean of such a wait

    def of(self, some: Indices) -> "Spread":
        """Only `some` of the draws."""
        return Spread(
            mean=self.mean[some],
            cv=self.cv[some],
            chances=tuple(chance[some] for chance in self.chances),
            speeds=tuple(speed[some] for speed in self.speeds),
        )


@formula("capacity.response_time")
def spread(rate: FloatArray, stations: Sequence[Station], cv: FloatArray) -> Spread:
    """How long requests take: X (1 + w) + V.

    X: service times in all stations together, lognormal with variation `cv`, stretched as
    `capacity.processor_sharing` says; V: the waits in front of the workers of each station, zero
    or, with the probability C q, exponential with mean S (1 + cv²) / 2 / (n (1 - u)).

    Source: exponential tail of the wait: L. Kleinrock, Queueing Systems vol. 1 (1975), section 3.5
    for M/M/n; H. C. Tijms, A First Course in Stochastic Models (2003), section 9.6, for M/G/n.
    Limits: two stations at most; waits are independent of each other and of the service time; the
    stretch is its mean, though it differs from request to request: against simulation a p95 is
    within 10 %, and up to 20 % too small where two cores are nearly full.
    """
    steady = rate < saturation(stations)
    rate = np.where(steady, rate, 0.0)
    mean = np.zeros_like(rate)
    chances, speeds = [], []
    for station in stations:
        waiting = waiting_share(station.servers, rate * station.service)
        free = station.servers - rate * station.service
        front = in_front(rate, station)
        mean = mean + station.service * (1 + (1 - front) * waiting / free)
        chances.append(waiting * front)
        speeds.append(2 * free / (station.service * (1 + cv**2)))
    return Spread(
        mean=np.where(steady, mean, np.inf),
        cv=np.maximum(cv, SMALLEST_CV),
        chances=tuple(chances),
        speeds=tuple(speeds),
    )


def exceeds(time: FloatArray, spread: Spread) -> FloatArray:
    """Share of requests that take longer than `time` (s): P(X (1 + w) + V > t).

    By Gauss-Legendre over the exponent of the lognormal service time.
    """
    sigma, shift = _lognormal(spread.cv)
    with np.errstate(divide="ignore"):
        top = np.clip((np.log(time / spread.mean) - shift) / sigma, -REACH, REACH)
    share = np.where(np.isfinite(spread.mean), normal_above(top), 1.0)
    some = np.flatnonzero(sum(spread.chances) > LEAST_CHANCE)
    if not some.size:
        return share
    waiting = spread.of(some)
    top, sigma = top[some], sigma[some]
    half = (top + REACH) / 2
    z = half * (NODES + 1) - REACH
    stretched = (waiting.mean * np.exp(shift[some])) * np.exp(sigma * z)
    waits = _waits_exceed(np.maximum(time[some] - stretched, 0.0), waiting.chances, waiting.speeds)
    added = half * np.sum(WEIGHTS * np.exp(-(z**2) / 2) * waits, axis=0)
    share[some] = np.minimum(share[some] + added, 1.0)
    return share


def quantile(share: float, spread: Spread) -> FloatArray:
    """Time (s) within which `share` of all requests are answered; inf beyond capacity."""
    beyond = 1 - share
    steady = np.isfinite(spread.mean)
    spread = replace(spread, mean=np.where(steady, spread.mean, 1.0))
    sigma, shift = _lognormal(spread.cv)
    normal = NormalDist()
    low = spread.mean * np.exp(shift + sigma * normal.inv_cdf(share))
    # At most: service and waits all keep to quantiles that are three times as rare.
    high = spread.mean * np.exp(shift + sigma * normal.inv_cdf(1 - beyond / 3))
    for chance, speed in zip(spread.chances, spread.speeds, strict=True):
        high = high + np.log(np.maximum(3 * chance / beyond, 1.0)) / speed
    some = np.flatnonzero(sum(spread.chances) > LEAST_CHANCE)
    if some.size:
        waiting = spread.of(some)

        def excess(time: FloatArray) -> FloatArray:
            return np.log(exceeds(time, waiting) / beyond)

        low[some] = _root(excess, low[some], high[some], excess(low[some]))
    return np.where(steady, low, np.inf)


def saturation(stations: Sequence[Station]) -> FloatArray:
    """Requests/s at which some station is busy all the time: no more can be answered."""
    most: FloatArray = np.minimum.reduce([s.servers / s.service for s in stations])
    return most


@formula("capacity.greatest_rate")
def greatest_rate(
    share: float, time: FloatArray, stations: Sequence[Station], cv: FloatArray
) -> FloatArray:
    """Requests/s up to which `share` of all requests are answered within `time` (s).

    0 where service alone takes longer. The root of `capacity.response_time` over the rate.

    Source: by definition.
    Limits: those of `capacity.response_time`.
    """
    most = saturation(stations)
    beyond = 1 - share

    def miss(empty: FloatArray) -> FloatArray:
        found = spread(most * (1 - np.exp(-empty)), stations, cv)
        return -np.log(exceeds(time, found) / beyond)

    # Times grow with 1 / (1 - u): the search goes over -log(1 - u). With less than a processor the
    # very first requests are told a little slower than those after them, so it begins behind them.
    low, high = np.full_like(most, LEAST_LOAD), np.full_like(most, 9.0)
    at_low = miss(low)
    found = most * (1 - np.exp(-_root(miss, low, high, at_low)))
    return np.where(at_low > 0, found, 0.0)


def _waits_exceed(
    time: FloatArray, chances: Sequence[FloatArray], speeds: Sequence[FloatArray]
) -> FloatArray:
    """P(sum of waits > time), each zero or exponential."""
    tails = [np.exp(-speed * time) for speed in speeds]
    if len(chances) == 1:
        return chances[0] * tails[0]
    (one, two), (fast, slow) = chances, speeds
    # Equal speeds are a limit; a little apart they give the same number.
    slow = np.where(np.abs(slow / fast - 1) < 1e-4, fast * (1 + 1e-4), slow)
    both = (slow * tails[0] - fast * np.exp(-slow * time)) / (slow - fast)
    return one * (1 - two) * tails[0] + two * (1 - one) * tails[1] + one * two * both


def _lognormal(cv: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sigma, and what is added to the logarithm of the mean."""
    variance = np.log1p(cv**2)
    return np.sqrt(variance), -variance / 2


def normal_above(z: FloatArray) -> FloatArray:
    """P(standard normal > z), within 1e-7 (Abramowitz and Stegun, 26.2.17)."""
    t = 1 / (1 + 0.2316419 * np.abs(z))
    series = t * (
        0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429)))
    )
    tail = series * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    above: FloatArray = np.where(z >= 0, tail, 1 - tail)
    return above


def _root(
    function: Callable[[FloatArray], FloatArray],
    low: FloatArray,
    high: FloatArray,
    f_low: FloatArray,
) -> FloatArray:
    """Where a falling function is zero, by Anderson's and Bjorck's regula falsi.

    `f_low`: its value at `low`. Each third step halves what is left, in case the function is flat.
    Where the steps do not suffice it is the low end of what is left.
    """
    f_high = function(high)
    moved = np.zeros_like(low)  # 1: the low end moved last, -1: the high one
    for step in range(STEPS):
        with np.errstate(divide="ignore", invalid="ignore"):
            guess = high - f_high * (high - low) / (f_high - f_low)
            guess = np.where((guess > low) & (guess < high), guess, (low + high) / 2)
            if step % 3 == 2:
                guess = (low + high) / 2
            value = function(guess)
            above = value > 0
            # An end that stays a second time counts less, so that both ends move.
            less = 1 - value / np.where(above, f_low, f_high)
            less = np.where(less > 0, less, 0.5)
        f_high = np.where(above, np.where(moved > 0, f_high * less, f_high), value)
        f_low = np.where(above, value, np.where(moved < 0, f_low * less, f_low))
        moved = np.where(above, 1.0, -1.0)
        near = np.abs(value) < NEAR
        low = np.where(above | near, guess, low)
        high = np.where(above & ~near, high, guess)
        if np.all(high - low < NEAR * high):
            break
    return low
