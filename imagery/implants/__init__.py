"""Objects put into real images, for what has no labelled pairs: drawn ones, and real ones cut out elsewhere.

`ground` measures what an image's light, tone and noise are, `place` finds room, `drawn` and `cut` make the change an
object makes to the pixels around it, `second_date` makes another date of a place that was imaged once.
"""
