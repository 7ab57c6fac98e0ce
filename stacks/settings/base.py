"""What all models of the settings stand on: strictness, secrets, values that are wrong."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr, ValidationInfo
from pydantic_core import PydanticCustomError

# We use none, and looking for them reads the metadata of every installed package.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

Location = tuple[int | str, ...]  # keys and indices that lead to a value

PLAIN_SECRETS = "plain_secrets"  # key of the validation context: secrets come decrypted


def without(value: object, locations: set[Location], here: Location = ()) -> object:
    """A copy of `value` that lacks the keys at `locations`."""
    if isinstance(value, dict):
        return {
            key: without(item, locations, (*here, key))
            for key, item in value.items()
            if (*here, key) not in locations
        }
    if isinstance(value, list):
        return [without(item, locations, (*here, index)) for index, item in enumerate(value)]
    return value


class WrongValue(Exception):
    """A check asked for a value that is wrong in itself, and already reported."""


class Model(BaseModel):
    """Settings do not change once they are read; what nobody reads is an error."""

    # Validators are built on first use: most environments leave most sections at their defaults.
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True
    )

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Only a model that `forget` took a value from lacks a field.
            if name in type(self).model_fields:
                raise WrongValue(name)
            return super().__getattr__(name)

    def forget(self, name: str) -> None:
        """Let whoever asks for the field `name` get `WrongValue`."""
        self.__dict__.pop(name, None)


class Sealed(str):
    """Stands for a `secure:` value of a file, which only Pulumi can read."""

    __slots__ = ()


def _secret(value: object, info: ValidationInfo) -> SecretStr:
    """Errors of a type `secret_*` are never shown with the value."""
    context: Mapping[str, bool] = info.context or {}
    if not isinstance(value, str):
        raise PydanticCustomError("secret_type", "must be a text")
    if not value:
        raise PydanticCustomError("secret_empty", "must not be empty")
    if not isinstance(value, Sealed) and not context.get(PLAIN_SECRETS, False):
        raise PydanticCustomError("secret_plain", "must be encrypted")
    return SecretStr(value)


Secret = Annotated[SecretStr, BeforeValidator(_secret)]
