"""Pulumi's generated gRPC modules, without the rest of the SDK.

`import pulumi` costs more than 100 ms, half of a plugin's start, for code that a plugin never
calls; the generated modules need none of it. So their parent packages are entered as bare
namespaces, unless the SDK is loaded already.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def _enter_bare_packages() -> None:
    spec = importlib.util.find_spec("pulumi")
    if spec is None or spec.origin is None:
        raise SystemExit("the Python package pulumi is not installed beside this plugin")
    root = Path(spec.origin).parent.parent
    for name in ("pulumi", "pulumi.runtime", "pulumi.runtime.proto"):
        package = ModuleType(name)
        package.__path__ = [str(root.joinpath(*name.split(".")))]
        sys.modules[name] = package


if "pulumi" not in sys.modules:
    _enter_bare_packages()

from pulumi.runtime.proto import (  # noqa: E402
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

__all__ = [
    "engine_pb2",
    "engine_pb2_grpc",
    "plugin_pb2",
    "provider_pb2",
    "provider_pb2_grpc",
    "status_pb2",
]
