"""Starts the language host: prints its port, serves until the engine goes."""

import sys

from toolchain.language_host.server import serve

if __name__ == "__main__":
    sys.exit(serve(sys.argv[1:]))
