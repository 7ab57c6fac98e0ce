"""The tables say what the installed SDK says; what they leave out is refused by name."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pulumi_tls
import pytest
from pulumi import _types

from tests.toolchain.plugins.docker.conftest import Failed, Plugin, Refused
from tests.toolchain.plugins.sdk import blocks, compared, kind_of, required, unlike_outputs
from toolchain.plugins.common.fields import Field, Fields
from toolchain.plugins.tls.provider import RESOURCES

# In the SDK, and deliberately not here: keys that leave no trace in the state.
UNSUPPORTED = {
    "SelfSignedCert": {"privateKeyPemWo", "privateKeyPemWoVersion"},
    "CertRequest": {"privateKeyPemWo", "privateKeyPemWoVersion"},
    "LocallySignedCert": {"caPrivateKeyPemWo", "caPrivateKeyPemWoVersion"},
}
TABLES = {one.token.rsplit(":", 1)[-1]: one for one in RESOURCES}
ARGUMENTS = {name: getattr(pulumi_tls, f"{name}Args") for name in TABLES}
ALL = [
    pytest.param(path, spec, hint, id=path)
    for name, resource in TABLES.items()
    for path, spec, hint in compared(resource.fields, ARGUMENTS[name], name)
]
BLOCKS = [
    pytest.param(path, fields, arguments, id=path)
    for name, resource in TABLES.items()
    for path, fields, arguments in blocks(resource.fields, ARGUMENTS[name], name)
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
def test_the_same_properties_are_known_and_required_as_in_the_sdk(
    path: str, fields: Fields, arguments: type
) -> None:
    settable = {name for name, spec in fields.items() if not spec.output}
    assert set(_types.input_type_types(arguments)) - settable == UNSUPPORTED.get(path, set())
    assert {name for name, spec in fields.items() if spec.required} == required(arguments)


@pytest.mark.parametrize("name", TABLES)
def test_outputs_and_secrets_are_those_of_the_sdk(name: str) -> None:
    sdk = getattr(pulumi_tls, name)
    fields = TABLES[name].fields
    assert unlike_outputs(fields, sdk) == []
    properties = {
        getattr(one.fget, "_pulumi_name", key)
        for key, one in inspect.getmembers(sdk)
        if isinstance(one, property)
    }
    own = {"id", "urn", "pulumi_resource_name", "pulumi_resource_type"}
    assert properties - own - UNSUPPORTED.get(name, set()) == set(fields)
    source = inspect.getsource(sdk)
    assert f"'{TABLES[name].token}'" in source
    listed = re.search(r"additional_secret_outputs=\[(.*?)\]", source)
    assert listed
    secret = {key for key, spec in fields.items() if spec.secret}
    assert secret == set(re.findall(r'"(\w+)"', listed[1])) - UNSUPPORTED.get(name, set())


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_the_sdk_has_and_we_have_not_is_refused_by_name(plugin: Plugin, name: str) -> None:
    with pytest.raises(Refused) as caught:
        plugin.check(TABLES[name].token, "it", dict.fromkeys(UNSUPPORTED[name], "x"))
    for key in UNSUPPORTED[name]:
        assert caught.value.failures[key].startswith("is not supported here; supported: ")


def test_another_resource_and_a_function_are_refused_by_name(plugin: Plugin) -> None:
    token = "tls:index/rotatingKey:RotatingKey"
    with pytest.raises(Failed, match=f"{token} is not part of the air-gapped tls plugin"):
        plugin.check(token, "it", {})
    function = "tls:index/getCertificate:getCertificate"
    with pytest.raises(Failed, match=f"{function} is not part of the air-gapped tls plugin"):
        plugin.invoke(function, {})
