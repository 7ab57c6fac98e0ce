"""Runs keepalived, and tells it whether this node's load balancer can be trusted with the address.

Needs no more of Python than Debian's `python3-minimal` has.
"""
