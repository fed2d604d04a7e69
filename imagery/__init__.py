"""Pixels: sites, sources, reading, alignment, radiometry, masks and simulated scenes."""

__version__ = "0.1.0"
