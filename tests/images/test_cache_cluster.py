"""Several Redis with sentinels, and the proxy in front: who is the master, and what writers see."""

import socket
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import docker
import pytest

from tests.images.conftest import Built, Run, Running, networks, runs, volumes, wait

pytestmark = [pytest.mark.live, pytest.mark.fault]

PASSWORD = "pa'ss\\wo\"rd$"
NUMBERS = (1, 2, 3)
PATIENCE = 60.0  # s, generous: how long something may take is not what is tested


class Client:
    """One connection to Redis."""

    def __init__(self, address: str) -> None:
        self._socket = socket.create_connection((address, 6379), timeout=3)
        self._file = self._socket.makefile("rb")
        assert self("AUTH", PASSWORD) == "OK"

    def __call__(self, *words: str) -> str:
        """The answer to a command; ConnectionError where it is an error."""
        parts = [f"*{len(words)}\r\n", *(f"${len(word.encode())}\r\n{word}\r\n" for word in words)]
        self._socket.sendall("".join(parts).encode())
        line = self._file.readline().decode().rstrip("\r\n")
        if line[:1] == "$" and line != "$-1":
            return self._file.read(int(line[1:]) + 2)[:-2].decode()
        if line[:1] not in ("+", ":", "$"):
            raise ConnectionError(line or "closed")
        return line[1:]

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@dataclass
class Writer:
    """Writes all the time, over a new connection after each failure."""

    address: str
    acknowledged: list[tuple[float, str]] = field(default_factory=list)
    errors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        client = None
        while not self._stop.wait(0.02):
            key = uuid.uuid4().hex
            try:
                client = client or Client(self.address)
                client("SET", key, "x")
                self.acknowledged.append((time.monotonic(), key))
            except (OSError, AssertionError) as error:
                self.errors.add(str(error))
                if client:
                    client.close()
                client = None

    def stop(self) -> float:
        """End, and tell the longest time without an acknowledged write, in s."""
        self._stop.set()
        self._thread.join(20)
        times = [moment for moment, _ in self.acknowledged]
        return max(after - before for before, after in pairwise(times))

    def goes_on(self) -> None:
        """Wait until writes are acknowledged again."""
        count = len(self.acknowledged)
        wait(lambda: len(self.acknowledged) > count + 5, PATIENCE)


@dataclass
class Cache:
    """Three members, three sentinels and a load balancer in front."""

    network: str
    members: dict[str, Running]
    sentinels: dict[str, Running]
    proxy: Running

    def info(self, name: str) -> dict[str, str]:
        """What a member says about its replication; empty if it does not answer."""
        try:
            client = Client(self.members[name].address(self.network))
        except (OSError, AssertionError):
            return {}
        try:
            lines = client("INFO", "replication").split("\r\n")
        except OSError:
            return {}
        finally:
            client.close()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def master(self) -> str:
        """The one master that all others follow; waits for it."""
        wait(lambda: self._settled(), PATIENCE)
        return self._settled()

    def _settled(self) -> str:
        told = {name: self.info(name) for name in self.members}
        masters = [name for name, info in told.items() if info.get("role") == "master"]
        if len(masters) != 1 or told[masters[0]]["connected_slaves"] != "2":
            return ""
        ups = [info.get("master_link_status") for info in told.values()]
        return masters[0] if ups.count("up") == 2 else ""

    def client(self) -> Client:
        """A connection to whatever the load balancer calls the master."""
        return Client(self.proxy.address(self.network))


class Start:
    """Starts the parts of a cache on one network."""

    def __init__(self, built: Built, run: Run, network: str) -> None:
        self._built = built
        self._run = run
        self._network = network

    def member(self, number: int) -> Running:
        return self._start("redis-server", f"cache-{number}", MEMBER=str(number))

    def sentinel(self, number: int) -> Running:
        return self._start("redis-sentinel", f"sentinel-{number}", SENTINEL=str(number))

    def proxy(self) -> Running:
        return self._run(
            self._built("proxy"),
            env={
                "MEMBERS": "nobody",
                "CACHE_MEMBERS": ",".join(f"cache-{number}" for number in NUMBERS),
                "CACHE_PASSWORD_FILE": "/run/secrets/password",
            },
            secrets={"password": PASSWORD},
            network=self._network,
            alias="proxy",
        )

    def _start(self, command: str, alias: str, **env: str) -> Running:
        return self._run(
            self._built("redis"),
            [command],
            env={
                "REDIS_PASSWORD_FILE": "/run/secrets/password",
                "MEMBERS": ",".join(f"cache-{number}" for number in NUMBERS),
                "SENTINELS": ",".join(f"sentinel-{number}" for number in NUMBERS),
                **env,
            },
            secrets={"password": PASSWORD},
            network=self._network,
            alias=alias,
            name_server="127.0.0.1",
        )


@pytest.fixture(scope="module")
def cache(session_client: docker.DockerClient, built: Built) -> Iterator[Cache]:
    """A cache that all tests share; each finds it whole and leaves it so."""
    with (
        networks(session_client, internal=True) as network,  # as the data network is
        volumes(session_client) as volume,
        runs(session_client, volume) as run,
    ):
        start = Start(built, run, network)
        members = {}
        for number in NUMBERS:  # in the order in which the component makes them
            members[f"cache-{number}"] = start.member(number)
            members[f"cache-{number}"].wait_healthy()
        sentinels = {f"sentinel-{number}": start.sentinel(number) for number in NUMBERS}
        proxy = start.proxy()
        for one in (*sentinels.values(), proxy):
            one.sh("true")
        cache = Cache(network, members, sentinels, proxy)
        yield cache


@pytest.fixture
def writer(cache: Cache) -> Iterator[Writer]:
    """Writes through the load balancer while a test goes on."""
    cache.master()
    wait(lambda: _quorum(cache), PATIENCE)
    writer = Writer(cache.proxy.address(cache.network))
    writer.goes_on()
    yield writer
    writer.stop()


def _quorum(cache: Cache) -> bool:
    """Whether each sentinel knows two replicas and the other two sentinels."""
    for sentinel in cache.sentinels.values():
        told = sentinel.sh(
            ". /usr/local/lib/redis.sh; read_password; ask localhost 26379 'SENTINEL MASTERS'"
        ).split("\n")
        facts = dict(zip(told[::2], told[1::2], strict=False))
        if facts.get("num-slaves") != "2" or facts.get("num-other-sentinels") != "2":
            return False
    return True


def test_the_first_leads_and_the_others_hold_copies(cache: Cache) -> None:
    assert cache.master() == "cache-1"
    client = cache.client()
    assert client("SET", "key", "value") == "OK"
    for name in ("cache-2", "cache-3"):
        replica = Client(cache.members[name].address(cache.network))
        wait(lambda: replica("GET", "key") == "value", 10)  # noqa: B023
        with pytest.raises(ConnectionError, match="READONLY"):
            replica("SET", "key", "other")


def test_nobody_comes_in_without_the_password(cache: Cache) -> None:
    for name, port in (("cache-2", 6379), ("sentinel-1", 26379)):
        running = {**cache.members, **cache.sentinels}[name]
        probe = socket.create_connection((running.address(cache.network), port), timeout=3)
        for question in (b"GET key\r\n", b"SENTINEL FAILOVER cache\r\n"):
            probe.sendall(question)
            assert probe.recv(1000).startswith((b"-NOAUTH", b"-ERR unknown command"))
        probe.close()


@pytest.mark.parametrize("how", ["killed", "killed again", "stopped"])
def test_a_master_that_goes_is_followed_by_another_one(
    cache: Cache, writer: Writer, how: str
) -> None:
    old = cache.master()
    container = cache.members[old].container
    if how == "stopped":
        container.stop(timeout=30)
    else:
        container.kill()
    writer.goes_on()
    container.start()
    new = cache.master()
    assert new != old
    assert cache.info(old)["role"] == "slave"
    gap = writer.stop()
    print(f"\nmaster {how}: {gap:.2f} s without writes; errors {sorted(writer.errors)}")
    last = cache.client()
    lost = [key for _, key in writer.acknowledged if last("GET", key) != "x"]
    print(f"{len(writer.acknowledged)} acknowledged, {len(lost)} lost")
    if how == "stopped":
        assert lost == []


def test_a_master_that_is_cut_off_takes_no_writes_and_comes_back_as_replica(
    cache: Cache, writer: Writer, session_client: docker.DockerClient
) -> None:
    old = cache.master()
    network = session_client.networks.get(cache.network)
    network.disconnect(cache.members[old].container)
    try:
        writer.goes_on()
        said = cache.members[old].sh(
            ". /usr/local/lib/redis.sh; read_password; sleep 6; ask localhost 6379 'SET a b'"
        )
        assert said.startswith("NOREPLICAS")
    finally:
        network.connect(cache.members[old].container, aliases=[old])
    assert cache.master() != old
    assert cache.info(old)["role"] == "slave"


def test_a_sentinel_that_comes_back_is_the_same_one(cache: Cache, writer: Writer) -> None:
    for sentinel in cache.sentinels.values():
        sentinel.container.restart(timeout=5)
        wait(lambda: _quorum(cache), PATIENCE)
    writer.goes_on()


@pytest.mark.parametrize("missing", ["cache-1", None])
def test_after_a_full_outage_there_is_one_master(cache: Cache, missing: str | None) -> None:
    everything = {**cache.members, **cache.sentinels}
    for running in everything.values():
        running.container.kill()
    for name, running in everything.items():
        if name != missing:
            running.container.start()
    wait(lambda: _takes_writes(cache), 2 * PATIENCE)
    if missing:
        everything[missing].container.start()
    cache.master()
    wait(lambda: _quorum(cache), PATIENCE)


def _takes_writes(cache: Cache) -> bool:
    try:
        return cache.client()("SET", "after", "all") == "OK"
    except (OSError, AssertionError):
        return False


@pytest.mark.parametrize(
    ("command", "env", "message"),
    [
        ("redis-server", {"MEMBER": "4"}, "MEMBER: must be a number from 1 to 2, got 4"),
        ("redis-server", {"SENTINELS": ""}, "SENTINELS is not set"),
        ("redis-server", {"DOWN_AFTER": "2s"}, "DOWN_AFTER: must be a number of ms, got 2s"),
        ("redis-server", {"MAXMEMORY": "1"}, "MAXMEMORY: must be a number with kb, mb or gb"),
        ("redis-sentinel", {}, "SENTINEL: must be a number from 1 to 1, got"),
        ("redis-sentinel", {"MEMBERS": ""}, "MEMBERS is not set"),
        ("redis-sentinel", {"REDIS_PASSWORD_FILE": "/no"}, "/no cannot be read by uid 999"),
    ],
)
def test_says_what_is_wrong_with_its_settings(
    session_client: docker.DockerClient,
    built: Built,
    command: str,
    env: dict[str, str],
    message: str,
) -> None:
    usual = {"MEMBER": "1", "MEMBERS": "a,b", "SENTINELS": "c"}
    secret = {"REDIS_PASSWORD_FILE": "/run/secrets/password"}
    with volumes(session_client) as volume, runs(session_client, volume) as run:
        running = run(
            built("redis"),
            [command],
            env={**usual, **secret, **env},
            secrets={"password": PASSWORD},
        )
        assert running.wait_exit() == 1
        assert message in running.logs()
