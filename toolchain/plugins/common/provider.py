"""The generic half of a plugin: everything that follows from the tables."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .changes import Difference, adopt, compare, complete
from .errors import Incomplete, PluginError
from .fields import DEFAULTS, Failure, Field, Fields, Kind, Naming, check
from .resource import Call, Function, Resource
from .values import UNKNOWN, Plain, Secret, reveal, seal

Values = dict[str, Any]
"""Properties with `Secret` and `UNKNOWN` in them, as they come over the wire."""

_META = "__meta"  # schema version, in the form of the official (bridged) plugins


@dataclass(frozen=True, slots=True)
class Diff:
    """The answer to "what would change?"."""

    differences: list[Difference]
    delete_before_replace: bool


class Provider:
    """Resources and functions of one package, looked up by token.

    The values of the tables are loaders, so that only what a program uses is imported.
    """

    def __init__(
        self,
        package: str,
        version: str,
        resources: Mapping[str, Callable[[], Resource]],
        functions: Mapping[str, Callable[[], Function]] | None = None,
    ) -> None:
        self.package = package
        self.version = version
        self.cancelled = threading.Event()
        self._loaders = resources
        self._functions = functions or {}
        self._loaded: dict[str, Resource] = {}

    def check_config(self, config: Values) -> tuple[Values, list[Failure]]:
        """Validate the provider's own settings; offline."""
        return config, []

    def configure(self, config: Plain) -> None:
        """Take the settings over; must not reach out to anything yet."""

    def cancel(self) -> None:
        """Stop what is going on."""
        self.cancelled.set()

    def resource(self, urn: str) -> Resource:
        """The implementation of a resource's type."""
        token = urn.split("::")[2].rsplit("$", 1)[-1]
        if token not in self._loaders:
            raise PluginError(
                f"{token} is not part of the air-gapped {self.package} plugin; it knows "
                f"{', '.join(sorted(self._loaders))}"
            )
        if token not in self._loaded:
            self._loaded[token] = self._loaders[token]()
        return self._loaded[token]

    def check(
        self, urn: str, news: Values, olds: Values, naming: Naming
    ) -> tuple[Values, list[Failure]]:
        """Inputs with defaults, and what is wrong with them."""
        resource = self.resource(urn)
        inputs, failures = check(resource.fields, news, olds, naming)
        if failures:
            return inputs, failures
        failures = list(resource.validate(_public(reveal(inputs))))
        if not failures:
            derived = resource.derive(_public(reveal(inputs)))
            inputs |= {key: seal(value, inputs.get(key)) for key, value in derived.items()}
        return _seal_declared(resource.fields, inputs), failures

    def diff(
        self, urn: str, old: Values, state: Values, new: Values, ignored: Iterable[str]
    ) -> Diff:
        """What differs between the inputs of the last run and the checked ones of this run.

        What the last run, or an import, had left to the system is taken from the state.
        """
        resource = self.resource(urn)
        before = complete(resource.fields, _public(reveal(old)), _public(reveal(state)))
        after = _public(reveal(new))
        found = resource.judge(before, after, list(compare(resource.fields, before, after)))
        found += resource.overdue(_public(reveal(state)), after)
        skip = tuple(ignored)
        found = [one for one in found if not one.path.startswith(skip)] if skip else found
        taken = any(one.replace for one in found) and _name_is_taken(resource.fields, old, new)
        return Diff(found, resource.delete_before_replace or taken)

    def create(self, call: Call, inputs: Values, *, preview: bool) -> tuple[str, Values]:
        """Make an object; its id and state."""
        resource = self.resource(call.urn)
        if preview:
            return "", {**_unknown_outputs(resource.fields, volatile=False), **inputs}
        try:
            made = resource.create(call, _public(reveal(inputs)))
        except Incomplete as error:
            error.outputs = self._state(resource, inputs, error.outputs)
            raise
        return made.id, self._state(resource, inputs, made.outputs)

    def read(
        self, call: Call, id: str, inputs: Values, state: Values
    ) -> tuple[str, Values, Values] | None:
        """Id, inputs and state as they are now; None if the object is gone."""
        resource = self.resource(call.urn)
        given = _public(reveal(inputs))
        live = resource.read(call, id, given, _public(reveal(state)))
        if live is None:
            return None
        found = seal(adopt(resource.fields, given, live.outputs), inputs)
        found = _seal_declared(resource.fields, found)
        if DEFAULTS in inputs:
            found[DEFAULTS] = inputs[DEFAULTS]
        kept = {k: v for k, v in state.items() if k not in resource.fields or k not in live.outputs}
        kept = {k: v for k, v in kept.items() if k in found or k not in inputs}
        return live.id, found, {**kept, **self._state(resource, found, live.outputs)}

    def update(
        self, call: Call, id: str, state: Values, inputs: Values, *, preview: bool
    ) -> Values:
        """Change an object; its state afterwards."""
        resource = self.resource(call.urn)
        if preview:
            kept = {k: v for k, v in state.items() if resource.fields.get(k, _GONE).output}
            return {**kept, **_unknown_outputs(resource.fields, volatile=True), **inputs}
        try:
            outputs = resource.update(call, id, _public(reveal(state)), _public(reveal(inputs)))
        except Incomplete as error:
            error.outputs = self._state(resource, inputs, error.outputs)
            raise
        return self._state(resource, inputs, outputs)

    def delete(self, call: Call, id: str, state: Values) -> None:
        """Remove an object."""
        self.resource(call.urn).delete(call, id, _public(reveal(state)))

    def invoke(self, call: Call, token: str, inputs: Values) -> tuple[Values, list[Failure]]:
        """Call a function."""
        if token not in self._functions:
            raise PluginError(
                f"{token} is not part of the air-gapped {self.package} plugin; it knows "
                f"{', '.join(sorted(self._functions))}"
            )
        function = self._functions[token]()
        checked, failures = check(function.fields, inputs, {}, Naming(token))
        if failures:
            return {}, failures
        return dict(function.call(call, _public(reveal(checked)))), []

    @staticmethod
    def _state(resource: Resource, inputs: Values, outputs: Mapping[str, Any]) -> Values:
        """What is kept: what the system says, but the program's own words where it has them."""
        known = {k: v for k, v in outputs.items() if v is not None and not k.startswith("__")}
        given = _public(inputs) if resource.keeps_inputs else {}
        state = _seal_declared(resource.fields, {**known, **given})
        state |= resource.extra_state(inputs)
        if resource.schema_version:
            state[_META] = f'{{"schema_version":"{resource.schema_version}"}}'
        return state


_GONE = Field(kind=Kind.STRING)  # stands for a property that the table does not have


def _public(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if not key.startswith("__")}


def _unknown_outputs(fields: Fields, *, volatile: bool) -> Values:
    return {
        name: Secret(UNKNOWN) if spec.secret else UNKNOWN
        for name, spec in fields.items()
        if (spec.output and (spec.volatile or not volatile)) or (spec.computed and not volatile)
    }


def _seal_declared(fields: Fields, values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with every property sealed that the table calls secret."""
    sealed = dict(values)
    for name, spec in fields.items():
        if sealed.get(name) is not None:
            sealed[name] = _seal_value(spec, sealed[name])
    return sealed


def _seal_value(spec: Field, value: Any) -> Any:
    if isinstance(value, Secret) or value is UNKNOWN:
        return value
    if spec.secret:
        return Secret(reveal(value))
    if spec.kind is Kind.BLOCK and isinstance(value, Mapping):
        return _seal_declared(spec.fields, value)
    if spec.item is not None and isinstance(value, list):
        return [_seal_value(spec.item, item) for item in value]
    return value


def _name_is_taken(fields: Fields, old: Values, new: Values) -> bool:
    """True if the new object would bear the old one's name, so that the old must go first."""
    return any(
        spec.autoname and name not in new.get(DEFAULTS, ()) and _same(old, new, name)
        for name, spec in fields.items()
    )


def _same(old: Values, new: Values, name: str) -> bool:
    return bool(reveal(old.get(name)) == reveal(new.get(name)))
