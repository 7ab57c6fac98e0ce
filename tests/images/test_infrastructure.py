"""The platform's own images do their work under the restrictions they run with."""

import base64
import gzip
import hashlib
import io
import json
import ssl
import tarfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import docker
import pytest

from tests.images.conftest import Built, Run, Running, Volume, wait, write_secrets

pytestmark = pytest.mark.live

USER = 999
SERVERS = ["haproxy", "mariadb", "redis", "registry"]
# A quote, a backslash and what a shell expands: a password is only text.
PASSWORD = 'it\'s \\ "a" $HOME `id` %40'[:-4].replace(" ", "_")
ROOT_PASSWORD = "root_" + PASSWORD
MIB = 2**20


# --- all of them -------------------------------------------------------------------------------


@pytest.fixture
def start(built: Built, run: Run, volume: Volume) -> Callable[..., Running]:
    """`start("redis")` runs an image with the least that it needs."""

    def start(name: str, **more: Any) -> Running:
        usual: dict[str, dict[str, Any]] = {
            "haproxy": {"env": {"BACKEND_HOST": "tasks.web"}},
            "mariadb": {
                "env": {
                    "MARIADB_DATABASE": "studip_dev",
                    "MARIADB_USER": "studip",
                    "MARIADB_PASSWORD_FILE": "/run/secrets/password",
                    "MARIADB_ROOT_PASSWORD_FILE": "/run/secrets/root-password",
                },
                "secrets": {"password": PASSWORD, "root-password": ROOT_PASSWORD},
                "tmpfs": ["/tmp", "/run/mysqld"],
            },
            "redis": {
                "env": {"REDIS_PASSWORD_FILE": "/run/secrets/password"},
                "secrets": {"password": PASSWORD},
            },
            "registry": {},
        }
        options = usual[name] | more
        data = {"mariadb": "/var/lib/mysql", "registry": "/var/lib/registry"}.get(name)
        if data and "volumes" not in options:
            options["volumes"] = {volume(): data}
        options["env"] = usual[name].get("env", {}) | more.get("env", {})
        return run(options.pop("image", None) or built(name), **options)

    return start


Start = Callable[..., Running]


@pytest.mark.parametrize("name", SERVERS)
def test_gets_healthy_with_a_read_only_root_and_no_capabilities(start: Start, name: str) -> None:
    running = start(name)
    running.wait_healthy()
    status = running.sh(
        "cat /proc/$(pidof -s haproxy mariadbd redis-server docker-registry)/status"
    )
    fields = dict(line.split(":", 1) for line in status.splitlines())
    assert fields["Uid"].split() == [str(USER)] * 4
    assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
    assert running.sh("touch /usr/x 2>&1 || true").endswith("Read-only file system")


@pytest.mark.parametrize("name", SERVERS)
def test_its_first_check_waits_for_the_server_and_later_ones_take_their_time(
    start: Start, built: Built, client: docker.DockerClient, name: str
) -> None:
    """Beside a server that is late, and without checks of the engine's own."""
    config = client.images.get(built(name)).attrs["Config"]
    late = ["bash", "-c", 'sleep 1; exec entrypoint "$@"', "late", *config["Cmd"]]
    running = start(name, command=late, interval=600)
    code = 1
    for _ in range(20):
        began = time.monotonic()
        code, output = running.container.exec_run(["healthcheck"])
        if code == 0:
            break
        assert time.monotonic() - began >= 3, f"it gave up early: {output}"
    assert code == 0, output
    began = time.monotonic()
    code, output = running.container.exec_run(["healthcheck"])
    assert code == 0, output
    assert time.monotonic() - began >= 5


@pytest.mark.parametrize("name", SERVERS)
def test_gets_unhealthy_when_its_server_hangs(start: Start, name: str) -> None:
    running = start(name)
    running.wait_healthy()
    running.sh("kill -STOP $(pidof haproxy mariadbd redis-server docker-registry)")
    code, _ = running.container.exec_run(["timeout", "9", "healthcheck"])
    assert code != 0


@pytest.mark.parametrize("name", SERVERS)
def test_stands_on_an_official_image_too(start: Start, built: Built, name: str) -> None:
    """Our own image stands in for the official one, which has the same programs."""
    official = built("official-registry" if name == "registry" else name)
    running = start(name, image=built(name, "upstream", BASE=official))
    running.wait_healthy()
    assert running.sh("id -u") == str(USER)


@pytest.mark.parametrize("name", ["base", *SERVERS])
def test_carries_labels_a_health_check_and_no_root(
    built: Built, client: docker.DockerClient, name: str
) -> None:
    revision = {"VERSION": "1.2", "REVISION": "abc", "CREATED": "2026-01-02T03:04:05Z"}
    config = client.images.get(built(name, **revision)).attrs["Config"]
    prefix = "org.opencontainers.image."
    for label, value in revision.items():
        assert config["Labels"][f"{prefix}{label.lower()}"] == value
    assert config["Labels"][f"{prefix}title"] == name
    assert config["Labels"][f"{prefix}description"]
    assert config["Labels"][f"{prefix}base.name"]
    if name != "base":
        assert config["Labels"][f"{prefix}licenses"]
        assert config["User"] == f"{USER}:{USER}"
        assert config["Healthcheck"]["Test"] == ["CMD", "healthcheck"]


@pytest.mark.parametrize("name", ["base", *SERVERS])
def test_adds_little_to_its_base_and_no_package_cache(
    built: Built, client: docker.DockerClient, name: str
) -> None:
    """What the layers of the image itself hold, not those of its base."""
    image = client.images.get(built(name))
    # haproxy 22, mariadb 90, redis 8, registry 24: figures of Debian's packages, with some air.
    limits = {"base": 10, "haproxy": 30, "mariadb": 160, "redis": 15, "registry": 30}
    base = client.images.get(image.labels["org.opencontainers.image.base.name"])
    assert (image.attrs["Size"] - base.attrs["Size"]) / MIB < limits[name]
    added = list(_files(client, image.id, skip=len(base.attrs["RootFS"]["Layers"])))
    assert added
    caches = ("var/cache/apt/", "var/lib/apt/lists/", "var/log/", "tmp/", "root/")
    assert [path for path in added if path.startswith(caches)] == []


def _files(client: docker.DockerClient, image: str, skip: int) -> Iterator[str]:
    """Paths of all non-empty files in an image's layers but the first `skip`."""
    saved = io.BytesIO(b"".join(client.api.get_image(image)))
    with tarfile.open(fileobj=saved) as outer:
        manifest = json.load(outer.extractfile("manifest.json"))  # type: ignore[arg-type]
        for layer in manifest[0]["Layers"][skip:]:
            with tarfile.open(fileobj=outer.extractfile(layer)) as inner:
                yield from (entry.name for entry in inner if entry.isfile() and entry.size)


@pytest.mark.parametrize("name", ["mariadb", "redis"])
def test_keeps_its_passwords_out_of_sight(
    start: Start, client: docker.DockerClient, name: str
) -> None:
    running = start(name)
    running.wait_healthy()
    processes = running.sh("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    environment = running.sh("cat /proc/[0-9]*/environ | tr '\\0' '\\n'")
    inspected = json.dumps(client.api.inspect_container(running.container.id))
    logs = running.logs()
    assert name in processes
    assert "PASSWORD_FILE" in environment
    assert "PASSWORD_FILE" in inspected
    for text in (processes, environment, inspected, logs):
        assert PASSWORD not in text
        assert json.dumps(PASSWORD)[1:-1] not in text
        assert "it's" not in text
    # Neither on a disk or tmpfs, beside the secret itself.
    part = base64.b64encode(PASSWORD[:8].encode()).decode()
    places = "/tmp /run /var/lib/mysql /usr/local /etc"
    found = running.sh(f"grep -rlsF -f <(base64 -d <<< {part}) {places} || true").split()
    secrets = running.sh("ls /run/secrets").split()
    assert sorted(found) == [f"/run/secrets/{file}" for file in secrets]


@pytest.mark.parametrize(
    ("name", "env", "message"),
    [
        ("haproxy", {"BACKEND_HOST": ""}, "BACKEND_HOST is not set"),
        ("haproxy", {"BACKEND_SLOTS": "many"}, 'BACKEND_SLOTS: must be a number, got "many"'),
        ("haproxy", {"CERTIFICATES": "/no/such"}, "CERTIFICATES: /no/such cannot be read"),
        ("mariadb", {"MARIADB_DATABASE": ""}, "MARIADB_DATABASE is not set"),
        ("mariadb", {"MARIADB_USER": "a`b"}, "MARIADB_USER: only letters, digits and _"),
        ("mariadb", {"MARIADB_PASSWORD_FILE": "/no"}, "MARIADB_PASSWORD_FILE: /no cannot be read"),
        ("mariadb", {"MARIADB_ROOT_PASSWORD_FILE": ""}, "MARIADB_ROOT_PASSWORD_FILE is not set"),
        ("mariadb", {"MARIADB_PASSWORD_FILE": "/dev/null"}, "/dev/null is empty"),
        ("redis", {"REDIS_PASSWORD_FILE": ""}, "REDIS_PASSWORD_FILE is not set"),
        ("redis", {"REDIS_PASSWORD_FILE": "/no"}, "REDIS_PASSWORD_FILE: /no cannot be read"),
        ("redis", {"REDIS_PASSWORD_FILE": "/dev/null"}, "/dev/null is empty"),
        ("redis", {"MAXMEMORY": "much"}, "MAXMEMORY: must be a number with kb, mb or gb, got much"),
        (
            "registry",
            {"REGISTRY_HTPASSWD_FILE": "/no"},
            "REGISTRY_HTPASSWD_FILE: /no cannot be read",
        ),
    ],
)
def test_says_what_is_wrong_with_its_settings(
    start: Start, name: str, env: dict[str, str], message: str
) -> None:
    running = start(name, env=env)
    assert running.wait_exit() == 1
    assert message in running.logs()


# --- MariaDB -----------------------------------------------------------------------------------


def query(running: Running, sql: str, user: str = "studip", password: str = PASSWORD) -> str:
    """Result of a statement over TCP, as the application asks."""
    options = f"[client]\nuser={user}\npassword={_option(password)}\nhost=127.0.0.1\n"
    encoded = base64.b64encode(options.encode()).decode()
    return running.sh(
        f'mariadb --defaults-file=<(base64 -d <<< {encoded}) --protocol=tcp -BNe "{sql}"'
    )


def _option(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def test_the_application_owns_its_database_and_nothing_else(start: Start) -> None:
    running = start("mariadb")
    running.wait_healthy()
    query(running, "CREATE TABLE studip_dev.t (x INT)")
    assert query(running, "SHOW DATABASES").split() == ["information_schema", "studip_dev"]
    with pytest.raises(AssertionError, match="denied"):
        query(running, "CREATE DATABASE studipXdev")
    # Nobody comes in without a password.
    with pytest.raises(AssertionError, match="denied"):
        query(running, "SELECT 1", password="")
    with pytest.raises(AssertionError, match="denied"):
        query(running, "SELECT 1", user="mysql", password="")


def test_root_has_the_password_of_its_file(start: Start) -> None:
    running = start("mariadb")
    running.wait_healthy()
    options = base64.b64encode(f"[client]\npassword={_option(ROOT_PASSWORD)}\n".encode()).decode()
    # From another user of the system, to whom the socket alone opens nothing.
    login = "mariadb --user=root -BNe 'SELECT CURRENT_USER()'"
    with pytest.raises(AssertionError, match="denied"):
        running.sh(login, user="33")
    asked = login.replace("mariadb", f"mariadb --defaults-extra-file=<(base64 -d <<< {options})", 1)
    assert running.sh(asked, user="33") == "root@localhost"


def test_a_database_killed_in_its_first_start_starts_again(start: Start, volume: Volume) -> None:
    data = volume()
    for delay in (0.3, 0.8, 1.5):
        running = start("mariadb", volumes={data: "/var/lib/mysql"})
        time.sleep(delay)
        running.container.kill()
        running.container.remove(v=True)
    interrupted = start("mariadb", volumes={data: "/var/lib/mysql"})
    interrupted.wait_healthy()
    assert interrupted.sh("ls /var/lib/mysql") == "data"
    query(interrupted, "CREATE TABLE studip_dev.t (x INT)")


def test_data_outlives_a_kill_and_passwords_follow_their_files(
    start: Start, built: Built, volume: Volume, client: docker.DockerClient
) -> None:
    data, files = volume(), volume()
    volumes = {data: "/var/lib/mysql"}
    old = {"password": PASSWORD, "root-password": ROOT_PASSWORD}
    write_secrets(client, built("mariadb"), files, old, USER)
    running = start("mariadb", volumes=volumes, secrets=files)
    running.wait_healthy()
    query(running, "CREATE TABLE studip_dev.t SELECT 7 AS x")
    running.container.kill()
    running.container.remove(v=True)

    new = {"password": "another", "root-password": "another-root"}
    write_secrets(client, built("mariadb"), files, new, USER)
    running = start("mariadb", volumes=volumes, secrets=files)
    running.wait_healthy()
    assert query(running, "SELECT x FROM studip_dev.t", password="another") == "7"
    with pytest.raises(AssertionError, match="denied"):
        query(running, "SELECT 1")


def test_the_database_stops_in_order(start: Start) -> None:
    running = start("mariadb")
    running.wait_healthy()
    running.container.stop(timeout=30)
    assert running.wait_exit() == 0
    assert "Shutdown complete" in running.logs()


def test_parameters_of_the_mounted_folder_win(
    start: Start, built: Built, volume: Volume, client: docker.DockerClient
) -> None:
    running = start("mariadb")
    running.wait_healthy()
    variable = "SELECT @@innodb_buffer_pool_size DIV 1048576, @@character_set_server"
    assert query(running, variable).split() == ["64", "utf8mb4"]

    folder, data = volume(), volume()
    text = "[mysqld]\ninnodb_buffer_pool_size = 32M\n"
    write_secrets(client, built("mariadb"), folder, {"parameters.cnf": text}, USER)
    running = start("mariadb", volumes={data: "/var/lib/mysql", folder: "/etc/mysql/studip.d"})
    running.wait_healthy()
    assert query(running, variable).split() == ["32", "utf8mb4"]


# --- Redis -------------------------------------------------------------------------------------


def redis(running: Running, *commands: str, password: str = PASSWORD) -> list[str]:
    """Answers to commands after the login."""
    script = "; ".join([redis_login(password), *(f"echo '{command}'" for command in commands)])
    return running.sh(f"{{ {script}; }} | redis-cli").splitlines()


def redis_login(password: str) -> str:
    """Shell command that writes the command to log in."""
    quoted = password.replace("\\", "\\\\").replace('"', '\\"')
    encoded = base64.b64encode(f'AUTH "{quoted}"\n'.encode()).decode()
    return f"base64 -d <<< {encoded}"


def test_the_cache_wants_its_password(start: Start) -> None:
    running = start("redis")
    running.wait_healthy()
    assert "NOAUTH" in running.sh("redis-cli PING")
    assert redis(running, "PING", password="wrong")[0].startswith("WRONGPASS")
    assert redis(running, "SET a 1", "GET a") == ["OK", "OK", "1"]


def test_the_cache_drops_the_oldest_and_writes_nothing(start: Start) -> None:
    running = start("redis", env={"MAXMEMORY": "4mb"})
    running.wait_healthy()
    # 10 MB in 1000 values.
    value = "$(head -c 10000 /dev/zero | tr '\\0' x)"
    login = redis_login(PASSWORD)
    answers = running.sh(
        f"value={value}; {{ {login}; for key in {{1..1000}}; do echo SET $key $value; done; }}"
        " | redis-cli"
    )
    assert set(answers.split()) == {"OK"}
    keys = int(redis(running, "DBSIZE")[1])
    assert 0 < keys < 500
    assert redis(running, "CONFIG GET save")[1:] in (["save"], ["save", ""])
    assert running.sh("ls -A /tmp") == ""


# --- registry ----------------------------------------------------------------------------------


@pytest.fixture
def registry(start: Start, network: str) -> tuple[Running, str]:
    """A registry and its URL."""
    running = start("registry", network=network)
    running.wait_healthy()
    return running, f"http://{running.address(network)}:5000/v2/"


def ask(
    url: str, method: str = "GET", data: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case and body; redirects are not followed."""
    request = urllib.request.Request(url, data=data, method=method)
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with OPENER.open(request, timeout=10) as answer:
            return answer.status, _lower(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, _lower(error.headers), error.read()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


# Self-signed certificates do; the machine's proxy is not asked.
CONTEXT = ssl._create_unverified_context()
OPENER = urllib.request.build_opener(
    NoRedirect, urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=CONTEXT)
)


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def push(url: str, repository: str, content: bytes) -> str:
    """Push an image of one blob: the digest of its manifest."""
    _, headers, _ = ask(f"{url}{repository}/blobs/uploads/", "POST", b"")
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    place = headers["location"]
    status, _, _ = ask(
        f"{place}&digest={digest}", "PUT", content, Content_Type="application/octet-stream"
    )
    assert status == 201
    blob = {"mediaType": "application/octet-stream", "size": len(content), "digest": digest}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": blob, "layers": [blob]}
    status, headers, text = ask(
        f"{url}{repository}/manifests/latest",
        "PUT",
        json.dumps(manifest).encode(),
        Content_Type=MANIFEST,
    )
    assert status == 201, text
    return headers["docker-content-digest"]


def used(running: Running) -> int:
    """Bytes of all blobs."""
    return int(running.sh("du -sb /var/lib/registry/docker/registry/v2/blobs").split()[0])


def test_the_registry_deletes_and_gives_the_room_back(registry: tuple[Running, str]) -> None:
    running, url = registry
    kept = push(url, "studip/web", b"kept" * 1000)
    gone = push(url, "studip/web", b"gone" * 100_000)
    before = used(running)
    assert ask(f"{url}studip/web/manifests/{gone}", "DELETE")[0] == 202
    running.sh("docker-registry garbage-collect /etc/docker/registry/config.yml")
    assert before - used(running) > 400_000
    assert ask(f"{url}studip/web/manifests/{gone}", Accept=MANIFEST)[0] == 404
    assert ask(f"{url}studip/web/manifests/{kept}", Accept=MANIFEST)[0] == 200


def test_the_registry_asks_for_a_login_where_it_has_a_password_file(
    start: Start, network: str
) -> None:
    # bcrypt of `password`
    line = "operator:$2b$05$CCCCCCCCCCCCCCCCCCCCC.aDV7CQarKHMuNfh2oJkFzsHZya4whFe"
    running = start(
        "registry",
        network=network,
        env={"REGISTRY_HTPASSWD_FILE": "/run/secrets/htpasswd"},
        secrets={"htpasswd": line},
    )
    running.wait_healthy()
    url = f"http://{running.address(network)}:5000/v2/"

    def login(password: str) -> int:
        token = base64.b64encode(f"operator:{password}".encode()).decode()
        return ask(url, Authorization=f"Basic {token}")[0]

    assert (ask(url)[0], login("wrong"), login("password")) == (401, 401, 200)


@pytest.mark.parametrize("address", ["127.0.0.1:5017", "0.0.0.0:5017", ":5017"])
def test_the_registry_is_healthy_wherever_it_listens(start: Start, address: str) -> None:
    start("registry", env={"REGISTRY_HTTP_ADDR": address}).wait_healthy()


# --- HAProxy -----------------------------------------------------------------------------------

PORT = 8000  # of the replicas
# HAProxy itself plays the replicas: it says who it is and what it was sent.
REPLICA = """
defaults
    mode http
    timeout client 10s
    timeout connect 1s
    timeout server 10s
frontend replica
    bind :8000
    http-request set-var(proc.drains) bool(true) if { path /drain }
    http-request return status 503 if { path /health } { var(proc.drains) -m bool }
    http-request set-var(proc.stranded) bool(true) if { path /strand }
    acl stranded var(proc.stranded) -m bool
    http-request return status 503 if { path /health } { query storage } stranded
    http-request return status 200 if { path /health }
    http-request return status 503 if { env(BROKEN) -m found }
    http-request return status 200 content-type text/html lf-string "%[env(NAME)]\\n%[req.hdrs]"
"""


class Site:
    """A load balancer with replicas behind one name."""

    def __init__(self, start: Start, network: str) -> None:
        self._start = start
        self._network = network

    def replica(self, name: str, **env: str) -> Running:
        """Start one more replica."""
        return self._start(
            "haproxy",
            command=["haproxy", "-db", "-f", "/run/secrets/replica.cfg"],
            secrets={"replica.cfg": REPLICA},
            env={"NAME": name, **env},
            network=self._network,
            alias="tasks.web",
            stop_signal="SIGUSR1",  # ends what it has begun
        )

    def balancer(self, secrets: dict[str, str] | None = None, **env: str) -> str:
        """Start the load balancer: its address."""
        return self.balancing(secrets, **env).address(self._network)

    def balancing(self, secrets: dict[str, str] | None = None, **env: str) -> Running:
        """Start the load balancer."""
        running = self.starting(secrets, **env)
        running.wait_healthy()
        return running

    def starting(self, secrets: dict[str, str] | None = None, **env: str) -> Running:
        """Start the load balancer, and wait for nothing."""
        return self._start(
            "haproxy",
            env={"BACKEND_PORT": str(PORT), **env},
            secrets=secrets,
            network=self._network,
        )

    def wait_for(self, address: str, *names: str) -> None:
        """Wait until exactly these replicas get requests."""
        url = f"http://{address}:8080/"
        wait(lambda: {who(ask(url)[2]) for _ in range(8)} == set(names))


def who(page: bytes) -> str:
    """Name of the replica that wrote a page."""
    return page.decode().partition("\n")[0]


def received(page: bytes) -> dict[str, list[str]]:
    """Headers, by lower-case name, that the replica was sent."""
    found: dict[str, list[str]] = {}
    for line in unquote(page.decode()).splitlines()[1:]:
        name, _, value = line.partition(": ")
        found.setdefault(name.lower(), []).append(value)
    return found


@pytest.fixture
def site(start: Start, network: str) -> Site:
    """A load balancer with replicas behind one name."""
    return Site(start, network)


@pytest.fixture
def certificate(run: Run, built: Built) -> str:
    """A self-signed certificate with its key, as PEM."""
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout - -out -"
    )
    made = run(built("base"), command.split())
    assert made.wait_exit() == 0
    return "".join(f"{part}\n" for part in _blocks(made.logs()))


def _blocks(text: str) -> Iterator[str]:
    """The PEM blocks of a text."""
    inside = False
    for line in text.splitlines():
        inside = inside or line.startswith("-----BEGIN")
        if inside:
            yield line
        inside = inside and not line.startswith("-----END")


@pytest.mark.parametrize("https_port", [None, "443", "8443"])
def test_its_configuration_is_valid(start: Start, certificate: str, https_port: str | None) -> None:
    options: dict[str, Any] = {"env": {}}
    if https_port:
        options["secrets"] = {"certificate.pem": certificate}
        options["env"] = {
            "CERTIFICATES": "/run/secrets/certificate.pem",
            "HTTPS_PORT": https_port,
        }
    file = "/usr/local/etc/haproxy/haproxy.cfg"
    running = start("haproxy", command=["haproxy", "-c", "-f", file], **options)
    assert running.wait_exit() == 0, running.logs()
    assert "WARNING" not in running.logs()
    assert "Configuration file is valid" in running.logs()


def test_requests_reach_all_replicas_that_the_name_has(site: Site) -> None:
    address = site.balancer()
    assert ask(f"http://{address}:8080/")[0] == 503
    site.replica("a")
    site.replica("b")
    site.wait_for(address, "a", "b")
    site.replica("c")
    site.wait_for(address, "a", "b", "c")


def test_what_a_client_says_about_its_origin_is_overwritten(site: Site) -> None:
    address = site.balancer()
    site.replica("a")
    site.wait_for(address, "a")
    lies: dict[str, Any] = {
        "X_Forwarded_For": "6.6.6.6",
        "X_Forwarded_Host": "evil.example",
        "X_Forwarded_Port": "666",
        "X_Forwarded_Prefix": "/evil",
        "X_Forwarded_Proto": "gopher",
        "X_Real_IP": "6.6.6.6",
        "Forwarded": "for=6.6.6.6",
        "Proxy": "evil.example:666",
    }
    _, _, page = ask(f"http://{address}:8080/", Host="studip.example:8081", **lies)
    sent = received(page)
    assert "evil" not in str(sent)
    assert "6.6.6.6" not in str(sent)
    forwarded = {name: value for name, value in sent.items() if name.startswith("x-forwarded")}
    gateway = address.rsplit(".", 1)[0] + ".1"
    assert forwarded == {
        "x-forwarded-for": [gateway],
        "x-forwarded-host": ["studip.example:8081"],
        "x-forwarded-port": ["8081"],
        "x-forwarded-proto": ["http"],
    }
    assert sent["host"] == ["studip.example:8081"]
    without = received(ask(f"http://{address}:8080/", Host="studip.example")[2])
    assert without["x-forwarded-port"] == ["80"]


def test_pages_are_compressed_for_those_who_can_read_it(site: Site) -> None:
    address = site.balancer()
    site.replica("a")
    site.wait_for(address, "a")
    _, headers, page = ask(f"http://{address}:8080/", Accept_Encoding="gzip")
    assert headers["content-encoding"] == "gzip"
    assert who(gzip.decompress(page)) == "a"
    assert "content-encoding" not in ask(f"http://{address}:8080/")[1]


@pytest.mark.parametrize(("port", "shown"), [("443", ""), ("8443", ":8443")])
def test_plain_http_is_sent_to_https_where_there_is_a_certificate(
    site: Site, certificate: str, port: str, shown: str
) -> None:
    address = site.balancer(
        secrets={"certificate.pem": certificate},
        CERTIFICATES="/run/secrets/certificate.pem",
        HTTPS_PORT=port,
    )
    site.replica("a")
    status, headers, _ = ask(f"http://{address}:8080/a?b=c", Host="studip.example:8080")
    assert status == 308
    assert headers["location"] == f"https://studip.example{shown}/a?b=c"
    secure = f"https://{address}:8443/"
    wait(lambda: ask(secure)[0] == 200)
    sent = received(ask(secure, Host=f"studip.example{shown}")[2])
    assert sent["x-forwarded-proto"] == ["https"]
    assert sent["x-forwarded-port"] == [port]


def test_a_replica_that_answers_503_is_passed_over_unless_something_could_happen_twice(
    site: Site,
) -> None:
    address = site.balancer(STATISTICS_FROM="0.0.0.0/0")
    site.replica("good")
    site.wait_for(address, "good")
    site.replica("broken", BROKEN="1")
    metrics = f"http://{address}:8404/metrics"
    up = 'haproxy_server_status{proxy="replicas",server="replica2",state="UP"} 1'
    wait(lambda: up in ask(metrics)[2].decode())
    url = f"http://{address}:8080/"
    assert {ask(url)[0] for _ in range(20)} == {200}
    # Without a body, which would keep HAProxy from repeating it anyway.
    wait(lambda: ask(url, "POST", b"")[0] == 503)


def test_no_request_fails_while_all_replicas_are_replaced(site: Site, network: str) -> None:
    address = site.balancer()
    old = [site.replica(name) for name in ("old1", "old2")]
    site.wait_for(address, "old1", "old2")
    url = f"http://{address}:8080/"
    answers: list[tuple[int, str]] = []
    done = threading.Event()

    def load(method: str) -> None:
        body = b"x" if method == "POST" else None
        while not done.is_set():
            status, _, page = ask(url, method, body)
            answers.append((status, who(page)))

    threads = [threading.Thread(target=load, args=[method]) for method in ("GET", "GET", "POST")]
    for thread in threads:
        thread.start()
    try:
        for number, running in enumerate(old, 1):
            site.replica(f"new{number}")
            wait(lambda: f"new{number}" in {page for _, page in list(answers)})  # noqa: B023
            # As the application does: it says that it goes, and goes when nothing comes any more.
            ask(f"http://{running.address(network)}:{PORT}/drain")
            wait(lambda: f"old{number}" not in {page for _, page in answers[-50:]})  # noqa: B023
            running.container.stop(timeout=10)
        answers_with_new_only = len(answers) + 50
        wait(lambda: len(answers) > answers_with_new_only)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert {status for status, _ in answers} == {200}
    assert {page for _, page in answers[-20:]} == {"new1", "new2"}


def test_requests_go_to_replicas_that_have_the_storage_or_to_all_where_none_has(
    site: Site, network: str
) -> None:
    address = site.balancer()
    stranded, other = site.replica("stranded"), site.replica("other")
    site.wait_for(address, "stranded", "other")
    ask(f"http://{stranded.address(network)}:{PORT}/strand")
    site.wait_for(address, "other")
    # Now nobody is better off than the first.
    ask(f"http://{other.address(network)}:{PORT}/strand")
    statuses: set[int] = set()

    def both() -> bool:
        answers = [ask(f"http://{address}:8080/", "POST", b"x") for _ in range(8)]
        statuses.update(status for status, _, _ in answers)
        return {who(page) for _, _, page in answers} == {"stranded", "other"}

    wait(both)
    assert statuses == {200}


def test_who_waits_until_the_load_balancer_is_healthy_gets_a_page(site: Site, network: str) -> None:
    running = site.starting(WAIT_SECONDS="60")
    time.sleep(2)
    assert running.health() == "starting"
    site.replica("a")
    running.wait_healthy()
    assert ask(f"http://{running.address(network)}:8080/")[0] == 200


def test_a_load_balancer_without_replicas_is_healthy_in_the_end(site: Site) -> None:
    began = time.monotonic()
    site.starting(WAIT_SECONDS="3").wait_healthy()
    assert time.monotonic() - began > 2


def test_a_killed_replica_fails_no_request_that_only_reads(site: Site) -> None:
    address = site.balancer()
    victim = site.replica("victim")
    site.replica("other")
    site.wait_for(address, "victim", "other")
    killer = threading.Timer(0.5, victim.container.kill)
    killer.start()
    deadline = time.monotonic() + 4
    statuses = set()
    while time.monotonic() < deadline:
        statuses.add(ask(f"http://{address}:8080/")[0])
    killer.join()
    assert statuses == {200}
    site.wait_for(address, "other")


def test_statistics_are_kept_apart_from_the_site(site: Site) -> None:
    address = site.balancer(STATISTICS_FROM="0.0.0.0/0")
    site.replica("a")
    site.wait_for(address, "a")
    assert b"haproxy_process_uptime_seconds" in ask(f"http://{address}:8404/metrics")[2]
    assert b"Statistics Report" in ask(f"http://{address}:8404/")[2]
    assert who(ask(f"http://{address}:8080/metrics")[2]) == "a"


def test_statistics_are_for_networks_that_lead_nowhere_else(
    site: Site, client: docker.DockerClient
) -> None:
    inner = client.networks.create(f"studip-test-{uuid.uuid4().hex[:12]}", internal=True)
    running = site.balancing()
    try:
        inner.connect(running.container)
        running.container.restart(timeout=1)  # networks are looked for at the start
        wait(lambda: running.container.exec_run(["healthcheck"])[0] == 0)
        inside = running.address(str(inner.name))
        assert b"haproxy_process_uptime_seconds" in ask(f"http://{inside}:8404/metrics")[2]
        (outside,) = set(addresses(running)) - {inside}
        assert ask(f"http://{outside}:8080/")[0] == 503
        with pytest.raises(OSError, match=r"(?i)reset|closed"):
            ask(f"http://{outside}:8404/metrics")
    finally:
        running.container.remove(force=True)
        inner.remove()


def addresses(running: Running) -> list[str]:
    """Its IP addresses, in all networks."""
    running.container.reload()
    networks = running.container.attrs["NetworkSettings"]["Networks"].values()
    return [network["IPAddress"] for network in networks]


def test_requests_are_logged_to_standard_output(site: Site, client: docker.DockerClient) -> None:
    address = site.balancer()
    ask(f"http://{address}:8080/asked-for")
    balancer = next(
        one
        for one in client.containers.list()
        if any(
            network["IPAddress"] == address
            for network in one.attrs["NetworkSettings"]["Networks"].values()
        )
    )
    wait(lambda: b"GET /asked-for HTTP/1.1" in balancer.logs(stderr=False), 5)
