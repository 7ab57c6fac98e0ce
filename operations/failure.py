"""The one way in which a command gives up."""


class Failure(Exception):
    """Stops a command; its text is all that the operator sees, so it names cause and remedy."""
