"""The drawings of the report, all in one style; each says in its `alt` what it shows."""
