"""A site as its data centre describes it: read from a YAML file, checked, all errors at once.

`evaluation.inventory.file` reads it, `evaluation.inventory.models` is what is read. Nothing is
imported here: a command imports what it needs.
"""
