"""MySQL with group replication, as the supervisor starts, asks and recovers it."""

import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from innodb import accounts, disk, gtid
from innodb.group import Member, current, state, superseded
from innodb.options import Options
from member import configuration
from member.client import Client
from member.engine import Held, Status, Unanswered
from member.peers import own_address
from member.report import Position, Report
from member.settings import Settings

VOLUME = Path("/var/lib/mysql")
SHARE = Path("/usr/local/share/studip/innodb")
CONFIGURATION = Path("/run/mysqld/member.cnf")
PORT = 33061  # for the other members
CLIENT = ["mysql", "--user=mysql", "--connect-timeout=2", "-BNn"]
# A member that was killed has what it received before all of that is in its tables.
POSITION = """SELECT REPLACE(@@GLOBAL.gtid_executed, '\\n', ''),
    COALESCE((SELECT REPLACE(received_transaction_set, '\\n', '')
        FROM performance_schema.replication_connection_status
        WHERE channel_name = 'group_replication_applier'), ''),
    COALESCE((SELECT SUBSTRING_INDEX(view_id, ':', -1)
        FROM performance_schema.replication_group_member_stats
        WHERE member_id = @@server_uuid AND view_id != ''), 0),
    @@GLOBAL.super_read_only;"""
MEMBERS = """SELECT member_host, member_id, member_state, member_role
    FROM performance_schema.replication_group_members;"""
PAUSE = 3.0  # s between two attempts to become a member
NEVER = 2**63 - 1  # transactions beyond which a member copies everything although it needn't


class InnodbCluster:
    """One member's MySQL."""

    def __init__(self, settings: Settings, options: Options) -> None:
        self.volume = VOLUME
        self.process: subprocess.Popen[bytes] | None = None
        self._settings = settings
        self._options = options
        self._data = self.volume / "data"
        self._group = self.volume / "group"
        self._client = Client(CLIENT)
        self._numbers = {host: number for number, host in settings.hosts.items()}
        self._address = ""
        self._cluster = ""
        self._whole = False  # whether what the disk holds is worth keeping
        self._order = ""  # statements for a server that doesn't answer yet
        self._task: subprocess.Popen[bytes] | None = None  # a client that takes its time
        self._ordered = 0.0
        self._members: dict[int, Member] = {}
        self._takes_writes = False
        self._doubts = False  # whether its view may be one that the others have left
        self._accounts_are_set = False

    def prepare(self) -> Held:
        """What the disk holds. MySQL alone knows how far that goes, so it runs from here on, for
        reading only.
        """
        values = {name: str(value) for name, value in vars(self._options).items()}
        text = Template((SHARE / "member.cnf").read_text())
        CONFIGURATION.write_text(
            text.substitute(values, name=self._settings.host, number=self._settings.member)
        )
        # A disk whose server doesn't start counts as one that can't be read, and would be given up
        # for a copy.
        command = ["mysqld", f"--defaults-file={CONFIGURATION}", "--validate-config"]
        configuration.check("MySQL", command)
        found = disk.held(self._data)
        if found != "waiting":
            return Held(state=found)
        self._cluster = disk.cluster(self._group)
        self._serve()
        while self.process and self.process.poll() is None:
            try:
                position, _, _ = self._position()
            except Unanswered:
                time.sleep(0.2)
                continue
            self._whole = True
            return Held(state="waiting", cluster=self._cluster, position=position)
        self.process = None
        return Held(state="unreadable")

    def start(self, *, bootstrap: bool, peers: Sequence[Report]) -> None:
        """Make this server a member as soon as it answers."""
        seeds = [socket.gethostbyname(self._settings.hosts[peer.member]) for peer in peers]
        self._address = socket.gethostbyname(socket.gethostname())
        for seed in seeds:
            self._address = own_address(seed)
        self._cluster = peers[0].cluster if peers else self._cluster or str(uuid.uuid4())
        disk.belong(self._group, self._cluster)
        # Who has copied everything a moment ago may lack many transactions already.
        threshold = NEVER if self._ordered else self._options.clone_threshold
        values = {
            "group_name": f"'{self._cluster}'",
            "local_address": f"'{self._address}:{PORT}'",
            "group_seeds": "'{}'".format(",".join(f"{seed}:{PORT}" for seed in seeds)),
            "clone_threshold": threshold,
            "bootstrap_group": "ON" if bootstrap else "OFF",
        }
        self._order = (
            "STOP GROUP_REPLICATION;\n"
            + "".join(f"SET GLOBAL group_replication_{x} = {y};\n" for x, y in values.items())
            + "START GROUP_REPLICATION USER = 'replication';\n"
            "SET GLOBAL group_replication_bootstrap_group = OFF;\n"
        )
        if not self._whole:
            # Worth nothing, and the copy that comes needs the space.
            shutil.rmtree(self._data, ignore_errors=True)
            self._serve()
            self._whole = True

    def status(self, peers: Mapping[int, Report | None]) -> Status:
        """From the server's own view of the group, once the others don't contradict it."""
        position, view, reads_only = self._position()
        try:
            members = [Member(*row) for row in self._client.rows(MEMBERS)]
        except TypeError as error:
            raise Unanswered(f"no status: {error}") from None
        if self._order:
            self._launch(self._order)
            self._order = ""
        own = next((one for one in members if one.host == self._settings.host), None)
        now = state(own, members, joins=self._joins())
        self._members = {
            self._numbers[one.host]: one for one in members if one.host in self._numbers
        }
        self._takes_writes = own is not None and own.role == "PRIMARY" and not reads_only
        believed = current(self._cluster, view, len(members) - 1, peers)
        if now == "synced" and self._doubts and not believed:
            now = "minority"
        self._doubts = now == "minority"
        return Status(
            state=now,
            cluster=self._cluster,
            position=position,
            since=view,
            view=tuple(sorted(n for n, one in self._members.items() if one.answers)),
        )

    def restore(self) -> None:
        """Leave what is left of the group, and start it anew from here.

        `group_replication_force_members` would keep the group, but those that come back with the
        addresses that they had find no way into it (measured).
        """
        self.start(bootstrap=True, peers=())

    def writer(self, me: Report, peers: Mapping[int, Report | None]) -> bool:
        """The group has one primary; it takes writes once it has applied all before them."""
        return me.serves and self._takes_writes and not superseded(me, peers)

    def hand_over(self, peers: Mapping[int, Report | None]) -> None:
        """Let the group make another member its primary."""
        able = [peer for peer in peers.values() if peer and peer.state == "synced"]
        for peer in sorted(able, key=lambda peer: (peer.full, peer.member)):
            if peer.member in self._members:
                uuid_ = self._members[peer.member].uuid
                self._launch(f"SELECT group_replication_set_as_primary('{uuid_}', 1);\n")
                return

    def serve(self, me: Report) -> None:
        """Give the accounts the passwords of the secret files, once, where writes go."""
        if not me.writer or self._accounts_are_set:
            return
        try:
            known = {user: print_ for user, print_ in self._client.rows(accounts.KNOWN)}  # noqa: C416
            self._client.rows(
                accounts.statements(SHARE / "accounts.sql", self._options, self._cluster, known)
            )
            self._accounts_are_set = True
        except (Unanswered, subprocess.CalledProcessError) as error:
            print(f"innodb: accounts could not be set: {error}", flush=True)

    def covers(self, one: Position, other: Position) -> bool:
        """Positions are sets of transactions; a disk without any has 0."""
        return gtid.covers(str(one or ""), str(other or ""))

    def _serve(self) -> None:
        """Run the server, with a new data directory where there is none."""
        self.process = subprocess.Popen(["serve", CONFIGURATION])

    def _position(self) -> tuple[str, int, bool]:
        """Transactions that this server has, the number of its group's view, and whether it takes
        no write.
        """
        try:
            ((executed, received, view, reads_only),) = self._client.rows(POSITION)
            return gtid.union(executed, received), int(view), reads_only != "0"
        except ValueError as error:
            raise Unanswered(f"no position: {error}") from None

    def _joins(self) -> bool:
        """Whether an attempt to become a member is under way, or not long ago."""
        return (
            self._task is not None and self._task.poll() is None
        ) or time.monotonic() - self._ordered < PAUSE

    def _launch(self, statements: str) -> None:
        """Run statements that may take minutes in a client of their own."""
        if self._task and self._task.poll() is None:
            return
        self._ordered = time.monotonic()
        self._task = subprocess.Popen(CLIENT, stdin=subprocess.PIPE)
        assert self._task.stdin
        self._task.stdin.write(statements.encode())
        self._task.stdin.close()
