"""A site as its data centre describes it: read from a YAML file, checked, all errors at once.

inventory = load(Path("my-site.yaml"))
"""

from evaluation.inventory.errors import InventoryError
from evaluation.inventory.file import load
from evaluation.inventory.models import Inventory

__all__ = ["Inventory", "InventoryError", "load"]
