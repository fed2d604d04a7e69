"""Speed and memory of sitewatch, each figure from one command: ``make bench``."""
