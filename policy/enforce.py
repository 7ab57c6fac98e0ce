"""Checks every service of a program at preview and up, before it is registered."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import Output, ResourceTransformationArgs, ResourceTransformationResult

# The SDK's own mapping from argument classes to the plugin's names.
from pulumi._types import input_type_to_dict, is_input_type

from policy.rules import violations, warnings

SERVICE = "docker:index/service:Service"


class PolicyViolation(pulumi.RunError):
    """A resource breaks a rule; its message has one line for each violation."""


def enforce() -> None:
    """Have every service that the program registers from now on checked.

    Values that only an update can tell are unknown in a preview: what depends on them is checked
    in the update, and still before anything is changed.
    """
    pulumi.runtime.register_stack_transformation(_check)


def _check(args: ResourceTransformationArgs) -> ResourceTransformationResult | None:
    if args.type_ != SERVICE:
        return None
    properties: Mapping[str, Any] = args.props
    name = args.name

    def checked(resolved: Mapping[str, Any]) -> Any:
        plain = _plain({_camel(key): value for key, value in resolved.items()})
        for sentence in warnings(plain):
            pulumi.warn(f"{name}: {sentence}")
        if found := violations(plain):
            raise PolicyViolation("\n".join(f"policy: {name}: {sentence}" for sentence in found))
        return resolved["task_spec"]

    # The service's registration waits for this output, and with it for the verdict.
    task_spec = Output.all(**properties).apply(checked)
    return ResourceTransformationResult({**properties, "task_spec": task_spec}, args.opts)


def _plain(value: Any) -> Any:
    if is_input_type(type(value)):
        return _plain(input_type_to_dict(value))
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
