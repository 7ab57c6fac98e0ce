"""The Debian root file systems that images stand on; MySQL has one of its own."""

import gzip
import hashlib
import shutil
import tempfile
from pathlib import Path

from toolchain import apt
from toolchain.places import cache
from toolchain.run import run, run_long
from toolchain.versions import versions

PACKAGES = ("ca-certificates",)
# What no container reads.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
OWN_CERTIFICATES = Path("/usr/local/share/ca-certificates")


def context(suite: str = "") -> Path:
    """A folder with the packed root file system alone, to build `images/rootfs` from elsewhere."""
    tarball = _tarball(suite or versions().suite)
    folder = tarball.with_suffix("")
    packed = folder / "rootfs.tar.gz"
    if not packed.exists():
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache()) as temporary:
            made = Path(temporary) / packed.name
            # Without a time in it, so that the same content is the same file.
            with (
                tarball.open("rb") as plain,
                made.open("wb") as file,
                gzip.GzipFile("", "wb", fileobj=file, mtime=0) as stream,
            ):
                shutil.copyfileobj(plain, stream, 1024 * 1024)
            made.rename(packed)
    return folder


def ensure(suite: str = "") -> str:
    """Make sure that the root file system is on the engine; returns its name."""
    suite = suite or versions().suite
    reference = versions().rootfs_of(suite)
    if _docker("image", "ls", "--quiet", reference).strip():
        return reference
    tarball = _tarball(suite)
    _docker(
        "import",
        "--change",
        "LABEL org.opencontainers.image.title=rootfs",
        str(tarball),
        reference,
    )
    return reference


def _docker(*arguments: str) -> str:
    if not shutil.which("docker"):
        apt.install("docker.io")
    return run(["docker", *arguments])


def _tarball(suite: str) -> Path:
    """Path of the packed root file system, made if the cache has none for the same inputs."""
    sources = apt.sources(suite, versions().suite)
    leniency = apt.leniency() if suite != versions().suite else []
    certificates = sorted(OWN_CERTIFICATES.glob("*.crt"))
    key = hashlib.sha256()
    for part in [versions().rootfs_of(suite), *PACKAGES, *LEFT_OUT, *sources, *leniency]:
        key.update(part.encode())
    for certificate in certificates:
        key.update(certificate.read_bytes())
    path = cache() / f"rootfs-{key.hexdigest()[:16]}.tar"
    if path.exists():
        return path
    if not shutil.which("mmdebstrap"):
        apt.install("mmdebstrap")
    with tempfile.TemporaryDirectory(dir=cache()) as folder:
        made = Path(folder) / path.name
        listed = Path(folder) / "sources.list"
        listed.write_text("\n".join(sources) + "\n")
        run_long(
            [
                "mmdebstrap",
                "--variant=minbase",
                f"--include={','.join(PACKAGES)}",
                *(f"--aptopt={line}" for line in leniency),
                *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
                '--setup-hook=mkdir -p "$1/usr/local/share/ca-certificates"',
                *(
                    f"--customize-hook=copy-in {certificate} /usr/local/share/ca-certificates"
                    for certificate in certificates
                ),
                '--customize-hook=chroot "$1" update-ca-certificates',
                '--customize-hook=rm -f "$1"/var/cache/apt/*.bin',
                # The packages of the images made from it must leave nothing behind either.
                f"--customize-hook=copy-in {_apt_settings(Path(folder))} /etc/apt/apt.conf.d",
                suite,
                made,
                listed,
            ],
            "steps",
        )
        made.rename(path)
    return path


def _apt_settings(folder: Path) -> Path:
    path = folder / "docker-clean"
    clean = "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"
    path.write_text(
        f'DPkg::Post-Invoke {{ "{clean}"; }};\n'
        f'APT::Update::Post-Invoke {{ "{clean}"; }};\n'
        'Dir::Cache::pkgcache "";\n'
        'Dir::Cache::srcpkgcache "";\n'
        'Acquire::Languages "none";\n'
    )
    return path
