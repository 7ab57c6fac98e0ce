"""Engines behind a secure shell, which a small program on PATH stands for."""

import json
import sys
import time
from pathlib import Path

import pytest

from toolchain.plugins.common.errors import PluginError
from toolchain.plugins.docker.client import command
from toolchain.plugins.docker.connection import Engine, Settings

# Notes its arguments, and answers as an engine does.
ENGINE = """
import json, sys
with open({log!r}, "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
while line := sys.stdin.buffer.readline():
    path = line.split()[1].decode()
    while sys.stdin.buffer.readline().strip():
        pass
    body = json.dumps({{"ApiVersion": "1.41", "Path": path}}).encode()
    head = f"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: {{len(body)}}"
    sys.stdout.buffer.write(head.encode() + b"\\r\\n\\r\\n" + body)
    sys.stdout.buffer.flush()
"""


def install(folder: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a program the `ssh` of this test."""
    program = folder / "ssh"
    program.write_text(f"#!{sys.executable}\n{code}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize(
    ("host", "end"),
    [
        ("ssh://node-1", ["--", "node-1"]),
        ("ssh://root@node-1/", ["--", "root@node-1"]),
        ("ssh://root@node-1:2222", ["-p", "2222", "--", "root@node-1"]),
    ],
)
def test_the_command_names_user_and_port(host: str, end: list[str]) -> None:
    words = command(host, ["-i", "key"])
    assert words[0] == "ssh"
    assert words[-len(end) - 5 :] == ["-i", "key", *end, "docker", "system", "dial-stdio"]
    assert "BatchMode=yes" in words


def test_requests_share_one_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    install(tmp_path, ENGINE.format(log=str(log)), monkeypatch)
    settings = Settings.of({"host": "ssh://root@node-1", "sshOpts": ["-v"]})
    assert settings.problem() is None
    engine = Engine(settings)
    assert engine.get("/info")["Path"] == "/v1.41/info"
    assert engine.get("/volumes")["Path"] == "/v1.41/volumes"
    (arguments,) = map(json.loads, log.read_text().splitlines())
    assert arguments == command("ssh://root@node-1", ["-v"])[1:]


def test_what_the_shell_complains_about_is_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import sys; sys.exit('banner\\nroot@node-1: Permission denied (publickey).')"
    install(tmp_path, code, monkeypatch)
    began = time.monotonic()
    with pytest.raises(PluginError) as caught:
        Engine(Settings(host="ssh://root@node-1")).get("/info")
    assert str(caught.value) == (
        "the Docker Engine at ssh://root@node-1 can't be reached (root@node-1: Permission denied "
        "(publickey).): try `ssh root@node-1 docker info`"
    )
    assert time.monotonic() - began < 20


def test_without_a_shell_the_reason_is_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PluginError, match=r"can't be reached \(No such file or directory"):
        Engine(Settings(host="ssh://root@node-1")).get("/info")


def test_a_folder_without_keys_is_named(tmp_path: Path) -> None:
    settings = Settings(host="tcp://192.0.2.1:2376", cert_path=str(tmp_path))
    with pytest.raises(PluginError, match=rf"there is no file {tmp_path}/ca.pem"):
        Engine(settings).get("/info")
