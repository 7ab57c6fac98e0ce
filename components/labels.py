"""Labels that everything of ours carries; operators and tests find things by them alone."""

ENVIRONMENT = "studip.environment"
PART = "studip.part"


def labels(environment: str, part: str) -> dict[str, str]:
    """Labels of one part in one environment."""
    return {ENVIRONMENT: environment, PART: part}
