"""Handing over: what a run found, in formats that others open, and as a brief for people."""
