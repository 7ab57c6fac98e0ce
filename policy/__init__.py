"""Rules that a preview must pass, whatever made the resources."""
