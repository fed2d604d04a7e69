"""People: the review desk, a web application on one outputs folder (docs/review.md)."""
