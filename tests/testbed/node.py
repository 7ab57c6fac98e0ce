"""One machine of a testbed, and what can befall it."""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from toolchain.failure import Failure
from toolchain.run import run

READY = 90.0  # s until an engine answers after its machine was started


def docker(*arguments: str, timeout: float | None = 120.0) -> str:
    """Output of the docker command line on this machine; raises Failure, after `timeout` s too."""
    return run(["docker", *arguments], timeout=timeout)


@dataclass(frozen=True, kw_only=True)
class Node:
    """A machine of its own: kernel and clock are shared with the others, nothing else is."""

    name: str  # host name
    container: str  # on this machine's engine
    network: str  # bridge of this machine
    address: str  # IP address
    engine: str  # how its engine is reached from here: unix:///, tcp:// or ssh://
    certificates: Path | None = None  # for tcp
    labels: dict[str, str] = field(default_factory=dict)  # such as zone

    def run(self, *command: str, timeout: float | None = 120.0) -> str:
        """Output of a command on the machine; raises Failure."""
        return docker("exec", self.container, *command, timeout=timeout)

    def docker(self, *arguments: str, timeout: float | None = 120.0) -> str:
        """Output of the docker command line on the machine itself; raises Failure."""
        return self.run("docker", *arguments, timeout=timeout)

    @property
    def running(self) -> bool:
        """Whether the machine is switched on."""
        shown = docker("inspect", "--format", "{{.State.Running}}", self.container)
        return shown.strip() == "true"

    def wait(self, seconds: float = READY) -> None:
        """Wait until the engine answers; raises Failure with its log after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.docker("version", "--format", "{{.Server.Version}}", timeout=10)
                return
            except Failure:
                if time.monotonic() > deadline or not self.running:
                    log = docker("logs", "--tail", "15", self.container)
                    raise Failure(f"the engine of {self.name} does not start:\n{log}") from None
                time.sleep(0.1)

    # Power

    def kill(self) -> None:
        """The power fails."""
        docker("kill", self.container)

    def stop(self, seconds: int = 60) -> None:
        """Shut down in order; what does not end within `seconds` is killed."""
        docker("stop", "--time", str(seconds), self.container, timeout=seconds + 60)

    def start(self) -> None:
        """Switch on, and wait for the engine."""
        docker("start", self.container)
        self.wait()

    def restart(self) -> None:
        """Shut down and switch on."""
        self.stop()
        self.start()

    # Network

    def unplug(self) -> None:
        """Nothing reaches the machine and nothing leaves it, not even ARP; it sees no lost link."""
        run(["ip", "link", "set", "dev", self._port(), "nomaster"])

    def cut(
        self,
        peers: Iterable[str] = (),
        ports: Iterable[int | str] = (),
        protocol: str = "",
        container: str | None = None,
    ) -> None:
        """Lose all packets from and to `peers` (addresses; none: everybody) on `ports`.

        A port may be a range, such as `6800:6831`; all together make at most 15, a range two.
        `container`: only those of this one, by its id. What Swarm's overlay carries between
        machines is seen there only. Heal with `heal`.
        """
        wanted = ",".join(str(port) for port in ports)
        rule = [*(("--protocol", protocol or "tcp") if protocol or wanted else ())]
        if wanted:
            rule += ["--match", "multiport", "--ports", wanted]
        inside = self._namespace(container)
        for peer in peers or ("0.0.0.0/0",):
            self.run(*inside, "partition", "drop", *rule, "--source", peer)
            if peer != "0.0.0.0/0":
                self.run(*inside, "partition", "drop", *rule, "--destination", peer)

    def lose(self, share: float, container: str | None = None) -> None:
        """Lose a share (0 to 1) of all packets."""
        random = ["--match", "statistic", "--mode", "random", "--probability", str(share)]
        self.run(*self._namespace(container), "partition", "drop", *random)

    def slow(self, kbit: int) -> None:
        """Let through no more than `kbit` (kbit/s) each way; longer queues wait up to 1 s."""
        shape = ["root", "tbf", "rate", f"{kbit}kbit", "burst", "16kb", "latency", "1s"]
        self.run("tc", "qdisc", "replace", "dev", "eth0", *shape)
        run(["tc", "qdisc", "replace", "dev", self._port(), *shape])

    def heal(self, container: str | None = None) -> None:
        """The network is whole again, and as fast as it was; of a container: its own."""
        self.run(*self._namespace(container), "partition", "heal")
        if container is not None:
            return
        run(["ip", "link", "set", "dev", self._port(), "master", self.network])
        run(["tc", "qdisc", "replace", "dev", self._port(), "root", "pfifo"])
        self.run("tc", "qdisc", "replace", "dev", "eth0", "root", "pfifo")

    def _port(self) -> str:
        """The other end of the machine's cable."""
        index = self.run("cat", "/sys/class/net/eth0/iflink").strip()
        for path in Path("/sys/class/net").glob("*/ifindex"):
            with suppress(OSError):  # gone meanwhile
                if path.read_text().strip() == index:
                    return path.parent.name
        raise Failure(f"{self.name} has no cable on this machine")

    def _namespace(self, container: str | None) -> list[str]:
        if container is None:
            return []
        pid = self.docker("inspect", "--format", "{{.State.Pid}}", container).strip()
        return ["nsenter", "--target", pid, "--net"]

    # Processes and containers

    def processes(self, name: str) -> list[int]:
        """Identifiers, on the machine, of all processes with exactly this name, oldest first."""
        found = self.run("sh", "-c", 'pgrep --exact "$1" || true', "sh", name)
        return [int(pid) for pid in found.split()]

    def kill_process(self, pid: int, signal: str = "KILL") -> None:
        """End one process."""
        self.run("kill", f"-{signal}", str(pid))

    def containers(self, service: str) -> list[str]:
        """Identifiers of the running containers that a service has on this machine."""
        return self.docker(
            *("ps", "--quiet", "--no-trunc", "--filter"),
            f"label=com.docker.swarm.service.name={service}",
        ).split()

    def kill_container(self, container: str, signal: str = "KILL") -> None:
        """End one container, by its id."""
        self.docker("kill", "--signal", signal, container)

    # Disk

    def disk(self, volume: str, mib: int) -> None:
        """Make a volume on a disk of its own with `mib` (MiB), before anybody uses it."""
        self.run("disk", volume, str(mib))

    def fill(self, volume: str) -> None:
        """Leave no room in a volume made by `disk`."""
        self.run("disk", "fill", self._folder(volume), timeout=600)

    def free(self, volume: str) -> None:
        """Give the room back that `fill` took."""
        self.run("disk", "free", self._folder(volume))

    def _folder(self, volume: str) -> str:
        return self.docker("volume", "inspect", "--format", "{{.Mountpoint}}", volume).strip()

    # Clock

    def clock(self, seconds: float) -> None:
        """Put the wall clock of the machine and of its containers off, for running programs too.

        Needs a testbed with `clocks`. Statically linked programs, and the times that the kernel
        stamps on files, are not reached. Off until 0 is set, or until the next start.
        """
        write = "import struct, sys; sys.stdout.buffer.write(struct.pack('q', int(sys.argv[1])))"
        inner = f'python3 -c "{write}" "$1" | dd of=/run/testbed/clock conv=nocreat,notrunc'
        self.run("bash", "-c", f"set -o pipefail; {inner}", "-", str(round(seconds * 1e9)))
