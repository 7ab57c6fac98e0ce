"""A member of GlusterFS, or a node's mount of it."""
