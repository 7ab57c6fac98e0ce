"""The process that starts, watches and stops the database of one member."""

import json
import secrets
import shutil
import signal
import sys
import threading
import time
from dataclasses import asdict, replace
from math import inf
from pathlib import Path
from types import FrameType
from typing import NoReturn

from member.engine import Engine, Status, Unanswered
from member.files import write_durably
from member.peers import PORT, Peers
from member.recovery import RUNBOOK, Decision, decide, regain
from member.report import STOPPED, Fork, Report
from member.roles import STALE, Answer, Roles
from member.settings import Settings

REMIND = 30.0  # s between two lines that say the same
HANDOVER = 2.0  # s that a stopping writer gives another one to take over
DRAIN = 1.5  # s for proxies to see that a member leaves, and for what is under way to end
MIB = 1024 * 1024
ROOM = 64 * MIB  # a disk with less counts as full
FULL = 1.0  # s of that, in which others are heard of
LEAVING = 20.0  # s that a database gets to end in order where nobody stands behind it
NEEDED = 128 * MIB  # to start: temporary tables and the log alone take half of that
WAIT = 5.0  # s between two looks for it
UNREST = 10.0  # s that a lost majority must last, as members also find each other by themselves


class Supervisor:
    """Runs one member until its database ends or it is told to stop."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine
        self._forks = _Forks(engine.volume / "forks.json")
        self._force = engine.volume / "force-bootstrap"
        self._stop = threading.Event()
        self._began = self._answered = time.monotonic()
        self._minority_since: float | None = None
        self._full_since: float | None = None
        self._was_healthy = False
        self._said = ("", 0.0)

    def run(self) -> int:
        """The exit code of the database, or 0 where it was never started."""
        # Until there is something to stop in order.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        self._wait_for_room()
        held = self._engine.prepare()
        signal.signal(signal.SIGTERM, self._on_sigterm)
        self._report = Report(
            member=self._settings.member,
            state=held.state,
            cluster=held.cluster,
            position=held.position,
            safe=held.safe,
            forks=self._forks.known,
        )
        self._say(f"the disk is {held.state}: {held.cluster or 'no cluster'}, at {held.position}")
        self._began = time.monotonic()
        self._roles = Roles(PORT, self._report)
        self._roles.start()
        self._peers = Peers(self._settings.peers, self._settings.poll)
        self._peers.start()
        while not self._stop.wait(self._settings.tick):
            if (code := self._ended()) is not None:
                self._say(f"the database ended by itself ({code})")
                return code
            self._publish(self._waits() if self._report.state in STOPPED else self._runs())
            if reason := self._why_to_leave():
                self._say(reason)
                self._stops(LEAVING)
                return 1
        return self._stops()

    def _wait_for_room(self) -> None:
        """On a full disk a server joins, dies and joins again, and the others lose their view."""
        while (free := self._free()) < NEEDED:
            self._say(
                f"the disk is full: {free // MIB} MiB are free, {NEEDED // MIB} are needed to "
                "start; waiting for room"
            )
            time.sleep(WAIT)

    def _waits(self) -> Report:
        peers = self._peers.reports()
        forced = self._force.exists()
        decision = decide(self._report, peers, self._engine.covers, forced=forced)
        self._say_decision(decision)
        serving = [report for report in peers.values() if report and report.serves]
        if forced and (serving or decision.forced):
            # Consumed first: an order counts once, whatever happens next.
            self._force.unlink()
        if decision.action == "wait":
            return self._report
        if decision.forced:
            self._fork(self._report)
        try:
            self._engine.start(bootstrap=decision.action == "bootstrap", peers=serving)
        except OSError as error:  # such as a name that is not known any more
            self._say(f"could not {decision.action}: {error}")
            return self._report
        return replace(self._report, state="joining", forks=self._forks.known)

    def _runs(self) -> Report:
        peers = self._peers.reports()
        try:
            status = self._engine.status(peers)
        except Unanswered as error:
            if self._report.state != "joining":
                self._say(f"the database gives no answer: {error}")
            return self._report
        self._answered = time.monotonic()
        report = self._renewed(status)
        if report.serves:
            if self._force.exists():
                # An order that came too late must not be found in the next outage.
                self._force.unlink()
            for peer in peers.values():
                if peer and peer.serves and peer.cluster == report.cluster:
                    self._forks.add(peer.forks)
            report = replace(report, forks=self._forks.known)
            seen = self._peers.reports(report.view)
            report = replace(report, writer=self._engine.writer(report, seen))
            self._engine.serve(report)
        if report.state != self._report.state:
            self._say(f"{report.state}: {report.cluster} at {report.position}, {report.view}")
        elif report.writer != self._report.writer:
            self._say("takes the writes" if report.writer else "leaves the writes to another")
        self._regains(report, peers)
        return report

    def _renewed(self, status: Status) -> Report:
        return Report(
            member=self._settings.member,
            state=status.state,
            # One that joins may not know yet.
            cluster=status.cluster or self._report.cluster,
            position=status.position,
            since=status.since,
            view=status.view,
            full=self._free() < ROOM,
            forks=self._forks.known,
        )

    def _why_to_leave(self) -> str:
        if self._is_out_of_room():
            return "the disk is full: leaves, to come back when there is room"
        if self._is_put_out():
            return "the others have put it out: begins anew"
        return ""

    def _is_put_out(self) -> bool:
        """Whether the others go on without it, and its database has given up to find them.

        So Galera ends what could not apply a write that the others could: it sees not even itself.
        """
        if self._minority_since is None or self._report.view:
            return False
        others = self._peers.reports().values()
        lasts = time.monotonic() - self._minority_since > UNREST
        return lasts and any(peer and peer.serves for peer in others)

    def _is_out_of_room(self) -> bool:
        """Whether to leave to others that have room, before the database dies of having none.

        Until then it would hold them up, and afterwards they would have to find out. What fills all
        disks at once is seen on all of them after `FULL`: then nobody leaves.
        """
        now = time.monotonic()
        if not self._report.serves or self._free() >= ROOM:
            self._full_since = None
            return False
        self._full_since = self._full_since or now
        able = (peer and peer.serves and not peer.full for peer in self._peers.reports().values())
        return now - self._full_since > FULL and any(able)

    def _free(self) -> int:
        return shutil.disk_usage(self._engine.volume).free

    def _regains(self, report: Report, peers: dict[int, Report | None]) -> None:
        """Go on alone, where a majority is lost for good and that is certain or ordered."""
        if report.state != "minority":
            self._minority_since = None
            return
        self._minority_since = self._minority_since or time.monotonic()
        forced = self._force.exists()
        if not forced and time.monotonic() - self._minority_since < UNREST:
            return
        decision = regain(report, peers, self._engine.covers, forced=forced)
        self._say_decision(decision)
        if decision.action != "restore":
            return
        if decision.forced:
            self._force.unlink()
            self._fork(report)
        try:
            self._engine.restore()
        except Unanswered as error:
            self._say(f"could not go on alone: {error}")

    def _fork(self, report: Report) -> None:
        self._forks.add({Fork(id=secrets.token_hex(8), position=report.position)})

    def _publish(self, report: Report, *, leaving: bool = False) -> None:
        self._report = report
        now = time.monotonic()
        # Whose database isn't up yet has nothing to hide.
        waits = report.state in STOPPED or report.state == "joining"
        usable = waits or now - self._answered < STALE
        self._roles.answer = Answer(report, self._healthy(report), usable, now, leaving)

    def _healthy(self, report: Report) -> bool:
        """Whether the container may run on; once true, only a database that hangs ends it.

        Swarm makes the name of a member known only once it is healthy, so one that waits for
        others has to be. One that joins a cluster that serves is not, until it has joined: the
        next member's change waits for that.
        """
        now = time.monotonic()
        if report.state in STOPPED:
            others = [peer for peer in self._peers.reports().values() if peer]
            awaited = any(peer.serves or peer.state == "joining" for peer in others)
            healthy = not awaited and now - self._began > self._settings.grace
        elif report.state == "joining":
            healthy = False
        else:
            healthy = True
            if now - self._answered > self._settings.hang:
                return False
        self._was_healthy = self._was_healthy or healthy
        return self._was_healthy

    def _ended(self) -> int | None:
        if self._engine.process is None:
            return None
        code = self._engine.process.poll()
        return 128 - code if code is not None and code < 0 else code

    def _stops(self, patience: float = inf) -> int:
        was_writer = self._report.writer
        deadline = time.monotonic() + HANDOVER
        serves = self._report.serves
        self._publish(replace(self._report, state="stopping", writer=False), leaving=serves)
        if was_writer:
            self._engine.hand_over(self._peers.reports())
        while was_writer and time.monotonic() < deadline:
            others = [peer for peer in self._peers.reports().values() if peer]
            if not any(peer.serves for peer in others) or any(peer.writer for peer in others):
                break
            time.sleep(self._settings.tick)
        # One with nothing left would hold the others up meanwhile.
        if serves and self._free() > MIB:
            time.sleep(DRAIN)
        self._say("stopping")
        if self._engine.process is None:
            return 0
        self._engine.process.terminate()
        deadline = time.monotonic() + patience
        while (code := self._ended()) is None:
            if time.monotonic() > deadline:
                self._engine.process.kill()
            self._answered = time.monotonic()
            self._publish(self._report)
            time.sleep(self._settings.tick)
        return code

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        self._stop.set()

    def _say_decision(self, decision: Decision) -> None:
        if not decision.operator:
            self._say(f"{decision.action}: {decision.reason}")
            return
        self._say(
            f"waiting for an operator, see {RUNBOOK}: {decision.reason}"
            if time.monotonic() - self._began > self._settings.grace
            else f"{decision.action}: {decision.reason}"
        )

    def _say(self, text: str) -> None:
        """One line on stderr; the same one again only after a while."""
        now = time.monotonic()
        said, at = self._said
        if text != said or now - at > REMIND:
            print(f"member {self._settings.member}: {text}", file=sys.stderr, flush=True)
            self._said = (text, now)


class _Forks:
    """The forks of the history on this disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.known: frozenset[Fork] = frozenset()
        if path.exists():
            self.known = frozenset(Fork(**fork) for fork in json.loads(path.read_text()))

    def add(self, forks: frozenset[Fork] | set[Fork]) -> None:
        """Keep them before anything is written that follows from them."""
        if forks <= self.known:
            return
        self.known |= forks
        write_durably(self._path, json.dumps([asdict(fork) for fork in self.known]))


def main(settings: Settings, engine: Engine) -> NoReturn:
    """Run the member; the process ends with its exit code."""
    sys.exit(Supervisor(settings, engine).run())
