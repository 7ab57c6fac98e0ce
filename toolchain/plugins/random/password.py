"""random:index/randomPassword:RandomPassword."""

from __future__ import annotations

import secrets
import string as characters
from collections.abc import Iterable
from typing import ClassVar, Final

from ..common.fields import Failure, Fields, boolean, integer, mapping, string
from ..common.resource import Call, Made, Resource
from ..common.values import UNKNOWN, Plain

SPECIAL: Final = "!@#$%&*()-_=+[]{}<>:?"  # the official plugin's own


class RandomPassword(Resource):
    """A password, generated once and kept in the state."""

    token = "random:index/randomPassword:RandomPassword"
    schema_version = 3
    fields: ClassVar[Fields] = {
        "length": integer(required=True, replace=True),
        "keepers": mapping(replace=True),
        "lower": boolean(default=True, replace=True),
        "upper": boolean(default=True, replace=True),
        "numeric": boolean(default=True, replace=True),
        "special": boolean(default=True, replace=True),
        "minLower": integer(default=0, replace=True),
        "minUpper": integer(default=0, replace=True),
        "minNumeric": integer(default=0, replace=True),
        "minSpecial": integer(default=0, replace=True),
        "overrideSpecial": string(replace=True),
        "number": boolean(default=True, output=True),
        "result": string(output=True, secret=True),
        "bcryptHash": string(output=True, secret=True),
    }

    def validate(self, inputs: Plain) -> Iterable[Failure]:
        length = inputs.get("length")
        classes = _classes(inputs)
        least = sum(minimum for _, minimum in classes)
        if not classes:
            yield Failure("special", "one of lower, upper, numeric and special must be true")
        if length is not UNKNOWN and (not isinstance(length, int) or length < max(1, least)):
            yield Failure("length", f"must be at least {max(1, least)}, got {length}")

    def create(self, call: Call, inputs: Plain) -> Made:
        import bcrypt

        password = generate(inputs)
        # bcrypt knows the first 72 bytes only, and says so by refusing more.
        hashed = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(rounds=10)).decode()
        return Made("none", {"result": password, "bcryptHash": hashed, "number": True})


def _classes(inputs: Plain) -> list[tuple[str, int]]:
    """Characters to draw from, each class with how many there must be at least."""
    special = inputs.get("overrideSpecial") or SPECIAL
    table = {
        "lower": (characters.ascii_lowercase, "minLower"),
        "upper": (characters.ascii_uppercase, "minUpper"),
        "numeric": (characters.digits, "minNumeric"),
        "special": (special, "minSpecial"),
    }
    return [
        (letters, int(inputs.get(minimum) or 0))
        for name, (letters, minimum) in table.items()
        if inputs.get(name, True)
    ]


def generate(inputs: Plain) -> str:
    """A password of `length` characters, with the minimum of each class, in random order."""
    classes = _classes(inputs)
    drawn = [secrets.choice(letters) for letters, minimum in classes for _ in range(minimum)]
    everything = "".join(letters for letters, _ in classes)
    drawn += [secrets.choice(everything) for _ in range(inputs["length"] - len(drawn))]
    secrets.SystemRandom().shuffle(drawn)
    return "".join(drawn)
