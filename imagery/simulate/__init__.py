"""Simulated scenes: an archive drawn by a computer, for demonstration where no image may be shipped.

What is drawn follows public reports of December 2024 to January 2025 and the zones of the built-in sites. It shows
nothing that happened, it is marked SIMULATED wherever it goes, and detection is never fitted to it.
"""

VERSION = "3"
"""Part of the archive's folder name: raise it whenever a drawn pixel or a line of the ground truth changes."""
