"""Air-gapped Pulumi resource plugins: `python -m toolchain.plugins.<package>`."""
