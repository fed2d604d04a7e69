"""Fitting of scorers on labelled cases: which candidate shows a labelled object, and what tells it from the others."""
