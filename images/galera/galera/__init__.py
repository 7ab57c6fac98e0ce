"""MariaDB with Galera as a member of a cluster."""
