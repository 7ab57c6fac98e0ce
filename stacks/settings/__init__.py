"""The settings of an environment: typed, checked offline, all errors at once.

`stacks.settings.load` reads them, `stacks.settings.models` is what is read. Nothing is imported
here: the evaluation shares the checks of values, and has no use for the models.
"""
