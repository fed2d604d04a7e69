"""People: the review desk (a later issue fills it)."""
