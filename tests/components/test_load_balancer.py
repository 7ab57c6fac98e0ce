"""Several load balancers: where they run, what they publish, which certificates they get."""

from typing import Any

from pulumi import Output

from components.application import ApplicationEndpoint
from components.certificate import Certificate
from components.load_balancer import LoadBalancerArgs
from components.node import Node, apart_from
from components.swarm.load_balancer import LoadBalancer
from components.workload import Logging, Network, Resources
from tests.recording import DIGEST, Recording, record, revealed


def made(**more: Any) -> Recording:
    usual: dict[str, Any] = {
        "kind": "haproxy",
        "image": f"registry.test/haproxy@{DIGEST}",
        "edge_network": Network(id="edge", name="edge"),
        "application_network": Network(id="application", name="application"),
        "http_port": 80,
        "https_port": 443,
        "certificate": None,
        "labels": {},
        "resources": Resources(cpu_limit=0.2, memory_limit=32),
        "logging": Logging(),
    }

    def build() -> None:
        backend = ApplicationEndpoint(host=Output.from_input("tasks.web"), port=80, slots=4)
        LoadBalancer("studip-test-it", LoadBalancerArgs(**{**usual, "backend": backend, **more}))

    return record(build)


def service(recording: Recording) -> dict[str, Any]:
    (found,) = recording.of_type("docker:index/service:Service")
    properties: dict[str, Any] = revealed(dict(found.inputs))
    return properties


def test_they_keep_apart_and_off_other_nodes() -> None:
    others = [Node(name="node-3", address="192.0.2.3")]
    properties = service(made(replicas=2, constraints=apart_from(others)))
    assert properties["mode"]["replicated"]["replicas"] == 2
    placement = properties["taskSpec"]["placement"]
    assert placement["maxReplicas"] == 1
    assert placement["constraints"] == ["node.hostname != node-3"]


def test_the_monitor_is_published_where_keepalived_asks_for_it_and_statistics_never() -> None:
    def ports(**more: Any) -> dict[int, int]:
        published = service(made(**more))["endpointSpec"]["ports"]
        return {port["publishedPort"]: port["targetPort"] for port in published}

    assert ports(https_port=None) == {80: 8080}
    assert ports(monitor_port=9000) == {80: 8080, 443: 8443, 9000: 8405}


def test_a_stop_lasts_until_another_node_has_the_address() -> None:
    properties = service(made(handover=2.2))
    container = properties["taskSpec"]["containerSpec"]
    assert container["env"]["HANDOVER_SECONDS"] == "3"
    assert container["stopGracePeriod"] == "33s"


def test_certificates_are_files_in_their_order() -> None:
    own = Certificate(certificate="chain\n", key="key", authority="authority")
    recording = made(certificate=own, certificates=["second"])
    container = service(recording)["taskSpec"]["containerSpec"]
    assert [file["fileName"] for file in container["secrets"]] == [
        "certificate.pem",
        "certificate-2.pem",
    ]
    assert container["env"]["CERTIFICATES"] == "/run/secrets"
    assert "CERTIFICATES" not in service(made())["taskSpec"]["containerSpec"]["env"]
