"""Change: evidence, candidates, scored detections, changes and their evaluation."""
