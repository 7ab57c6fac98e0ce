"""The tables say what the installed SDK says; what they leave out is refused by name."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

import pulumi_docker
import pytest
from pulumi import _types

from tests.toolchain.plugins.sdk import blocks, compared, kind_of, required, unlike_outputs
from toolchain.plugins.common.fields import Field, Fields, Naming, check
from toolchain.plugins.common.resource import Function, Resource
from toolchain.plugins.docker.provider import _CONFIG, _FUNCTIONS, _RESOURCES

from .conftest import Plugin, Refused

# In the SDK, and deliberately not here.
UNSUPPORTED = {
    "Container": {
        "deviceReadBps",
        "deviceReadIops",
        "deviceRequests",
        "deviceWriteBps",
        "deviceWriteIops",
        "gpus",
    },
    "Container.mounts.volumeOptions": {"subpath"},
    "Container.networksAdvanced": {"gwPriority"},
    "RegistryImage": {"build"},
    "Volume": {"cluster"},
}


def classes() -> dict[str, type[Resource]]:
    """Name of each resource in the SDK, and our class for it."""
    package = "toolchain.plugins.docker"
    found = (
        getattr(import_module(f"{package}.{module}"), name)
        for module, name, _ in _RESOURCES.values()
    )
    return {one.token.rsplit(":", 1)[-1]: one for one in found}


RESOURCES = classes()


ALL = [
    pytest.param(path, spec, hint, id=path)
    for name, resource in RESOURCES.items()
    for path, spec, hint in compared(
        resource.fields, getattr(pulumi_docker, f"{name}Args", object), name
    )
]


BLOCKS = [
    pytest.param(path, fields, arguments, id=path)
    for name, resource in RESOURCES.items()
    for path, fields, arguments in blocks(
        resource.fields, getattr(pulumi_docker, f"{name}Args", object), name
    )
]


@pytest.mark.parametrize(("path", "spec", "hint"), ALL)
def test_every_known_property_exists_in_the_sdk_with_the_same_shape(
    path: str, spec: Field, hint: Any
) -> None:
    assert hint is not None, f"{path} is not a property of the SDK"
    kinds, element = kind_of(hint)
    assert spec.kind in kinds
    if spec.item is not None:
        assert spec.item.kind in kind_of(element)[0]


@pytest.mark.parametrize(("path", "fields", "arguments"), BLOCKS)
def test_the_same_properties_are_required_as_in_the_sdk(
    path: str, fields: Fields, arguments: type
) -> None:
    assert {name for name, spec in fields.items() if spec.required} == required(arguments)


@pytest.mark.parametrize(("path", "fields", "arguments"), BLOCKS)
def test_what_the_sdk_has_and_we_have_not_is_refused_by_name(
    path: str, fields: Fields, arguments: type
) -> None:
    settable = {name for name, spec in fields.items() if not spec.output and not spec.derived}
    missing = set(_types.input_type_types(arguments)) - settable
    assert missing == UNSUPPORTED.get(path, set())
    for name in missing:
        _, failures = check(fields, {name: "x"}, {}, Naming("test"))
        assert name in {failure.path for failure in failures}


@pytest.mark.parametrize("name", RESOURCES)
def test_every_output_exists_in_the_sdk(name: str) -> None:
    assert unlike_outputs(RESOURCES[name].fields, getattr(pulumi_docker, name)) == []


def test_every_token_is_one_of_the_sdk() -> None:
    for token in _RESOURCES:
        assert f"'{token}'" in inspect.getsource(getattr(pulumi_docker, token.rsplit(":", 1)[-1]))
    for token, (module, name, _) in _FUNCTIONS.items():
        function = getattr(import_module(f"toolchain.plugins.docker.{module}"), name)
        assert issubclass(function, Function)
        assert function.token == token
        snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in token.rsplit(":", 1)[-1])
        parameters = inspect.signature(getattr(pulumi_docker, snake)).parameters
        names = {
            key.split("_")[0] + "".join(part.title() for part in key.split("_")[1:])
            for key in parameters
        }
        assert set(function.fields) <= names


def test_provider_settings_are_those_of_the_sdk() -> None:
    known = set(_types.input_type_types(pulumi_docker.ProviderArgs))
    assert set(_CONFIG) <= known
    assert known - set(_CONFIG) == {"context"}
    nested = _CONFIG["registryAuth"].item
    assert nested is not None
    arguments = pulumi_docker.ProviderRegistryAuthArgs
    assert set(nested.fields) == set(_types.input_type_types(arguments))


@pytest.mark.parametrize("name", [one for one in UNSUPPORTED if "." not in one])
def test_the_plugin_itself_names_what_it_refuses(plugin: Plugin, name: str) -> None:
    inputs = dict.fromkeys(UNSUPPORTED[name], "x")
    with pytest.raises(Refused) as caught:
        plugin.check(RESOURCES[name].token, "test", inputs)
    for key in inputs:
        assert caught.value.failures[key].startswith("is not supported here; supported: ")
