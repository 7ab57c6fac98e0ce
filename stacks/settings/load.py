"""From a settings file, or Pulumi's configuration of it, to `Settings`."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from stacks.settings.base import PLAIN_SECRETS, Location, Model, WrongValue, without
from stacks.settings.checks import check
from stacks.settings.errors import (
    SettingsError,
    escaped,
    nearest,
    sentence,
    sentences,
    unknown_key,
)
from stacks.settings.models import SECTIONS, Settings

NAMESPACE = "studip"
FILE_NAME = re.compile(r"Pulumi\.([a-z][a-z0-9-]{0,19})\.yaml")
FILE_KEYS = ("config", "encryptedkey", "encryptionsalt", "secretsprovider")


def load_settings(config: Mapping[str, object], environment: str, file: str) -> Settings:
    """Settings from Pulumi's configuration: `studip:<section>` with JSON texts or plain values.

    Raises `SettingsError` with everything that is wrong in `file`.
    """
    errors: list[str] = []
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,19}", environment):
        errors.append(
            f"environment: must be a small letter and up to 19 letters, digits or dashes, "
            f"got {escaped(environment)} ({file})"
        )
    return _load(config, environment, file, errors, plain_secrets=True)


def read_settings(path: Path, *, deployable: bool = True) -> Settings:
    """Settings from `Pulumi.<environment>.yaml`, offline; encrypted values become placeholders.

    `deployable`: kinds that can't be deployed yet are errors.
    Raises `SettingsError` with everything that is wrong in the file.
    """
    from stacks.settings.file import read  # Pulumi's program needs no YAML

    named = FILE_NAME.fullmatch(path.name)
    if not named:
        raise SettingsError([f"{escaped(path.name)}: must be named Pulumi.<environment>.yaml"])
    document = read(path)
    errors = [_astray(key, str(path)) for key in document if key not in FILE_KEYS]
    config = document.get("config")
    if not isinstance(config, dict):
        errors.append(f"{path.name}: must have an object under the key config")
        raise SettingsError(errors)
    return _load(config, named[1], str(path), errors, plain_secrets=False, deployable=deployable)


def _astray(key: str, file: str) -> str:
    """What to say about a key at the top of a file that does not belong there."""
    if key.removeprefix(f"{NAMESPACE}:") in SECTIONS:
        return f"{key}: must stand below config ({file})"
    return f"{escaped(key)}: {unknown_key(key, FILE_KEYS)} ({file})"


def _load(
    config: Mapping[str, object],
    environment: str,
    file: str,
    errors: list[str],
    *,
    plain_secrets: bool,
    deployable: bool = True,
) -> Settings:
    given: dict[str, Any] = {}
    wrong: list[str] = []
    for key, value in config.items():
        name, complaint = _section_of(key)
        if complaint is not None:
            errors.append(f"{escaped(key)}: {complaint} ({file})")
        if name is None:
            continue
        if name not in SECTIONS:
            errors.append(sentence(name, unknown_key(name, list(SECTIONS)), file))
            continue
        try:
            made, found = _section(name, _decoded(value), {PLAIN_SECRETS: plain_secrets})
        except RecursionError:
            errors.append(sentence(name, "is nested too deeply", file))
            wrong.append(name)
            continue
        errors += sentences(name, found, SECTIONS[name].annotation, file)
        if made is None:
            wrong.append(name)
        else:
            given[name] = made
    settings = Settings.model_construct(environment=environment, file=file, **given)
    for name in wrong:
        settings.forget(name)
    findings = check(settings, Path(file).parent, deployable=deployable)
    errors += [sentence(key, what, file) for key, what in findings]
    if errors:
        raise SettingsError(errors)
    return settings


def _section_of(key: str) -> tuple[str | None, str | None]:
    """The section that a key means, if it is ours, and what is wrong with how it is written."""
    namespace, colon, name = key.partition(":")
    if not colon:
        return key, f"must be written {NAMESPACE}:{escaped(key)}"
    if namespace == NAMESPACE:
        return name, None
    if nearest(namespace.lower(), [NAMESPACE]):
        return name, f'unknown namespace, did you mean "{NAMESPACE}:{escaped(name)}"?'
    return None, None


def _decoded(value: object) -> object:
    """Pulumi gives objects and lists as JSON texts."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _section(
    name: str, value: object, context: Mapping[str, bool]
) -> tuple[Any, list[ErrorDetails]]:
    """A section, and its errors; asking it for what was wrong raises `WrongValue`.

    None where nothing of it is right.
    """
    try:
        return _validated(name, value, context), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    surplus = {item["loc"] for item in errors if item["type"] == "extra_forbidden"}
    wrong = {_whole(item["loc"]) for item in errors} - surplus
    while () not in wrong:
        try:
            made = _validated(name, without(value, wrong | surplus), context)
        except ValidationError as error:
            # A key that must be given was wrong: so is the object that it belongs to.
            wrong |= {_whole(item["loc"][:-1]) for item in error.errors(include_url=False)}
            continue
        # Outer ones first: what stands in for them is a default that others share.
        for location in sorted(wrong, key=len):
            _forget(made, location)
        return made, errors
    return None, errors


def _validated(name: str, value: object, context: Mapping[str, bool]) -> Any:
    annotation = SECTIONS[name].annotation
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation.model_validate(value, context=context)
    return TypeAdapter(annotation).validate_python(value, strict=False, context=context)


def _whole(location: Location) -> Location:
    """A list with a wrong entry is wrong as a whole: its other entries keep their indices."""
    while location and isinstance(location[-1], int):
        location = location[:-1]
    return location


def _forget(section: Any, location: Location) -> None:
    *parents, last = location
    with suppress(WrongValue):
        for part in parents:
            section = getattr(section, str(part)) if isinstance(section, Model) else section[part]
        if isinstance(section, Model):
            section.forget(str(last))
