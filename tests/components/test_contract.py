"""What every component keeps, whichever it is."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pulumi import Output

from components.address import VirtualAddressArgs
from components.application import ApplicationArgs, ApplicationEndpoint
from components.authority import AuthorityArgs, GivenAuthority
from components.cache import CacheArgs, CacheClusterArgs, CacheEndpoint
from components.certificate import Certificate
from components.database import (
    DatabaseClusterArgs,
    DatabaseEndpoint,
    GaleraArgs,
    InnodbClusterArgs,
)
from components.images import ImageArgs, SeedImageArgs
from components.labels import ENVIRONMENT, PART, labels
from components.load_balancer import Acme, LoadBalancerArgs
from components.network import NetworkArgs
from components.node import Node, apart_from
from components.proxy import ProxyArgs
from components.registry import RegistryArgs, RegistryClusterArgs, RegistryEndpoint
from components.storage import (
    CephfsArgs,
    CephMembersArgs,
    GlusterfsArgs,
    NfsArgs,
    StorageArgs,
)
from components.swarm.address import VirtualAddress
from components.swarm.application import Application
from components.swarm.authority import Authority
from components.swarm.cache import Cache, CacheCluster
from components.swarm.database import DatabaseCluster
from components.swarm.images import Image, SeedImage
from components.swarm.load_balancer import LoadBalancer
from components.swarm.network import ClusterNetwork
from components.swarm.proxy import Proxy
from components.swarm.registry import Registry, RegistryCluster
from components.swarm.storage import Storage
from components.workload import Logging, Mount, Network, Resources, Update
from policy.rules import violations
from tests.recording import DIGEST, Recording, is_secret, record, revealed

IMAGE = f"127.0.0.1:5000/studip/any@{DIGEST}"
RESOURCES = Resources(cpu_limit=0.5, memory_limit=64)
NETWORK = Network(id="network-id", name="network")
PASSWORD = "never to be seen"
NODES = [Node(name=f"node-{number}", address=f"198.18.0.{number}") for number in (1, 2, 3)]
RECIPE = Path(__file__).parent.parent.parent / "images" / "base"


def _certificate() -> Certificate:
    key = Output.secret(PASSWORD)
    return Certificate(certificate="certificate", key=key, authority="authority")


def _labels(part: str) -> dict[str, str]:
    return labels("test", part)


def _application(name: str) -> Application:
    storage = Storage(
        f"{name}-storage",
        StorageArgs(labels=_labels("storage"), driver_options={}),
    )
    return Application(
        name,
        ApplicationArgs(
            image=IMAGE,
            application_network=NETWORK,
            data_network=NETWORK,
            database=DatabaseEndpoint(
                host="db",
                port=3306,
                database="studip",
                user="studip",
                password=Output.secret(PASSWORD),
            ),
            cache=CacheEndpoint(
                kind="redis", host="cache", port=6379, password=Output.secret(PASSWORD)
            ),
            storage=storage.endpoint,
            site_name="Test",
            url="http://127.0.0.1:8080",
            mail_transport="null",
            demo_data=True,
            config={},
            replicas=2,
            drain=4,
            update=Update(order="start-first"),
            backend=None,
            resources=RESOURCES,
            cron_resources=RESOURCES,
            cron_grace_period=60,
            migrate_timeout=60,
            mounts=(),
            labels={role: _labels(role) for role in ("web", "cron", "migrate")},
            logging=Logging(),
        ),
    )


COMPONENTS: dict[str, Callable[[str], Any]] = {
    "address": lambda name: VirtualAddress(
        name,
        VirtualAddressArgs(
            image=IMAGE,
            nodes=NODES,
            addresses=["198.18.0.100/24"],
            monitor_port=8405,
            labels=_labels("address"),
            resources=RESOURCES,
            logging=Logging(),
        ),
    ),
    "application": _application,
    "authority": lambda name: Authority(name, AuthorityArgs(common_name="Test")).issue(
        "part", dns_names=["part"], ip_addresses=["127.0.0.1"]
    ),
    "authority_given": lambda name: Authority(
        name,
        AuthorityArgs(
            common_name="Test",
            given=GivenAuthority(certificate="given", key=PASSWORD, root="its root"),
        ),
    ).issue("part"),
    "cache": lambda name: Cache(
        name,
        CacheArgs(
            kind="redis",
            image=IMAGE,
            network=NETWORK,
            password=Output.secret(PASSWORD),
            memory=64,
            labels=_labels("cache"),
            resources=RESOURCES,
            logging=Logging(),
        ),
    ),
    "cache_cluster": lambda name: CacheCluster(
        name,
        CacheClusterArgs(
            kind="redis",
            image=IMAGE,
            network=NETWORK,
            nodes=NODES,
            password=Output.secret(PASSWORD),
            memory=64,
            labels=_labels("cache"),
            resources=RESOURCES,
            sentinel_resources=RESOURCES,
            logging=Logging(),
        ),
    ),
    "database": lambda name: DatabaseCluster(
        name,
        DatabaseClusterArgs(
            kind="single",
            image=IMAGE,
            network=NETWORK,
            database="studip",
            user="studip",
            password=Output.secret(PASSWORD),
            root_password=Output.secret(PASSWORD),
            parameters={"max_connections": "50"},
            labels=_labels("database"),
            resources=RESOURCES,
            logging=Logging(),
        ),
    ),
    "database_galera": lambda name: DatabaseCluster(
        name,
        DatabaseClusterArgs(
            kind="galera",
            image=IMAGE,
            network=NETWORK,
            database="studip",
            user="studip",
            password=Output.secret(PASSWORD),
            root_password=Output.secret(PASSWORD),
            parameters={"max_connections": "50"},
            galera=GaleraArgs(members=3, nodes=NODES, certificate=_certificate()),
            labels=_labels("database"),
            resources=RESOURCES,
            logging=Logging(),
        ),
    ),
    "database_innodb_cluster": lambda name: DatabaseCluster(
        name,
        DatabaseClusterArgs(
            kind="innodb-cluster",
            image=IMAGE,
            network=NETWORK,
            database="studip",
            user="studip",
            password=Output.secret(PASSWORD),
            root_password=Output.secret(PASSWORD),
            parameters={"max_connections": "50"},
            innodb_cluster=InnodbClusterArgs(members=3, nodes=NODES, certificate=_certificate()),
            labels=_labels("database"),
            resources=RESOURCES,
            logging=Logging(),
        ),
    ),
    "image": lambda name: Image(
        name,
        ImageArgs(
            repository="studip/base",
            context=RECIPE,
            dockerfile=RECIPE / "Dockerfile",
            registry=RegistryEndpoint(
                address="registry.test", user="user", password=Output.secret(PASSWORD)
            ),
        ),
    ),
    "load_balancer": lambda name: LoadBalancer(
        name,
        LoadBalancerArgs(
            kind="haproxy",
            image=IMAGE,
            edge_network=NETWORK,
            application_network=NETWORK,
            backend=ApplicationEndpoint(host=Output.from_input("tasks.web"), port=80, slots=4),
            http_port=8080,
            https_port=8443,
            certificate=Output.secret(PASSWORD),
            labels=_labels("load-balancer"),
            resources=RESOURCES,
            logging=Logging(),
        ),
    ),
    "load_balancers": lambda name: LoadBalancer(
        name,
        LoadBalancerArgs(
            kind="haproxy",
            image=IMAGE,
            edge_network=NETWORK,
            application_network=NETWORK,
            backend=ApplicationEndpoint(host=Output.from_input("tasks.web"), port=80, slots=4),
            http_port=80,
            https_port=443,
            certificate=None,
            acme=Acme(
                image=IMAGE,
                directory="https://acme.example/directory",
                email="operator@studip.example",
                domains=["studip.example"],
                certificates=Mount(target="", kind="bind", source="/shared/certificates"),
                account=Mount(target="", kind="bind", source="/shared/acme"),
                authority="authority",
            ),
            replicas=2,
            constraints=apart_from(NODES[2:]),
            monitor_port=8405,
            handover=2.5,
            labels=_labels("load-balancer"),
            resources=RESOURCES,
            logging=Logging(),
        ),
    ),
    "network": lambda name: ClusterNetwork(
        name, NetworkArgs(driver="overlay", labels=_labels("network"), subnet="10.90.0.0/24")
    ),
    "proxy": lambda name: Proxy(
        name,
        ProxyArgs(
            image=IMAGE,
            network=NETWORK,
            replicas=2,
            database=DatabaseEndpoint(
                host="db-1",
                port=3306,
                database="studip",
                user="studip",
                password=Output.secret(PASSWORD),
                members=["db-1", "db-2", "db-3"],
            ),
            cache=CacheEndpoint(
                kind="redis", host="cache-1", port=6379, password=Output.secret(PASSWORD)
            ),
            cache_members=["cache-1", "cache-2"],
            labels=_labels("proxy"),
            resources=RESOURCES,
            logging=Logging(),
        ),
    ),
    "registry": lambda name: Registry(
        name,
        RegistryArgs(
            kind="distribution",
            image=DIGEST,
            port=5000,
            labels=_labels("registry"),
            resources=RESOURCES,
            logging=Logging(),
        ),
    ),
    "registry_cluster": lambda name: RegistryCluster(
        name,
        RegistryClusterArgs(
            kind="distribution",
            images={node.name: DIGEST for node in NODES},
            nodes=NODES,
            port=5000,
            data=Mount(target="/srv/registry", kind="bind", source="/srv/shared/registry"),
            certificate=_certificate(),
            user="studip",
            password=Output.secret(PASSWORD),
            password_hash=Output.secret(PASSWORD),
            labels=_labels("registry"),
            resources=RESOURCES,
            logging=Logging(),
        ),
    ),
    "seed_image": lambda name: SeedImage(
        name,
        SeedImageArgs(
            image=ImageArgs(
                repository="studip/base", context=RECIPE, dockerfile=RECIPE / "Dockerfile"
            ),
            nodes=NODES,
            node_build_args={node.name: {"ROOTFS": "rootfs"} for node in NODES},
        ),
    ),
    "storage": lambda name: Storage(
        name, StorageArgs(labels=_labels("storage"), driver_options={})
    ),
    "storage_glusterfs": lambda name: Storage(
        name,
        StorageArgs(
            kind="glusterfs",
            nodes=NODES,
            folders={"registry": 999},
            glusterfs=GlusterfsArgs(
                images={node.name: DIGEST for node in NODES},
                folder="/var/lib/studip/test",
                members=NODES,
                certificate=_certificate(),
                resources=RESOURCES,
                client_resources=RESOURCES,
                logging=Logging(),
            ),
            labels=_labels("storage"),
        ),
    ),
    "storage_cephfs": lambda name: Storage(
        name,
        StorageArgs(
            kind="cephfs",
            nodes=NODES,
            folders={"registry": 999},
            cephfs=CephfsArgs(
                images={node.name: DIGEST for node in NODES},
                folder="/var/lib/studip/test",
                client_resources=RESOURCES,
                logging=Logging(),
                source=CephMembersArgs(
                    members=NODES,
                    secret=Output.secret(PASSWORD),
                    resources=RESOURCES,
                    daemon_resources=RESOURCES,
                ),
            ),
            labels=_labels("storage"),
        ),
    ),
    "storage_nfs": lambda name: Storage(
        name,
        StorageArgs(
            kind="nfs",
            nodes=NODES,
            nfs=NfsArgs(server="files.test", path="/export"),
            labels=_labels("storage"),
        ),
    ),
}


@pytest.fixture(scope="module", params=sorted(COMPONENTS))
def recording(request: pytest.FixtureRequest) -> Recording:
    return record(lambda: COMPONENTS[request.param]("studip-test-it"))


def test_every_child_is_below_its_component(recording: Recording) -> None:
    components = {resource.urn for resource in recording.resources if not resource.custom}
    assert components
    for resource in recording.resources:
        if resource.custom:
            assert resource.parent in components, resource.name


def test_every_childs_name_starts_with_its_components(recording: Recording) -> None:
    by_urn = {resource.urn: resource for resource in recording.resources}
    for resource in recording.resources:
        if resource.parent in by_urn:
            assert resource.name.startswith(by_urn[resource.parent].name)


def test_every_component_has_a_type_token_of_ours_and_registers_outputs(
    recording: Recording,
) -> None:
    for resource in recording.resources:
        if not resource.custom:
            assert re.fullmatch(r"studip:swarm:[A-Z][A-Za-z]+", resource.type)
            assert resource.urn in recording.outputs, resource.name


def test_everything_that_can_carries_our_labels(recording: Recording) -> None:
    without = {
        "docker:index/image:Image",  # labelled in its Dockerfile
        "docker:index/serviceConfig:ServiceConfig",  # the plugin has no labels for it
    }
    for resource in recording.resources:
        logical = resource.type.startswith("tls:")  # nothing outside of the state
        if resource.custom and not logical and resource.type not in without:
            carried = {item["label"]: item["value"] for item in resource.inputs["labels"]}
            assert carried[ENVIRONMENT] == "test", resource.name
            assert carried[PART], resource.name


def test_no_secret_reaches_the_engine_unmarked(recording: Recording) -> None:
    def plain(value: Any) -> str:
        if is_secret(value):
            return ""
        if isinstance(value, dict):
            return " ".join(plain(item) for item in value.values())
        if isinstance(value, list):
            return " ".join(plain(item) for item in value)
        return str(value)

    for resource in recording.resources:
        assert PASSWORD not in plain(dict(resource.inputs)), resource.name
    for urn, outputs in recording.outputs.items():
        assert PASSWORD not in plain(dict(outputs)), urn


def test_every_service_keeps_the_policies(recording: Recording) -> None:
    for service in recording.of_type("docker:index/service:Service"):
        assert violations(revealed(dict(service.inputs))) == []


def test_every_container_of_a_node_keeps_the_policies(recording: Recording) -> None:
    for container in recording.of_type("docker:index/container:Container"):
        assert violations(revealed(dict(container.inputs)), service=False) == []


def test_names_of_secrets_and_configs_end_in_a_hash_of_their_content(
    recording: Recording,
) -> None:
    for type_ in ("docker:index/secret:Secret", "docker:index/serviceConfig:ServiceConfig"):
        for resource in recording.of_type(type_):
            assert re.search(r"-[0-9a-f]{8}$", resource.inputs["name"]), resource.name
            assert not resource.replaced_delete_first


def test_every_service_has_a_health_check_limits_and_the_hardening_of_all(
    recording: Recording,
) -> None:
    for service in recording.of_type("docker:index/service:Service"):
        container = service.inputs["taskSpec"]["containerSpec"]
        assert container["healthcheck"]["tests"][0] == "CMD", service.name
        assert service.inputs["taskSpec"]["resources"]["limits"]["nanoCpus"], service.name
        assert container["capDrops"] == ["ALL"], service.name
        assert container["init"] is True, service.name


def test_web_cron_and_migrate_have_the_same_environment_and_mounts() -> None:
    recording = record(lambda: _application("studip-test"))
    (job,) = recording.of_type("docker:index/container:Container")
    environments = [dict(pair.split("=", 1) for pair in job.inputs["envs"])]
    mounts = [
        {mount["target"] for mount in job.inputs["mounts"]} | set(job.inputs["tmpfs"]),
    ]
    for role in ("web", "cron"):
        container = recording.service(f"studip-test-{role}").inputs["taskSpec"]["containerSpec"]
        environments.append(container["env"])
        mounts.append({mount["target"] for mount in container["mounts"]})
    for environment in environments:
        for name, value in environment.items():
            if not name.endswith("_FILE"):  # the folder of secrets differs
                assert value == environments[0][name]
        assert environment.keys() == environments[0].keys()
    assert mounts[0] == mounts[1] == mounts[2]
