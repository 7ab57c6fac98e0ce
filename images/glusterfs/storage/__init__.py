"""GlusterFS in containers: a member of the storage, or a node's mount of it."""
