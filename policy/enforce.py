"""Checks every service and one-shot container at preview and up, before it is registered."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import (
    Output,
    Resource,
    ResourceOptions,
    ResourceTransformationArgs,
    ResourceTransformationResult,
)

# The SDK's own mapping from argument classes to the plugin's names.
from pulumi._types import input_type_to_dict, is_input_type
from pulumi.output import Unknown

from policy.rules import UNKNOWN, violations, warnings

SERVICE = "docker:index/service:Service"
CONTAINER = "docker:index/container:Container"


class PolicyViolation(pulumi.RunError):
    """A resource breaks a rule; its message has one line for each violation."""


def enforce() -> None:
    """Have everything that the program registers from now on checked.

    A preview checks what it knows; what only an update tells (the digest of an image that was
    never built) is checked in the update, and still before anything is changed.
    """
    pulumi.runtime.register_stack_transformation(_check)


def _check(args: ResourceTransformationArgs) -> ResourceTransformationResult | None:
    if args.type_ not in (SERVICE, CONTAINER):
        return None
    name, service = args.name, args.type_ == SERVICE

    def verdict(resolved: Mapping[str, Any]) -> list[Resource]:
        plain = _known(resolved)
        if service:
            for sentence in warnings(plain):
                pulumi.warn(f"{name}: {sentence}")
        if found := violations(plain, service=service):
            raise PolicyViolation("\n".join(f"policy: {name}: {sentence}" for sentence in found))
        return []

    # The registration waits for what it depends on, and with it for the verdict.
    properties = {_camel(key): _plain(value) for key, value in args.props.items()}
    passed = Output.all(**properties).apply(verdict, run_with_unknowns=True)
    opts = ResourceOptions.merge(args.opts, ResourceOptions(depends_on=passed))
    return ResourceTransformationResult(args.props, opts)


def _plain(value: Any) -> Any:
    """Argument classes as dictionaries: as they are, one unknown value would hide all others."""
    if is_input_type(type(value)):
        return _plain(input_type_to_dict(value))
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _known(value: Any) -> Any:
    """The same with the rules' own mark for what is unknown."""
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_known(item) for item in value]
    return value


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
