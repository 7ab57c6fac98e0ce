"""Which parts an environment has, and the only place where they are wired."""
