"""Each rule by itself: a service that keeps it, and the one change that breaks it."""

from collections.abc import Callable
from typing import Any

import pulumi_docker as docker
import pytest
from pulumi import Output
from pulumi.runtime import rpc

from policy.enforce import PolicyViolation, enforce
from policy.rules import CONTAINER_RULES, SERVICE_RULES, UNKNOWN, violations, warnings
from tests.recording import DIGEST, record

ROOT = "/var/www/studip"
Change = Callable[[dict[str, Any]], object]


def good(part: str) -> dict[str, Any]:
    """A service that keeps every rule."""
    return {
        "labels": [{"label": "studip.part", "value": part}],
        "convergeConfig": {"delay": "1s", "timeout": "60s"},
        "updateConfig": {"order": "stop-first" if part == "cron" else "start-first"},
        "mode": {"replicated": {"replicas": 1 if part == "cron" else 2}},
        "taskSpec": {
            "resources": {"limits": {"memoryBytes": 1}},
            "logDriver": {"options": {"max-size": "1m"}},
            "containerSpec": {
                "image": f"registry.test/studip/demo@{DIGEST}",
                "readOnly": True,
                "env": {
                    "CACHE_KIND": "redis",
                    "MYSQL_PASSWORD_FILE": "/run/secrets/database-password",
                    "PROXY_URL": "http://127.0.0.1",
                },
                "mounts": [
                    *(
                        {"target": f"{ROOT}/{path}", "type": "volume", "source": path}
                        for path in (
                            "data/upload_doc",
                            "data/archiv",
                            "data/oer",
                            "data/oer_logos",
                            "public/pictures",
                            "public/plugins_packages",
                        )
                    ),
                    {"target": f"{ROOT}/data/media_cache", "type": "tmpfs"},
                    {"target": "/tmp", "type": "tmpfs"},
                ],
            },
        },
    }


def container(service: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = service["taskSpec"]["containerSpec"]
    return found


BREAKS: dict[str, tuple[str, Change, str]] = {
    "image_by_digest": (
        "web",
        lambda s: container(s).update(image="registry.test/studip/demo:latest"),
        "image must be referenced as name@sha256:..., got registry.test/studip/demo:latest",
    ),
    "no_secret_in_environment": (
        "web",
        lambda s: container(s)["env"].update(MYSQL_PASSWORD="x"),
        "environment variable MYSQL_PASSWORD would carry a secret; "
        "give a file (MYSQL_PASSWORD_FILE)",
    ),
    "converges": (
        "web",
        lambda s: s.pop("convergeConfig"),
        "convergeConfig must be set, so that a failed roll-out fails the update",
    ),
    "is_limited": (
        "web",
        lambda s: s["taskSpec"].pop("resources"),
        "a memory limit must be set",
    ),
    "is_hardened": (
        "web",
        lambda s: container(s).update(readOnly=False),
        "the root file system must be read-only",
    ),
    "has_no_more_rights_than_its_part": (
        "web",
        lambda s: container(s).update(capAdds=["CAP_NET_ADMIN"]),
        "capabilities must not be added, got CAP_NET_ADMIN",
    ),
    "only_load_balancer_is_published": (
        "database",
        lambda s: s.update(endpointSpec={"ports": [{"targetPort": 3306, "publishedPort": 3306}]}),
        "only the load balancer may publish ports, got 3306",
    ),
    "migrations_have_a_lock": (
        "web",
        lambda s: container(s)["env"].update(AUTO_MIGRATE="1"),
        "AUTO_MIGRATE must be 0 on replicas; the migrate job does it once, under a lock",
    ),
    "one_cron_worker": (
        "cron",
        lambda s: s["mode"]["replicated"].update(replicas=2),
        "there must be exactly one cron worker, got 2",
    ),
    "replicas_share_a_cache": (
        "web",
        lambda s: container(s)["env"].pop("CACHE_KIND"),
        "2 replicas need a shared cache (redis); each would keep its own",
    ),
    "forwarded_host_is_not_trusted": (
        "web",
        lambda s: container(s)["env"].update(AUTO_PROXY="1"),
        "AUTO_PROXY must be off; it trusts X-Forwarded-Host",
    ),
    "state_is_shared": (
        "web",
        lambda s: container(s)["mounts"].pop(0),
        f"{ROOT}/data/upload_doc must be on shared storage, got nothing",
    ),
    "writable_tmp": (
        "web",
        lambda s: container(s)["mounts"].pop(),
        "/tmp must be a tmpfs, got nothing",
    ),
}


def test_every_rule_has_a_case_that_breaks_it() -> None:
    rules = (*CONTAINER_RULES, *SERVICE_RULES)
    assert {rule.__name__ for rule in rules} == set(BREAKS)


@pytest.mark.parametrize("part", ["web", "cron", "database"])
def test_a_good_service_keeps_every_rule(part: str) -> None:
    assert violations(good(part)) == []


@pytest.mark.parametrize("rule", sorted(BREAKS))
def test_one_change_breaks_exactly_one_rule(rule: str) -> None:
    part, change, sentence = BREAKS[rule]
    service = good(part)
    change(service)
    assert violations(service) == [sentence]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda s: s.update(updateConfig={"order": "start-first"}),
            "the cron worker must be replaced stop-first, else two run at once",
        ),
        (
            lambda s: s["taskSpec"].pop("logDriver"),
            "log rotation (max-size) must be set",
        ),
        (
            lambda s: container(s)["env"].pop("PROXY_URL"),
            "PROXY_URL must name the address that users type",
        ),
        (
            lambda s: container(s)["mounts"].append(
                {"target": f"{ROOT}/data/assets_cache", "type": "volume", "source": "x"}
            ),
            f"{ROOT}/data/assets_cache can be rebuilt and must stay local, got volume",
        ),
    ],
)
def test_the_other_half_of_a_rule(change: Change, sentence: str) -> None:
    service = good("cron")
    change(service)
    assert violations(service) == [sentence]


def test_web_replicas_may_be_published_on_their_nodes_for_an_external_load_balancer() -> None:
    service = good("web")
    port = {"targetPort": 80, "publishedPort": 8081, "publishMode": "host"}
    service["endpointSpec"] = {"ports": [port]}
    refused = "only the load balancer may publish ports, got 8081"
    assert violations(service) == [refused]
    container(service)["env"]["TRUSTED_PROXIES"] = "none"
    assert violations(service) == []
    port["publishMode"] = "ingress"
    assert violations(service) == [refused]


def test_a_folder_of_the_node_draws_a_warning() -> None:
    service = good("web")
    container(service)["mounts"].append({"target": "/x", "type": "bind", "source": "/srv/x"})
    assert violations(service) == []
    assert warnings(service) == [
        "/x is a folder of the node (/srv/x): it is not the same folder on another node"
    ]


@pytest.mark.parametrize("source", ["/var/lib/studip/swarm/shared/archiv", UNKNOWN])
def test_a_folder_that_the_platform_mounts_on_every_node_needs_no_second_thought(
    source: object,
) -> None:
    service = good("web")
    container(service)["mounts"].append({"target": "/x", "type": "bind", "source": source})
    assert warnings(service) == []


def test_an_unknown_value_breaks_no_rule_and_hides_no_other() -> None:
    service = good("web")
    container(service).update(image=UNKNOWN)
    container(service)["env"].update(AUTO_MIGRATE=UNKNOWN, AUTO_PROXY="1")
    assert violations(service) == ["AUTO_PROXY must be off; it trusts X-Forwarded-Host"]


JOB = {
    "image": DIGEST,
    "envs": ["MYSQL_PASSWORD_FILE=/etc/studip/secrets/database-password"],
    "memory": 256,
    "logOpts": {"max-size": "1m"},
}


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        ({}, []),
        (
            {"image": "demo:latest"},
            ["image must be referenced as name@sha256:..., got demo:latest"],
        ),
        (
            {"envs": ["MYSQL_PASSWORD=x"]},
            [
                "environment variable MYSQL_PASSWORD would carry a secret; "
                "give a file (MYSQL_PASSWORD_FILE)"
            ],
        ),
        ({"memory": 0}, ["a memory limit must be set"]),
        ({"logOpts": {}}, ["log rotation (max-size) must be set"]),
        (
            {"capabilities": {"adds": ["CAP_SYS_ADMIN", "CAP_CHOWN"]}},
            ["capabilities must not be added, got CAP_SYS_ADMIN, CAP_CHOWN"],
        ),
        (
            {
                "labels": [{"label": "studip.part", "value": "storage"}],
                "capabilities": {"adds": ["CAP_SYS_ADMIN", "CAP_SYS_PTRACE"]},
            },
            ["capabilities must not be added, got CAP_SYS_PTRACE"],
        ),
    ],
)
def test_one_shot_containers_keep_what_holds_for_every_container(
    change: dict[str, Any], sentences: list[str]
) -> None:
    assert violations(JOB | change, service=False) == sentences


def _service(image: str | Output[str], *, read_only: bool = True) -> docker.Service:
    return docker.Service(
        "it",
        name="it",
        task_spec=docker.ServiceTaskSpecArgs(
            container_spec=docker.ServiceTaskSpecContainerSpecArgs(
                image=image, read_only=read_only
            ),
            resources=docker.ServiceTaskSpecResourcesArgs(
                limits=docker.ServiceTaskSpecResourcesLimitsArgs(memory_bytes=1)
            ),
            log_driver=docker.ServiceTaskSpecLogDriverArgs(
                name="json-file", options={"max-size": "1m"}
            ),
        ),
        converge_config=docker.ServiceConvergeConfigArgs(delay="1s"),
    )


def test_a_program_that_breaks_a_rule_is_stopped_before_the_service_is_registered() -> None:
    registered: list[str] = []

    def program() -> None:
        enforce()
        _service(Output.from_input("registry.test/studip/demo:latest"))

    with pytest.raises(PolicyViolation) as caught:
        registered += [r.name for r in record(program).resources]
    assert str(caught.value) == (
        "policy: it: image must be referenced as name@sha256:..., "
        "got registry.test/studip/demo:latest"
    )
    assert registered == []


def test_a_program_that_keeps_the_rules_registers_its_services_unchanged() -> None:
    def program(checked: bool) -> None:
        if checked:
            enforce()
        _service(Output.from_input(DIGEST))

    plain = record(lambda: program(checked=False))
    checked = record(lambda: program(checked=True))
    assert [r.inputs for r in checked.resources] == [r.inputs for r in plain.resources]


def _program(**broken: Any) -> None:
    """A service of an image that is built, with a rule broken."""
    enforce()
    image = docker.Image("image", image_name="registry.test/studip/demo:1")
    _service(image.repo_digest, **broken)


def test_a_preview_of_images_that_were_never_built_checks_all_that_it_knows() -> None:
    recording = record(lambda: _program(), preview=True)
    unknown = recording.service("it").inputs["taskSpec"]["containerSpec"]["image"]
    assert unknown == rpc.UNKNOWN
    with pytest.raises(PolicyViolation, match="policy: it: the root file system must be read-only"):
        record(lambda: _program(read_only=False), preview=True)
