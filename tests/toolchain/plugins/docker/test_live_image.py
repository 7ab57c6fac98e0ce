"""Images built by the real engine and pushed to a real registry."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from toolchain.plugins.common.values import Secret

from .conftest import REPOSITORY, Bench, Failed, Plugin, eventually, rootfs, started, unchanged

pytestmark = pytest.mark.live

IMAGE = "docker:index/image:Image"
REGISTRY_IMAGE = "docker:index/registryImage:RegistryImage"
CONTAINER = "docker:index/container:Container"
GET_IMAGE = "docker:index/getRegistryImage:getRegistryImage"

USER, PASSWORD = "builder", "right-password"
HTPASSWD = f"{USER}:$2b$05$abcdefghijklmnopqrstuuBO.kmgTJhdt40M5ZyHgFmcpBdUb9aS.\n"


@pytest.fixture(scope="module")
def registry_image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image with a registry in it; stays on the engine, as it takes a while to build."""
    name = "studip-test/registry:plugin"
    folder = REPOSITORY / "images" / "registry"
    build = {
        "context": str(folder),
        "dockerfile": str(folder / "Dockerfile"),
        "target": "debian",
        "args": {"BASE": rootfs()},
    }
    with started(tmp_path_factory.mktemp("registry")) as plugin:
        plugin.create(IMAGE, "registry", {"imageName": name, "skipPush": True, "build": build})
    return name


@pytest.fixture
def registry(plugin: Plugin, bench: Bench, registry_image: str) -> str:
    """Address of a registry that wants a password."""
    thing = plugin.create(
        CONTAINER,
        "registry",
        {
            "name": bench.name("registry"),
            "labels": bench.labels,
            "image": registry_image,
            "envs": ["REGISTRY_HTPASSWD_FILE=/passwords"],
            "uploads": [{"file": "/passwords", "content": HTPASSWD, "permissions": "0644"}],
            "ports": [{"internal": 5000, "ip": "127.0.0.1"}],
            "healthcheck": {"tests": ["CMD", "healthcheck"], "interval": "300ms"},
            "wait": True,
        },
    )
    found = bench.client.containers.get(thing.id)
    return f"127.0.0.1:{found.ports['5000/tcp'][0]['HostPort']}"


@pytest.fixture
def context(tmp_path: Path, bench: Bench) -> Path:
    """A build context with two stages; its images bear the test's label."""
    folder = tmp_path / "app"
    folder.mkdir()
    label = bench.labels[0]
    (folder / "Dockerfile").write_text(
        f"ARG BASE={rootfs()}\n"
        "FROM ${BASE} AS made\n"
        "ARG GREETING=hello\n"
        f'RUN echo "$GREETING {bench.mark}" > /greeting && echo greeting written\n'
        "FROM ${BASE}\n"
        f"LABEL {label['label']}={label['value']}\n"
        "COPY --from=made /greeting /greeting\n"
        "COPY . /app\n"
    )
    (folder / "page.html").write_text("page")
    (folder / "notes.txt").write_text("notes")
    (folder / ".dockerignore").write_text("# comment\n*.txt\n.dockerignore\n")
    return folder


def local(bench: Bench, **build: Any) -> dict[str, Any]:
    """An image that stays on the engine."""
    name = f"{bench.name('image')}:1"
    return {"imageName": name, "skipPush": True, "build": {"context": "app", **build}}


def files(bench: Bench, image: str) -> str:
    """What is in the image."""
    script = "cat /greeting; ls -A /app"
    output = bench.client.containers.run(image, ["bash", "-c", script], remove=True)
    return str(output.decode())


def test_a_local_image_is_built_once_and_again_when_its_context_changes(
    plugin: Plugin, bench: Bench, context: Path
) -> None:
    inputs = local(bench, args={"GREETING": "good day"})
    thing = plugin.create(IMAGE, "image", inputs)
    unchanged(plugin, thing, inputs)
    assert thing.outputs["repoDigest"] == bench.client.images.get(inputs["imageName"]).id
    assert thing.outputs["dockerfile"] == "Dockerfile"
    assert thing.outputs["platform"].startswith("linux/")
    assert files(bench, thing.outputs["repoDigest"]) == (
        f"good day {bench.mark}\nDockerfile\npage.html\n"
    )
    assert any("greeting written" in line for line in plugin.log.lines)
    (context / "notes.txt").write_text("ignored, so no change")
    assert plugin.diff(thing, inputs).changes == {}
    (context / "page.html").write_text("new page")
    assert plugin.diff(thing, inputs).changes == {"build.contextDigest": "UPDATE"}
    after = plugin.update(thing, inputs)
    assert after.outputs["repoDigest"] != thing.outputs["repoDigest"]
    plugin.delete(after)


def test_a_local_image_that_is_gone_is_found_missing(
    plugin: Plugin, bench: Bench, context: Path
) -> None:
    thing = plugin.create(IMAGE, "image", local(bench))
    bench.client.images.remove(thing.outputs["repoDigest"], force=True)
    assert plugin.read(thing) is None


def test_a_stage_and_a_dockerfile_from_elsewhere(
    plugin: Plugin, bench: Bench, context: Path, tmp_path: Path
) -> None:
    label = bench.labels[0]
    (tmp_path / "Other").write_text(
        f"FROM {rootfs()} AS first\nLABEL {label['label']}={label['value']}\nCOPY page.html /\n"
        "FROM first\nRUN exit 1\n"
    )
    inputs = local(bench, dockerfile="Other", target="first")
    thing = plugin.create(IMAGE, "image", inputs)
    assert thing.outputs["dockerfile"] == "../Other"
    unchanged(plugin, thing, inputs)


def test_the_classic_builder_works_too(plugin: Plugin, bench: Bench, context: Path) -> None:
    inputs = local(bench, builderVersion="BuilderV1")
    thing = plugin.create(IMAGE, "image", inputs)
    assert files(bench, thing.outputs["repoDigest"]).startswith("hello")
    (context / "Dockerfile").write_text(f"FROM {rootfs()}\nRUN echo no such thing; exit 4\n")
    with pytest.raises(Failed, match=r"(?s)failed in step Step 2/2 : RUN .*no such thing"):
        plugin.create(IMAGE, "image", inputs)


def test_a_failing_build_is_told_with_its_step_and_last_lines(
    plugin: Plugin, bench: Bench, context: Path
) -> None:
    (context / "Dockerfile").write_text(
        f"FROM {rootfs()}\n"
        "RUN for i in $(seq 50); do echo line $i; done; echo no compiler; exit 9\n"
    )
    inputs = local(bench)
    with pytest.raises(Failed) as caught:
        plugin.create(IMAGE, "image", inputs)
    first, *rest = str(caught.value).splitlines()
    assert first.startswith(f"building {inputs['imageName']} failed in step [2/2] RUN for i in")
    assert "exit code: 9" in first
    assert rest[0] == "its last lines of output:"
    assert rest[-1] == "  no compiler"
    assert "  line 50" in rest
    assert "  line 1" not in rest


def test_a_dockerfile_with_a_mistake_is_told(plugin: Plugin, bench: Bench, context: Path) -> None:
    (context / "Dockerfile").write_text(f"FROM {rootfs()}\nRAN true\n")
    with pytest.raises(Failed, match=r"failed: .*unknown instruction: RAN"):
        plugin.create(IMAGE, "image", local(bench))


@pytest.mark.parametrize("builder", ["BuilderBuildKit", "BuilderV1"])
def test_an_interrupted_build_ends_at_once(
    plugin: Plugin, bench: Bench, context: Path, builder: str
) -> None:
    (context / "Dockerfile").write_text(f"FROM {rootfs()}\nRUN echo {bench.mark}; sleep 30\n")
    interrupted: list[float] = []

    def interrupt() -> None:
        eventually(lambda: runs(f"echo {bench.mark}"), 60)
        interrupted.append(time.monotonic())
        plugin.cancel()

    threading.Thread(target=interrupt).start()
    with pytest.raises(Failed, match="interrupted"):
        plugin.create(IMAGE, "image", local(bench, builderVersion=builder))
    assert time.monotonic() - interrupted[0] < 15
    eventually(lambda: not runs(f"echo {bench.mark}"), 10)


def runs(command: str) -> bool:
    """True while a process of this machine, inside a container or not, has it on its line."""
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # has just ended
            if command in line.read_bytes().decode(errors="replace"):
                return True
    return False


def pushed(bench: Bench, registry: str, password: str = PASSWORD) -> dict[str, Any]:
    """An image that goes to a registry."""
    login = {"server": registry, "username": USER, "password": Secret(password)}
    name = f"{registry}/{bench.name('image')}:1"
    return {"imageName": name, "build": {"context": "app"}, "registry": login}


def test_an_image_is_pushed_and_known_by_its_digest(
    plugin: Plugin, bench: Bench, context: Path, registry: str
) -> None:
    inputs = pushed(bench, registry)
    thing = plugin.create(IMAGE, "image", inputs)
    unchanged(plugin, thing, inputs)
    name, _, digest = thing.outputs["repoDigest"].partition("@")
    assert name == f"{registry}/{bench.name('image')}"
    assert digest.startswith("sha256:")
    assert thing.outputs["registryServer"] == registry
    assert thing.outputs["baseImageName"] == inputs["imageName"]
    assert isinstance(thing.state["__inputs"], Secret)
    assert "registry" not in thing.state
    auth = f'[{{"address":"{registry}","username":"{USER}","password":"{PASSWORD}"}}]'
    plugin.configure(registryAuth=Secret(auth))
    found = plugin.invoke(GET_IMAGE, {"name": inputs["imageName"]})
    assert found["sha256Digest"] == digest
    with pytest.raises(Failed, match="the registry has no image"):
        plugin.invoke(GET_IMAGE, {"name": f"{registry}/nothing:1"})


def test_a_wrong_password_is_told_and_not_shown(
    plugin: Plugin, bench: Bench, context: Path, registry: str
) -> None:
    with pytest.raises(Failed) as caught:
        plugin.create(IMAGE, "image", pushed(bench, registry, "wrong-password"))
    text = str(caught.value)
    assert f"the registry {registry} refused the password of the user {USER}" in text
    assert "wrong-password" not in text
    without = {**pushed(bench, registry), "registry": {"server": registry}}
    with pytest.raises(Failed, match="wants a login, and none is given"):
        plugin.create(IMAGE, "image", without)


def test_a_registry_that_is_not_there_is_told(plugin: Plugin, bench: Bench, context: Path) -> None:
    inputs = pushed(bench, "127.0.0.1:9")
    with pytest.raises(Failed, match=r"pushing 127\.0\.0\.1:9/.* failed: .*connection refused"):
        plugin.create(IMAGE, "image", inputs)


def test_a_registry_image_is_pushed_found_and_removed(
    plugin: Plugin, bench: Bench, context: Path, registry: str
) -> None:
    name = f"{registry}/{bench.name('image')}:2"
    plugin.create(IMAGE, "image", {**local(bench), "imageName": name})
    login = {"address": registry, "username": USER, "password": PASSWORD}
    inputs = {"name": name, "authConfig": login}
    thing = plugin.create(REGISTRY_IMAGE, "image", inputs)
    unchanged(plugin, thing, inputs)
    assert thing.id == thing.outputs["sha256Digest"]
    assert thing.state["authConfig"]["password"] == Secret(PASSWORD)
    plugin.delete(thing)
    assert plugin.read(thing) is None
    plugin.delete(thing)


def test_secret_build_arguments_do_not_show(plugin: Plugin, bench: Bench, context: Path) -> None:
    inputs = local(bench, args={"GREETING": Secret("hush-hush")})
    thing = plugin.create(IMAGE, "image", inputs)
    assert not any("hush-hush" in line for line in plugin.log.lines)
    unchanged(plugin, thing, inputs)
    assert plugin.log.lines
