"""Pulumi's `docker` resource plugin for sites that can't download the official one.

Same tokens, property names, defaults, replace rules and outputs as the official plugin 5.2 for
Network, Volume, Image, RegistryImage, Tag, Service, ServiceConfig, Secret and Container, and the
functions getNetwork and getRegistryImage; anything else is refused with its name. It talks to
the Docker Engine only when something is created, read, changed or removed, never in a preview.
"""
