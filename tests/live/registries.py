"""Package registries of a test: one small package for npm, one for Composer, served over HTTP."""

import io
import json
import tarfile
import zipfile
from pathlib import Path

NPM = "studip-colour"
COMPOSER = "studip/colour"
COLOUR = "rebeccapurple"
VERSION = "1.0.0"


def write(folder: Path, url: str) -> None:
    """Write into `folder`, which is served at `url`, both registries and their packages."""
    _npm(folder, url)
    _composer(folder, url)


def _npm(folder: Path, url: str) -> None:
    package = {"name": NPM, "version": VERSION, "main": "index.js"}
    files = {
        "package/package.json": json.dumps(package),
        "package/index.js": f"module.exports = '{COLOUR}';",
    }
    with tarfile.open(folder / f"{NPM}.tgz", "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    version = package | {"dist": {"tarball": f"{url}/{NPM}.tgz"}}
    described = {"name": NPM, "dist-tags": {"latest": VERSION}, "versions": {VERSION: version}}
    (folder / NPM).write_text(json.dumps(described))


def _composer(folder: Path, url: str) -> None:
    package = {
        "name": COMPOSER,
        "version": VERSION,
        "dist": {"type": "zip", "url": f"{url}/colour.zip"},
        "autoload": {"files": ["colour.php"]},
    }
    with zipfile.ZipFile(folder / "colour.zip", "w") as archive:
        archive.writestr("colour.php", f"<?php const COLOUR = '{COLOUR}';")
    (folder / "packages.json").write_text(json.dumps({"packages": {COMPOSER: {VERSION: package}}}))


def require(source: Path) -> None:
    """Make a source depend on both packages: a style sheet needs one, its libraries the other."""
    described = {
        "name": "studip/core",
        "require": {COMPOSER: VERSION},
        "config": {"vendor-dir": "composer"},
    }
    (source / "composer.json").write_text(json.dumps(described))
    package = {
        "name": "studip",
        "version": VERSION,
        "dependencies": {NPM: VERSION},
        "scripts": {"build": "node build.js"},
    }
    (source / "package.json").write_text(json.dumps(package))
    locked = {"": package, f"node_modules/{NPM}": {"version": VERSION}}
    lock = {"name": "studip", "version": VERSION, "lockfileVersion": 3, "packages": locked}
    (source / "package-lock.json").write_text(json.dumps(lock))
    (source / "build.js").write_text(
        "const fs = require('fs');\n"
        "fs.mkdirSync('public/assets/stylesheets', { recursive: true });\n"
        f"const style = `body {{ color: ${{require('{NPM}')}} }}`;\n"
        "fs.writeFileSync('public/assets/stylesheets/studip.css', style);\n"
    )
