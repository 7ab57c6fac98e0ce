"""A candidate as a settings file of this project."""
