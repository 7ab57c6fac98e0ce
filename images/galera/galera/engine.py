"""MariaDB with Galera, as the supervisor starts, asks and recovers it."""

import hashlib
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from galera import disk
from member import configuration
from member.client import Client
from member.engine import Held, Status, Unanswered
from member.peers import own_address
from member.recovery import oldest
from member.report import Position, Report, State
from member.settings import SettingError, Settings, file, secret, text

SHARE = Path("/usr/local/share/studip/galera")
CONFIGURATION = Path("/run/mysqld/member.cnf")
SERVER = ["mariadbd", f"--defaults-file={CONFIGURATION}"]
# Also one that lost the majority tells how it is.
CLIENT = ["mariadb", "--user=mysql", "--connect-timeout=2", "-BNn"]
CLIENT += ["--init-command=SET SESSION wsrep_dirty_reads=ON, wsrep_sync_wait=0"]
STATUS = """SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_cluster_conf_id',
'wsrep_cluster_status', 'wsrep_incoming_addresses', 'wsrep_last_committed', 'wsrep_local_state',
'wsrep_local_state_uuid', 'wsrep_ready');"""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the environment says beside the member's place among the others."""

    cluster: str
    cache: int  # MiB of writes that are kept for members that were away
    keepalive: float  # s between signs of life
    suspect: float  # s of silence after which a member is suspected
    inactive: float  # s of silence after which it is gone, whatever the others say
    certificate: str  # paths
    key: str
    authority: str
    database: str
    user: str
    password: str
    root_password: str


def read(environment: Mapping[str, str]) -> Options:
    """`GALERA_*`, `TLS_*_FILE` and `MARIADB_*`, all checked."""

    def seconds(name: str) -> float:
        return float(text(environment, name, r"\d+(\.\d+)?"))

    options = Options(
        cluster=text(environment, "GALERA_CLUSTER", r"[\w.-]{1,32}"),
        cache=int(text(environment, "GALERA_CACHE", r"[1-9]\d*")),
        keepalive=seconds("GALERA_KEEPALIVE"),
        suspect=seconds("GALERA_SUSPECT_TIMEOUT"),
        inactive=seconds("GALERA_INACTIVE_TIMEOUT"),
        certificate=file(environment, "TLS_CERTIFICATE_FILE"),
        key=file(environment, "TLS_KEY_FILE"),
        authority=file(environment, "TLS_AUTHORITY_FILE"),
        database=text(environment, "MARIADB_DATABASE", r"\w{1,64}"),
        user=text(environment, "MARIADB_USER", r"\w{1,64}"),
        password=secret(environment, "MARIADB_PASSWORD_FILE"),
        root_password=secret(environment, "MARIADB_ROOT_PASSWORD_FILE"),
    )
    if not options.keepalive < options.suspect < options.inactive:
        raise SettingError(
            "GALERA_KEEPALIVE < GALERA_SUSPECT_TIMEOUT < GALERA_INACTIVE_TIMEOUT must hold, got "
            f"{options.keepalive:g}, {options.suspect:g}, {options.inactive:g}"
        )
    return options


class Galera:
    """One member's MariaDB."""

    def __init__(self, settings: Settings, options: Options) -> None:
        self.volume = Path("/var/lib/mysql")
        self.process: subprocess.Popen[bytes] | None = None
        self._settings = settings
        self._options = options
        self._data = self.volume / "data"
        self._client = Client(CLIENT)
        self._held = Held(state="empty")
        self._numbers = {f"{host}:3306": number for number, host in settings.hosts.items()}
        self._since: int | None = None
        self._was_minority = False
        self._accounts_are_set = False

    def prepare(self) -> Held:
        """What the disk holds; a server that was killed is recovered first."""
        self._configure(socket.gethostbyname(socket.gethostname()))
        # MariaDB wants an address to begin with; nobody is asked.
        alone = [*SERVER, "--wsrep-cluster-address=gcomm://127.0.0.1"]
        # Galera joins the others before the server looks at most of its configuration: each time
        # that one died of it, they would have to find out.
        configuration.check("MariaDB", [*alone, "--help", "--verbose"])
        command = [*alone, "--wsrep-recover"]
        self._held = disk.held(self._data, lambda: disk.recovered(command))
        return self._held

    def start(self, *, bootstrap: bool, peers: Sequence[Report]) -> None:
        """Start the server."""
        addresses = {
            peer.member: socket.gethostbyname(self._settings.hosts[peer.member]) for peer in peers
        }
        for address in addresses.values():
            self._configure(own_address(address))
        command = list(SERVER)
        if self._held.cluster:
            position = f"{self._held.cluster}:{self._held.position}"
            command.append(f"--wsrep-start-position={position}")
        if bootstrap:
            disk.allow_bootstrap(self._data)
            command = ["initialise", *command, "--wsrep-new-cluster"]
        else:
            if self._held.state != "waiting":
                # Worth nothing, and the copy that comes needs the space.
                shutil.rmtree(self._data, ignore_errors=True)
            self._data.mkdir(exist_ok=True)
            # The writer gives its data only if nobody else can.
            donors = sorted(peers, key=lambda peer: peer.writer)
            names = ",".join(self._settings.hosts[peer.member] for peer in donors)
            command.append(f"--wsrep-sst-donor={names},")
        command.append(f"--wsrep-cluster-address=gcomm://{','.join(addresses.values())}")
        self.process = subprocess.Popen(command)

    def status(self, peers: Mapping[int, Report | None]) -> Status:
        """From the server's status variables."""
        try:
            values = {name: value for name, value in self._client.rows(STATUS)}  # noqa: C416
            return self._status(values)
        except (KeyError, ValueError) as error:
            raise Unanswered(f"no status: {error}") from None

    def _status(self, values: Mapping[str, str]) -> Status:
        primary = values["wsrep_cluster_status"] == "Primary"
        if primary:
            number = int(values["wsrep_cluster_conf_id"])
            # A cluster that was restored counts anew.
            self._since = min(self._since or number, number)
        was_member, state = self._since is not None, _state(values)
        if not primary:
            # Whoever was away comes back as the youngest.
            self._since = None
            state = "minority" if was_member or self._was_minority else "joining"
        self._was_minority = state == "minority"
        return Status(
            state=state,
            cluster=values["wsrep_local_state_uuid"].replace(disk.NOBODY, ""),
            position=int(values["wsrep_last_committed"]),
            since=self._since or 0,
            view=tuple(
                sorted(
                    self._numbers[address]
                    for address in values["wsrep_incoming_addresses"].split(",")
                    if address in self._numbers
                )
            ),
        )

    def restore(self) -> None:
        """Declare this member's part the cluster."""
        self._client.rows("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES';")

    def writer(self, me: Report, peers: Mapping[int, Report | None]) -> bool:
        """Any member could take writes; the one that has been there longest does."""
        return oldest(me, peers)

    def hand_over(self, peers: Mapping[int, Report | None]) -> None:
        """The others see that this member is stopping, and the oldest of them takes over."""

    def serve(self, me: Report) -> None:
        """Give the accounts the passwords of the secret files, once, where writes go."""
        if not me.writer or self._accounts_are_set:
            return
        options = self._options
        statements = Template((SHARE / "accounts.sql").read_text()).substitute(
            database=options.database,
            pattern=options.database.replace("_", "\\_"),
            user=options.user,
            password=_hashed(options.password),
            root_password=_hashed(options.root_password),
        )
        try:
            self._client.rows(statements)
            self._accounts_are_set = True
        except Unanswered as error:
            print(f"galera: accounts could not be set: {error}", flush=True)

    def covers(self, one: Position, other: Position) -> bool:
        """Positions are counted."""
        return int(one) >= int(other)

    def _configure(self, address: str) -> None:
        values = {name: _plain(value) for name, value in vars(self._options).items()}
        text = Template((SHARE / "member.cnf").read_text())
        CONFIGURATION.write_text(text.substitute(values, name=self._settings.host, address=address))


def _state(values: Mapping[str, str]) -> State:
    if values["wsrep_ready"] != "ON":
        return "joining"
    states: dict[str, State] = {"2": "donor", "4": "synced"}
    return states.get(values["wsrep_local_state"], "joining")


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _hashed(password: str) -> str:
    """As accounts have it: the statements themselves stay in the write sets on every disk."""
    once = hashlib.sha1(password.encode()).digest()
    return f"*{hashlib.sha1(once).hexdigest().upper()}"
