"""What the settings say is what is checked before anything changes."""

from pathlib import Path

import pytest

from operations import listening, pulumi
from operations.preflight import Listener, Login
from toolchain import places
from toolchain.failure import Failure

GIVEN = {
    "defaults": "studip:platform: {name: Test}",
    "certificate": "studip:load_balancer: {https_port: 8443, certificate: all.pem}",
    "proxied": """
  studip:platform: {url: "https://studip.example.org"}
  studip:application: {web: {replicas: 1, update: {order: stop-first}}}
  studip:load_balancer: {kind: external, backend_port: 8081}""",
    "campus": """
  studip:platform: {url: "https://studip.example.org"}
  studip:networks: {edge: {driver: macvlan, name: campus}}""",
    "external": """
  studip:registry: {kind: external, address: "registry.example.org:443", user: robot,
                    password: {secure: AAAB}}""",
}
HTTP = Listener("studip:load_balancer.http_port", "0.0.0.0", 8080)
HTTPS = Listener("studip:load_balancer.https_port", "0.0.0.0", 8443)
BACKEND = Listener("studip:load_balancer.backend_port", "0.0.0.0", 8081)
REGISTRY = Listener("studip:registry.port", "127.0.0.1", 5000)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(places, "ROOT", tmp_path)
    (tmp_path / "all.pem").touch()
    for environment, text in GIVEN.items():
        (tmp_path / f"Pulumi.{environment}.yaml").write_text(f"config:\n  {text.strip()}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("defaults", [HTTP, REGISTRY]),
        ("certificate", [HTTP, HTTPS, REGISTRY]),
        ("external", [HTTP]),
        ("proxied", [BACKEND, REGISTRY]),
        ("campus", [REGISTRY]),
    ],
)
def test_only_what_we_run_ourselves_needs_a_port(
    checkout: Path, environment: str, expected: list[Listener]
) -> None:
    assert listening.listeners(listening.settings(environment)) == expected


def test_a_password_comes_out_of_pulumi(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def capture(*arguments: str) -> str:
        asked.append(arguments)
        return "right\n"

    monkeypatch.setattr(pulumi, "capture", capture)
    assert listening.logins(listening.settings("defaults")) == []
    assert asked == []
    assert listening.logins(listening.settings("external")) == [
        Login("studip:registry.password", "registry.example.org:443", "robot", "right")
    ]
    assert asked[0][-2:] == ("--path", "registry.password")


def test_wrong_settings_are_told_all_at_once(checkout: Path) -> None:
    (checkout / "Pulumi.wrong.yaml").write_text(
        "config:\n  studip:registry: {port: 0}\n  studip:load_balancer: {http_port: web}\n"
    )
    with pytest.raises(Failure) as failure:
        listening.settings("wrong")
    messages = str(failure.value).splitlines()
    assert len(messages) == 2
    assert messages[0].startswith("studip:registry.port: must be at least 1, got 0 (")
    assert messages[1].startswith("studip:load_balancer.http_port: must be a whole number, got web")
