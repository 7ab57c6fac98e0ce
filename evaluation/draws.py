"""Many sites that an inventory with ranges may be, to calculate with all of them at once."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from pydantic import BaseModel

from evaluation.formulas import formula
from evaluation.inventory.models import WHOLE, Inventory, Model
from evaluation.quantity import FloatArray, Quantity

M = TypeVar("M", bound=BaseModel)
Change = Callable[[str, Quantity, bool], Quantity]  # of a quantity by its key; is it whole?


def drawn(inventory: Inventory, draws: int, seed: int) -> Inventory:
    """The inventory with `draws` values of each number; the first is the middle of its range.

    The same seed gives the same values, and a range draws the same ones whatever other ranges the
    inventory has. Raises ValueError for less than one draw.
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1, got {draws}")

    def draw(key: str, quantity: Quantity, whole: bool) -> Quantity:
        if quantity.known:
            return quantity.at(np.full(draws, quantity.low))
        generator = np.random.default_rng([seed, *key.encode()])
        return quantity.at(stratified(quantity, draws, generator, whole=whole))

    return _changed(inventory, draw)


@formula("draws.stratified")
def stratified(
    quantity: Quantity, draws: int, generator: np.random.Generator, *, whole: bool = False
) -> FloatArray:
    """Values that fill a range evenly, in random order; the middle comes first.

    Latin hypercube: the range is cut into as many equal pieces as there are draws, each piece gives
    one value, and each number of the inventory is shuffled by itself.

    Source: M. D. McKay, R. J. Beckman, W. J. Conover, A Comparison of Three Methods for Selecting
        Values of Input Variables in the Analysis of Output from a Computer Code, Technometrics 21
        (1979), 239-245.
    Limits: numbers are independent and no value of a range is likelier than another: both are
        assumptions, as nobody who gives a range says more.
    """
    middle = np.array([(quantity.low + quantity.high) / 2])
    shares = (np.arange(draws - 1) + generator.random(draws - 1)) / max(draws - 1, 1)
    generator.shuffle(shares)
    if whole:  # each whole number of the range has an equal piece of it
        numbers = np.floor(quantity.low + shares * (quantity.high - quantity.low + 1))
        return np.concatenate([np.floor(middle), numbers])
    return np.concatenate([middle, quantity.low + shares * (quantity.high - quantity.low)])


def one_at_a_time(inventory: Inventory) -> tuple[Inventory, tuple[str, ...]]:
    """The inventory with each range at its ends, all others in the middle; and the ranges' keys.

    Row 0 is the middle of all, rows 1 + 2i and 2 + 2i have the i-th key at its low and high end.
    """
    keys = tuple(key for key, quantity, _ in quantities(inventory) if not quantity.known)
    rows = {key: 1 + 2 * index for index, key in enumerate(keys)}

    def ends(key: str, quantity: Quantity, whole: bool) -> Quantity:
        middle = (quantity.low + quantity.high) / 2
        values = np.full(1 + 2 * len(keys), np.floor(middle) if whole else middle)
        if key in rows:
            values[rows[key]], values[rows[key] + 1] = quantity.low, quantity.high
        return quantity.at(values)

    return _changed(inventory, ends), keys


def quantities(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Quantity, bool]]:
    """Each number of an inventory: its key (`load.hours[3]`), itself, and whether it is whole."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        key = f"{prefix}{name}"
        if isinstance(value, Quantity):
            yield key, value, _whole(model, name)
        elif isinstance(value, BaseModel):
            yield from quantities(value, f"{key}.")
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                if isinstance(item, Quantity):
                    yield f"{key}[{index}]", item, False
                else:
                    yield from quantities(item, f"{key}[{index}].")


def _changed(model: M, change: Change, prefix: str = "") -> M:
    """A copy of the model in which `change` was asked for each quantity."""
    found: dict[str, object] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        key = f"{prefix}{name}"
        if isinstance(value, Quantity):
            found[name] = change(key, value, _whole(model, name))
        elif isinstance(value, BaseModel):
            found[name] = _changed(value, change, f"{key}.")
        elif isinstance(value, tuple):
            found[name] = tuple(
                change(f"{key}[{index}]", item, False)
                if isinstance(item, Quantity)
                else _changed(item, change, f"{key}[{index}].")
                for index, item in enumerate(value)
            )
    return model.model_copy(update=found)


def _whole(model: BaseModel, name: str) -> bool:
    about = model.about(name) if isinstance(model, Model) else None
    return about is not None and about.unit in WHOLE
