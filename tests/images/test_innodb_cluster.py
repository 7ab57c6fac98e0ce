"""A MySQL cluster of three real members loses nothing that it acknowledged, whatever dies."""

import base64
import json
import time
from collections.abc import Iterator
from functools import partial

import docker
import pytest

from components.certificate import Certificate
from components.database import InnodbClusterArgs, group_budgets
from components.proxy_timers import ProxyTimers
from innodb.gtid import covers
from tests.images.cluster import PASSWORD, ROOT_PASSWORD, USER, GroupCluster, Load
from tests.images.conftest import Built, networks, runs, volumes, wait

pytestmark = [pytest.mark.live, pytest.mark.fault]

COPY = "Cloning from a remote group donor"  # what a member says that copies everything
RUNBOOK = "docs/runbooks/database-full-outage.md"


@pytest.fixture(scope="module")
def site(session_client: docker.DockerClient, built: Built) -> Iterator[GroupCluster]:
    """A cluster behind a proxy for all tests of this module; they put back what they take away."""
    with (
        networks(session_client, internal=True) as network,  # as the data network is
        volumes(session_client) as volume,
        runs(session_client, volume) as run,
    ):
        cluster = GroupCluster(session_client, built, run, volume, network)
        cluster.start()
        cluster.wait_synced(300)
        cluster.proxy()
        yield cluster


@pytest.fixture
def cluster(site: GroupCluster) -> GroupCluster:
    """All members serve."""
    down = [number for number in site.numbers if site.states()[number - 1] == "gone"]
    if down:  # a test before this one failed
        site.start(*down)
    site.wait_synced(300)
    return site


def keeps_budget(fault: str, load: Load) -> bool:
    """Whether an outage was no longer than the timers, which are those of the image, allow."""
    certificate = Certificate(certificate="", key="", authority="")
    args = InnodbClusterArgs(members=3, nodes=[], certificate=certificate)
    allowed = {budget.fault: budget.outage for budget in group_budgets(args, ProxyTimers())}
    print(
        f"{fault}: {load.longest_gap():.2f} s without an acknowledged write, {allowed[fault]:.2f}"
    )
    return load.longest_gap() <= allowed[fault]


def losses(cluster: GroupCluster, load: Load) -> list[set[int]]:
    """Acknowledged writes that each member lacks."""
    return [cluster.lost(load, number) for number in cluster.numbers]


def test_members_started_together_make_one_cluster(cluster: GroupCluster) -> None:
    started = [cluster.log(number, "bootstrap: all disks are empty") for number in cluster.numbers]
    assert started == [1, 0, 0]
    assert len({cluster.report(number)["cluster"] for number in cluster.numbers}) == 1
    for number in cluster.numbers:
        seen = cluster.sql(
            number, "SELECT member_host FROM performance_schema.replication_group_members"
        )
        assert sorted(seen.split()) == cluster.hosts
    assert len(cluster.writers()) == 1


def test_members_run_without_rights_and_keep_their_passwords_out_of_sight(
    cluster: GroupCluster, client: docker.DockerClient
) -> None:
    running = cluster.running[1]
    lines = running.sh("cat /proc/$(pidof mysqld)/status").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    assert fields["Uid"].split() == [str(USER)] * 4
    assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
    part = base64.b64encode(PASSWORD[6:12].encode()).decode()
    found = running.sh(
        f"grep -rlsF -f <(base64 -d <<< {part}) /tmp /run /var/lib/mysql /usr/local /etc || true"
    )
    assert sorted(found.split()) == ["/run/secrets/password", "/run/secrets/root-password"]
    for text in (
        running.sh("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'"),
        json.dumps(client.api.inspect_container(running.container.id)),
        running.logs(),
    ):
        assert "it's" not in text


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"MYSQL_USER": "replication"}, "MYSQL_USER: must match"),
        ({"MYSQL_PASSWORD_FILE": "/no"}, "MYSQL_PASSWORD_FILE: /no can't be read"),
        ({"TLS_KEY_FILE": "/no"}, "TLS_KEY_FILE: [Errno 2] No such file or directory: '/no'"),
        ({"GROUP_CACHE": "64"}, "GROUP_CACHE: must match"),
        ({"GROUP_EXPEL_TIMEOUT": "soon"}, "GROUP_EXPEL_TIMEOUT: must match"),
    ],
)
def test_a_member_says_what_is_wrong_with_its_settings(
    cluster: GroupCluster, env: dict[str, str], message: str
) -> None:
    running = cluster.member(1, cluster.volume(), "wrong", env=env)
    assert running.wait_exit() == 1
    assert running.logs().startswith("entrypoint: ")
    assert message in running.logs()
    assert "Traceback" not in running.logs()


def test_members_and_the_application_talk_by_tls_only(cluster: GroupCluster) -> None:
    authority = "-CAfile /run/secrets/authority.pem -verify_return_error </dev/null 2>&1 || true"
    own = "-cert /run/secrets/certificate.pem -key /run/secrets/key.pem"
    target = "openssl s_client -connect database-2:33061"
    running = cluster.running[1]
    assert "Verify return code: 0 (ok)" in running.sh(f"{target} {own} {authority}")
    plain = running.sh(
        "mysql --host=database-2 --user=studip --ssl-mode=DISABLED -e 'SELECT 1' 2>&1 || true"
    )
    assert "ERROR" in plain
    # The members' own account wants a certificate.
    bare = running.sh("mysql --host=database-2 --user=replication -e 'SELECT 1' 2>&1 || true")
    assert "Access denied" in bare


def test_a_primary_that_is_killed_costs_no_acknowledged_write(cluster: GroupCluster) -> None:
    load = cluster.load()
    primary = cluster.wait_synced()
    cluster.kill(primary)
    load.wait_for_more()
    time.sleep(2)
    load.stop()
    assert keeps_budget("database primary killed", load)
    # It comes back without a copy of everything, and takes nothing back.
    successor = cluster.writers()
    cluster.start(primary)
    assert [cluster.wait_synced()] == successor
    assert cluster.log(primary, COPY) == 0
    assert losses(cluster, load) == [set()] * 3


def test_a_secondary_is_not_missed(cluster: GroupCluster) -> None:
    load = cluster.load()
    primary = cluster.wait_synced()
    victim = next(number for number in cluster.numbers if number != primary)
    cluster.kill(victim)
    time.sleep(10)
    load.wait_for_more()
    load.stop()
    assert keeps_budget("database secondary killed", load)
    assert cluster.writers() == [primary]
    cluster.start(victim)
    assert cluster.wait_synced() == primary
    assert losses(cluster, load) == [set()] * 3


def test_a_primary_that_is_stopped_hands_over(cluster: GroupCluster) -> None:
    load = cluster.load()
    primary = cluster.wait_synced()
    cluster.running[primary].container.stop(timeout=60)
    assert cluster.running[primary].wait_exit() == 0
    load.wait_for_more()
    load.stop()
    assert keeps_budget("database primary stopped", load)
    cluster.start(primary)
    assert cluster.wait_synced() != primary
    assert losses(cluster, load) == [set()] * 3


@pytest.mark.parametrize(("threshold", "copies"), [("100000", 0), ("1", 1)])
def test_a_member_with_a_new_disk_gets_everything(
    cluster: GroupCluster, threshold: str, copies: int
) -> None:
    load = cluster.load()
    primary = cluster.wait_synced()
    victim = next(number for number in cluster.numbers if number != primary)
    cluster.running[victim].container.remove(force=True)
    cluster.volumes[victim] = cluster.volume()
    env = {"GROUP_CLONE_THRESHOLD": threshold}
    cluster.running[victim] = cluster.member(victim, cluster.volumes[victim], env=env)
    assert cluster.wait_synced(300) == primary
    # Once is enough, whatever was written meanwhile.
    assert cluster.log(victim, COPY) == copies
    load.stop()
    assert losses(cluster, load) == [set()] * 3


def test_a_primary_without_network_refuses_writes_and_the_others_go_on(
    cluster: GroupCluster,
) -> None:
    load = cluster.load()
    primary = cluster.wait_synced()
    cluster.cut(primary)
    try:
        time.sleep(25)
        role = cluster.running[primary].sh(
            ". /usr/local/lib/studip/http.sh; http_status 127.0.0.1 8000 /writer; "
            "http_status 127.0.0.1 8000 /reader; http_status 127.0.0.1 8000 /health"
        )
        # It stays alive: to end it would make things worse.
        assert role.split() == ["503", "503", "200"]
        load.wait_for_more()
    finally:
        cluster.cut(primary, off=False)
    # It doesn't serve its old view: there is one who takes the writes, and it isn't this one.
    until = time.monotonic() + 10
    while time.monotonic() < until:
        assert cluster.ask(primary, "/writer") != 200
    assert cluster.wait_synced(300) != primary
    load.stop()
    assert keeps_budget("network of the database primary cut", load)
    assert losses(cluster, load) == [set()] * 3


def test_a_primary_whose_disk_is_full_leaves_the_writes_to_another(cluster: GroupCluster) -> None:
    load = cluster.fill_writers_disk(1, 1000)  # the one that others hand over to
    assert keeps_budget("disk of a database member full", load)
    assert losses(cluster, load) == [set()] * 3


def test_all_killed_start_again_from_the_newest(cluster: GroupCluster) -> None:
    load = cluster.load()
    primary = cluster.wait_synced()
    behind = next(number for number in cluster.numbers if number != primary)
    cluster.kill(behind)
    load.wait_for_more(writes=50)
    cluster.kill(*(number for number in cluster.numbers if number != behind))
    load.stop()
    cluster.start()
    cluster.wait_synced(300)
    assert cluster.bootstraps(behind) == 0
    assert sum(map(cluster.bootstraps, cluster.numbers)) == 1
    assert losses(cluster, load) == [set()] * 3


def test_with_one_member_missing_nobody_starts_until_an_operator_says_so(
    cluster: GroupCluster,
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
        wait(partial(cluster.log, number, text), 120)
        cluster.running[number].wait_healthy()
    assert cluster.states() == ["gone", "waiting", "waiting"]
    newer, older = (cluster.report(number)["position"] for number in (2, 3))
    assert covers(newer, older)
    assert not covers(older, newer)

    # The runbook: the one that has all that the other has goes on.
    cluster.running[2].sh("touch /var/lib/mysql/force-bootstrap")
    cluster.wait_states("gone", "synced", "synced")
    assert cluster.log(2, "bootstrap: forced by an operator") == 1
    # Member 1 had nothing more, so it may come back.
    cluster.start(1)
    cluster.wait_synced()
    assert losses(cluster, load) == [set()] * 3


def test_who_went_further_than_an_operator_knew_is_not_let_in(cluster: GroupCluster) -> None:
    load = cluster.load()
    primary = cluster.wait_synced()
    first, second = (number for number in cluster.numbers if number != primary)
    cluster.kill(first)
    load.wait_for_more(writes=50)
    cluster.kill(primary, second)
    load.stop()
    cluster.volumes[second] = cluster.volume()
    cluster.start(first, second)
    wait(lambda: cluster.report(first)["state"] == "waiting", 120)
    cluster.running[first].sh("touch /var/lib/mysql/force-bootstrap")
    wait(lambda: cluster.report(first)["state"] == cluster.report(second)["state"] == "synced", 240)
    # Also when the cluster has given the same numbers to other transactions.
    cluster.sql(
        first, "CREATE TABLE studip.other (x INT);" + "INSERT INTO studip.other VALUES (1);" * 400
    )
    cluster.start(primary)
    wait(lambda: f"let member {first} go on from" in cluster.running[primary].logs(), 120)
    assert cluster.report(primary)["state"] == "waiting"
    # The runbook: its disk is given up.
    cluster.running[primary].container.kill()
    cluster.volumes[primary] = cluster.volume()
    cluster.start(primary)
    cluster.wait_synced(300)
    cluster.sql(first, "DROP TABLE studip.other")


def test_the_last_one_goes_on_when_the_others_come_back_with_nothing(
    cluster: GroupCluster,
) -> None:
    load = cluster.load()
    last = cluster.wait_synced()
    others = [number for number in cluster.numbers if number != last]
    cluster.kill(*others)
    wait(lambda: cluster.report(last)["state"] == "minority", 60)
    for number in others:
        cluster.volumes[number] = cluster.volume()
    cluster.start(*others)
    assert cluster.wait_synced(300) == last
    load.wait_for_more()
    load.stop()
    assert losses(cluster, load) == [set()] * 3


def test_root_has_the_password_of_its_file(cluster: GroupCluster) -> None:
    content = f'[client]\npassword="{ROOT_PASSWORD.replace(chr(92), chr(92) * 2)}"\n'
    options = base64.b64encode(content.encode()).decode()
    login = f"mysql --defaults-extra-file=<(base64 -d <<< {options}) --user=root -BNe"
    for number in cluster.numbers:
        asked = cluster.running[number].sh(f"{login} 'SELECT CURRENT_USER()'", user="33")
        assert asked == "root@localhost"
