"""Implementations for Docker Swarm, on `pulumi_docker`."""
