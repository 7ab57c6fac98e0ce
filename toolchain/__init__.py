"""Puts Pulumi and its plugins on a machine: the official ones, or built from package registries."""
