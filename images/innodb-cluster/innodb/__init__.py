"""MySQL with group replication as a member of a cluster."""
