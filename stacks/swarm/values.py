"""Settings as components take them."""

from typing import TypeVar

from pulumi import Output
from pydantic import SecretStr

from components import workload
from stacks.settings import models

T = TypeVar("T")


def given(value: T | None) -> T:
    """A value that the settings' checks have made sure of."""
    assert value is not None
    return value


def secret(value: SecretStr | None) -> Output[str] | None:
    """A secret as Pulumi keeps it."""
    return Output.secret(value.get_secret_value()) if value else None


def resources(chosen: models.Resources) -> workload.Resources:
    """Limits and reservations."""
    return workload.Resources(
        cpu_limit=chosen.limits.cpus,
        memory_limit=chosen.limits.memory_mib,
        cpu_reservation=chosen.reservations.cpus,
        memory_reservation=chosen.reservations.memory_mib,
    )


def update(chosen: models.Update) -> workload.Update:
    """How new replicas take over."""
    return workload.Update(**dict(chosen))


def mount(chosen: models.Mount) -> workload.Mount:
    """A further mount of the application."""
    return workload.Mount(**dict(chosen))
