"""A whole site for tests of the application: database, cache, replicas and a load balancer."""

import uuid

from tests.images.browser import Browser
from tests.images.conftest import Built, Run, Running, Volume

WWW_DATA = 33
# A quote, a backslash and what a shell expands: a password is only text.
PASSWORD = "pa'ss\\word_$HOME_%40"
ROOT_PASSWORD = f"root_{PASSWORD}"
CACHE_PASSWORD = "cache\"pass'word"
ROOT = "/var/www/studip"


class Site:
    """Starts parts of a site on one network; `run` removes them."""

    def __init__(self, built: Built, run: Run, volume: Volume, network: str, image: str) -> None:
        self._built = built
        self._run = run
        self._network = network
        self.image = image
        self.uploads = volume()
        self.pictures = volume()
        self.database = run(
            built("mariadb"),
            env={
                "MARIADB_DATABASE": "studip",
                "MARIADB_USER": "studip",
                "MARIADB_PASSWORD_FILE": "/run/secrets/password",
                "MARIADB_ROOT_PASSWORD_FILE": "/run/secrets/root-password",
            },
            secrets={"password": PASSWORD, "root-password": ROOT_PASSWORD},
            volumes={volume(): "/var/lib/mysql"},
            tmpfs=["/tmp", "/run/mysqld"],
            network=network,
            alias="database",
        )

    def cache(self) -> Running:
        """Start Redis."""
        return self._run(
            self._built("redis"),
            env={"REDIS_PASSWORD_FILE": "/run/secrets/password"},
            secrets={"password": CACHE_PASSWORD},
            network=self._network,
            alias="cache",
        )

    def start(self, role: str, **env: str) -> Running:
        """Start the application in a role; what differs from the usual environment goes in."""
        return self._run(
            self.image,
            [role],
            env={
                "MYSQL_HOST": "database",
                "MYSQL_USER": "studip",
                "MYSQL_DATABASE": "studip",
                "MYSQL_PASSWORD_FILE": "/run/secrets/database-password",
                "CACHE_KIND": "redis",
                "CACHE_HOST": "cache",
                "CACHE_PASSWORD_FILE": "/run/secrets/cache-password",
                "AUTO_MIGRATE": "0",
                "DEMO_DATA": "1",
                "DRAIN_SECONDS": "3",
                "FRONT_CONTROLLER": "/index.php",
                "PROXY_URL": "https://studip.example/",
                "STUDIP_NAME": "Test & Co",
                **env,
            },
            secrets={"database-password": PASSWORD, "cache-password": CACHE_PASSWORD},
            volumes={self.uploads: f"{ROOT}/data/upload_doc"},
            network=self._network,
            alias="tasks.web" if role == "web" else f"{role}-{uuid.uuid4().hex[:6]}",
            user=WWW_DATA,
        )

    def replica(self, **env: str) -> Running:
        """Start one more web replica, and wait until it is healthy."""
        running = self.start("web", **env)
        running.wait_healthy()
        return running

    def balancer(self) -> Browser:
        """Start the load balancer: a browser that looks at it."""
        running = self._run(
            self._built("haproxy"), env={"BACKEND_HOST": "tasks.web"}, network=self._network
        )
        running.wait_healthy()
        return Browser(running.address(self._network), 8080)

    def browser(self, running: Running) -> Browser:
        """A browser that looks at one replica."""
        return Browser(running.address(self._network))

    def sql(self, statement: str) -> str:
        """Run a statement as the database's own user: its result."""
        quoted = statement.replace("'", "'\\''")
        return self.database.sh(f"mariadb --user=mysql --skip-column-names -e '{quoted}' studip")


def replica_of(running: Running) -> str:
    """What a replica calls itself."""
    return str(running.container.short_id)
