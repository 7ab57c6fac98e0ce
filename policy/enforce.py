"""Checks every service and one-shot container at preview and up, before it is registered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

    # Of the hundred values of a service few are outputs: only those are awaited, which halves the
    # time that a program takes.
    outputs: list[Output[Any]] = []
    properties = {_camel(key): _plain(value, outputs) for key, value in args.props.items()}

    def verdict(resolved: Sequence[Any]) -> list[Resource]:
        plain = _filled(properties, resolved)
        if service:
            for sentence in warnings(plain):
                pulumi.warn(f"{name}: {sentence}")
        if found := violations(plain, service=service):
            raise PolicyViolation("\n".join(f"policy: {name}: {sentence}" for sentence in found))
        return []

    # The registration waits for what it depends on, and with it for the verdict.
    passed = Output.all(*outputs).apply(verdict, run_with_unknowns=True)
    opts = ResourceOptions.merge(args.opts, ResourceOptions(depends_on=passed))
    return ResourceTransformationResult(args.props, opts)


@dataclass(frozen=True)
class _Awaited:
    """Stands for an output among plain values."""

    index: int


def _plain(value: Any, outputs: list[Output[Any]]) -> Any:
    """Argument classes as dictionaries, and outputs moved to `outputs`."""
    if isinstance(value, Output):
        outputs.append(value)
        return _Awaited(len(outputs) - 1)
    if is_input_type(type(value)):
        value = input_type_to_dict(value)
    if isinstance(value, Mapping):
        return {key: _plain(item, outputs) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(item, outputs) for item in value]
    return value


def _filled(value: Any, resolved: Sequence[Any]) -> Any:
    """Plain values with what the outputs turned out to be; unknown ones with the rules' mark."""
    if isinstance(value, _Awaited):
        return _filled(_plain(resolved[value.index], []), resolved)
    if isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, dict):
        return {key: _filled(item, resolved) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, resolved) for item in value]
    return value


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
