"""Starts Pulumi's resource plugins while the rest of the program is still being imported."""

from typing import Any

from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import get_monitor

from toolchain.versions import versions

PLUGINS = {"swarm": ("docker", "random")}  # by orchestrator, the ones that every program uses


def start(orchestrator: str) -> list[Any]:
    """Have the engine start the plugins that a program for `orchestrator` uses.

    Returns the calls under way; whoever drops one ends it.

    By itself it starts each when it is first asked for something of its package, one after the
    other, while everything else waits. So it is asked for a function that no plugin has: that
    changes nothing, and nobody waits for the answer.
    """
    monitor = get_monitor()
    assert monitor
    return [
        monitor.Invoke.future(
            resource_pb2.ResourceInvokeRequest(
                tok=f"{name}:index/none:none", version=versions().plugins[name]
            )
        )
        for name in PLUGINS.get(orchestrator, ())
    ]
