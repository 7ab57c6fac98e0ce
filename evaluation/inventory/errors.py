"""What is wrong with an inventory."""

from collections.abc import Sequence


class InventoryError(Exception):
    """All that is wrong with one inventory, a message a line."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = list(messages)
