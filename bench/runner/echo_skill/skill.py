# /// script
# requires-python = ">=3.9"
# dependencies = []
# ///
def echo(value: str) -> str:
    """Answers what it was given."""
    return value
