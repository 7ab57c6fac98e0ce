"""Benchmarks: every figure is a ratio against a peer or a floor of the same run, or a size."""
