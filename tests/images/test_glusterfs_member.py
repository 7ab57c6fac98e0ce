"""What a member of the storage decides, without any other."""

import time
from pathlib import Path

import pytest

from gluster import server as module
from gluster import volume
from gluster.commands import CommandError, Heals
from gluster.server import Refused, Server
from gluster.settings import ServerSettings
from gluster.volume import Volume

ID = "1a2d49ce29b0427fb1bccdb185fc6972"
KNOWN = Volume(id=ID, started=True, settings={})


def settings(member: str = "a") -> ServerSettings:
    """Of a member of three."""
    return ServerSettings(
        member=member,
        members=("a", "b", "c"),
        volume="shared",
        cluster="test",
        arbiter=False,
        ping_timeout=10,
        split_brain="mtime",
        allow=("198.19.0.1",),
        quotas={},
        common_name=None,
    )


class Machine:
    """Disks and other members, as a test wants them."""

    def __init__(self, folder: Path) -> None:
        self.brick = folder / "bricks" / "brick"
        self.state = folder / "state"
        self.brick.parent.mkdir()
        self.state.mkdir()
        self.id: str | None = None  # of the volume that the brick belongs to
        self.own_disk = True
        self.known_to: dict[str, list[str]] = {}  # volumes by member
        self.commands: list[str] = []

    def gluster(self, *words: str, timeout: float = 0) -> str:
        """Write a command down."""
        self.commands.append(" ".join(words))
        return ""

    def forget(self) -> None:
        """What `forget_brick_id` does."""
        self.id = None


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with empty disks, whose other members know nothing."""
    machine = Machine(tmp_path)
    for owner in (module, volume):
        monkeypatch.setattr(owner, "BRICK", machine.brick)
        monkeypatch.setattr(owner, "STATE", machine.state)
    monkeypatch.setattr(module, "OWN_DISK", machine.state / "own")
    monkeypatch.setattr(module, "gluster", machine.gluster)
    monkeypatch.setattr(module, "volumes", lambda member: machine.known_to.get(member, []))
    monkeypatch.setattr(volume, "brick_id", lambda: machine.id)
    monkeypatch.setattr(volume, "forget_brick_id", machine.forget)
    monkeypatch.setattr(volume, "is_on_own_disk", lambda: machine.own_disk)
    monkeypatch.setattr(Path, "is_mount", lambda self: True)
    return machine


def test_the_first_creates_a_volume_that_nobody_knows(machine: Machine) -> None:
    assert Server(settings())._form([]) == "created"
    assert machine.commands == [
        f"volume create shared replica 3 a:{machine.brick} b:{machine.brick} c:{machine.brick}"
    ]


@pytest.mark.parametrize("missing", [["b"], ["c"], ["b", "c"]])
def test_nobody_creates_while_a_member_is_missing(machine: Machine, missing: list[str]) -> None:
    assert Server(settings())._form(missing) == f"not connected: {', '.join(missing)}"
    assert machine.commands == []


def test_nobody_else_creates(machine: Machine) -> None:
    assert Server(settings("b"))._form([]) == "a creates the volume"
    assert machine.commands == []


@pytest.mark.parametrize("member", ["b", "c"])
def test_nobody_creates_what_another_knows(machine: Machine, member: str) -> None:
    machine.known_to[member] = ["shared"]
    assert Server(settings())._form([]) == f"{member} knows shared"
    assert machine.commands == []


def test_data_without_a_volume_is_refused(machine: Machine) -> None:
    machine.brick.mkdir()
    (machine.brick / "file").touch()
    with pytest.raises(Refused, match="holds data, but no member knows the volume"):
        Server(settings())._form([])
    assert machine.commands == []


def test_what_a_failed_creation_left_is_removed_later_not_at_once(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    machine.id = ID
    server = Server(settings("b"))
    server._form([])
    now[0] += module.FORMING - 1
    server._form([])
    assert machine.id == ID
    now[0] += 2
    server._form([])
    assert machine.id is None


def test_an_empty_disk_is_taken_in_once_the_volume_was_read_from_the_own_disk(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(settings("c"))
    restarts: list[str] = []
    monkeypatch.setattr(server, "_end_daemon", lambda: restarts.append("end"))
    monkeypatch.setattr(server, "_start", lambda: setattr(server, "knew_volume", True))
    assert server._take_in(KNOWN, []) == "learned of the volume"
    assert restarts == ["end"]
    assert machine.commands == []
    server._take_in(KNOWN, [])
    server._take_in(KNOWN, [])  # has to wait until it is due again
    brick = f"c:{machine.brick}"
    assert machine.commands == [
        f"volume reset-brick shared {brick} start",
        f"volume reset-brick shared {brick} {brick} commit force",
    ]


def test_an_empty_disk_waits_for_another_member(machine: Machine) -> None:
    assert Server(settings())._take_in(KNOWN, ["b", "c"]) == "no other member is connected"
    assert machine.commands == []


def test_wrong_disks_are_not_taken_in(machine: Machine) -> None:
    server = Server(settings())
    server.knew_volume = True
    machine.brick.mkdir()
    machine.id = "0" * 32
    with pytest.raises(Refused, match="belongs to another volume"):
        server._take_in(KNOWN, [])
    machine.id = None
    (machine.brick / "file").touch()
    with pytest.raises(Refused, match="holds data of no volume"):
        server._take_in(KNOWN, [])
    (machine.brick / "file").unlink()
    server._remember_disk()
    machine.own_disk = False
    with pytest.raises(Refused, match="the brick's disk is not mounted"):
        server._take_in(KNOWN, [])
    assert machine.commands == []


def test_a_dead_brick_is_woken_only_with_a_quorum(machine: Machine) -> None:
    server = Server(settings())
    state, reason = server._wake_brick(["b", "c"])
    assert (state, reason.partition(":")[0]) == ("joining", "no quorum")
    assert machine.commands == []
    assert server._wake_brick(["b"]) == ("joining", "the brick is down")
    assert machine.commands == ["volume start shared force"]


def test_a_member_has_joined_when_its_own_brick_took_part_and_nothing_is_left(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(settings())
    monkeypatch.setattr(server, "_is_due", lambda what, seconds=0.0: True)

    def look(pending: int, connected: set[str]) -> str:
        heals = Heals(pending=pending, split_brain=0, connected=frozenset(connected))
        monkeypatch.setattr(Heals, "read", lambda volume: heals)
        return server._watch_heals()[0]

    assert look(0, {"b", "c"}) == "joining"
    assert look(5, {"a", "b", "c"}) == "joining"
    assert look(0, {"a", "b"}) == "serving"
    assert look(3, {"a", "b"}) == "serving"  # what others owe later is no reason to stop anybody


def test_only_options_that_differ_are_set(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(settings())
    text = "# a comment\n\nnetwork.ping-timeout 10\ncluster.quorum-type auto\n"
    monkeypatch.setattr(server, "_filled", lambda template: text)
    found = {"network.ping-timeout": "42", "cluster.quorum-type": "auto"}
    server._settle(Volume(id=ID, started=True, settings=found))
    assert machine.commands == ["volume set shared network.ping-timeout 10"]
    server._settle(Volume(id=ID, started=False, settings={}))
    assert machine.commands[1:] == [
        "volume set shared network.ping-timeout 10 cluster.quorum-type auto",
        "volume start shared",
    ]


def test_identities_come_from_names_and_storages() -> None:
    first = settings()
    assert first.identity("b") == settings("c").identity("b")
    assert first.identity("b") != first.identity("c")


def test_heals_are_read_from_what_gluster_says() -> None:
    brick = """<brick><name>{}:/bricks/brick</name><status>{}</status>
        <totalNumberOfEntries>9</totalNumberOfEntries>
        <numberOfEntriesInHealPending>{}</numberOfEntriesInHealPending>
        <numberOfEntriesInSplitBrain>1</numberOfEntriesInSplitBrain></brick>"""
    bricks = [brick.format("a", "Connected", 8), brick.format("b", "Connected", 7)]
    gone = "<brick><name>c:/bricks/brick</name><status>Transport endpoint</status></brick>"
    text = f"<cliOutput><healInfo><bricks>{''.join(bricks)}{gone}</bricks></healInfo></cliOutput>"
    found = Heals.parse(text)
    assert found == Heals(pending=8, split_brain=1, connected=frozenset({"a", "b"}))
    assert found.owing
    for wrong in ("Self-heal daemon is not running", "<cliOutput></cliOutput>"):
        with pytest.raises(CommandError):
            Heals.parse(wrong)
