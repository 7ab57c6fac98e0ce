"""Wrong settings files and exactly what is said about them; and what right ones become."""

import json
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import jsonschema
import pytest
import yaml

from components.storage import STATE
from stacks.settings.checks import FOLDERS
from stacks.settings.errors import SettingsError
from stacks.settings.file import read as read_file
from stacks.settings.load import load_settings, read_settings
from stacks.settings.schema import DOCUMENT, SCHEMA, document, schema

ROOT = Path(__file__).parent.parent.parent
SHIPPED = ("dev", "swarm", "kubernetes")

NODE_C = ", {name: c, engine: 'ssh://c', address: 192.0.2.3}"
THREE = (
    "studip:nodes: [{name: a, engine: 'ssh://a', address: 192.0.2.1}, "
    f"{{name: b, engine: 'ssh://b', address: 192.0.2.2}}{NODE_C}]"
)
CLUSTER = f"{THREE}\nstudip:storage: {{kind: glusterfs}}"
ENOUGH = "resources: {limits: {memory_mib: 1024}}"  # for a member of MySQL's
EXTERNAL = "{kind: external, host: db, password: {secure: v1:abc}}"

# Settings below `config:`, and every message about them without file name, in order.
WRONG: dict[str, tuple[str, list[str]]] = {
    "an unknown section": (
        "studip:databse: {kind: single}",
        ['studip:databse: unknown key, did you mean "database"?'],
    ),
    "an unknown section like no other": (
        "studip:xyz: {}",
        [
            "studip:xyz: unknown key; known: application, authority, cache, database, gitlab, "
            "images, load_balancer, logging, networks, nodes, orchestrator, platform, registry, "
            "storage"
        ],
    ),
    "an unknown key": (
        "studip:database: {member: 3}",
        ['studip:database.member: unknown key, did you mean "members"?'],
    ),
    "an unknown key deep down": (
        "studip:application: {web: {resources: {limits: {memory: 3}}}}",
        ['studip:application.web.resources.limits.memory: unknown key, did you mean "memory_mib"?'],
    ),
    "an unknown key in a list": (
        "studip:nodes: [{name: a, adress: 192.0.2.1}]",
        ['studip:nodes[0].adress: unknown key, did you mean "address"?'],
    ),
    "an unknown orchestrator": (
        "studip:orchestrator: mesos",
        ["studip:orchestrator: must be one of swarm, kubernetes, got mesos"],
    ),
    "an orchestrator that can't be had yet": (
        "studip:orchestrator: kubernetes",
        ["studip:orchestrator: kubernetes is not available yet; available: swarm"],
    ),
    "an unknown kind": (
        "studip:database: {kind: postgres}",
        [
            "studip:database.kind: must be one of single, galera, innodb-cluster, external, "
            "got postgres"
        ],
    ),
    "a cluster on one node": (
        "studip:database: {kind: galera}\nstudip:storage: {kind: glusterfs}",
        [
            "studip:database.kind: galera needs at least 3 nodes, got 1",
            "studip:storage.kind: glusterfs needs at least 3 nodes, got 1",
        ],
    ),
    "two copies in CephFS": (
        f"{THREE}\nstudip:database: {EXTERNAL}\nstudip:storage: {{kind: cephfs, replicas: 2}}",
        ["studip:storage.replicas: must be 3 for cephfs, got 2"],
    ),
    "CephFS on one node": (
        "studip:storage: {kind: cephfs}",
        ["studip:storage.kind: cephfs needs at least 3 nodes, got 1"],
    ),
    "disks and quotas of nothing in CephFS": (
        f"{THREE}\nstudip:database: {EXTERNAL}\nstudip:storage: {{kind: cephfs, cephfs: "
        "{disks: {d: /srv/disk}, quotas: {uploads: 5GB}, grace: 3}}",
        [
            "studip:storage.cephfs.grace: must be at least 4, got 3",
            "studip:storage.cephfs.disks.d: must be one of the first 3 nodes (a, b, c), got d",
            "studip:storage.cephfs.quotas.uploads: must be one of upload-doc, archiv, oer, "
            "oer-logos, pictures, plugins-packages, got uploads",
        ],
    ),
    "a Ceph cluster of the site, and members of our own": (
        f"{THREE}\nstudip:database: {EXTERNAL}\nstudip:storage: {{kind: cephfs, cephfs: "
        "{cluster: {monitors: []}, size_gib: 5, resources: {limits: {cpus: 2}}}}",
        [
            "studip:storage.cephfs.cluster.monitors: must have at least 1 entries, got 0",
            "studip:storage.cephfs.cluster.key: is missing",
        ],
    ),
    "members of our own beside a Ceph cluster of the site": (
        f"{THREE}\nstudip:database: {EXTERNAL}\nstudip:storage: {{kind: cephfs, cephfs: "
        "{cluster: {monitors: [ceph.example.org], key: {secure: v1:abc}}, size_gib: 5, "
        "resources: {limits: {cpus: 2}}}}",
        [
            "studip:storage.cephfs.size_gib: is for members of our own, and cluster is given",
            "studip:storage.cephfs.resources: is for members of our own, and cluster is given",
        ],
    ),
    "CephFS that nobody mounts": (
        "studip:storage: {cephfs: {grace: 5}}",
        ["studip:storage.cephfs: is for the kind cephfs only, and the kind is local"],
    ),
    "a cluster's own variables": (
        f"{CLUSTER}\nstudip:database: {{kind: galera, parameters: {{wsrep_on: false, "
        "wsrep-sst-method: rsync, max_connections: 5}}",
        [
            f"studip:database.parameters.{name}: is the cluster's own, and set by the platform"
            for name in ("wsrep_on", "wsrep-sst-method")
        ],
    ),
    "a MySQL cluster's own variables and accounts": (
        f"{CLUSTER}\nstudip:database: {{kind: innodb-cluster, user: replication, {ENOUGH}, "
        "parameters: {loose-group-replication-ssl-mode: DISABLED, super_read_only: false, "
        "gtid_mode: false, read_buffer_size: 65536, max_connections: 5}}",
        [
            *(
                f"studip:database.parameters.{name}: is the cluster's own, and set by the platform"
                for name in ("loose-group-replication-ssl-mode", "super_read_only", "gtid_mode")
            ),
            "studip:database.user: must not be one of the cluster's own "
            "(mysql, replication, root), got replication",
        ],
    ),
    "a MySQL cluster with the memory of a single server": (
        f"{CLUSTER}\nstudip:database: {{kind: innodb-cluster}}",
        [
            "studip:database.resources.limits.memory_mib: must be at least 1024 for "
            "innodb-cluster, got 512",
        ],
    ),
    "a MySQL cluster on one node": (
        f"studip:database: {{kind: innodb-cluster, {ENOUGH}}}",
        [
            "studip:database.kind: innodb-cluster needs at least 3 nodes, got 1",
        ],
    ),
    "two nodes": (
        f"{THREE.replace(NODE_C, '')}\nstudip:database: {EXTERNAL}\n"
        "studip:storage: {kind: external, driver: rexray}",
        [
            "studip:nodes: two are not available on swarm; take one, or at least 3",
        ],
    ),
    "nodes that are one machine": (
        "studip:nodes: [{name: a, address: 192.0.2.1}, {name: b, address: 192.0.2.1}, {name: c}]\n"
        f"studip:database: {EXTERNAL}\nstudip:storage: {{kind: external, driver: rexray}}",
        [
            "studip:nodes[1].engine: must be given once, got unix:///var/run/docker.sock",
            "studip:nodes[2].engine: must be given once, got unix:///var/run/docker.sock",
            "studip:nodes[1].address: must be given once, got 192.0.2.1",
            "studip:nodes[2].address: must be given for several nodes, got nothing",
        ],
    ),
    "a database that is lost with its node": (
        f"{CLUSTER}",
        [
            "studip:database.kind: single is on one node, with its data: 3 nodes need galera, "
            "innodb-cluster or external, got single",
        ],
    ),
    "a file server that is not named": (
        "studip:storage: {kind: nfs, glusterfs: {ping_timeout: 5}}",
        [
            "studip:storage.nfs: must be given for the kind nfs, got nothing",
            "studip:storage.glusterfs: is for the kind glusterfs only, and the kind is nfs",
        ],
    ),
    "a file server that nobody asks": (
        "studip:storage: {nfs: {server: files.example.org, path: /export}}",
        ["studip:storage.nfs: is for the kind nfs only, and the kind is local"],
    ),
    "disks and quotas of nothing": (
        f"{THREE}\nstudip:database: {EXTERNAL}\nstudip:storage: {{kind: glusterfs, glusterfs: "
        "{disks: {d: /srv/disk}, quotas: {uploads: 5GB, archiv: lots}}}",
        [
            "studip:storage.glusterfs.quotas.archiv: must match ^[1-9][0-9]*(MB|GB|TB)$, got lots",
            "studip:storage.glusterfs.disks.d: must be one of the first 3 nodes (a, b, c), got d",
            "studip:storage.glusterfs.quotas.uploads: must be one of upload-doc, archiv, oer, "
            "oer-logos, pictures, plugins-packages, got uploads",
        ],
    ),
    "a moving address without a second load balancer": (
        f"{CLUSTER}\nstudip:database: {EXTERNAL}\nstudip:load_balancer: {{vrrp: {{address: "
        "192.0.2.3, monitor_port: 8080}}",
        [
            "studip:load_balancer.replicas: must be at least 2 for vrrp, got 1",
            "studip:load_balancer.vrrp.address: must be no node's own, got that of nodes[2]",
            "studip:load_balancer.vrrp.monitor_port: must differ from load_balancer.http_port, "
            "got 8080",
        ],
    ),
    "a moving address of version 6 in macvlan": (
        f"{CLUSTER}\nstudip:database: {EXTERNAL}\nstudip:networks: {{edge: {{driver: macvlan, "
        "name: campus}}\nstudip:load_balancer: {replicas: 2, vrrp: {address: '2001:db8::1'}}\n"
        "studip:platform: {url: 'http://studip.example.org'}",
        [
            "studip:load_balancer.vrrp: moves between ports of nodes, and macvlan takes none",
            "studip:load_balancer.vrrp.address: must be IPv4, got 2001:db8::1",
        ],
    ),
    "a certificate of two issuers": (
        "studip:load_balancer: {https_port: 8443, certificate: site.pem, issuer: authority}",
        [
            "studip:load_balancer.certificate: is for the issuer file only, got site.pem",
            "studip:load_balancer.issuer: authority is for several nodes; name a certificate",
        ],
    ),
    "an issuer that nothing is told of": (
        "studip:load_balancer: {https_port: 443, issuer: acme}",
        [
            "studip:load_balancer.acme: must be given for the issuer acme, got nothing",
            "studip:load_balancer.http_port: must be 80 for acme, got 8080",
            "studip:platform.url: must have a host name such as studip.example.org for acme, "
            "got 127.0.0.1",
        ],
    ),
    "an ACME authority that can't be asked": (
        "studip:platform: {url: 'https://studip.example.org'}\n"
        "studip:load_balancer: {http_port: 80, https_port: 443, issuer: acme, acme: "
        "{directory: 'ftp://ca', email: nobody, renew_days: 91}}",
        [
            "studip:load_balancer.acme.directory: must be an address such as "
            "https://studip.example.org, got ftp://ca",
            "studip:load_balancer.acme.email: must match ^\\S+@\\S+$, got nobody",
            "studip:load_balancer.acme.renew_days: must be at most 90, got 91",
        ],
    ),
    "an ACME authority without its certificate": (
        "studip:platform: {url: 'https://studip.example.org'}\n"
        "studip:load_balancer: {http_port: 80, https_port: 443, issuer: acme, acme: "
        "{directory: 'https://ca.example.org', email: a@example.org, authority: none.pem}}",
        ["studip:load_balancer.acme.authority: must be a PEM file, got none.pem"],
    ),
    "an ACME authority that nobody asks": (
        "studip:load_balancer: {acme: {directory: 'https://ca.example.org', email: a@example.org}}",
        ["studip:load_balancer.acme: is for the issuer acme only, got the issuer file"],
    ),
    "half an authority": (
        f"{CLUSTER}\nstudip:database: {EXTERNAL}\n"
        "studip:authority: {certificate: other.pem, root: site.pem}",
        [
            "studip:authority.key: must be given with the other half, got nothing",
            "studip:authority.certificate: must be a PEM file, got other.pem",
        ],
    ),
    "an authority of one node": (
        "studip:authority: {root: site.pem}",
        [
            "studip:authority.root: is for a given certificate only",
            "studip:authority: is for several nodes only, and there is one",
        ],
    ),
    "an issuer without https": (
        f"{CLUSTER}\nstudip:database: {EXTERNAL}\nstudip:load_balancer: {{issuer: authority}}",
        [
            "studip:load_balancer.https_port: must be given for the issuer authority, got nothing",
        ],
    ),
    "an even number of members": (
        f"{CLUSTER}\nstudip:database: {{kind: galera, members: 2}}",
        [
            "studip:database.members: must be odd and at least 3, got 2",
        ],
    ),
    "one member of a cluster": (
        f"{CLUSTER}\nstudip:database: {{kind: innodb-cluster, members: 1, {ENOUGH}}}",
        [
            "studip:database.members: must be odd and at least 3, got 1",
        ],
    ),
    "too many members": (
        f"{CLUSTER}\nstudip:database: {{kind: galera, members: 9}}",
        [
            "studip:database.members: must be at most 7, got 9",
        ],
    ),
    "members of a single server": (
        "studip:database: {kind: single, members: 3}",
        ["studip:database.members: must be 1 for the kind single, got 3"],
    ),
    "an external database without host": (
        "studip:database: {kind: external, password: {secure: v1:abc}}",
        ["studip:database.host: must be given for the kind external, got nothing"],
    ),
    "an external database without anything": (
        "studip:database: {kind: external}",
        [
            "studip:database.host: must be given for the kind external, got nothing",
            "studip:database.password: must be given for the kind external, got nothing",
        ],
    ),
    "a host of a database of our own": (
        "studip:database: {host: db.example.org}",
        ["studip:database.host: is for the kind external only, and the kind is single"],
    ),
    "a database name that SQL would have to quote": (
        "studip:database: {database: Stud-IP}",
        ["studip:database.database: must match ^[a-z][a-z0-9_]{0,31}$, got Stud-IP"],
    ),
    "a text where a number belongs": (
        "studip:database: {port: high}",
        ["studip:database.port: must be a whole number, got high"],
    ),
    "a number where a text belongs": (
        "studip:database: {host: 3}",
        ["studip:database.host: must be a text, got 3"],
    ),
    "a port out of range": (
        "studip:load_balancer: {http_port: 70000}",
        ["studip:load_balancer.http_port: must be at most 65535, got 70000"],
    ),
    "port zero": (
        "studip:load_balancer: {http_port: 0}",
        ["studip:load_balancer.http_port: must be at least 1, got 0"],
    ),
    "one port for two parts": (
        "studip:load_balancer: {http_port: 5000}",
        ["studip:registry.port: must differ from load_balancer.http_port, got 5000"],
    ),
    "one port twice in one part": (
        "studip:load_balancer: {https_port: 8080, certificate: site.pem}",
        ["studip:load_balancer.https_port: must differ from load_balancer.http_port, got 8080"],
    ),
    "https without certificate": (
        "studip:load_balancer: {https_port: 8443}",
        ["studip:load_balancer.certificate: must be given with https_port, got nothing"],
    ),
    "a certificate without https": (
        "studip:load_balancer: {certificate: site.pem}",
        ["studip:load_balancer.https_port: must be given with a certificate, got nothing"],
    ),
    "a certificate that is not there": (
        "studip:load_balancer: {https_port: 8443, certificate: other.pem}",
        ["studip:load_balancer.certificate: must be a PEM file, got other.pem"],
    ),
    "a moving address with one node": (
        "studip:load_balancer: {vrrp: {address: 192.0.2.1}}",
        [
            "studip:load_balancer.vrrp: needs at least 2 nodes, got 1",
            "studip:load_balancer.replicas: must be at least 2 for vrrp, got 1",
        ],
    ),
    "a moving address that is none": (
        "studip:load_balancer: {vrrp: {address: somewhere}}",
        [
            "studip:load_balancer.vrrp.address: must be an IP address such as 192.0.2.10, "
            "got somewhere"
        ],
    ),
    "more load balancers than nodes": (
        "studip:load_balancer: {replicas: 2}",
        ["studip:load_balancer.replicas: must be at most 1 a node (1), got 2"],
    ),
    "many replicas with a cache each": (
        "studip:cache: {kind: file}",
        [
            "studip:cache.kind: file is each replica's own: 2 replicas need redis or external, "
            "got file"
        ],
    ),
    "a cache larger than its container": (
        "studip:cache: {memory_mib: 128}",
        [
            "studip:cache.memory_mib: must be less than cache.resources.limits.memory_mib (128), "
            "got 128"
        ],
    ),
    "no replica": (
        "studip:application: {web: {replicas: 0}}",
        ["studip:application.web.replicas: must be at least 1, got 0"],
    ),
    "half a replica": (
        "studip:application: {web: {replicas: 1.5}}",
        ["studip:application.web.replicas: must be a whole number, got 1.5"],
    ),
    "a second cron worker": (
        "studip:application: {cron: {replicas: 2}}",
        ["studip:application.cron.replicas: unknown key; known: grace_period, resources"],
    ),
    "a reservation above its limit": (
        "studip:application: {web: {resources: {limits: {memory_mib: 64}, "
        "reservations: {memory_mib: 65}}}}",
        [
            "studip:application.web.resources.reservations.memory_mib: must be at most the limit "
            "of 64, got 65"
        ],
    ),
    "an unknown order of updates": (
        "studip:application: {web: {update: {order: both}}}",
        ["studip:application.web.update.order: must be one of start-first, stop-first, got both"],
    ),
    "a tmpfs with a source": (
        "studip:application: {mounts: [{target: /x, kind: tmpfs, source: y}]}",
        ["studip:application.mounts[0].source: a tmpfs has none, got y"],
    ),
    "a volume without a source": (
        "studip:application: {mounts: [{target: /x}]}",
        ["studip:application.mounts[0].source: must be given for a volume, got nothing"],
    ),
    "a relative bind": (
        "studip:application: {mounts: [{target: /x, kind: bind, source: y}]}",
        ["studip:application.mounts[0].source: must be an absolute path for a bind, got y"],
    ),
    "two mounts in one place": (
        "studip:application: {mounts: [{target: /x, source: a}, {target: /x, source: b}]}",
        ["studip:application.mounts[1].target: is mounted twice: /x"],
    ),
    "a mount without target": (
        "studip:application: {mounts: [{source: a}]}",
        ["studip:application.mounts[0].target: is missing"],
    ),
    "a subnet that is none": (
        "studip:networks: {data: {subnet: 10.0.0.0/99}}",
        ["studip:networks.data.subnet: must be a network such as 10.90.0.0/24, got 10.0.0.0/99"],
    ),
    "subnets that overlap": (
        "studip:networks: {edge: {subnet: 10.0.0.0/16}, data: {subnet: 10.0.1.0/24}}",
        [
            "studip:networks.data.subnet: must not overlap networks.edge.subnet (10.0.0.0/16), "
            "got 10.0.1.0/24"
        ],
    ),
    "a driver that hides the replicas": (
        "studip:networks: {application: {driver: host}}",
        [
            "studip:networks.application.driver: host is not available yet on swarm; "
            "available: overlay"
        ],
    ),
    "an edge network that no service can join": (
        "studip:networks: {edge: {driver: host}}",
        [
            "studip:networks.edge.driver: host is not available yet on swarm; "
            "available: overlay, bridge, macvlan"
        ],
    ),
    "options of a network that is not ours": (
        "studip:networks: "
        "{edge: {driver: bridge, encrypted: true, subnet: 10.0.0.0/16, mtu: 1400},"
        " data: {name: campus}}",
        [
            "studip:networks.edge.subnet: is for overlay only, got bridge",
            "studip:networks.edge.mtu: is for overlay only, got bridge",
            "studip:networks.edge.encrypted: is for overlay only, got bridge",
            "studip:networks.edge.name: must be given for bridge, got nothing",
            "studip:networks.data.name: is for bridge and macvlan only, got overlay",
        ],
    ),
    "a macvlan that nobody made": (
        "studip:networks: {edge: {driver: macvlan}}",
        [
            "studip:platform.url: must be given for macvlan, where the load balancer has an "
            "address of its own, got nothing",
            "studip:networks.edge.name: must be given for macvlan, got nothing",
        ],
    ),
    "a network that can have no such name": (
        "studip:networks: {edge: {name: '-campus'}}",
        ["studip:networks.edge.name: must match ^[A-Za-z0-9][\\w.-]{0,62}$, got -campus"],
    ),
    "an external registry without address": (
        "studip:registry: {kind: external}",
        ["studip:registry.address: must be given for the kind external, got nothing"],
    ),
    "half a login": (
        "studip:registry: {kind: external, address: 'r.example.org', user: me}",
        ["studip:registry.password: must be given with the other half of the login, got nothing"],
    ),
    "retention that keeps nothing": (
        "studip:registry: {keep: 0}",
        ["studip:registry.keep: must be at least 1, got 0"],
    ),
    "Stud.IP without source": (
        "studip:images: {application: studip}",
        ["studip:images.studip: must name either directory or git, got nothing"],
    ),
    "Stud.IP with two sources": (
        "studip:images: {application: studip, studip: {directory: ., git: 'https://g', "
        "revision: v6}}",
        ["studip:images.studip: must name either directory or git, got both"],
    ),
    "Stud.IP from a folder that is not there": (
        "studip:images: {application: studip, studip: {directory: nowhere}}",
        ["studip:images.studip.directory: must be a folder, got nowhere"],
    ),
    "Stud.IP from git without revision": (
        "studip:images: {application: studip, studip: {git: 'https://git.example.org/s'}}",
        ["studip:images.studip.revision: must name a tag or commit of git, got nothing"],
    ),
    "Alpine without the official base": (
        "studip:images: {runtime: php-fpm-alpine}",
        [
            "studip:images.runtime: php-fpm-alpine needs images.source upstream; with debian: "
            "php-apache, php-fpm, got php-fpm-alpine"
        ],
    ),
    "a customised image without Dockerfile": (
        "studip:images: {custom: {context: nowhere}}",
        ["studip:images.custom.dockerfile: must be a file, got nowhere/Dockerfile"],
    ),
    "an address that is none": (
        "studip:platform: {url: studip.example.org}",
        [
            "studip:platform.url: must be an address such as https://studip.example.org, "
            "got studip.example.org"
        ],
    ),
    "configuration of something else": (
        "studip:platform: {config: {MYSQL_HOST: x}}",
        ["studip:platform.config.MYSQL_HOST: must begin with STUDIP_CONFIG_, got MYSQL_HOST"],
    ),
    "a text where true or false belongs": (
        "studip:platform: {demo_data: 'yes'}",
        ["studip:platform.demo_data: must be true or false, got yes"],
    ),
    "a list where an object belongs": (
        "studip:platform: [1]",
        ["studip:platform: must be an object, got a list"],
    ),
    "nothing where a section belongs": (
        "studip:platform:",
        ["studip:platform: must be an object, got nothing"],
    ),
    "storage that only one node sees": (
        f"{THREE}\nstudip:database: {EXTERNAL}",
        [
            "studip:storage.kind: local is one node's own: 3 nodes need nfs, glusterfs, cephfs "
            "or external, got local",
        ],
    ),
    "two nodes of one name": (
        f"{THREE.replace('name: b', 'name: a')}\nstudip:database: {EXTERNAL}\n"
        "studip:storage: {kind: external, driver: rexray}",
        [
            "studip:nodes[1].name: must be given once, got a",
        ],
    ),
    "an engine behind an unknown protocol": (
        "studip:nodes: [{name: a, engine: 'http://a'}]",
        [
            "studip:nodes[0].engine: must be unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST, "
            "got http://a"
        ],
    ),
    "a remote engine without keys": (
        "studip:nodes: [{name: a, engine: 'tcp://a:2376'}]",
        [
            "studip:nodes[0].engine: tcp://a:2376 is not available yet on swarm; "
            "available: unix:///var/run/docker.sock",
            "studip:nodes[0].certificates: must be given for a tcp engine, got nothing",
        ],
    ),
    "no node": (
        "studip:nodes: []",
        [
            "studip:nodes: must name at least one node, got none",
            "studip:load_balancer.replicas: must be at most 1 a node (0), got 1",
        ],
    ),
    "a volume driver of our own storage": (
        "studip:storage: {driver: rexray}",
        ["studip:storage.driver: is for the kind external only, got rexray"],
    ),
    "a wrong key beside a wrong count": (
        f"{CLUSTER}\nstudip:database: {{kind: galera, members: 4, prot: 1}}",
        [
            'studip:database.prot: unknown key, did you mean "port"?',
            "studip:database.members: must be odd and at least 3, got 4",
        ],
    ),
    "a wrong kind, on which the rest hangs": (
        "studip:database: {kind: extern, members: 4, host: db, port: 0}",
        [
            "studip:database.kind: must be one of single, galera, innodb-cluster, external, "
            "got extern",
            "studip:database.port: must be at least 1, got 0",
        ],
    ),
    "a wrong entry beside a right one": (
        "studip:application: {mounts: [{target: /x, kind: disk}, {target: /x, source: a}], "
        "web: {resources: {limits: {memory_mib: 64}, reservations: {memory_mib: 65}}}}",
        [
            "studip:application.mounts[0].kind: must be one of volume, tmpfs, bind, got disk",
            "studip:application.mounts[1].target: is mounted twice: /x",
            "studip:application.web.resources.reservations.memory_mib: must be at most the limit "
            "of 64, got 65",
        ],
    ),
    "an entry without what it needs beside a wrong port": (
        "studip:application: {mounts: [{source: a}], web: {replicas: 0}}\n"
        "studip:load_balancer: {http_port: 5000}",
        [
            "studip:application.web.replicas: must be at least 1, got 0",
            "studip:application.mounts[0].target: is missing",
            "studip:registry.port: must differ from load_balancer.http_port, got 5000",
        ],
    ),
    "a password that anybody can read": (
        "studip:database: {kind: external, host: db, password: correct-horse}",
        [
            "studip:database.password: must be encrypted: pulumi config set --secret --path "
            "'studip:database.password'"
        ],
    ),
    "a token that anybody can read": (
        "studip:gitlab: {token: glpat-correct-horse}",
        [
            "studip:gitlab.token: must be encrypted: pulumi config set --secret --path "
            "'studip:gitlab.token'"
        ],
    ),
    "a password of digits": (
        "studip:database: {kind: external, host: db, password: 271828}",
        ["studip:database.password: must be a text"],
    ),
    "an empty password": (
        "studip:database: {kind: external, host: db, password: ''}",
        ["studip:database.password: must not be empty"],
    ),
    "a section that is encrypted as a whole": (
        "studip:database: {secure: v1:abc}",
        ["studip:database: must be an object, got a text"],
    ),
    "a section in broken JSON": (
        """studip:database: '{"password": "correct-horse",'""",
        ["studip:database: must be an object, got a text"],
    ),
    "a section in a place for a word": (
        """studip:orchestrator: '{"password": "correct-horse",'""",
        ["studip:orchestrator: must be one of swarm, kubernetes, got a text in braces"],
    ),
    "a password among a driver's options": (
        "studip:storage: {kind: external, driver: rexray, driver_options: {password: 271828}}",
        ["studip:storage.driver_options.password: must be a text, got a value that is not shown"],
    ),
    "a login in the platform's address": (
        "studip:platform: {url: 'https://me:correct-horse@studip.example.org'}",
        ["studip:platform.url: must not hold a login, got https://***@studip.example.org"],
    ),
    "a login in the source's address": (
        "studip:images: {studip: {git: 'https://correct-horse@git.example.org/studip.git'}}",
        [
            "studip:images.studip.git: must not hold a login, got https://***@git.example.org/"
            "studip.git"
        ],
    ),
    "a section without namespace": (
        "database: {kind: external}",
        [
            "database: must be written studip:database",
            "studip:database.host: must be given for the kind external, got nothing",
            "studip:database.password: must be given for the kind external, got nothing",
        ],
    ),
    "a namespace that is nearly ours": (
        "studpi:database: {port: 0}",
        [
            'studpi:database: unknown namespace, did you mean "studip:database"?',
            "studip:database.port: must be at least 1, got 0",
        ],
    ),
    "a login at a registry of our own": (
        "studip:registry: {user: me, password: {secure: v1:abc}}",
        [
            "studip:registry.user: is for the kind external only, and the kind is distribution",
            "studip:registry.password: is for the kind external only, and the kind is distribution",
        ],
    ),
    "an engine elsewhere": (
        "studip:nodes: [{name: a, engine: 'ssh://root@a'}]",
        [
            "studip:nodes[0].engine: ssh://***@a is not available yet on swarm; "
            "available: unix:///var/run/docker.sock"
        ],
    ),
    "a port of a database of our own": (
        "studip:database: {port: 3307}",
        ["studip:database.port: is for the kind external only, and the kind is single"],
    ),
    "port and password of a cache of our own": (
        "studip:cache: {port: 6380, password: {secure: v1:abc}}",
        [
            "studip:cache.port: is for the kind external only, and the kind is redis",
            "studip:cache.password: is for the kind external only, and the kind is redis",
        ],
    ),
    "copies on the only disk": (
        "studip:storage: {replicas: 3}",
        [
            "studip:storage.replicas: is for the kinds glusterfs and cephfs only, and the kind "
            "is local"
        ],
    ),
    "processors without end": (
        "studip:cache: {resources: {limits: {cpus: .inf}, reservations: {cpus: .nan}}}",
        [
            "studip:cache.resources.limits.cpus: must be a finite number, got inf",
            "studip:cache.resources.reservations.cpus: must be a finite number, got nan",
        ],
    ),
    "an address with a port out of range": (
        "studip:platform: {url: 'https://studip.example.org:99999'}",
        [
            "studip:platform.url: must have a host and a port from 1 to 65535, "
            "got https://studip.example.org:99999"
        ],
    ),
    "an address with a path": (
        "studip:platform: {url: 'https://www.example.org/studip'}",
        ["studip:platform.url: must end after host and port, got https://www.example.org/studip"],
    ),
    "a mount over the application": (
        "studip:application: {mounts: [{target: /var/www/studip, kind: tmpfs}, "
        "{target: /var/www, source: a}]}",
        [
            "studip:application.mounts[0].target: would hide the application in /var/www/studip, "
            "got /var/www/studip",
            "studip:application.mounts[1].target: would hide the application in /var/www/studip, "
            "got /var/www",
        ],
    ),
    "a tmpfs that loses what is uploaded": (
        "studip:application: {mounts: [{target: /var/www/studip/data/upload_doc, kind: tmpfs}]}",
        [
            "studip:application.mounts[0].target: a tmpfs in /var/www/studip would lose what is "
            "written there, got /var/www/studip/data/upload_doc"
        ],
    ),
    "mounts over those of the platform": (
        "studip:application: {mounts: [{target: /tmp, kind: tmpfs}, "
        "{target: /run/secrets, kind: tmpfs}, {target: /run/secrets/x, source: a}]}",
        [
            "studip:application.mounts[0].target: must leave /tmp to the platform, got /tmp",
            "studip:application.mounts[1].target: must leave /run/secrets to the platform, "
            "got /run/secrets",
            "studip:application.mounts[2].target: must leave /run/secrets to the platform, "
            "got /run/secrets/x",
        ],
    ),
    "a mount that climbs": (
        "studip:application: {mounts: [{target: /x/../tmp, kind: tmpfs}]}",
        [
            "studip:application.mounts[0].target: must be an absolute path of letters, digits "
            "and . _ @ + -, got /x/../tmp"
        ],
    ),
    "a load balancer of somebody else": (
        "studip:load_balancer: {kind: external}",
        [
            "studip:platform.url: must be given for an external load balancer, got nothing",
            "studip:load_balancer.backend_port: must be given for the kind external, got nothing",
            "studip:application.web.replicas: must be at most 1 a node (1) for an external load "
            "balancer, got 2",
            "studip:application.web.update.order: must be stop-first for an external load "
            "balancer, as a node has its port once, got start-first",
        ],
    ),
    "settings of our load balancer for somebody else's": (
        """\
        studip:platform: {url: 'https://studip.example.org'}
        studip:application: {web: {replicas: 1, update: {order: stop-first}}}
        studip:networks: {edge: {mtu: 1400}}
        studip:load_balancer:
          {kind: external, backend_port: 5000, http_port: 80, https_port: 443,
           certificate: site.pem, replicas: 1, resources: {}}
        """,
        [
            *(
                f"studip:load_balancer.{key}: is for the kind haproxy only, "
                "and the kind is external"
                for key in ("replicas", "http_port", "https_port", "certificate", "resources")
            ),
            "studip:networks.edge: is for the load balancer haproxy only, and the kind is external",
            "studip:registry.port: must differ from load_balancer.backend_port, got 5000",
        ],
    ),
    "settings of somebody else's load balancer for ours": (
        "studip:load_balancer: {backend_port: 8081, trusted_proxies: [192.0.2.0/24]}",
        [
            "studip:load_balancer.backend_port: is for the kind external only, "
            "and the kind is haproxy",
            "studip:load_balancer.trusted_proxies: is for the kind external only, "
            "and the kind is haproxy",
        ],
    ),
    "a proxy that is no network": (
        "studip:load_balancer: {trusted_proxies: [somewhere]}",
        [
            "studip:load_balancer.trusted_proxies[0]: must be a network such as 10.90.0.0/24, "
            "got somewhere"
        ],
    ),
    "external storage that is none": (
        "studip:storage: {kind: external}",
        [
            "studip:storage.driver_options: must be given for the kind external with the driver "
            "local, got nothing"
        ],
    ),
    "names that the database has for itself": (
        "studip:database: {database: mysql, user: root}",
        [
            "studip:database.database: must be none of the server's own (information_schema, "
            "mysql, performance_schema, sys), got mysql",
            "studip:database.user: must be none of the server's own (mysql, public, root), "
            "got root",
        ],
    ),
    "options in the place of git's words": (
        "studip:images: {studip: {git: --upload-pack=x, revision: -x}}",
        [
            "studip:images.studip.git: must be a repository such as "
            "https://git.example.org/studip.git, got --upload-pack=x",
            "studip:images.studip.revision: must be a tag or commit, got -x",
        ],
    ),
    "a node's address that is none": (
        "studip:nodes: [{name: a, address: a.example.org}]",
        ["studip:nodes[0].address: must be an IP address such as 192.0.2.10, got a.example.org"],
    ),
    "ports that Swarm has for itself": (
        "studip:load_balancer: {http_port: 2377, https_port: 7946, certificate: site.pem}\n"
        "studip:registry: {port: 4789}",
        [
            "studip:load_balancer.http_port: must not be one of Swarm's own ports, got 2377",
            "studip:load_balancer.https_port: must not be one of Swarm's own ports, got 7946",
            "studip:registry.port: must not be one of Swarm's own ports, got 4789",
        ],
    ),
    "characters that a terminal acts upon": (
        'studip:orchestrator: "a\\e[2J\\nb"\n"studip:a\\eb": {}',
        [
            r"studip:orchestrator: must be one of swarm, kubernetes, got a\x1b[2J\nb",
            r"studip:a\x1bb: unknown key; known: application, authority, cache, database, gitlab, "
            "images, load_balancer, logging, networks, nodes, orchestrator, platform, registry, "
            "storage",
        ],
    ),
    "half of a character": (
        'studip:database: {kind: "\\uD800"}',
        [r"studip:database.kind: must be a text, got \ud800"],
    ),
    "more digits than Python reads": (
        f"studip:cache: {{memory_mib: {'9' * 5000}}}",
        [f"studip:cache.memory_mib: must be a whole number, got {'9' * 200}..."],
    ),
    "a word that only YAML 1.1 takes for true": (
        "studip:platform: {demo_data: yes, name: on}",
        ["studip:platform.demo_data: must be true or false, got yes"],
    ),
    "logs without end": (
        "studip:logging: {max_size: 0}",
        ["studip:logging.max_size: must be at least 1, got 0"],
    ),
    "a GitLab project that can't be had yet": (
        "studip:gitlab: {kind: managed}",
        ["studip:gitlab.kind: managed is not available yet on swarm; available: none"],
    ),
    "much at once": (
        """\
        studip:database: {kind: galera, members: 4, prot: 1}
        studip:cache: {kind: file, memory_mib: 2}
        studip:load_balancer: {http_port: 5000, https_port: 8443}
        studip:application: {web: {replicas: 3}}
        """,
        [
            'studip:database.prot: unknown key, did you mean "port"?',
            "studip:cache.memory_mib: must be at least 4, got 2",
            "studip:database.members: must be odd and at least 3, got 4",
            "studip:database.kind: galera needs at least 3 nodes, got 1",
            "studip:cache.kind: file is each replica's own: 3 replicas need redis or external, "
            "got file",
            "studip:load_balancer.certificate: must be given with https_port, got nothing",
            "studip:registry.port: must differ from load_balancer.http_port, got 5000",
        ],
    ),
}


def test_the_folders_with_quotas_are_those_of_the_application() -> None:
    assert list(FOLDERS) == [state.slug for state in STATE if state.shared]


def test_there_are_enough_wrong_files() -> None:
    assert len(WRONG) >= 45


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.pem").write_text("a certificate")
    return tmp_path


def written(folder: Path, config: str) -> Path:
    path = folder / "Pulumi.site.yaml"
    indented = "".join(f"  {line}\n" for line in dedent(config).splitlines())
    path.write_text(f"config:\n{indented}")
    return path


@pytest.mark.parametrize("case", sorted(WRONG))
def test_a_wrong_file_is_told_all_that_is_wrong_and_nothing_else(case: str, folder: Path) -> None:
    config, expected = WRONG[case]
    path = written(folder, config)
    with pytest.raises(SettingsError) as caught:
        read_settings(path)
    messages = [message.replace(f"{folder}/", "") for message in caught.value.messages]
    assert messages == [f"{message} (Pulumi.site.yaml)" for message in expected]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("config: [", r"Pulumi.site.yaml:1: .+"),
        ("config:\n  studip:x: {\n", r"Pulumi.site.yaml:3: .+"),
        ("", r"Pulumi.site.yaml: must have an object under the key config"),
        ("config: 3\n", r"Pulumi.site.yaml: must have an object under the key config"),
        ("- 1\n", r"Pulumi.site.yaml: must have an object under the key config"),
        (
            "config:\n  studip:cache: {}\n  studip:cache: {}\n",
            r"Pulumi.site.yaml:3: the key studip:cache is given twice",
        ),
        (
            "config:\n  studip:database:\n    password: *correct-horse\n",
            r"Pulumi.site.yaml:3: an alias without its anchor; put a text that begins with \* in "
            "quotes",
        ),
        (
            "config:\n  studip:database:\n    password: !correct-horse\n",
            r"Pulumi.site.yaml:3: an unknown tag; put a text that begins with ! in quotes",
        ),
        (
            "config:\n  studip:database:\n    password: !a!correct-horse\n",
            r"Pulumi.site.yaml:3: an unknown tag; put a text that begins with ! in quotes",
        ),
        ("config:\n  name: K\xf6ln\n".encode("latin-1"), r"Pulumi.site.yaml:2: must be UTF-8"),
        ("config:\n  name: \x07\n", r"Pulumi.site.yaml:2: must not hold control characters"),
        ("config:\n  [a, b]: c\n", r"Pulumi.site.yaml:2: a key must be a text"),
        ("config:\n  a: &a [*a]\n", r"Pulumi.site.yaml:2: is nested too deeply"),
        (f"config: {'[' * 40}{']' * 40}\n", r"Pulumi.site.yaml:1: is nested too deeply"),
        (f"config: {'[' * 9000}{']' * 9000}\n", r"Pulumi.site.yaml: is nested too deeply"),
        (
            "config: {}\nstudip:cache: {}\n",
            r"studip:cache: must stand below config \(.*Pulumi.site.yaml\)",
        ),
        (
            "config: {}\nencryptionsalts: x\n",
            'encryptionsalts: unknown key, did you mean "encryptionsalt"\\? '
            r"\(.*Pulumi.site.yaml\)",
        ),
    ],
)
def test_a_file_that_is_no_settings_file_is_told_so(
    text: str | bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "Pulumi.site.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError) as caught:
        read_settings(path)
    assert len(caught.value.messages) == 1
    assert re.fullmatch(message, caught.value.messages[0])


def test_a_file_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(tmp_path / "Pulumi.none.yaml")
    assert caught.value.messages == ["Pulumi.none.yaml: No such file or directory"]


@pytest.mark.parametrize("name", ["settings.yaml", "Pulumi.Dev.yaml", f"Pulumi.{'x' * 21}.yaml"])
def test_a_file_must_be_named_after_its_environment(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(tmp_path / name)
    assert caught.value.messages == [f"{name}: must be named Pulumi.<environment>.yaml"]


def test_the_command_says_everything_on_standard_error_and_exits_with_1(folder: Path) -> None:
    path = written(folder, "studip:cache: {kind: file}\nstudip:registry: {keep: 0}")
    done = subprocess.run(
        [sys.executable, "-m", "stacks.settings", "check", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert [line.split(":", 2)[1] for line in done.stderr.splitlines()] == [
        "registry.keep",
        "cache.kind",
    ]
    assert "Traceback" not in done.stderr


def test_what_pulumi_hands_over_as_json_is_read_like_the_file() -> None:
    settings = load_settings(
        {
            "studip:database": json.dumps({"kind": "single", "parameters": {"a": "b"}}),
            "docker:host": "unix:///run/docker.sock",
        },
        "dev",
        "Pulumi.dev.yaml",
    )
    assert settings.database.parameters == {"a": "b"}
    assert settings.application.web.replicas == 2


def test_a_wrong_stack_name_is_told_so() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({}, "Dev", "Pulumi.Dev.yaml")
    assert caught.value.messages == [
        "environment: must be a small letter and up to 19 letters, digits or dashes, "
        "got Dev (Pulumi.Dev.yaml)"
    ]


def test_a_secret_is_neither_in_messages_nor_in_descriptions() -> None:
    secret = "correct horse battery staple"
    config = {"studip:database": json.dumps({"kind": "external", "password": secret, "port": 0})}
    with pytest.raises(SettingsError) as caught:
        load_settings(config, "dev", "Pulumi.dev.yaml")
    assert secret not in str(caught.value)
    config = {"studip:database": json.dumps({"kind": "external", "password": secret, "host": "db"})}
    settings = load_settings(config, "dev", "Pulumi.dev.yaml")
    assert secret not in repr(settings)
    assert settings.database.password is not None
    assert settings.database.password.get_secret_value() == secret


def test_a_secret_in_a_wrong_place_is_not_shown() -> None:
    secret = "correct horse battery staple"
    config = {"studip:database": json.dumps({"password": {"plain": secret}})}
    with pytest.raises(SettingsError) as caught:
        load_settings(config, "dev", "Pulumi.dev.yaml")
    assert secret not in str(caught.value)


def test_an_encrypted_value_waits_for_pulumi(folder: Path) -> None:
    path = written(
        folder, "studip:cache: {kind: external, host: cache, password: {secure: v1:abc}}"
    )
    password = read_settings(path).cache.password
    assert password is not None
    assert password.get_secret_value() == "[encrypted]"


def test_broken_json_from_pulumi_is_not_shown() -> None:
    config = {
        "studip:database": '{"password": "correct horse',
        "studip:cache": "[" * 90_000,
        "studip:registry": '{"port": NaN}',
    }
    with pytest.raises(SettingsError) as caught:
        load_settings(config, "dev", "Pulumi.dev.yaml")
    assert caught.value.messages == [
        "studip:database: must be an object, got a text (Pulumi.dev.yaml)",
        "studip:cache: is nested too deeply (Pulumi.dev.yaml)",
        "studip:registry.port: must be a whole number, got nan (Pulumi.dev.yaml)",
    ]


def test_objects_can_be_merged(folder: Path) -> None:
    path = written(
        folder,
        """\
        studip:cache:
          resources: &small
            limits: &limits {cpus: 0.25, memory_mib: 96}
        studip:application:
          web: {resources: {<<: *small, reservations: {memory_mib: 32}}}
          cron: {resources: {limits: {cpus: 0.75, <<: [*limits, {cpus: 9.5}]}}}
        """,
    )
    settings = read_settings(path)
    web, cron = settings.application.web.resources, settings.application.cron.resources
    assert (web.limits.cpus, web.limits.memory_mib, web.reservations.memory_mib) == (0.25, 96, 32)
    assert (cron.limits.cpus, cron.limits.memory_mib) == (0.75, 96)


def test_server_variables_may_be_numbers_and_truths(folder: Path) -> None:
    path = written(
        folder,
        "studip:database: {parameters: {max_connections: 200, long_query_time: 0.5, "
        "log_bin: true, event_scheduler: off, sql_mode: ''}}",
    )
    assert read_settings(path).database.parameters == {
        "max_connections": "200",
        "long_query_time": "0.5",
        "log_bin": "ON",
        "event_scheduler": "off",
        "sql_mode": "",
    }


@pytest.mark.parametrize(
    ("written_as", "value"),
    [
        *((word, word) for word in ("yes", "No", "on", "OFF", "y", "2024-02-30", "1:30", "1_000")),
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, None) for word in ("~", "null", "")),
        ("'true'", "true"),
        ("12", 12),
        ("-3", -3),
        ("0x1f", 31),
        ("0o17", 15),
        ("017", 15),
        ("089", "089"),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.5.2", "1.5.2"),
    ],
)
def test_a_scalar_is_what_pulumi_takes_it_for(
    written_as: str, value: object, tmp_path: Path
) -> None:
    path = tmp_path / "Pulumi.site.yaml"
    path.write_text(f"config: {{a: {written_as}}}\n")
    read = read_file(path)["config"]["a"]
    assert (type(read), read) == (type(value), value)


def test_reading_pulumis_configuration_imports_no_yaml() -> None:
    program = (
        "import sys, stacks.settings.load as s; s.load_settings({}, 'dev', 'Pulumi.dev.yaml');"
        "print(sorted({'yaml', 'difflib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("balancer", "url"),
    [
        ({"http_port": 8081}, "http://127.0.0.1:8081"),
        ({"https_port": 8443, "certificate": "site.pem"}, "https://127.0.0.1:8443"),
    ],
)
def test_the_address_follows_from_the_load_balancer(
    balancer: dict[str, object], url: str, folder: Path
) -> None:
    config = {"studip:load_balancer": json.dumps(balancer)}
    assert load_settings(config, "dev", str(folder / "Pulumi.dev.yaml")).url == url


def test_the_dev_environment_is_valid() -> None:
    settings = read_settings(ROOT / "Pulumi.dev.yaml")
    assert settings.application.web.replicas == 2
    assert settings.database.kind == "single"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            "kubernetes",
            ["studip:orchestrator: kubernetes is not available yet; available: swarm"],
        ),
    ],
)
def test_an_environment_of_the_future_misses_only_what_is_not_available(
    environment: str, expected: list[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(ROOT / f"Pulumi.{environment}.yaml")
    messages = [message.replace(f"{ROOT}/", "") for message in caught.value.messages]
    assert messages == [f"{message} (Pulumi.{environment}.yaml)" for message in expected]


@pytest.mark.parametrize("environment", SHIPPED)
def test_editors_are_told_the_schema_and_the_file_keeps_it(environment: str) -> None:
    text = (ROOT / f"Pulumi.{environment}.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=settings.schema.json\n")
    jsonschema.validate(yaml.safe_load(text), json.loads(schema()))


@pytest.mark.parametrize(
    "wrong",
    [
        "config: {studip:databse: {}}",
        "config: {studip:database: {kind: postgres}}",
        "config: {studip:database: {password: plain}}",
        "config: {studip:load_balancer: {http_port: 0}}",
    ],
)
def test_the_schema_refuses_what_the_program_refuses(wrong: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(wrong), json.loads(schema()))


def test_schema_and_documentation_are_fresh() -> None:
    assert SCHEMA.read_text() == schema(), "make schema"
    assert DOCUMENT.read_text() == document(), "make schema"
