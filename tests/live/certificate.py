"""Certificates that sign themselves."""

import subprocess


def self_signed(address: str) -> str:
    """Key and certificate of an IP address, as PEM."""
    command = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={address} "
        f"-addext subjectAltName=IP:{address} -keyout - -out -"
    )
    return subprocess.run(command.split(), check=True, capture_output=True, text=True).stdout
