"""What the demo watches."""

from datetime import UTC, datetime

DEMO_SITES = ("khmeimim", "tartus")


def demo_period() -> tuple[datetime, datetime]:
    """The events of the winter of 2024 to 2025 that the simulated archive follows."""
    return datetime(2024, 11, 1, tzinfo=UTC), datetime(2025, 3, 31, 23, 59, 59, tzinfo=UTC)
