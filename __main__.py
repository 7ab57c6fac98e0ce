"""The program: settings -> stack -> exports."""

from importlib import import_module

import pulumi
from pulumi.runtime.config import CONFIG

from stacks import ahead
from stacks.settings.errors import SettingsError
from stacks.settings.load import load_settings

stack = pulumi.get_stack()
try:
    settings = load_settings(CONFIG.get(), stack, f"Pulumi.{stack}.yaml")
except SettingsError as error:
    raise pulumi.RunError(str(error)) from None
starting = ahead.start(settings.orchestrator)
for name, value in import_module(f"stacks.{settings.orchestrator}").build(settings).items():
    pulumi.export(name, value)
