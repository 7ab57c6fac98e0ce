"""The recipe of Stud.IP takes sources as they come; customised images stand on ours.

Stud.IP's own source is not part of this project: the demo application is laid out like it.
"""

import json
import shutil
import tarfile
from pathlib import Path

import docker
import pytest

from tests.images.conftest import ROOT as REPOSITORY
from tests.images.conftest import Built, Run, Volume
from tests.images.site import Site

pytestmark = pytest.mark.live


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with a source that is laid out like Stud.IP's."""
    folder = tmp_path / "studip"
    shutil.copytree(REPOSITORY / "images" / "demo" / "app", folder)
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "config.inc.php.dist").write_text("<?php // as it is shipped\n")
    return folder


def output(run: Run, image: str, script: str) -> str:
    """What a script in a new container of an image says."""
    running = run(image, ["sh", "-c", script])
    assert running.wait_exit() == 0, running.logs()
    return running.logs().strip()


@pytest.mark.parametrize("runtime", ["php-apache", "php-fpm"])
def test_a_source_runs_on_every_runtime(
    built: Built, run: Run, volume: Volume, network: str, source: Path, runtime: str
) -> None:
    image = built("studip", context=source, BASE=built(runtime))
    site = Site(built, run, volume, network, image)
    assert site.start("migrate").wait_exit(60) == 0
    replica = site.replica(CACHE_KIND="")
    assert site.browser(replica).upload("/api/upload", "a.txt", b"a").status == 201
    assert (
        replica.sh("stat -c %U data/upload_doc public/pictures lib") == "www-data\nwww-data\nroot"
    )


def test_an_archive_is_unpacked_also_with_a_folder_at_its_top(
    built: Built, run: Run, source: Path, tmp_path: Path
) -> None:
    context = tmp_path / "context"
    context.mkdir()
    with tarfile.open(context / "studip-6.0.tar.gz", "w:gz") as archive:
        archive.add(source, "studip-6.0")
    image = built("studip", context=context, SOURCE="studip-6.0.tar.gz")
    assert output(run, image, "cat config/config.inc.php") == "<?php // as it is shipped"
    assert "studip-6.0" not in output(run, image, "ls -A . /")


def test_a_folder_that_is_no_source_is_refused_by_name(built: Built, tmp_path: Path) -> None:
    (tmp_path / "README").write_text("nothing else")
    with pytest.raises(
        Exception, match=r"SOURCE=\. is no source of Stud\.IP: it has no cli/studip"
    ):
        built("studip", context=tmp_path)


def test_libraries_and_assets_are_made_where_the_source_has_none(
    built: Built, run: Run, source: Path
) -> None:
    (source / "composer.json").write_text(
        json.dumps({"name": "studip/core", "config": {"vendor-dir": "composer"}})
    )
    (source / "package.json").write_text(
        json.dumps({"name": "studip", "version": "1.0.0", "scripts": {"build": "node build.js"}})
    )
    lock = {"name": "studip", "version": "1.0.0", "lockfileVersion": 3, "packages": {}}
    (source / "package-lock.json").write_text(json.dumps(lock))
    (source / "build.js").write_text(
        "const fs = require('fs');"
        "fs.mkdirSync('public/assets/stylesheets', { recursive: true });"
        "fs.writeFileSync('public/assets/stylesheets/studip.css', process.argv[2]);"
    )
    image = built("studip", context=source)
    assert output(run, image, "cat public/assets/stylesheets/studip.css") == "--mode=production"
    assert output(run, image, "ls composer/autoload.php") == "composer/autoload.php"
    # Neither what built them, nor what they were built with.
    assert (
        output(run, image, "ls -d node_modules /usr/bin/node /usr/bin/composer 2>&1 || true").count(
            "No such file"
        )
        == 3
    )


def test_libraries_and_assets_that_the_source_has_are_taken_as_they_are(
    built: Built, run: Run, source: Path
) -> None:
    (source / "composer.json").write_text("this would fail")
    (source / "package.json").write_text("this would fail")
    (source / "composer").mkdir()
    (source / "composer" / "autoload.php").write_text("<?php // built elsewhere\n")
    styles = source / "public" / "assets" / "stylesheets"
    styles.mkdir(parents=True)
    (styles / "studip.css").write_text("/* built elsewhere */")
    image = built("studip", context=source)
    assert "built elsewhere" in output(run, image, "cat composer/autoload.php")
    assert "built elsewhere" in output(run, image, "cat public/assets/stylesheets/studip.css")


def test_its_configuration_comes_from_the_environment_and_files(
    built: Built, run: Run, source: Path
) -> None:
    image = built("studip", context=source)
    code = """
        $_SERVER = ['HTTP_X_FORWARDED_HOST' => 'x.example'];
        include 'config/config_local.inc.php';
        echo json_encode([$DB_STUDIP_HOST, $DB_STUDIP_USER, $DB_STUDIP_PASSWORD,
            $DB_STUDIP_DATABASE, $ABSOLUTE_URI_STUDIP, $ASSETS_URL, $_SERVER['HTTPS'],
            $_ENV['STUDIP_CONFIG_SYSTEMCACHE'], $_ENV['STUDIP_CONFIG_UNI_NAME_CLEAN']]);
    """
    running = run(
        image,
        ["php", "-r", code],
        env={
            "MYSQL_HOST": "db",
            "MYSQL_PORT": "3307",
            "MYSQL_USER": "me",
            "MYSQL_DATABASE": "mine",
            "MYSQL_PASSWORD_FILE": "/run/secrets/a",
            "CACHE_KIND": "redis",
            "CACHE_HOST": "cache",
            "CACHE_PORT": "6380",
            "CACHE_PASSWORD_FILE": "/run/secrets/b",
            "PROXY_URL": "https://studip.example",
            "AUTO_PROXY": "1",
            "STUDIP_NAME": "Our university",
        },
        secrets={"a": "pass'word\n", "b": "cache"},
        user=33,
    )
    assert running.wait_exit() == 0, running.logs()
    assert json.loads(running.logs()) == [
        "db;port=3307",
        "me",
        "pass'word",
        "mine",
        "https://studip.example/",
        "https://studip.example/assets/",
        "on",
        {
            "type": "Studip\\Cache\\RedisCache",
            "config": {"hostname": "cache", "port": 6380, "auth": "cache"},
        },
        "Our university",
    ]


def test_a_customised_image_stands_on_ours(
    built: Built, run: Run, client: docker.DockerClient
) -> None:
    ours = built("demo")
    image = built("examples/custom", BASE=ours)
    layers = client.images.get(image).attrs["RootFS"]["Layers"]
    assert layers[:-1] == client.images.get(ours).attrs["RootFS"]["Layers"]
    assert "Disallow: /" in output(run, image, "cat public/robots.txt")
    assert output(run, image, "php -r 'echo ini_get(\"memory_limit\");'") == "384M"
