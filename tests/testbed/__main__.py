"""The command line: `python -m tests.testbed up|down|status|shell|env|...`."""

import argparse
import os
import shlex
import sys
import time

import yaml

from tests.testbed.testbed import Testbed
from toolchain.failure import Failure

HELP = """commands:
  up             make a testbed whose nodes are one Swarm (--no-join: only engines)
  down           remove it
  status         its nodes: power, address, engine
  env            what a shell must know: eval "$(python -m tests.testbed env)"
  settings       its nodes as a settings file has them
  shell NODE     a shell on node-1, node-2, ..., or client
  kill|stop|start|unplug|heal NODE
  save           keep images and build cache of node-1 for testbeds to come; ends it
"""


def main() -> int:
    """Run one command: its exit code, or 1 and one message."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.testbed",
        description="Machines of a cluster as containers of this machine's engine.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", metavar="COMMAND")
    parser.add_argument("node", metavar="NODE", nargs="?", default="node-1")
    parser.add_argument("--name", default="dev", help="of the testbed (default: %(default)s)")
    parser.add_argument("--nodes", type=int, default=3, help="how many (default: %(default)s)")
    parser.add_argument("--no-join", action="store_true", help="make no Swarm of them")
    parser.add_argument("--clocks", action="store_true", help="a wall clock for each node")
    arguments = parser.parse_args()
    try:
        testbed = Testbed(arguments.name, nodes=arguments.nodes, keep=True, clocks=arguments.clocks)
        return run(testbed, arguments)
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run(testbed: Testbed, arguments: argparse.Namespace) -> int:
    """Do what the command says."""
    match arguments.command:
        case "up":
            began = time.monotonic()
            testbed.up()
            ready = time.monotonic()
            print(f"{arguments.nodes} engines answer after {ready - began:.1f} s")
            if not arguments.no_join:
                testbed.join()
                print(f"They are one Swarm after {time.monotonic() - ready:.1f} s more")
            status(testbed)
        case "down":
            testbed.down()
        case "status":
            status(testbed)
        case "env":
            print(f"export PATH={shlex.quote(str(testbed.folder / 'bin'))}:$PATH")
        case "settings":
            print(yaml.safe_dump({"studip:nodes": testbed.settings()}, sort_keys=False), end="")
        case "shell":
            container = f"{testbed.network}-{arguments.node}"
            terminal = ["--tty"] if sys.stdin.isatty() else []
            os.execvp("docker", ["docker", "exec", "--interactive", *terminal, container, "bash"])
        case "save":
            testbed.save()
            testbed.down()
        case "kill" | "stop" | "start" | "unplug" | "heal" as fault:
            nodes = {node.name: node for node in testbed.nodes}
            if arguments.node not in nodes:
                raise Failure(f"NODE is one of {', '.join(nodes)}; got {arguments.node}")
            getattr(nodes[arguments.node], fault)()
        case other:
            raise Failure(f"there is no command {other}; see `python -m tests.testbed --help`")
    return 0


def status(testbed: Testbed) -> None:
    """Print what there is."""
    for node in testbed.nodes:
        power = "on " if node.running else "off"
        print(f"{node.name}  {power}  {node.address}  {node.engine}")
    print(f"client  {testbed.client}; free for what moves: {testbed.address}")


if __name__ == "__main__":
    sys.exit(main())
