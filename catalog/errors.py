"""What can go wrong with records, as one tree.

::

    SitewatchError
    └── CatalogError
        ├── CannotWrite       a file of a run cannot be written
        ├── RunBusy           another process is writing the same run
        ├── BrokenRecord      a run on disk is missing a file, or a file in it cannot be read
        ├── BadDatabase       sitewatch.db cannot be read or written
        ├── BadReview         an answer cannot be taken into the review journal as it is
        ├── BrokenJournal     the review journal is not what was written
        ├── NotAdmitted       somebody may not use the review desk: an unknown, used or expired link
        ├── TargetExists      what would be written is there already
        └── BadCase           a labelled case is incomplete or contradicts itself
"""

from imagery.errors import SitewatchError


class CatalogError(SitewatchError):
    """Base of the errors of this package: results cannot be written or read."""


class CannotWrite(CatalogError):
    """A file of a run cannot be written: no space, no permission."""


class RunBusy(CatalogError):
    """Another live process holds the lock of this run."""


class BrokenRecord(CatalogError):
    """What is on disk is not a complete, readable run."""


class BadDatabase(CatalogError):
    """``sitewatch.db`` is damaged, locked, from a newer version, or cannot be written."""


class BadReview(CatalogError):
    """An answer cannot be taken into the review journal as it is; the message names the field.

    Parameters
    ----------
    message : str
    conflict : bool
        Whether it would have been right at another time: what it is about is not, or no longer, there.
    """

    def __init__(self, message: str, *, conflict: bool = False) -> None:
        super().__init__(message)
        self.conflict = conflict


class BrokenJournal(CatalogError):
    """The review journal is not what was written, or lacks events that its copy has."""


class NotAdmitted(CatalogError):
    """An invitation cannot be given or used."""


class TargetExists(CatalogError):
    """Something is in the place where a file or folder would be written."""


class BadCase(CatalogError):
    """A labelled case is incomplete, or says something that cannot be."""
