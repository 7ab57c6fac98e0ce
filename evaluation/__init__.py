"""Is moving Stud.IP to a cluster worth it? From an inventory of a site to a verdict."""

import os

# Before the first import of pydantic: we use no plugins of it, and looking for them reads the
# metadata of every installed package.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
