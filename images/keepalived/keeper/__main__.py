"""keepalived, for as long as the container lives; a stop gives the address away at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from keeper import settings
from keeper.watch import Watch

CONFIGURATION = settings.RUN / "keepalived.conf"
CHILD = settings.RUN / "vrrp.pid"
COMMAND = [
    *("keepalived", "--dont-fork", "--log-console", "--vrrp"),
    *("--use-file", str(CONFIGURATION)),
    *("--pid", str(settings.RUN / "keepalived.pid"), "--vrrp_pid", str(CHILD)),
]
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


def main() -> int:
    """Exit code 1 and one line where a setting is wrong."""
    try:
        read = settings.read(os.environ)
        CONFIGURATION.write_text(settings.render(read, settings.TEMPLATE.read_text()))
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        watch = Watch(read)
        keepalived = subprocess.Popen(
            COMMAND, preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        )
    except settings.SettingError as error:
        print(f"entrypoint: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        needed = "CAP_NET_ADMIN, CAP_NET_RAW, and a tmpfs of its own at /run/keepalived"
        print(f"entrypoint: {error}; keepalived needs {needed}", file=sys.stderr)
        return 1
    watch.start()
    while True:
        got = signal.sigtimedwait(SIGNALS, 1)
        if keepalived.poll() is not None:
            _wait_for_child()
            return keepalived.returncode or 1
        if not watch.own.is_alive() or (got and got.si_signo != signal.SIGCHLD):
            keepalived.terminate()
            keepalived.wait()
            return 0 if watch.own.is_alive() else 1


def _wait_for_child() -> None:
    """The process that has the address gives it away when its parent dies, if it gets the time."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        try:
            stat = Path(f"/proc/{CHILD.read_text().strip()}/stat").read_text()
        except OSError:
            return
        if stat.split()[2] == "Z":
            return
        time.sleep(0.05)


sys.exit(main())
