"""What a new user types, in a clean copy of the checkout: up, look, down, up, destroy."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.live.platform import Client, docker, free_port
from toolchain.places import ROOT

pytestmark = pytest.mark.live

STACK = "commands"
LABEL = f"label=studip.environment={STACK}"


class Checkout:
    """A copy of what git has of this checkout, with an environment and a state of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "studip"
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.folder / name)
        settings = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
        self.port = free_port()
        settings["config"]["studip:load_balancer"] = {"kind": "haproxy", "http_port": self.port}
        settings["config"]["studip:registry"] = {"kind": "distribution", "port": free_port()}
        (self.folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(settings))
        # As in a shell where nothing of this project is active.
        own = (str(ROOT), "PULUMI", "STUDIP")
        self.env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(own[1:]) or name == "STUDIP_CACHE"
        }
        self.env["PATH"] = os.pathsep.join(
            part for part in os.environ["PATH"].split(os.pathsep) if not part.startswith(own[0])
        )
        self.env["STUDIP_STATE"] = str(folder / "state")

    @property
    def url(self) -> str:
        """Address of the platform."""
        return f"http://127.0.0.1:{self.port}"

    def make(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """`make ... STACK=commands`, without a terminal."""
        return subprocess.run(
            ["make", *arguments, f"STACK={STACK}"],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A clean checkout; what it brought up is removed in the end."""
    made = Checkout(tmp_path_factory.mktemp("commands"))
    try:
        yield made
    finally:
        if things():
            made.make("destroy")


def things() -> list[str]:
    """Services, containers, volumes and networks of the environment."""
    found = [
        docker(kind, "ls", "--quiet", "--filter", LABEL)
        for kind in ("service", "volume", "network")
    ]
    return "\n".join([*found, docker("ps", "--all", "--quiet", "--filter", LABEL)]).split()


def test_make_up_ends_with_the_address_to_open_and_what_to_type_next(checkout: Checkout) -> None:
    done = checkout.make("up")
    assert done.returncode == 0, done.stdout
    last = done.stdout.rstrip().splitlines()
    assert last[-2] == f"Stud.IP ({STACK}) runs: {checkout.url}"
    assert last[-1].startswith(f"Next: make status STACK={STACK} | make logs PART=web")
    table = done.stdout[done.stdout.rindex("STAGE") :]
    for stage in ("Docker Engine", "Pulumi", "checks", "pulumi up, in all"):
        assert stage in table
    assert Client(checkout.url).get("/").status == 200


def test_a_second_make_up_changes_nothing(checkout: Checkout) -> None:
    before = set(docker("ps", "--quiet", "--filter", LABEL).split())
    done = checkout.make("up")
    assert done.returncode == 0, done.stdout
    assert "unchanged" in done.stdout
    for change in ("created", "updated", "replaced", "deleted"):
        assert f" {change}" not in done.stdout
    assert set(docker("ps", "--quiet", "--filter", LABEL).split()) == before


def test_status_names_every_part_and_that_it_is_healthy(checkout: Checkout) -> None:
    done = checkout.make("status")
    assert done.returncode == 0, done.stdout
    for part in ("registry", "database", "cache", "web", "cron", "load-balancer"):
        assert part in done.stdout
    assert f"127.0.0.1:{checkout.port}" in done.stdout


def test_logs_show_what_a_part_wrote(checkout: Checkout) -> None:
    done = checkout.make("logs", "PART=cron")
    assert done.returncode == 0, done.stdout
    assert "cron: looking for jobs" in done.stdout


def test_preview_shows_that_nothing_would_change(checkout: Checkout) -> None:
    done = checkout.make("preview")
    assert done.returncode == 0, done.stdout
    assert "unchanged" in done.stdout
    assert "to create" not in done.stdout


def test_down_stops_the_platform_and_up_brings_it_back_with_its_data(checkout: Checkout) -> None:
    client = Client(checkout.url)
    kept = client.post("/api/write", value="before the stop").json["id"]
    file = client.upload("/api/upload", "kept.txt", b"kept").json["id"]
    done = checkout.make("down")
    assert done.returncode == 0, done.stdout
    assert done.stdout.rstrip().endswith(f"`make up STACK={STACK}` brings it back with its data")
    with pytest.raises(OSError, match=r"refused|reset"):
        Client(checkout.url).get("/")
    back = checkout.make("up")
    assert back.returncode == 0, back.stdout
    client = Client(checkout.url)
    assert kept in {row["id"] for row in client.get("/api/writes").json["writes"]}
    assert client.get(f"/api/files/{file}").body == b"kept"


def test_destroy_says_what_will_be_lost_and_leaves_nothing(checkout: Checkout) -> None:
    done = checkout.make("destroy")
    assert done.returncode == 0, done.stdout
    said = done.stdout.index("THE DATA IN ITS VOLUMES WILL BE GONE")
    assert f"volume studip-{STACK}-database" in done.stdout[said:]
    assert said < done.stdout.index("Destroying")
    assert things() == []


def test_a_settings_file_that_is_wrong_is_one_clear_message(checkout: Checkout) -> None:
    file = checkout.folder / f"Pulumi.{STACK}.yaml"
    written = file.read_text()
    file.write_text(written.replace("replicas: 2", "replicas: two"))
    try:
        done = checkout.make("up")
    finally:
        file.write_text(written)
    assert done.returncode != 0
    assert "studip:application.web.replicas: must be a whole number, got two" in done.stdout
    assert f"(Pulumi.{STACK}.yaml)" in done.stdout
    assert "Traceback" not in done.stdout
    assert things() == []
