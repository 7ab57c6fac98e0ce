"""A Galera cluster of three real members loses nothing that it acknowledged, whatever dies."""

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from functools import partial

import docker
import pytest

from components.certificate import Certificate
from components.database import GaleraArgs, budgets
from components.proxy_timers import ProxyTimers
from tests.images.cluster import PASSWORD, ROOT_PASSWORD, USER, Cluster, Load, certificates
from tests.images.conftest import Built, Run, Running, networks, runs, volumes, wait

pytestmark = [pytest.mark.live, pytest.mark.fault]

COPY = "Proceeding with SST"  # what a member says that gets a copy of everything
RUNBOOK = "docs/runbooks/database-full-outage.md"


class Site:
    """A cluster and the proxy in front of it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        cluster.start()
        cluster.wait_synced()
        self.proxy = cluster.proxy()


@pytest.fixture(scope="module")
def site(session_client: docker.DockerClient, built: Built) -> Iterator[Site]:
    """A cluster for all tests of this module; what they take away they put back."""
    with (
        networks(session_client, internal=True) as network,  # as the data network is
        volumes(session_client) as volume,
        runs(session_client, volume) as run,
    ):
        yield Site(Cluster(session_client, built, run, volume, network))


@pytest.fixture
def cluster(site: Site) -> Cluster:
    """All members serve."""
    down = [
        number for number in site.cluster.numbers if site.cluster.states()[number - 1] == "gone"
    ]
    if down:  # a test before this one failed
        site.cluster.start(*down)
    site.cluster.wait_synced()
    return site.cluster


def report(name: str, load: Load) -> float:
    """Show a measured outage beside the test's result (pytest -rP)."""
    print(f"{name}: {load.longest_gap():.2f} s without an acknowledged write")
    return load.longest_gap()


def keeps_budget(fault: str, load: Load) -> bool:
    """Whether an outage was no longer than the timers, which are those of the image, allow."""
    certificate = Certificate(certificate="", key="", authority="")
    args = GaleraArgs(members=3, nodes=[], certificate=certificate)
    allowed = {budget.fault: budget.outage for budget in budgets(args, ProxyTimers())}
    return report(f"{fault}, {allowed[fault]:.2f} s allowed", load) <= allowed[fault]


# --- the first start ---------------------------------------------------------------------------


def test_members_started_together_make_one_cluster(cluster: Cluster) -> None:
    started = [cluster.log(number, "bootstrap: all disks are empty") for number in cluster.numbers]
    assert started == [1, 0, 0]
    reports = [cluster.report(number) for number in cluster.numbers]
    assert len({one["cluster"] for one in reports}) == 1
    sizes = [cluster.sql(n, "SHOW STATUS LIKE 'wsrep_cluster_size'") for n in cluster.numbers]
    assert [size.split()[1] for size in sizes] == ["3"] * 3
    assert len(cluster.writers()) == 1
    wait(lambda: all(one.health() == "healthy" for one in cluster.running.values()))


def test_members_run_without_rights_and_keep_their_passwords_out_of_sight(
    cluster: Cluster, client: docker.DockerClient
) -> None:
    running = cluster.running[1]
    fields = dict(
        line.split(":", 1) for line in running.sh("cat /proc/$(pidof mariadbd)/status").splitlines()
    )
    assert fields["Uid"].split() == [str(USER)] * 4
    assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
    assert running.sh("touch /usr/x 2>&1 || true").endswith("Read-only file system")
    seen = [
        running.sh("cat /proc/[0-9]*/cmdline | tr '\\0' ' '"),
        running.sh("cat /proc/[0-9]*/environ | tr '\\0' '\\n'"),
        json.dumps(client.api.inspect_container(running.container.id)),
        running.logs(),
    ]
    assert "mariadbd" in seen[0]
    assert "PASSWORD_FILE" in seen[1]
    # A piece of both passwords that no quotation changes.
    part = base64.b64encode(PASSWORD[6:12].encode()).decode()
    found = running.sh(
        f"grep -rlsF -f <(base64 -d <<< {part}) /tmp /run /var/lib/mysql /usr/local /etc || true"
    )
    assert sorted(found.split()) == ["/run/secrets/password", "/run/secrets/root-password"]
    for text in seen:
        assert "it's" not in text
        assert json.dumps(PASSWORD)[1:-1] not in text


def test_the_image_has_no_data_that_every_member_would_share(cluster: Cluster, run: Run) -> None:
    made = run(cluster.image, ["-c", "find /var/lib/mysql -mindepth 1"], entrypoint="bash")
    assert made.wait_exit() == 0
    assert made.logs() == ""


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"MEMBER": "4"}, "MEMBER: must be between 1 and 3, got 4"),
        ({"MEMBER": "x"}, 'MEMBER: must match [1-9]\\d{0,2}, got "x"'),
        ({"MEMBERS": "a,b,a"}, "MEMBERS: names must differ, got a,b,a"),
        ({"MEMBERS": ""}, "MEMBERS is not set"),
        ({"MARIADB_USER": "a`b"}, "MARIADB_USER: must match"),
        ({"MARIADB_PASSWORD_FILE": "/no"}, "MARIADB_PASSWORD_FILE: /no can't be read"),
        ({"TLS_KEY_FILE": "/no"}, "TLS_KEY_FILE: [Errno 2] No such file or directory: '/no'"),
        ({"GALERA_CACHE": "much"}, 'GALERA_CACHE: must match [1-9]\\d*, got "much"'),
        ({"GALERA_SUSPECT_TIMEOUT": "9"}, "must hold, got 0.5, 9, 4"),
    ],
)
def test_a_member_says_what_is_wrong_with_its_settings(
    cluster: Cluster, env: dict[str, str], message: str
) -> None:
    running = cluster.member(1, cluster.volume(), "wrong", env=env)
    assert running.wait_exit() == 1
    assert running.logs().startswith("entrypoint: ")
    assert message in running.logs()
    assert "Traceback" not in running.logs()


# --- TLS ---------------------------------------------------------------------------------------


def s_client(running: Running, target: str, options: str = "") -> str:
    """What openssl says of a server."""
    return running.sh(
        f"openssl s_client -connect {target} -CAfile /run/secrets/authority.pem "
        f"-cert /run/secrets/certificate.pem -key /run/secrets/key.pem {options} "
        "-verify_return_error </dev/null 2>&1 || true"
    )


def test_members_talk_to_each_other_by_tls_only(cluster: Cluster) -> None:
    said = s_client(cluster.running[1], "database-2:4567")
    assert "Verify return code: 0 (ok)" in said
    assert "New, TLSv1.3" in said or "New, TLSv1.2" in said
    options = cluster.sql(1, "SELECT @@wsrep_provider_options")
    assert "socket.ssl = YES" in options
    # The copy to a new member went encrypted and verified on both sides.
    copied = "".join(running.logs() for running in cluster.running.values())
    assert "Encrypting with cert='/run/secrets/certificate.pem'" in copied
    assert "Verifying peer certificate chain" in copied


def test_somebody_without_a_certificate_of_the_authority_is_no_member(cluster: Cluster) -> None:
    strangers = certificates("database", *cluster.hosts)
    stranger = cluster.member(
        3, cluster.volume(), "stranger", secrets=strangers, env={"MEMBERS": "x,y,stranger"}
    )
    said = stranger.sh(
        "openssl s_client -connect database-1:4567 -CAfile /run/secrets/authority.pem "
        "-verify_return_error </dev/null 2>&1 || true"
    )
    assert "certificate verify failed" in said
    assert cluster.report(1)["view"] == [1, 2, 3]


def ask(cluster: Cluster, password: str = PASSWORD, **env: str) -> Running:
    """PHP as the application has it asks how it is connected."""
    code = (
        "require '/usr/local/lib/studip/environment.php';"
        "try { foreach (['Ssl_version', 'Ssl_cipher'] as $name) {"
        " echo Studip\\Runtime\\database()->query(\"SHOW STATUS LIKE '$name'\")->fetch()['Value'],"
        ' "\\n"; } } catch (PDOException $error) { echo $error->getMessage(), "\\n"; exit(1); }'
    )
    command = ["php", "-r", code]
    return cluster.client(cluster.built("php"), command, password, MYSQL_RETRY="0", **env)


def test_the_application_talks_to_the_database_by_tls_only(cluster: Cluster, site: Site) -> None:
    asked = ask(cluster)
    assert asked.wait_exit() == 0, asked.logs()
    version, cipher = asked.logs().split()
    assert cipher.startswith(("TLS_", "ECDHE"))
    assert version.startswith("TLSv1.")
    said = s_client(
        cluster.running[1], "database:3306", "-starttls mysql -verify_hostname database"
    )
    assert "Verify return code: 0 (ok)" in said

    plain = ask(cluster, MYSQL_SSL_CA_FILE="")
    assert plain.wait_exit() == 1
    assert "Access denied" in plain.logs() or "secure transport" in plain.logs()
    # Neither a server of another authority nor one of another name.
    foreign = ask(cluster, MYSQL_SSL_CA_FILE="/etc/ssl/certs/ca-certificates.crt")
    assert foreign.wait_exit() == 1
    assert "SSL" in foreign.logs()
    address = site.proxy.address(cluster.network)
    elsewhere = ask(cluster, MYSQL_HOST=address)
    assert elsewhere.wait_exit() == 1
    assert "SSL" in elsewhere.logs()


# --- members die -------------------------------------------------------------------------------


def test_a_writer_that_is_killed_costs_no_acknowledged_write(cluster: Cluster) -> None:
    load = cluster.load()
    writer = cluster.wait_synced()
    cluster.kill(writer)
    load.wait_for_more()
    time.sleep(2)
    load.stop()
    assert keeps_budget("database primary killed", load)
    survivors = [number for number in cluster.numbers if number != writer]
    assert [cluster.lost(load, number) for number in survivors] == [set(), set()]
    # It comes back without a copy of everything, and takes nothing back.
    successor = cluster.writers()
    cluster.start(writer)
    assert [cluster.wait_synced()] == successor
    assert cluster.log(writer, COPY) == 0
    assert cluster.log(writer, "Running IST") == 1
    assert cluster.lost(load, writer) == set()


def test_a_member_that_only_reads_is_not_missed(cluster: Cluster) -> None:
    load = cluster.load()
    writer = cluster.wait_synced()
    victim = next(number for number in cluster.numbers if number != writer)
    cluster.kill(victim)
    time.sleep(5)
    load.wait_for_more()
    load.stop()
    assert keeps_budget("database secondary killed", load)
    assert cluster.writers() == [writer]
    assert cluster.lost(load, writer) == set()
    cluster.start(victim)
    assert cluster.wait_synced() == writer


def test_a_writer_that_is_stopped_hands_over(cluster: Cluster) -> None:
    load = cluster.load()
    writer = cluster.wait_synced()
    stopped = cluster.running[writer]
    stopped.container.stop(timeout=60)
    assert stopped.wait_exit() == 0
    assert cluster.log(writer, "mariadbd: Shutdown complete") == 1
    load.wait_for_more()
    load.stop()
    assert keeps_budget("database primary stopped", load)
    cluster.start(writer)
    assert cluster.wait_synced() != writer
    assert [cluster.lost(load, number) for number in cluster.numbers] == [set()] * 3


# Takes its time on the server, once it has said that it begins.
SLOW = """
require '/usr/local/lib/studip/environment.php';
$database = Studip\\Runtime\\database();
$database->exec('CREATE TABLE IF NOT EXISTS slow (value BIGINT PRIMARY KEY)');
echo "begun\\n";
$database->exec('INSERT INTO slow SELECT SLEEP(1.5)');
"""


def test_what_a_writer_has_begun_when_it_is_stopped_it_ends(cluster: Cluster, built: Built) -> None:
    writer = cluster.wait_synced()
    request = cluster.client(built("php"), ["php", "-r", SLOW])
    wait(lambda: "begun" in request.logs())
    cluster.running[writer].container.stop(timeout=60)
    assert request.wait_exit() == 0, request.logs()
    cluster.start(writer)
    successor = cluster.wait_synced()
    assert successor != writer
    assert cluster.sql(successor, "SELECT COUNT(*) FROM studip.slow") == "1"
    cluster.sql(successor, "DROP TABLE studip.slow")


def test_a_member_with_a_new_disk_gets_everything(cluster: Cluster) -> None:
    load = cluster.load()
    writer = cluster.wait_synced()
    victim = next(number for number in cluster.numbers if number != writer)
    cluster.kill(victim)
    cluster.volumes[victim] = cluster.volume()
    cluster.start(victim)
    # It isn't healthy before it has joined: the next member's change waits for that.
    wait(lambda: cluster.report(victim)["state"] == "joining")
    assert cluster.running[victim].health() == "starting"
    assert cluster.wait_synced() == writer
    assert cluster.log(victim, COPY) == 1
    cluster.running[victim].wait_healthy()
    load.stop()
    report("copy to a new member", load)
    assert cluster.lost(load, victim) == set()


def test_a_writer_without_network_refuses_writes_and_the_others_go_on(cluster: Cluster) -> None:
    load = cluster.load()
    writer = cluster.wait_synced()
    cluster.cut(writer)
    try:
        time.sleep(20)
        alone = cluster.running[writer]
        role = alone.sh(
            ". /usr/local/lib/studip/http.sh; http_status 127.0.0.1 8000 /writer; "
            "http_status 127.0.0.1 8000 /reader; http_status 127.0.0.1 8000 /health"
        )
        # It stays alive: to end it would make things worse.
        assert role.split() == ["503", "503", "200"]
        with pytest.raises(AssertionError, match="WSREP has not yet prepared node"):
            cluster.sql(writer, "INSERT INTO studip.load_test VALUES (1)")
        load.wait_for_more()
    finally:
        cluster.cut(writer, off=False)
    assert cluster.wait_synced() != writer
    load.stop()
    assert keeps_budget("network of the database primary cut", load)
    assert [cluster.lost(load, number) for number in cluster.numbers] == [set()] * 3


def test_a_member_whose_disk_is_full_leaves_and_comes_back_with_a_larger_one(
    cluster: Cluster,
) -> None:
    writer = cluster.wait_synced()
    victim = next(number for number in cluster.numbers if number != writer)
    usual = cluster.give_small_disk(victim, 400)
    load = cluster.load()
    cluster.fill_disk(victim)
    cluster.sql(
        writer,
        "CREATE TABLE studip.filling (text LONGBLOB);"
        + "INSERT INTO studip.filling VALUES (REPEAT('x', 20000000));" * 4,
    )
    assert cluster.running[victim].wait_exit(60) == 1
    load.wait_for_more(writes=10)
    load.stop()
    assert keeps_budget("disk of a database member full", load)
    assert cluster.writers() == [writer]
    assert cluster.lost(load, writer) == set()
    cluster.sql(writer, "DROP TABLE studip.filling")
    cluster.volumes[victim] = usual
    cluster.start(victim)
    assert cluster.wait_synced() == writer
    assert cluster.lost(load, victim) == set()


def test_a_writer_whose_disk_is_full_leaves_the_writes_to_another(cluster: Cluster) -> None:
    first = cluster.wait_synced()
    victim = next(number for number in cluster.numbers if number != first)
    load = cluster.fill_writers_disk(victim, 700)
    assert keeps_budget("disk of a database member full", load)
    assert [cluster.lost(load, number) for number in cluster.numbers] == [set()] * 3


def test_a_configuration_that_mariadb_refuses_ends_the_member_before_it_joins(
    cluster: Cluster,
) -> None:
    writer = cluster.wait_synced()
    victim = next(number for number in cluster.numbers if number != writer)
    cluster.running[victim].container.stop(timeout=60)

    def changes() -> int:
        shown = cluster.sql(writer, "SHOW STATUS LIKE 'wsrep_cluster_conf_id'")
        return int(shown.split()[1])

    before = changes()
    for disk in (cluster.volumes[victim], cluster.volume()):
        wrong = "innodb_flush_method = wrong_on_purpose"
        refused = cluster.member(victim, disk, parameters=wrong)
        assert refused.wait_exit(60) == 1
        assert "entrypoint: MariaDB refuses its configuration:" in refused.logs()
        assert "wrong_on_purpose" in refused.logs()
        refused.container.remove()
    assert changes() == before
    cluster.start(victim)
    assert cluster.wait_synced() == writer
    assert cluster.log(victim, COPY) == 0


# --- everything dies ---------------------------------------------------------------------------


def test_all_stopped_in_order_start_again_with_everything(cluster: Cluster) -> None:
    load = cluster.load()
    load.stop()
    for running in cluster.running.values():
        running.container.stop(timeout=60)
    cluster.start()
    cluster.wait_synced()
    assert [cluster.lost(load, number) for number in cluster.numbers] == [set()] * 3
    assert sum(cluster.log(number, "it has the newest position") for number in cluster.numbers) > 0
    assert sum(map(cluster.bootstraps, cluster.numbers)) == 1


def test_all_killed_start_again_from_the_newest(cluster: Cluster) -> None:
    load = cluster.load()
    writer = cluster.wait_synced()
    behind = next(number for number in cluster.numbers if number != writer)
    cluster.kill(behind)
    load.wait_for_more(writes=50)
    cluster.kill(*(number for number in cluster.numbers if number != behind))
    load.stop()
    cluster.start()
    cluster.wait_synced()
    assert cluster.bootstraps(behind) == 0
    assert sum(map(cluster.bootstraps, cluster.numbers)) == 1
    assert [cluster.lost(load, number) for number in cluster.numbers] == [set()] * 3


def test_with_one_member_missing_nobody_starts_until_an_operator_says_so(
    cluster: Cluster,
) -> None:
    load = cluster.load()
    cluster.wait_synced()
    cluster.kill(3)
    load.wait_for_more(writes=50)
    cluster.kill(1, 2)
    load.stop()
    # Member 1, which may be the newest, doesn't come.
    cluster.start(2, 3)
    for number in (2, 3):
        text = f"waiting for an operator, see {RUNBOOK}: member 1 can't be reached"
        wait(partial(cluster.log, number, text))
        # Healthy, so that Swarm publishes its name and doesn't end it.
        cluster.running[number].wait_healthy()
    time.sleep(3)
    assert cluster.states() == ["gone", "waiting", "waiting"]
    assert cluster.report(2)["position"] > cluster.report(3)["position"]

    # The runbook: the one with the largest position goes on.
    cluster.running[2].sh("touch /var/lib/mysql/force-bootstrap")
    cluster.wait_states("gone", "synced", "synced")
    assert cluster.log(2, "bootstrap: forced by an operator") == 1
    assert cluster.running[2].sh("ls /var/lib/mysql").split() == ["data", "forks.json"]
    # Member 1 had nothing more, so it may come back.
    cluster.start(1)
    cluster.wait_synced()
    assert [cluster.lost(load, number) for number in cluster.numbers] == [set()] * 3


def test_who_went_further_than_an_operator_knew_is_not_let_in(cluster: Cluster) -> None:
    load = cluster.load()
    writer = cluster.wait_synced()
    first, second = (number for number in cluster.numbers if number != writer)
    # All but one die; an operator lets an old one go on.
    cluster.kill(first)
    load.wait_for_more(writes=50)
    cluster.kill(writer, second)
    load.stop()
    cluster.volumes[second] = cluster.volume()
    cluster.start(first, second)
    wait(lambda: cluster.report(first)["state"] == "waiting")
    cluster.running[first].sh("touch /var/lib/mysql/force-bootstrap")
    wait(lambda: cluster.report(first)["state"] == cluster.report(second)["state"] == "synced", 120)
    # As long as it is ahead, and also when the cluster has overtaken it.
    cluster.start(writer)
    wait(lambda: "waiting for an operator" in cluster.running[writer].logs())
    cluster.sql(
        first,
        "CREATE TABLE studip.other (x INT); " + "INSERT INTO studip.other VALUES (1);" * 400,
    )
    wait(lambda: f"let member {first} go on from" in cluster.running[writer].logs())
    assert cluster.report(writer)["state"] == "waiting"
    # The runbook: its disk is given up.
    cluster.running[writer].container.kill()
    cluster.volumes[writer] = cluster.volume()
    cluster.start(writer)
    cluster.wait_synced()
    cluster.sql(first, "DROP TABLE studip.other")


def test_the_last_one_goes_on_when_the_others_come_back_with_nothing(cluster: Cluster) -> None:
    load = cluster.load()
    last = cluster.wait_synced()
    others = [number for number in cluster.numbers if number != last]
    cluster.kill(*others)
    wait(lambda: cluster.report(last)["state"] == "minority")
    for number in others:
        cluster.volumes[number] = cluster.volume()
    cluster.start(*others)
    assert cluster.wait_synced() == last
    load.wait_for_more()
    load.stop()
    assert [cluster.lost(load, number) for number in cluster.numbers] == [set()] * 3


def test_root_has_the_password_of_its_file(cluster: Cluster) -> None:
    content = f'[client]\npassword="{ROOT_PASSWORD.replace(chr(92), chr(92) * 2)}"\n'
    options = base64.b64encode(content.encode()).decode()
    login = f"mariadb --defaults-extra-file=<(base64 -d <<< {options}) --user=root -BNe"
    for number in cluster.numbers:
        asked = cluster.running[number].sh(f"{login} 'SELECT CURRENT_USER()'", user="33")
        assert asked == "root@localhost"


def test_a_new_password_is_good_before_the_application_has_it_and_the_old_one_still_after(
    cluster: Cluster,
) -> None:
    def is_good(password: str) -> bool:
        asked = ask(cluster, password)
        asked.wait_exit()
        assert asked.logs().startswith("TLSv1") or "Access denied" in asked.logs()
        return asked.logs().startswith("TLSv1")

    try:
        for new in ("second", "third"):
            cluster.write_secrets(new)
            for number in cluster.numbers:
                cluster.running[number].container.stop(timeout=60)
                cluster.start(number)
                cluster.wait_synced()
            wait(partial(is_good, new))
            assert is_good("second")
        assert not is_good(PASSWORD)
    finally:
        cluster.write_secrets(PASSWORD)
        for number in cluster.numbers:
            cluster.running[number].container.stop(timeout=60)
            cluster.start(number)
            cluster.wait_synced()
        wait(partial(is_good, PASSWORD))


def test_no_rule_of_a_test_stays_on_the_machine(cluster: Cluster) -> None:
    """The network is cut inside of a container's namespace only."""
    rules = subprocess.run(["iptables", "-S"], capture_output=True, text=True, check=True).stdout
    assert "-A INPUT ! -i lo -j DROP" not in rules
