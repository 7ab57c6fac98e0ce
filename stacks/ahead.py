"""Begins what others take long for, while the rest of the program is still being imported."""

from typing import Any

from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import get_monitor

from stacks import provenance
from toolchain.versions import versions

PLUGINS = {"swarm": ("docker", "random")}  # by orchestrator, the ones that every program uses


def start(orchestrator: str) -> list[Any]:
    """Ask git for the recipes' provenance, and have the engine start the plugins of a program.

    Returns the calls under way; whoever drops one ends it.

    By itself the engine starts each plugin when it is first asked for something of its package,
    one after the other, while everything else waits. So it is asked for a function that no plugin
    has: that changes nothing, and nobody waits for the answer.
    """
    provenance.ask_of_recipes()
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
