"""What an environment's settings ask of this machine: ports, and logins to registries."""

from operations.preflight import Listener, Login


def listeners(environment: str) -> list[Listener]:
    """Ports that the load balancer and the registry will listen on."""
    raise NotImplementedError


def logins(environment: str) -> list[Login]:
    """Registries that want a password."""
    raise NotImplementedError
