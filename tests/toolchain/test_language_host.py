"""The language host under the real engine: programs that run, and programs that fail."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from toolchain import stack
from toolchain.places import BIN

pytestmark = pytest.mark.live  # needs Pulumi, though no Docker Engine


@dataclass
class Project:
    """A small Pulumi project with a state of its own."""

    folder: Path

    def program(self, text: str) -> None:
        """What the program is from now on."""
        (self.folder / "__main__.py").write_text(text)

    def pulumi(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command on the project's one stack."""
        return subprocess.run(
            [str(BIN / "pulumi"), *arguments, "--stack", "it", "--non-interactive"],
            cwd=self.folder,
            env={
                **os.environ,
                **stack.environment(),
                "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
                "PULUMI_CONFIG_PASSPHRASE": "a passphrase of the test",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def up(self) -> "subprocess.CompletedProcess[str]":
        """`pulumi up` without preview, and its event log in `events.json`."""
        return self.pulumi("up", "--yes", "--skip-preview")

    def outputs(self) -> dict[str, object]:
        """The stack's outputs, secrets shown."""
        shown = self.pulumi("stack", "output", "--json", "--show-secrets").stdout
        outputs: dict[str, object] = json.loads(shown)
        return outputs


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "state").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: small\nruntime: python\n")
    made = Project(tmp_path)
    assert made.pulumi("stack", "init").returncode == 0
    yield made
    made.pulumi("destroy", "--yes", "--skip-preview")


def test_a_program_gets_its_names_configuration_and_secrets(project: Project) -> None:
    project.program(
        "import pulumi\n"
        "config = pulumi.Config()\n"
        "pulumi.export('where', [pulumi.get_project(), pulumi.get_stack()])\n"
        "pulumi.export('plain', config.require('plain'))\n"
        "pulumi.export('hidden', config.require_secret('hidden'))\n"
        "pulumi.export('dry', pulumi.runtime.is_dry_run())\n"
    )
    project.pulumi("config", "set", "plain", "open")
    project.pulumi("config", "set", "--secret", "hidden", "closed")
    done = project.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert project.outputs() == {
        "where": ["small", "it"],
        "plain": "open",
        "hidden": "closed",
        "dry": False,
    }
    assert "closed" not in done.stdout


def test_what_a_program_prints_is_shown(project: Project) -> None:
    project.program("import sys\nprint('said aloud')\nprint('complained', file=sys.stderr)\n")
    shown = project.pulumi("preview").stdout
    assert "said aloud" in shown
    assert "complained" in shown


def test_an_error_for_the_user_comes_without_traceback(project: Project) -> None:
    project.program("import pulumi\nraise pulumi.RunError('first line\\nsecond line')\n")
    done = project.up()
    assert done.returncode != 0
    assert "first line" in done.stdout
    assert "second line" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "__main__.py" not in done.stdout


def test_an_exception_shows_where_the_program_failed_once(project: Project) -> None:
    project.program("def deep():\n    return {}['missing']\n\ndeep()\n")
    done = project.up()
    assert done.returncode != 0
    assert done.stdout.count("KeyError: 'missing'") == 1
    assert "line 2, in deep" in done.stdout
    assert "runpy" not in done.stdout


def test_a_program_that_ends_itself_is_told_with_its_exit_code(project: Project) -> None:
    project.program("import os\nos._exit(7)\n")
    done = project.up()
    assert done.returncode != 0
    assert "the program ended with exit code 7" in done.stdout + done.stderr


def test_an_empty_program_is_not_kept_waiting(project: Project) -> None:
    project.program("")
    done = project.pulumi("preview")
    assert done.returncode == 0, done.stdout
    assert "warning" not in done.stdout


PASSWORD = (
    "import pulumi, pulumi_random\n"
    "made = pulumi_random.RandomPassword('it', length={length}, special={special},"
    " min_numeric=3, keepers={{'generation': '{generation}'}})\n"
    "pulumi.export('password', made.result)\n"
    "pulumi.export('hash', made.bcrypt_hash)\n"
)


def test_a_password_is_made_once_and_anew_for_other_keepers(project: Project) -> None:
    project.program(PASSWORD.format(length=20, special=False, generation=1))
    done = project.up()
    assert done.returncode == 0, done.stdout
    first = project.outputs()
    password = str(first["password"])
    assert len(password) == 20
    assert password.isalnum()
    assert sum(letter.isdigit() for letter in password) >= 3
    assert password not in done.stdout
    assert password not in project.pulumi("stack", "export").stdout

    assert "2 unchanged" in project.up().stdout
    assert "2 unchanged" in project.pulumi("refresh", "--yes", "--skip-preview").stdout
    assert project.outputs() == first

    project.program(PASSWORD.format(length=20, special=False, generation=2))
    assert "1 replaced" in project.up().stdout
    assert project.outputs()["password"] != password


def test_an_impossible_password_is_refused_by_property(project: Project) -> None:
    project.program(PASSWORD.format(length=2, special=True, generation=1))
    done = project.pulumi("preview")
    assert done.returncode != 0
    assert "length" in done.stdout
    assert "must be at least 3, got 2" in done.stdout
    assert "Traceback" not in done.stdout


def test_what_the_plugin_does_not_have_is_refused_by_name(project: Project) -> None:
    project.program("import pulumi_random\npulumi_random.RandomPet('it')\n")
    done = project.pulumi("preview")
    assert done.returncode != 0
    assert "random:index/randomPet:RandomPet" in done.stdout


def test_a_question_that_a_plugin_cannot_answer_is_told_in_its_words(project: Project) -> None:
    project.program(
        "import pulumi_docker as docker\n"
        "from pulumi import InvokeOptions\n"
        "engine = docker.Provider('engine', host='tcp://127.0.0.1:9')\n"
        "asked = InvokeOptions(provider=engine)\n"
        "docker.get_network_output(name='host', opts=asked).id.apply(print)\n"
    )
    done = project.pulumi("preview")
    assert done.returncode != 0
    assert "the Docker Engine at tcp://127.0.0.1:9 can't be reached" in done.stdout
    assert "Traceback" not in done.stdout
    assert "File " not in done.stdout


def test_debug_messages_are_shown_to_who_asks_for_them(project: Project) -> None:
    project.program("import pulumi\npulumi.log.debug('said in passing')\n")
    silent, told = project.pulumi("preview"), project.pulumi("preview", "--debug")
    assert silent.returncode == told.returncode == 0
    assert "said in passing" not in silent.stdout
    assert "said in passing" in told.stdout
    assert "registering resource" in told.stdout  # the SDK's own


def test_what_a_program_leaves_to_its_end_is_done(project: Project) -> None:
    project.program(
        "import atexit, threading, time\n"
        "atexit.register(print, 'registered for the end')\n"
        "threading.Thread(target=lambda: (time.sleep(1), print('a thread of its own'))).start()\n"
    )
    done = project.pulumi("preview")
    assert done.returncode == 0, done.stdout
    assert "registered for the end" in done.stdout
    assert "a thread of its own" in done.stdout


def test_a_failed_output_does_not_wait_for_the_others(project: Project) -> None:
    project.program(
        "import asyncio, pulumi\n"
        "async def slow():\n"
        "    await asyncio.sleep(600)\n"
        "pulumi.Output.from_input(slow()).apply(print)\n"
        "pulumi.Output.from_input(1).apply(lambda one: one / 0)\n"
    )
    done = project.pulumi("preview")
    assert done.returncode != 0
    assert "ZeroDivisionError" in done.stdout


def test_outputs_that_outputs_make_are_waited_for(project: Project) -> None:
    project.program(
        "import asyncio, pulumi\n"
        "async def later(depth):\n"
        "    await asyncio.sleep(0.05)\n"
        "    return depth\n"
        "def deeper(depth):\n"
        "    if depth == 20:\n"
        "        print('at the bottom')\n"
        "    else:\n"
        "        pulumi.Output.from_input(later(depth + 1)).apply(deeper)\n"
        "deeper(0)\n"
    )
    assert "at the bottom" in project.pulumi("preview").stdout
