"""The same containers brought up by docker-compose: the peer of the first page."""

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import yaml

from toolchain import apt

PASSWORD = "of-a-benchmark"


def ensure_installed() -> None:
    """Debian's docker-compose."""
    if not shutil.which("docker-compose"):
        apt.install("docker-compose")


def definition(images: dict[str, str], port: int) -> dict[str, Any]:
    """A compose file with our images, environment, health checks and order."""
    check = {
        "test": ["CMD", "healthcheck"],
        "interval": "2s",
        "timeout": "5s",
        "retries": 3,
        "start_period": "60s",
    }
    hard = {"read_only": True, "cap_drop": ["ALL"], "init": True, "healthcheck": check}
    secret = ["./password:/run/secrets/password:ro"]
    application = {
        "image": images["demo"],
        "environment": {
            "MYSQL_HOST": "database",
            "MYSQL_PORT": "3306",
            "MYSQL_DATABASE": "studip",
            "MYSQL_USER": "studip",
            "MYSQL_PASSWORD_FILE": "/run/secrets/password",
            "PROXY_URL": f"http://127.0.0.1:{port}",
            "AUTO_MIGRATE": "0",
            "DEMO_DATA": "1",
            "STUDIP_NAME": "bench",
            "STUDIP_MAIL_TRANSPORT": "none",
            "STUDIP_CACHING_ENABLE": "1",
            "CACHE_KIND": "redis",
            "CACHE_HOST": "cache",
            "CACHE_PORT": "6379",
            "CACHE_PASSWORD_FILE": "/run/secrets/password",
        },
        "volumes": [*secret, "documents:/var/www/studip/data/upload_doc"],
        "tmpfs": ["/tmp:mode=1777"],
        **hard,
    }
    healthy = {"condition": "service_healthy"}
    migrated = {"condition": "service_completed_successfully"}
    stateful = {"database": healthy, "cache": healthy}
    job = {key: value for key, value in application.items() if key != "healthcheck"}
    balancer = {
        "image": images["haproxy"],
        "environment": {
            "BACKEND_HOST": "web",
            "BACKEND_PORT": "80",
            "BACKEND_SLOTS": "4",
            "BIND_HTTP": "8080",
        },
        "ports": [f"127.0.0.1:{port}:8080"],
        "tmpfs": ["/tmp:mode=1777"],
        "depends_on": {"web": healthy},
        **hard,
    }
    return {
        "services": {
            "database": {
                "image": images["mariadb"],
                "environment": {
                    "MARIADB_DATABASE": "studip",
                    "MARIADB_USER": "studip",
                    "MARIADB_PASSWORD_FILE": "/run/secrets/password",
                    "MARIADB_ROOT_PASSWORD_FILE": "/run/secrets/password",
                },
                "volumes": [*secret, "data:/var/lib/mysql"],
                "tmpfs": ["/tmp:mode=1777", "/run/mysqld:mode=1777"],
                **hard,
            },
            "cache": {
                "image": images["redis"],
                "environment": {
                    "REDIS_PASSWORD_FILE": "/run/secrets/password",
                    "MAXMEMORY": "64mb",
                },
                "volumes": secret,
                "tmpfs": ["/tmp:mode=1777"],
                **hard,
            },
            "migrate": {**job, "command": "migrate", "depends_on": stateful},
            "web": {**application, "scale": 2, "depends_on": {**stateful, "migrate": migrated}},
            "cron": {
                **application,
                "command": "cron",
                "depends_on": {**stateful, "migrate": migrated},
            },
            "balancer": balancer,
        },
        "volumes": {"data": {}, "documents": {}},
    }


def first_page(folder: Path, images: dict[str, str], port: int, ask: Any) -> float:
    """Seconds from `docker-compose up` to the first page; everything is removed again."""
    folder.mkdir(exist_ok=True)
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    (folder / "compose.yaml").write_text(yaml.safe_dump(definition(images, port)))
    command = ["docker-compose", "--project-name", "studip-bench-peer", "--file", "compose.yaml"]
    began = time.monotonic()
    try:
        done = subprocess.run(
            [*command, "up", "--detach"], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"docker-compose up failed:\n{done.stderr[-2000:]}")
        while not ask():
            if time.monotonic() > began + 180:
                raise RuntimeError("docker-compose: no page within 180 s")
            time.sleep(0.1)
        return time.monotonic() - began
    finally:
        subprocess.run(
            [*command, "down", "--volumes", "--timeout", "1"],
            cwd=folder,
            capture_output=True,
            check=False,
        )
