"""Runs HAProxy: starts it, reloads it when certificates change, stops it without losing a request.

Needs no more of Python than Debian's `python3-minimal` has.
"""
