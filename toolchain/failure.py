"""The one exception of the toolchain."""


class Failure(Exception):
    """Something that the user must know or mend; shown without traceback, exit code 1."""
