"""A candidate's settings file under the real Pulumi, on the engine of this machine."""

from pathlib import Path

import pytest
import yaml

from evaluation.candidates import named
from evaluation.inventory.file import load
from evaluation.settings import settings_file
from tests.live.platform import Platform
from toolchain.places import ROOT

pytestmark = pytest.mark.live

SITE = ROOT / "evaluation" / "samples" / "good-offers.yaml"
ENDS = ("docker-host", "docker-host-offered", "swarm", "swarm-offered")  # all of ours, all offered
ENVIRONMENT = "candidate"  # not one that a user's settings in this checkout may have
HERE = Path("/var/run/docker.sock")


@pytest.mark.parametrize("candidate", ENDS)
def test_a_preview_takes_the_file(candidate: str, tmp_path: Path) -> None:
    config = yaml.safe_load(settings_file(load(SITE), named(candidate)).text)["config"]
    for node in config.get("studip:nodes", ()):  # a preview asks each for its host network
        socket = tmp_path / f"{node['name']}.sock"
        socket.symlink_to(HERE)
        node["engine"] = f"unix://{socket}"
    platform = Platform(tmp_path, ENVIRONMENT, config)
    run = platform.preview()
    assert run.code == 0, run.output
    assert set(run.changes) == {"create"}
    assert run.changes["create"] > 30
