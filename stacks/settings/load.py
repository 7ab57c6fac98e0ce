"""From a settings file, or Pulumi's configuration of it, to `Settings`."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from stacks.settings.checks import Sections, check
from stacks.settings.errors import SettingsError, sentence, sentences, unknown_key
from stacks.settings.models import SECTIONS, Model, Settings

NAMESPACE = "studip:"
ENCRYPTED = "[encrypted]"  # stands for a secret that only Pulumi can read
FILE_NAME = re.compile(r"^Pulumi\.([a-z][a-z0-9-]{0,19})\.yaml$")


def load_settings(config: Mapping[str, object], environment: str, file: str) -> Settings:
    """Settings from Pulumi's configuration: `studip:<section>` with JSON texts or plain values.

    Raises `SettingsError` with everything that is wrong in `file`.
    """
    errors: list[str] = []
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,19}", environment):
        errors.append(
            f"environment: must be a small letter and up to 19 letters, digits or dashes, "
            f"got {environment} ({file})"
        )
    valid: Sections = {}
    for key, value in config.items():
        if not key.startswith(NAMESPACE):
            continue
        name = key.removeprefix(NAMESPACE)
        if name not in SECTIONS:
            errors.append(sentence(name, unknown_key(name, list(SECTIONS)), file))
            continue
        try:
            valid[name] = _section(name, _decoded(value))
        except ValidationError as error:
            errors += sentences(name, error, SECTIONS[name].annotation, file)
            valid[name] = None
    for name, field in SECTIONS.items():
        valid.setdefault(name, field.get_default(call_default_factory=True))
    errors += [sentence(key, what, file) for key, what in check(valid, Path(file).parent)]
    if errors:
        raise SettingsError(errors)
    return Settings.model_construct(environment=environment, file=file, **valid)


def _section(name: str, value: Any) -> Any:
    annotation = SECTIONS[name].annotation
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation.model_validate(value)
    return TypeAdapter(annotation).validate_python(value, strict=False)


def _decoded(value: object) -> object:
    """Pulumi gives objects and lists as JSON texts."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def read_settings(path: Path) -> Settings:
    """Settings from `Pulumi.<environment>.yaml`, offline; encrypted values become placeholders.

    Raises `SettingsError` with everything that is wrong in the file.
    """
    named = FILE_NAME.match(path.name)
    if not named:
        raise SettingsError([f"{path.name}: must be named Pulumi.<environment>.yaml"])
    try:
        document = yaml.load(path.read_text(), Loader=_Loader)
    except OSError as error:
        raise SettingsError([f"{path.name}: {error.strerror}"]) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError([f"{path.name}:{line}: {error.problem}"]) from None
    config = (document or {}).get("config") if isinstance(document or {}, dict) else None
    if not isinstance(config, dict):
        raise SettingsError([f"{path.name}: must have an object under the key config"])
    return load_settings(
        {str(key): _unsealed(value) for key, value in config.items()}, named[1], str(path)
    )


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key given twice: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key} is given twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _unsealed(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"secure"}:
            return ENCRYPTED
        return {key: _unsealed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unsealed(item) for item in value]
    return value
