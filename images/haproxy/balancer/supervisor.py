"""HAProxy's master process, as the supervisor starts, reloads and stops it."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from balancer.listener import Listener
from balancer.settings import Settings

CONFIGURATION = Path("/usr/local/etc/haproxy/haproxy.cfg")
COMMAND = ("haproxy", "-W", "-db", "-f", str(CONFIGURATION))
SOCKET = "/tmp/haproxy.sock"
SERVERS = Path("/tmp/haproxy.servers")
PLACEHOLDER = Path("/tmp/placeholder.pem")
# Key and certificate to standard output.
SELF_SIGNED = (
    *("openssl", "req", "-x509", "-nodes", "-days", "365", "-subj", "/CN=placeholder"),
    *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", "/dev/stdout"),
)
SETTLE = 0.1  # s in which connections that are just being made get accepted
KEPT = 1.0  # s in which kept connections are not closed without a word
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


def say(text: str) -> None:
    """One line for the log."""
    print(f"balancer: {text}", file=sys.stderr, flush=True)


class Supervisor:
    """One HAProxy for as long as the container lives."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._environment = dict(environment)
        self._listeners: list[Listener] = []
        self._seen = self._fingerprint()

    def run(self) -> int:
        """Serve until a signal says stop; HAProxy's exit code."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        self._make_placeholder()
        SERVERS.write_text("1\n")  # version of the format; nothing known yet
        self._environment["SERVER_STATE"] = str(SERVERS)
        for name, port in self._settings.ports.items():
            self._listeners.append(Listener(port))
            self._environment[name] = f"fd@{self._listeners[-1].fd}"
        self._haproxy = subprocess.Popen(
            COMMAND,
            env=self._environment,
            pass_fds=self._descriptors(),
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS),
        )
        while True:
            got = signal.sigtimedwait(SIGNALS, self._settings.watch)
            code = self._haproxy.poll()
            if code is not None:
                return code
            if got and got.si_signo in (signal.SIGTERM, signal.SIGINT):
                return self._stop()
            seen = self._fingerprint()
            if seen != self._seen or (got and got.si_signo == signal.SIGHUP):
                self._seen = seen
                self._reload()

    def _reload(self) -> None:
        """A new worker takes over; the old one ends what it has begun."""
        check = subprocess.run(
            [*COMMAND, "-c"],
            env=self._environment,
            pass_fds=self._descriptors(),
            capture_output=True,
            text=True,
        )
        if check.returncode:
            say(f"changed files can't be used, what was read before stays:\n{check.stderr}")
            return
        # The new worker need not wait for DNS and first checks: it knows what the old one knew.
        SERVERS.write_bytes(_ask("show servers state"))
        say("files changed, a new worker takes over")
        self._haproxy.send_signal(signal.SIGUSR2)

    def _stop(self) -> int:
        """Take no more, end what is open.

        The monitor is gone at once, so that keepalived gives the address away. Whoever connects
        meanwhile is not refused but waits for the next owner.
        """
        begun = time.monotonic()
        moved = begun + self._settings.handover
        for listener in self._listeners:
            listener.ignore_new()
        time.sleep(SETTLE)
        self._haproxy.send_signal(signal.SIGUSR1)
        while self._haproxy.poll() is None:
            now = time.monotonic()
            if now > begun + self._settings.linger:
                say(f"requests are still open after {self._settings.linger} s, they end now")
                break
            # Until then a kept connection may have one more answer, which says that it is the last.
            if now > max(moved, begun + KEPT) and self._is_idle():
                break
            time.sleep(0.2)
        self._haproxy.terminate()
        self._haproxy.wait()
        # Without this container, the node would refuse who still comes here.
        time.sleep(max(0.0, moved - time.monotonic()))
        return 0

    def _is_idle(self) -> bool:
        """Whether nothing but kept connections is left: no request, and no worker from before."""
        children = Path(f"/proc/{self._haproxy.pid}/task/{self._haproxy.pid}/children")
        try:
            workers = children.read_text().split()
        except OSError:  # it has just ended
            return False
        return len(workers) == 1 and b"fe=web" not in (_ask("show sess") or b"fe=web")

    def _descriptors(self) -> list[int]:
        return [listener.fd for listener in self._listeners]

    def _fingerprint(self) -> list[tuple[str, int, int, int]]:
        """What changes when a watched file does; polled, as shared file systems tell nobody."""
        found = []
        for path in sorted([CONFIGURATION, *_pem_files(self._settings.certificates)]):
            try:
                stat = path.stat()
            except OSError:  # replaced just now
                continue
            found.append((str(path), stat.st_ino, stat.st_size, stat.st_mtime_ns))
        return found

    def _make_placeholder(self) -> None:
        """Something to answer HTTPS with until the ACME client has brought a certificate."""
        if not self._settings.acme or _pem_files(self._settings.certificates):
            return
        made = subprocess.run(SELF_SIGNED, capture_output=True, check=True)
        PLACEHOLDER.write_bytes(made.stdout)
        self._environment["PLACEHOLDER"] = str(PLACEHOLDER)


def _pem_files(place: Path | None) -> list[Path]:
    if place is None:
        return []
    return [path for path in place.iterdir() if path.is_file()] if place.is_dir() else [place]


def _ask(command: str) -> bytes:
    """HAProxy's answer to a command on its own socket; empty where it does not answer."""
    answer = b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        try:
            connection.connect(SOCKET)
            connection.sendall(f"{command}\n".encode())
            while part := connection.recv(65536):
                answer += part
        except OSError as error:
            say(f"{command}: {error}")
            return b""
    return answer
