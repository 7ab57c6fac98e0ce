"""The demo application keeps Stud.IP's contract, on several replicas behind a load balancer."""

import hashlib
import threading
import time
from collections.abc import Iterator

import docker
import pytest

from tests.images.browser import Answer, Browser
from tests.images.conftest import Built, Running, Volume, networks, runs, volumes, wait
from tests.images.site import WWW_DATA, Site, replica_of

pytestmark = pytest.mark.live


class Platform:
    """A whole site with a load balancer, two replicas and a cron worker."""

    def __init__(self, site: Site) -> None:
        self.site = site
        site.cache().wait_healthy()
        self.migrations = [site.start("migrate"), site.start("migrate")]
        assert [one.wait_exit(60) for one in self.migrations] == [0, 0]
        self.cron = site.start("cron", CRON_INTERVAL="1")
        self.balancer = site.balancer()
        self.replicas = [site.start("web"), site.start("web")]
        for running in self.replicas:
            running.wait_healthy()
        self.wait_for(self.replicas)

    def wait_for(self, replicas: list[Running]) -> None:
        """Wait until exactly these replicas get requests."""
        names = {replica_of(running) for running in replicas}
        wait(lambda: {answered_by(self.browser().get("/")) for _ in range(8)} == names)

    def browser(self) -> Browser:
        """Somebody new in front of the load balancer."""
        return Browser(self.balancer.host, self.balancer.port)


def answered_by(answer: Answer) -> str:
    """Which replica an answer came from."""
    return answer.headers.get("x-replica", "")


@pytest.fixture(scope="module")
def platform(session_client: docker.DockerClient, built: Built) -> Iterator[Platform]:
    """A platform for all tests of this module; what they take away they put back."""
    with (
        networks(session_client) as network,
        volumes(session_client) as volume,
        runs(session_client, volume) as run,
    ):
        yield Platform(Site(built, run, volume, network, built("demo")))


@pytest.fixture
def site(
    client: docker.DockerClient, built: Built, network: str, volume: object, run: object
) -> Site:
    """A database without tables."""
    return Site(built, run, volume, network, built("demo"))  # type: ignore[arg-type]


@pytest.fixture
def browser(platform: Platform) -> Browser:
    """Somebody new in front of the load balancer."""
    return platform.browser()


@pytest.fixture
def replicas(platform: Platform) -> list[Browser]:
    """Browsers that look at one replica each."""
    return [platform.site.browser(running) for running in platform.replicas]


# --- sessions ----------------------------------------------------------------------------------


def test_nobody_gets_a_cookie_before_they_sign_in(browser: Browser) -> None:
    assert browser.get("/").status == 200
    assert browser.get("/api/session").json["name"] is None
    assert browser.cookies == {}


def test_a_session_goes_on_at_any_replica(browser: Browser) -> None:
    assert browser.post("/api/login", name="Ada Lovelace").json["name"] == "Ada Lovelace"
    sessions = [browser.get("/api/session").json for _ in range(10)]
    assert [session["visits"] for session in sessions] == list(range(2, 12))
    assert {session["name"] for session in sessions} == {"Ada Lovelace"}
    assert len({session["replica"] for session in sessions}) == 2


def test_a_session_survives_the_loss_of_its_replica(platform: Platform, browser: Browser) -> None:
    name = browser.post("/api/login", name="Ada").json["replica"]
    victim = next(one for one in platform.replicas if replica_of(one) == name)
    visits = browser.get("/api/session").json["visits"]
    victim.container.kill()
    after = [browser.get("/api/session") for _ in range(10)]
    assert {answer.status for answer in after} == {200}
    assert [answer.json["visits"] for answer in after] == list(range(visits + 1, visits + 11))
    assert name not in {answer.json["replica"] for answer in after}
    platform.replicas.remove(victim)
    platform.replicas.append(platform.site.replica())
    platform.wait_for(platform.replicas)


def test_signing_in_changes_the_session_and_signing_out_ends_it(browser: Browser) -> None:
    browser.post("/api/login", name="first")
    before = dict(browser.cookies)
    assert browser.post("/login", name="second").status == 303
    assert browser.cookies != before
    stolen = Browser(browser.host, browser.port, cookies=before)
    assert stolen.get("/api/session").json["name"] is None
    current = Browser(browser.host, browser.port, cookies=dict(browser.cookies))
    assert current.get("/api/session").json["name"] == "second"
    browser.post("/api/logout")
    assert current.get("/api/session").json["name"] is None


def test_a_cookie_that_we_never_gave_is_not_taken(browser: Browser) -> None:
    browser.cookies["Seminar_Session"] = "x" * 26
    browser.post("/api/login", name="Ada")
    assert browser.cookies["Seminar_Session"] != "x" * 26


def test_what_users_call_themselves_is_only_text(browser: Browser) -> None:
    browser.post("/api/login", name='<script>alert(1)</script>"&')
    page = browser.get("/").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&amp;" in page
    assert "<script>alert" not in page


# --- files -------------------------------------------------------------------------------------


def test_a_file_uploaded_on_one_replica_is_read_on_the_other(replicas: list[Browser]) -> None:
    one, other = replicas
    content = bytes(range(256)) * 1000
    one.post("/api/login", name="Ada")
    sent = one.upload("/api/upload", "lecture notes.pdf", content)
    assert sent.status == 201
    entry = sent.json
    assert entry["size"] == len(content)
    assert entry["sha256"] == hashlib.sha256(content).hexdigest()
    assert entry["author"] == "Ada"
    assert entry in other.get("/api/files").json["files"]
    got = other.get(f"/api/files/{entry['id']}")
    assert got.status == 200
    assert got.body == content
    assert answered_by(sent) != answered_by(got)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../../etc/passwd", "passwd"),
        ("C:\\\\files\\\\b.txt", "b.txt"),
        ("<img src=x>.html", "<img src=x>.html"),
        ("Übung.txt", "Übung.txt"),
    ],
)
def test_a_file_is_saved_under_its_own_name_and_never_shown(
    browser: Browser, sent: str, kept: str
) -> None:
    entry = browser.upload("/api/upload", sent, b"<script>alert(1)</script>").json
    assert entry["name"] == kept
    got = browser.get(f"/files/{entry['id']}")
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert "<img" not in browser.get("/").text


def test_a_file_that_is_too_large_or_missing_is_refused(platform: Platform) -> None:
    browser = platform.site.browser(platform.site.replica(PHP_UPLOAD_LIMIT="10K"))
    before = browser.get("/api/files").json
    large = browser.upload("/api/upload", "large", b"x" * 20_000)
    assert (large.status, large.json["error"]) == (
        400,
        'no file was sent in the field "file", or it is too large',
    )
    assert browser.post("/api/upload").status == 400
    assert browser.get("/api/files/" + "0" * 32).status == 404
    assert browser.get("/api/files/..%2f..%2fetc").status == 404
    assert browser.get("/api/files").json == before


# --- database ----------------------------------------------------------------------------------


def test_migrations_started_at_the_same_time_run_once(platform: Platform) -> None:
    said = "".join(one.logs() for one in platform.migrations)
    assert said.count("migrate: installed, with demo data") == 1
    assert said.count("migrating to 2: ") == said.count("migrating to 3: ") == 1
    assert said.count("migrate: the database is up to date") == 2


@pytest.mark.fault
def test_sixteen_replicas_on_an_empty_database_install_and_migrate_once(site: Site) -> None:
    site.database.wait_healthy()
    replicas = [site.start("web", AUTO_MIGRATE="1") for _ in range(16)]
    for replica in replicas:
        replica.wait_healthy(180)
    said = "".join(replica.logs() for replica in replicas)
    assert said.count("migrate: installed, with demo data") == 1
    assert said.count("migrating to 2: ") == said.count("migrating to 3: ") == 1
    assert said.count("migrate: the database is up to date") == 16


def test_an_interrupted_installation_begins_again_and_keeps_a_finished_one(site: Site) -> None:
    site.database.wait_healthy()
    site.sql("CREATE TABLE installation_underway (begun TIMESTAMP); CREATE TABLE files (x INT)")
    replica = site.replica(AUTO_MIGRATE="1", DEMO_DATA="0")
    assert "migrate: an installation was interrupted: beginning again" in replica.logs()
    assert "demo data" not in replica.logs()
    assert site.sql("SELECT version FROM schema_version WHERE domain = 'studip'") == "3"
    site.sql("INSERT INTO writes (value, replica) VALUES ('kept', '')")
    again = site.start("migrate")
    assert again.wait_exit() == 0
    assert "import" not in again.logs()
    assert site.sql("SELECT value FROM writes") == "kept"


def test_a_migration_that_fails_says_so_with_its_exit_code(site: Site) -> None:
    site.database.wait_healthy()
    refused = site.start("migrate", MYSQL_USER="nobody", MIGRATE_WAIT="1")
    assert refused.wait_exit() == 1
    assert "migrate: error: " in refused.logs()
    assert "Access denied for user 'nobody'" in refused.logs()
    # A table that the migration wants to make otherwise: it is not as the installation left it.
    site.sql("CREATE TABLE schema_version (other INT)")
    broken = site.start("migrate")
    assert broken.wait_exit() == 1
    assert "migrate: error: cli/studip migrate failed with exit code 1" in broken.logs()


def test_a_migration_that_a_busy_cluster_refuses_begins_again(site: Site) -> None:
    site.database.wait_healthy()
    # As members do that have just found each other: nobody gets a lock on tables, for a while.
    site.sql("SET GLOBAL lock_wait_timeout = 1")
    holder = threading.Thread(
        target=site.sql, args=["FLUSH TABLES WITH READ LOCK; SELECT SLEEP(4)"]
    )
    holder.start()
    running = site.start("migrate")
    assert running.wait_exit(60) == 0
    holder.join()
    assert "beginning again: SQLSTATE[HY000]: General error: 1205 Lock wait" in running.logs()
    assert site.sql("SELECT version FROM schema_version WHERE domain = 'studip'") == "3"


def test_a_migration_waits_for_one_that_runs_but_not_for_ever(platform: Platform) -> None:
    holder = "SELECT GET_LOCK('studip-migrate', 0), SLEEP(5)"
    thread = threading.Thread(target=platform.site.sql, args=[holder])
    thread.start()
    time.sleep(0.5)
    running = platform.site.start("migrate", MIGRATE_LOCK_WAIT="1")
    assert running.wait_exit() == 1
    assert "error: another migration has held the lock for 1 s" in running.logs()
    thread.join()


def test_a_write_is_acknowledged_with_its_number_and_once_only(browser: Browser) -> None:
    first = browser.post("/api/write", value="unique 1")
    assert first.status == 201
    number = first.json["id"]
    assert browser.post("/api/write", value="unique 1").json["id"] == number
    second = browser.post("/api/write", value="unique 2").json["id"]
    assert second > number
    listed = browser.get(f"/api/writes?after={number - 1}").json["writes"]
    assert [(one["id"], one["value"]) for one in listed] == [
        (number, "unique 1"),
        (second, "unique 2"),
    ]


@pytest.mark.parametrize("value", ["", "  ", "x" * 256])
def test_a_write_without_a_fitting_value_is_refused(browser: Browser, value: str) -> None:
    answer = browser.post("/api/write", value=value)
    assert answer.status == 400
    assert 'the field "value"' in answer.json["error"]


# --- cron --------------------------------------------------------------------------------------


def test_the_cron_worker_leaves_a_heartbeat_that_every_replica_shows(
    platform: Platform, replicas: list[Browser]
) -> None:
    platform.cron.wait_healthy()
    for replica in replicas:
        heartbeat = replica.get("/api/status").json["cron"]
        assert heartbeat["replica"] == replica_of(platform.cron)
        assert heartbeat["age"] < 5


def test_a_second_worker_beside_it_does_nothing(platform: Platform) -> None:
    script = (
        "exec 8>/tmp/studip-cronjob.lock && flock 8 && "
        "php cli/studip cronjobs:worker 2>&1 && echo worked || echo refused"
    )
    assert platform.cron.sh(script).endswith("refused")


def test_the_cron_worker_outlives_an_outage_of_the_database(platform: Platform) -> None:
    cron = platform.site.start("cron", CRON_INTERVAL="1", MYSQL_HOST="nowhere")
    wait(lambda: "cron: error: the lease is not confirmed: " in cron.logs())
    assert cron.status() == "running"
    code, _ = cron.container.exec_run(["healthcheck"])
    assert code != 0


def test_the_cron_worker_ends_when_asked_after_its_job(platform: Platform) -> None:
    cron = platform.site.start("cron", CRON_INTERVAL="600")
    wait(lambda: "looking for jobs" in cron.logs())
    time.sleep(1)
    started = time.monotonic()
    cron.container.stop(timeout=20)
    assert time.monotonic() - started < 3
    assert cron.wait_exit() == 0
    assert cron.logs().endswith("cron: stopped\n")


# --- cache and surroundings --------------------------------------------------------------------


def test_replicas_share_what_is_cached(replicas: list[Browser]) -> None:
    one, other = replicas
    before = one.get("/api/status").json["cache"]
    assert before["kind"] == "redis"
    assert before["reachable"] is True
    assert before["hits"] + before["misses"] > 0
    after = other.get("/api/status").json["cache"]
    assert after["hits"] + after["misses"] > before["hits"] + before["misses"]


def test_a_cache_that_is_away_or_refuses_costs_no_page(platform: Platform) -> None:
    for wrong in ({"CACHE_HOST": "nowhere"}, {"CACHE_PASSWORD_FILE": ""}):
        running = platform.site.replica(**wrong)
        browser = platform.site.browser(running)
        assert browser.get("/").status == 200
        assert browser.get("/api/status").json["cache"]["reachable"] is False
        assert " is away: " in running.logs()
        running.container.remove(force=True)


def test_without_a_shared_cache_each_replica_has_its_own(platform: Platform) -> None:
    running = platform.site.replica(CACHE_KIND="")
    browser = platform.site.browser(running)
    caches = [browser.get("/api/status").json["cache"] for _ in range(3)]
    assert [cache["kind"] for cache in caches] == ["file"] * 3
    assert caches[-1]["misses"] == 1
    assert caches[-1]["hits"] == 2
    running.container.remove(force=True)


def test_the_address_is_the_one_that_users_type(platform: Platform) -> None:
    lies = {"X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "gopher"}
    fixed = platform.browser().get("/api/status", **lies)
    assert fixed.json["url"] == "https://studip.example/"
    automatic = platform.site.replica(PROXY_URL="", AUTO_PROXY="1")
    forwarded = {"X_Forwarded_Host": "a.example:81", "X_Forwarded_Proto": "https"}
    browser = platform.site.browser(automatic)
    assert browser.get("/api/status", **forwarded).json["url"] == "https://a.example:81/"
    automatic.container.remove(force=True)
    plain = platform.site.replica(PROXY_URL="", AUTO_PROXY="0")
    browser = platform.site.browser(plain)
    assert browser.get("/api/status", **forwarded).json["url"] == f"http://{browser.host}/"
    plain.container.remove(force=True)


def test_the_page_shows_how_the_platform_is(platform: Platform, browser: Browser) -> None:
    page = browser.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for text in (answered_by(page), replica_of(platform.cron), "schema 3 of 3", "MariaDB"):
        assert text in page.text
    assert browser.get("/?format=json").json.keys() == browser.get("/api/status").json.keys()


# --- all together ------------------------------------------------------------------------------


def test_no_request_fails_and_no_write_is_lost_while_all_replicas_are_replaced(
    platform: Platform,
) -> None:
    statuses: list[int] = []
    acknowledged: dict[str, int] = {}
    done = threading.Event()

    def read() -> None:
        browser = platform.browser()
        while not done.is_set():
            statuses.append(browser.get("/").status)

    def write() -> None:
        browser = platform.browser()
        while not done.is_set():
            value = f"roll-out {len(acknowledged)}"
            answer = browser.post("/api/write", value=value)
            statuses.append(answer.status)
            if answer.status == 201:
                acknowledged[value] = answer.json["id"]

    threads = [threading.Thread(target=target) for target in (read, read, write)]
    for thread in threads:
        thread.start()
    try:
        new: list[Running] = []
        for old in platform.replicas:
            new.append(platform.site.replica())
            wait(lambda: answered_by(platform.browser().get("/")) == replica_of(new[-1]))
            old.container.stop(timeout=30)
        platform.replicas[:] = new
        platform.wait_for(new)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    print(f"{len(statuses)} requests, {len(acknowledged)} acknowledged writes")
    assert set(statuses) == {200, 201}
    assert len(acknowledged) > 20
    first = min(acknowledged.values())
    kept = platform.browser().get(f"/api/writes?after={first - 1}").json["writes"]
    assert acknowledged.items() <= {one["value"]: one["id"] for one in kept}.items()


def test_a_full_storage_refuses_large_files_and_nothing_else(site: Site, volume: Volume) -> None:
    site.uploads = volume(memory=1, owner=WWW_DATA)
    site.cache()
    assert site.start("migrate").wait_exit(60) == 0
    replica = site.replica()
    browser = site.browser(replica)
    for _ in range(2):
        assert browser.upload("/api/upload", "large", b"x" * 3_000_000).status == 503
    assert "the shared storage can not be written" in replica.logs()
    kept = browser.upload("/api/upload", "small", b"fits").json
    assert browser.get(f"/api/files/{kept['id']}").body == b"fits"
    assert browser.post("/api/write", value="with a full storage").status == 201
    assert browser.get("/health").status == 200
