"""The settings of an environment: typed, checked offline, all errors at once.

settings = load_settings(config, environment="dev", file="Pulumi.dev.yaml")
settings = read_settings(Path("Pulumi.dev.yaml"))
"""

from stacks.settings.errors import SettingsError
from stacks.settings.load import load_settings, read_settings
from stacks.settings.models import Settings

__all__ = ["Settings", "SettingsError", "load_settings", "read_settings"]
