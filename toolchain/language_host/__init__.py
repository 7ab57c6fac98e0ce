"""Pulumi's language host for Python, where the official one can't be had.

The engine starts `pulumi-language-python`, reads a port from its output, and speaks
`pulumirpc.LanguageRuntime` to it (proto/pulumi/language.proto of Pulumi).
"""

SHOWN = 32
"""Exit code of a program that failed and has told the user why."""
