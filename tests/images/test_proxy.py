"""The proxy sends to who takes the writes, and cuts off who doesn't any more."""

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.images.conftest import Built, Run, Running, wait

pytestmark = [pytest.mark.live, pytest.mark.fault]

USER = 999
PASSWORD = "pa'ss\\word_\"$HOME#%40"  # what a shell, HAProxy and Redis would take apart
QUOTED = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
ENV = {"MEMBERS": "database-1,database-2,database-3"}

# A member of no database: its role changes with a file, and it says its name to who connects.
MEMBER = """
import http.server, os, socketserver, threading
class Role(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if os.path.exists('/tmp' + self.path) else 503)
        self.end_headers()
    def log_message(self, *args): pass
class Database(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall((os.environ['NAME'] + '\\n').encode())
        self.request.recv(1)
class Server(socketserver.ThreadingTCPServer): allow_reuse_address = True
threading.Thread(target=Server(('', 3306), Database).serve_forever).start()
http.server.ThreadingHTTPServer(('', 8000), Role).serve_forever()
"""

Start = Callable[..., Running]


@pytest.fixture
def members(built: Built, run: Run, network: str) -> dict[int, Running]:
    """Three members, none of which takes writes or serves readers."""
    image = built("database-member")
    return {
        number: run(
            image,
            ["python3", "-c", MEMBER],
            env={"NAME": str(number)},
            network=network,
            alias=f"database-{number}",
        )
        for number in (1, 2, 3)
    }


@pytest.fixture
def start(built: Built, run: Run, network: str) -> Start:
    """Start a proxy."""

    def start(**options: Any) -> Running:
        env = ENV | options.pop("env", {})
        return run(built("proxy"), env=env, network=network, **options)

    return start


def answer(proxy: Running, port: int) -> str:
    """Name of the member that a new connection reaches, empty where there is none."""
    return proxy.sh(
        f"exec 3<>/dev/tcp/127.0.0.1/{port}; read -r -t 3 name <&3 && echo $name || true"
    )


def test_writes_go_to_the_one_that_takes_them_and_nowhere_else(
    members: dict[int, Running], start: Start
) -> None:
    members[2].sh("touch /tmp/writer /tmp/reader")
    members[3].sh("touch /tmp/reader")
    proxy = start()
    proxy.wait_healthy()
    assert {answer(proxy, 3306) for _ in range(6)} == {"2"}
    wait(lambda: {answer(proxy, 3307) for _ in range(6)} == {"2", "3"})
    members[2].sh("rm /tmp/writer")
    members[3].sh("touch /tmp/writer")
    wait(lambda: answer(proxy, 3306) == "3")
    assert {answer(proxy, 3306) for _ in range(6)} == {"3"}
    # Nobody to read from is no reason not to read.
    for number in (2, 3):
        members[number].sh("rm /tmp/reader")
    wait(lambda: {answer(proxy, 3307) for _ in range(4)} == {"3"})


def test_sessions_of_one_that_takes_no_writes_any_more_are_cut(
    members: dict[int, Running], start: Start
) -> None:
    members[1].sh("touch /tmp/writer")
    proxy = start()
    proxy.wait_healthy()
    session = (
        "exec 3<>/dev/tcp/127.0.0.1/3306; read -r name <&3; touch /tmp/connected; "
        "read -r -t 30 rest <&3; echo $name $?"
    )
    stream = proxy.container.exec_run(["bash", "-c", session], stream=True).output
    wait(lambda: proxy.sh("ls /tmp").count("connected") == 1)
    members[1].sh("rm /tmp/writer")
    # 1: the other side closed; above 128: nothing happened for 30 s.
    assert b"".join(stream).decode().split() == ["1", "1"]


def test_it_gets_healthy_with_its_first_writer_and_stays_so_without(
    members: dict[int, Running], start: Start
) -> None:
    proxy = start()
    wait(lambda: proxy.container.exec_run(["pidof", "haproxy"]).exit_code == 0)
    assert proxy.container.exec_run(["healthcheck"]).exit_code != 0
    members[1].sh("touch /tmp/writer")
    proxy.wait_healthy()
    members[1].sh("rm /tmp/writer")
    wait(lambda: answer(proxy, 3306) == "")
    assert proxy.container.exec_run(["healthcheck"]).exit_code == 0


def test_it_runs_without_rights(start: Start) -> None:
    proxy = start()
    wait(lambda: proxy.container.exec_run(["pidof", "haproxy"]).exit_code == 0)
    lines = proxy.sh("cat /proc/$(pidof haproxy)/status").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    assert fields["Uid"].split() == [str(USER)] * 4
    assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
    assert proxy.sh("touch /usr/x 2>&1 || true").endswith("Read-only file system")
    assert "haproxy_server_status" in proxy.sh(
        "exec 3<>/dev/tcp/127.0.0.1/8404; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
    )


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"MEMBERS": ""}, "MEMBERS is not set"),
        ({"MEMBERS": "a, b"}, 'MEMBERS: must be host names with commas between, got "a, b"'),
        (
            {"CACHE_MEMBERS": "a;b"},
            'CACHE_MEMBERS: must be host names with commas between, got "a;b"',
        ),
        ({"CHECK_FALL": "0"}, 'CHECK_FALL: must be a number, got "0"'),
        (
            {"CACHE_MEMBERS": "a", "CACHE_PASSWORD_FILE": "/no"},
            "CACHE_PASSWORD_FILE: /no can't be read",
        ),
    ],
)
def test_it_says_what_is_wrong_with_its_settings(
    start: Start, env: dict[str, str], message: str
) -> None:
    proxy = start(env=env)
    assert proxy.wait_exit() == 1
    assert message in proxy.logs()


def redis(running: Running, command: str, host: str = "127.0.0.1") -> str:
    """Answer to a command after the login."""
    login = base64.b64encode(f'AUTH "{QUOTED}"\n{command}\n'.encode()).decode()
    return running.sh(f"base64 -d <<< {login} | redis-cli -h {host}").removeprefix("OK\n")


def test_the_cache_is_the_redis_that_takes_writes(
    start: Start, built: Built, run: Run, network: str
) -> None:
    servers = [
        run(
            built("redis"),
            env={"REDIS_PASSWORD_FILE": "/run/secrets/password"},
            secrets={"password": PASSWORD},
            network=network,
            alias=f"cache-{number}",
        )
        for number in (1, 2, 3)
    ]
    for server in servers:
        server.wait_healthy()
        redis(server, f'CONFIG SET masterauth "{QUOTED}"')
    for follower in (0, 2):
        redis(servers[follower], "REPLICAOF cache-2 6379")
    proxy = start(
        env={
            "CACHE_MEMBERS": "cache-1,cache-2",
            "CACHE_PASSWORD_FILE": "/run/secrets/cache-password",
        },
        secrets={"cache-password": PASSWORD},
    )
    address = proxy.address(network)

    def role() -> str:
        return redis(servers[0], "INFO replication", address)

    wait(lambda: "role:master" in role())
    assert redis(servers[0], "SET who second", address) == "OK"
    assert redis(servers[1], "GET who") == "second"
    # Who calls itself the master while nobody follows it is not meant.
    wait(lambda: redis(servers[0], "GET who") == "second")
    redis(servers[0], "REPLICAOF NO ONE")
    deadline = time.monotonic() + 4
    while time.monotonic() < deadline:
        assert redis(servers[0], "SET who third", address) == "OK"
        assert redis(servers[0], "GET who") == "second"
    # It takes over.
    redis(servers[2], "REPLICAOF cache-1 6379")
    servers[1].container.kill()
    wait(lambda: "role:master" in role())
    assert redis(servers[0], "SET who first", address) == "OK"
    wait(lambda: redis(servers[2], "GET who") == "first")
    # The password is in the pipe to HAProxy alone.
    seen = proxy.sh("cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'; ls /tmp")
    assert "CACHE_PASSWORD_FILE" in seen
    assert "pa'ss" not in seen + proxy.logs()
