"""A connection to the local daemon, through its own command line client.

One connection is kept, so that a server which is full of others' still answers.
"""

import os
import select
import subprocess
import time
import uuid
from collections.abc import Sequence

from member.engine import Unanswered


class Client:
    """Runs statements in a client program that reads them from its standard input."""

    def __init__(self, command: Sequence[str], timeout: float = 3.0) -> None:
        """`command`: the client, told to write rows with tabs and without names, unbuffered.

        `timeout`: s until an answer counts as none.
        """
        self._command = command
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None

    def rows(self, statements: str) -> list[list[str]]:
        """All rows of all statements, each of which ends in a semicolon."""
        end = uuid.uuid4().hex
        deadline = time.monotonic() + self._timeout
        try:
            process = self._connected()
            assert process.stdin
            process.stdin.write(f"{statements}\nSELECT '{end}';\n".encode())
            process.stdin.flush()
            return self._read(process, end, deadline)
        except (OSError, Unanswered) as error:
            self.close()
            raise Unanswered(str(error)) from None

    def close(self) -> None:
        """End the connection; the next statement makes a new one."""
        if self._process:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    pipe.close()
        self._process = None

    def _connected(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
            )
        return self._process

    def _read(self, process: subprocess.Popen[bytes], end: str, deadline: float) -> list[list[str]]:
        assert process.stdout
        text = ""
        while not text.endswith(f"{end}\n"):
            ready, _, _ = select.select(
                [process.stdout], [], [], max(0.0, deadline - time.monotonic())
            )
            if not ready:
                raise Unanswered(f"no answer within {self._timeout:g} s")
            received = os.read(process.stdout.fileno(), 65536)
            if not received:  # the client ends at the first error
                raise Unanswered(text.strip() or "the client ended")
            text += received.decode(errors="replace")
        return [line.split("\t") for line in text.splitlines()[:-1]]
