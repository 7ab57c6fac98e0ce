"""What goes wrong from outside: a clear message, the old version serves on, the next `up` succeeds.

Plain `pulumi up`, without the checks that `make up` does before.
"""

import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager

import bcrypt
import pytest

from tests.live.conftest import things
from tests.live.load import Load
from tests.live.platform import (
    Client,
    Platform,
    Run,
    answering_replicas,
    docker,
    free_port,
    wait_for,
)

pytestmark = pytest.mark.live

KINDS = {
    "docker:index/service:Service": "service",
    "docker:index/secret:Secret": "secret",
    "docker:index/network:Network": "network",
    "docker:index/volume:Volume": "volume",
}


def assert_failed(run: Run, *told: str) -> None:
    """It failed, and said so in words for people."""
    assert run.code != 0
    assert "Traceback" not in run.output
    for text in told:
        assert text in run.output


def assert_mended(platform: Platform) -> None:
    """With the old settings the next `up` succeeds, and nothing is there that nobody knows."""
    platform.write()
    mended = platform.up()
    assert mended.code == 0, mended.output
    assert len(answering_replicas(Client(platform.url))) == 2
    on_engine = Counter(thing.split()[0] for thing in things())
    assert {kind: on_engine[kind] for kind in KINDS.values()} == {
        kind: platform.in_state(type_) for type_, kind in KINDS.items()
    }


def test_a_port_that_is_taken_fails_the_roll_out_and_not_the_platform(
    platform: Platform, client: Client
) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        balancer = {"kind": "haproxy", "http_port": port}
        platform.write(load_balancer=balancer)
        failed = platform.up()
    # Shown when one of the following fails: which port each task was given, and what became of it.
    print(docker("service", "ps", "--no-trunc", "studip-live-load-balancer"))
    assert_failed(failed, "studip-live-load-balancer", str(port), "address already in use")
    wait_for("the old load balancer again", lambda: answers(client))
    assert_mended(platform)


def answers(client: Client) -> bool:
    """Whether the platform's page can be read."""
    try:
        return client.get("/").status == 200
    except OSError:
        return False


@contextmanager
def guarded_registry(platform: Platform, user: str, password: str) -> Iterator[str]:
    """Address of a registry that somebody else runs, with a login."""
    port = free_port()
    file = platform.folder / "htpasswd"
    file.write_text(f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n")
    file.chmod(0o644)
    image = docker("image", "ls", "--quiet", "--filter", "reference=studip/registry").split()[0]
    container = docker(
        "run", "--detach", "--network=host", f"--env=REGISTRY_HTTP_ADDR=127.0.0.1:{port}",
        "--env=REGISTRY_HTPASSWD_FILE=/htpasswd", f"--volume={file}:/htpasswd:ro", image,
    )  # fmt: skip
    try:
        yield f"127.0.0.1:{port}"
    finally:
        docker("rm", "--force", "--volumes", container)


def test_a_wrong_registry_password_is_told_and_the_platform_serves_on(
    platform: Platform,
) -> None:
    with guarded_registry(platform, "pusher", "right") as address, Load(platform.url) as load:
        platform.write(
            registry={
                "kind": "external",
                "address": address,
                "user": "pusher",
                "password": "wrong-password",
            }
        )
        failed = platform.up()
    assert_failed(failed, address, "unauthorized")
    assert "wrong-password" not in failed.output
    assert load.requests > 10
    assert load.failures == []
    assert_mended(platform)


def test_a_disk_that_fills_while_an_image_is_built_fails_the_build_alone(
    platform: Platform,
) -> None:
    folder = platform.folder / "full"
    folder.mkdir()
    (folder / "Dockerfile").write_text(
        "ARG BASE\nFROM ${BASE}\nUSER root\n"
        "RUN dd if=/dev/zero of=/dev/shm/more-than-there-is bs=1M count=200\n"
    )
    platform.write(images=platform.config["studip:images"] | {"custom": {"context": str(folder)}})
    with Load(platform.url) as load:
        failed = platform.up()
    assert_failed(failed, "No space left on device")
    assert load.failures == []
    assert_mended(platform)


def test_an_up_needs_no_network_once_everything_is_there(platform: Platform) -> None:
    without = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    process = platform.start(
        "up", "--yes", "--skip-preview", "--config-file", str(platform.file), before=without
    )
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert "unchanged" in output


def test_an_image_that_needs_the_network_says_what_it_could_not_reach(platform: Platform) -> None:
    folder = platform.folder / "offline"
    folder.mkdir()
    (folder / "Dockerfile").write_text(
        "ARG BASE\nFROM ${BASE}\nUSER root\nRUN curl --silent --show-error http://nowhere.invalid/\n"
    )
    platform.write(images=platform.config["studip:images"] | {"custom": {"context": str(folder)}})
    assert_failed(platform.up(), "Could not resolve host: nowhere.invalid")
    assert_mended(platform)


def test_a_job_that_was_removed_by_hand_is_found_alone_and_made_again(platform: Platform) -> None:
    own = ["--filter", "label=studip.environment=live", "--filter", "label=studip.part=migrate"]
    (job,) = docker("ps", "--all", "--quiet", *own).split()
    docker("rm", job)
    found = platform.refresh()
    assert found.changed == {"delete": 1}, found.output
    again = platform.up()
    assert again.code == 0, again.output
    assert again.changed == {"create": 1}
    assert len(docker("ps", "--all", "--quiet", *own).split()) == 1


@pytest.mark.parametrize("seconds", [1, 3, 6, 12])
def test_an_up_that_is_interrupted_at_any_moment_leaves_nothing_behind(
    platform: Platform, client: Client, seconds: int
) -> None:
    platform.write(
        application={"web": {"replicas": 2, "drain_seconds": 4 + seconds}},
        logging={"max_size": 10 + seconds},
    )
    process = platform.start("up", "--yes", "--skip-preview", "--config-file", str(platform.file))
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=300)
    assert "Traceback" not in output
    wait_for("the platform", lambda: answers(client))
    assert_mended(platform)
    assert platform.refresh().changed == {}
