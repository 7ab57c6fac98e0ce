"""`python -m toolchain.plugins.tls ENGINE_ADDRESS`: the plugin in a process of its own."""
# ruff: noqa: E402

from __future__ import annotations

import gc

gc.disable()  # until `main` serves: what is imported stays

from ..common.server import main
from .provider import provider

main(provider())
