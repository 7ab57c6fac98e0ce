"""Pulumi's `random` resource plugin for sites that can't download the official one.

`RandomPassword` as in the official plugin 4.21; any other resource is refused with its name.
"""
