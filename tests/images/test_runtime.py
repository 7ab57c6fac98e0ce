"""PHP runtimes: what they consist of, and how they start, stop and tell their health."""

import http.client
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.images.browser import multipart
from tests.images.conftest import Built, Run, Running, Volume, networks, runs, volumes, wait
from tests.images.site import PASSWORD, ROOT, WWW_DATA, Site

pytestmark = pytest.mark.live

RUNTIMES = ["php-apache", "php-fpm"]
IMAGES = ["php", *RUNTIMES, "demo"]
MIB = 2**20
NEEDED = "curl dom fileinfo gd gettext iconv intl json ldap mbstring mysqli pdo_mysql redis zip"


@pytest.fixture(scope="module", params=RUNTIMES)
def site(
    request: pytest.FixtureRequest, session_client: docker.DockerClient, built: Built
) -> Iterator[Site]:
    """A database with the demo application's tables; replicas are for the tests to start."""
    image = built("demo", BASE=built(request.param))
    with (
        networks(session_client) as network,
        volumes(session_client) as volume,
        runs(session_client, volume) as run,
    ):
        site = Site(built, run, volume, network, image)
        assert site.start("migrate").wait_exit(60) == 0
        yield site


@pytest.fixture(scope="module")
def replica(site: Site) -> Running:
    """A replica that no test changes."""
    return site.replica()


# --- what is in them ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", IMAGES)
def test_carries_labels_a_health_check_and_the_user_of_the_web(
    built: Built, client: docker.DockerClient, name: str
) -> None:
    config = client.images.get(built(name, VERSION="1.2", REVISION="abc")).attrs["Config"]
    labels = {key.rsplit(".", 1)[-1]: value for key, value in config["Labels"].items()}
    assert labels["title"] == name
    assert labels["description"]
    assert (labels["version"], labels["revision"]) == ("1.2", "abc")
    assert config["User"] == f"{WWW_DATA}:{WWW_DATA}"
    assert config["Healthcheck"]["Test"] == ["CMD", "healthcheck"]
    assert config["StopSignal"] == "SIGTERM"


# Debian's figures of today with some air, all layers together, in MiB.
@pytest.mark.parametrize(
    ("name", "limit"), [("php", 280), ("php-apache", 300), ("php-fpm", 310), ("demo", 300)]
)
def test_is_small_and_holds_no_package_cache(
    built: Built, run: Run, client: docker.DockerClient, name: str, limit: int
) -> None:
    image = built(name)
    size = client.images.get(image).attrs["Size"] / MIB
    print(f"{name}: {size:.0f} MiB")
    assert size < limit
    # What is left are empty folders and locks.
    running = run(image, ["sh", "-c", "du -sk /var/cache/apt /var/lib/apt/lists 2>/dev/null; true"])
    assert running.wait_exit() == 0
    used = [int(line.split()[0]) for line in running.logs().splitlines()]
    assert len(used) == 2
    assert sum(used) < 100


@pytest.mark.parametrize("name", ["php", *RUNTIMES])
def test_php_has_what_studip_asks_for(built: Built, run: Run, name: str) -> None:
    running = run(built(name), ["php", "-m"])
    assert running.wait_exit() == 0
    assert set(NEEDED.split()) <= set(running.logs().lower().split())


def test_php_speaks_studips_languages(built: Built, run: Run) -> None:
    code = """
        echo setlocale(LC_ALL, "de_DE.UTF-8"), setlocale(LC_ALL, "en_GB.UTF-8");
        echo ini_get("variables_order");
    """
    running = run(built("php"), ["php", "-r", code])
    assert running.wait_exit() == 0
    assert running.logs() == "de_DE.UTF-8en_GB.UTF-8EGPCS"


# --- how they run ------------------------------------------------------------------------------


def test_runs_on_a_read_only_disk_without_root_or_capabilities(
    site: Site, replica: Running
) -> None:
    for status in replica.sh("cat /proc/[0-9]*/status").split("Name:")[1:]:
        fields = dict(line.split(":", 1) for line in status.splitlines()[1:] if ":" in line)
        if fields["Pid"].strip() == "1" or fields["Uid"].split()[0] == str(WWW_DATA):
            assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
            assert fields["Uid"].split() == [str(WWW_DATA)] * 4
    assert replica.sh("touch /var/www/studip/x 2>&1 || true").endswith("Read-only file system")
    assert site.browser(replica).get("/").status == 200


@pytest.mark.parametrize(
    ("path", "status", "kind", "text"),
    [
        ("/", 200, "text/html", "<title>Test &amp; Co</title>"),
        ("/api/status", 200, "application/json", '"schema":3'),
        ("/nothing/here", 404, "text/html", "There is nothing at this address."),
        ("/index.php/nothing/here", 404, "text/html", "There is nothing at this address."),
        ("/assets/style.css", 200, "text/css", "color-scheme"),
        ("/assets/none.css", 404, "text/html", "404"),
        ("/health", 200, "text/plain", "ready\n"),
        ("/live", 200, "text/plain", "alive\n"),
        ("/../lib/bootstrap.php", 400, "text/html", "400"),
        ("/%2e%2e/lib/bootstrap.php", 400, "text/html", "400"),
        ("/environment.php", 404, "text/html", "404"),
    ],
)
def test_addresses_lead_to_files_scripts_and_nowhere_else(
    site: Site, replica: Running, path: str, status: int, kind: str, text: str
) -> None:
    answer = site.browser(replica).get(path)
    assert (answer.status, answer.headers["content-type"].split(";")[0]) == (status, kind)
    assert text in answer.text
    assert "Warning" not in answer.text


def test_scripts_that_users_upload_are_not_run(site: Site, built: Built, run: Run) -> None:
    """Pictures are served from where users put them."""
    running = run(
        site.image,
        ["sh", "-c", "printf '<?php echo 6 * 7;' >public/pictures/evil.php && exec entrypoint web"],
        volumes={site.pictures: f"{ROOT}/public/pictures"},
    )
    wait(lambda: running.sh("curl -s http://127.0.0.1/live || true") == "alive")
    assert running.sh("php public/pictures/evil.php") == "42"
    assert "42" not in running.sh("curl -s http://127.0.0.1/pictures/evil.php")
    assert running.sh("curl -sI http://127.0.0.1/pictures/evil.php | head -1").split()[1] == "200"


def test_what_the_application_logs_comes_out_at_standard_error(
    site: Site, replica: Running
) -> None:
    replica.sh("echo from-studip >>/tmp/studip.log")
    wait(lambda: b"from-studip\n" in replica.container.logs(stdout=False), 5)
    site.browser(replica).get("/asked-for")
    wait(lambda: b'"GET /asked-for HTTP/1.1" 404' in replica.container.logs(stderr=False), 5)
    assert "GET /live" not in replica.logs()


def test_no_secret_is_seen_in_its_environment_arguments_log_or_description(
    site: Site, replica: Running, client: docker.DockerClient
) -> None:
    assert PASSWORD in replica.sh("cat /run/secrets/database-password")
    seen = [
        str(client.api.inspect_container(replica.container.id)),
        str(client.api.history(site.image)),
        replica.logs(),
        replica.sh("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' ' '"),
        replica.sh("grep -r word_ /tmp || true"),
    ]
    assert "MYSQL_PASSWORD_FILE" in "".join(seen)
    assert not [text for text in seen if "word_$HOME" in text]


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"DRAIN_SECONDS": "soon"}, 'DRAIN_SECONDS: must be a number of seconds, got "soon"'),
        ({"DRAIN_SECONDS": ""}, 'DRAIN_SECONDS: must be a number of seconds, got ""'),
        ({"CRON_INTERVAL": "1m"}, 'CRON_INTERVAL: must be a number of seconds, got "1m"'),
    ],
)
def test_says_what_is_wrong_with_its_settings(
    site: Site, env: dict[str, str], message: str
) -> None:
    running = site.start("web", **env)
    assert running.wait_exit() == 1
    assert running.logs() == f"error: {message}\n"


@pytest.mark.parametrize(
    ("trusted", "believed"),
    [("all", True), ("none", False), ("203.0.113.0/24 {own}", True), ("203.0.113.0/24", False)],
)
def test_forwarded_headers_are_believed_from_trusted_proxies_only(
    site: Site, client: docker.DockerClient, trusted: str, believed: bool
) -> None:
    (network,) = site.database.container.attrs["NetworkSettings"]["Networks"]
    pool = client.networks.get(network).attrs["IPAM"]["Config"][0]["Subnet"]
    running = site.replica(
        TRUSTED_PROXIES=trusted.format(own=pool), AUTO_PROXY="1", PROXY_URL="", CACHE_KIND=""
    )
    sent = {"X_Forwarded_Host": "told.example", "X_Forwarded_For": "198.51.100.7"}
    assert ("http://told.example/" in site.browser(running).get("/", **sent).text) is believed
    logged = b"198.51.100.7 " if believed else b"- "
    wait(lambda: b'"GET / HTTP/1.1" 200' in running.container.logs(stderr=False), 5)
    lines = running.container.logs(stderr=False).splitlines()
    (line,) = [line for line in lines if b'"GET / HTTP/1.1" 200' in line]
    assert line.startswith(logged)


# --- health ------------------------------------------------------------------------------------


def checked(running: Running) -> int:
    """Exit code of its health check."""
    code, _ = running.container.exec_run(["healthcheck"])
    return int(code)


@pytest.mark.parametrize(
    "wrong",
    [{"MYSQL_USER": "nobody"}, {"MYSQL_HOST": "nowhere"}, {"MYSQL_PASSWORD_FILE": "/none"}],
    ids=lambda wrong: "".join(wrong),
)
def test_a_replica_with_wrong_settings_never_gets_healthy(
    site: Site, wrong: dict[str, str]
) -> None:
    running = site.start("web", **wrong)
    browser = site.browser(running)
    wait(lambda: running.sh("curl -s http://127.0.0.1/live || true") == "alive")
    assert checked(running) != 0
    assert browser.get("/health").status == 503
    assert browser.get("/health").text == "the database is not reachable\n"
    assert browser.get("/live").status == 200
    assert "not ready: " in running.logs()


def test_a_database_that_hangs_makes_replicas_unready_but_kills_none(site: Site) -> None:
    running = site.replica()
    browser = site.browser(running)
    site.database.container.pause()
    try:
        # Another member may take the writes over: all replicas wait for that, none is worse.
        started = time.monotonic()
        assert browser.get("/health").status == 200
        assert time.monotonic() - started < 4
        wait(lambda: browser.get("/health").status == 503, 20)
        assert time.monotonic() - started > 5
        assert browser.get("/health").text == "the database is not reachable\n"
        assert checked(running) == 0
        page = browser.get("/")
        assert page.status == 503
        assert "The platform can not answer at the moment." in page.text
        assert page.headers["retry-after"] == "2"
    finally:
        site.database.container.unpause()
    wait(lambda: browser.get("/health").status == 200)
    assert browser.get("/").status == 200


def test_a_replica_whose_shared_storage_refuses_or_hangs_says_so_to_who_asks(site: Site) -> None:
    running = site.replica()
    browser = site.browser(running)

    def usable() -> bool:
        return browser.get("/health?storage").status == 200

    wait(usable, 5)
    running.sh("rm data/upload_doc/.probe; chmod 555 data/upload_doc")
    try:
        wait(lambda: not usable(), 5)
        assert browser.get("/health?storage").text == "the shared storage can't be used\n"
        assert browser.get("/health").status == 200
        assert checked(running) == 0
    finally:
        running.sh("chmod 750 data/upload_doc")
    restored = time.monotonic()
    wait(usable, 30)
    assert time.monotonic() - restored > 8
    refusals = [line for line in running.logs().splitlines() if "the shared storage can't" in line]
    (refusal,) = refusals
    assert refusal.endswith("Permission denied")
    # As a mount does that waits for its servers: who tries waits with it.
    watch = running.sh("grep -lz '^/usr/local/bin/entrypoint$' /proc/[0-9]*/cmdline | cut -d/ -f3")
    running.sh(f"kill -STOP {' '.join(watch.split())}")
    wait(lambda: not usable(), 15)
    assert browser.get("/health").status == 200
    running.sh(f"kill -CONT {' '.join(watch.split())}")
    wait(usable, 5)


def test_a_replica_whose_web_server_hangs_is_unhealthy(site: Site) -> None:
    running = site.replica()
    running.sh("kill -STOP $(pgrep 'apache2|nginx' || pidof apache2 nginx)")
    assert checked(running) != 0


def test_a_container_ends_when_its_web_server_does(site: Site) -> None:
    running = site.replica()
    running.sh("kill -KILL $(pidof apache2 php-fpm php-fpm8.2)")
    assert running.wait_exit(15) == 1
    assert "error: the web server ended by itself" in running.logs()


# --- stopping ----------------------------------------------------------------------------------


def test_a_stopping_replica_says_so_before_it_stops(site: Site) -> None:
    running = site.replica(DRAIN_SECONDS="3")
    browser = site.browser(running)
    running.container.kill("TERM")
    started = time.monotonic()
    wait(lambda: browser.get("/health").status == 503, 2)
    assert browser.get("/health").text == "draining\n"
    assert browser.get("/").status == 200
    assert running.wait_exit(15) == 0
    assert time.monotonic() - started > 2.5


def test_requests_under_way_are_answered_by_a_replica_that_stops(site: Site) -> None:
    running = site.replica(DRAIN_SECONDS="1")
    host = site.browser(running).host
    kind, body = multipart("slow.txt", b"slow" * 1000)
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.putrequest("POST", "/api/upload")
    connection.putheader("Content-Type", kind)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:1000])
    stopper = threading.Thread(target=running.container.stop, kwargs={"timeout": 25})
    stopper.start()
    time.sleep(2.5)  # past the draining, in the graceful stop
    connection.send(body[1000:])
    answer = connection.getresponse()
    assert answer.status == 201
    assert b'"slow.txt"' in answer.read()
    connection.close()
    stopper.join()
    assert running.wait_exit() == 0


# --- on official images ------------------------------------------------------------------------


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_stands_on_an_official_image_too(
    built: Built, run: Run, volume: Volume, network: str, runtime: str
) -> None:
    official = built(
        runtime,
        SOURCE="upstream",
        BASE=built("php", SOURCE="upstream"),
        UPSTREAM=built("official-php"),
    )
    listed = run(official, ["php", "-m"])
    assert listed.wait_exit() == 0, listed.logs()
    assert set(NEEDED.split()) <= set(listed.logs().lower().split())
    site = Site(built, run, volume, network, built("demo", BASE=official))
    assert site.start("migrate").wait_exit(60) == 0
    replica = site.replica(CACHE_KIND="")
    assert site.browser(replica).get("/").status == 200
    assert replica.sh("php -r 'echo setlocale(LC_ALL, \"de_DE.UTF-8\");'") == "de_DE.UTF-8"
    # What an extension was linked with is brought; what it was built with stays behind.
    installed = replica.sh("dpkg-query --show --showformat '${Package} '").split()
    assert "libzip4" in installed
    assert "libzip-dev" not in installed


# --- online ------------------------------------------------------------------------------------


def test_alpine_is_configured_as_debian_is() -> None:
    """It is built where there is a hub only; so its recipe may differ in packages, not in more."""
    images = Path(__file__).parents[2] / "images"

    def configuration(name: str) -> list[str]:
        text = (images / name / "Dockerfile").read_text()
        lines = text[text.index("RUN mv /usr/local/share/studip/fpm") :].splitlines()
        return [line for line in lines if "image.title" not in line and "description" not in line]

    assert configuration("php-fpm-alpine") == configuration("php-fpm")
