"""What can go wrong at the desk, as one tree.

::

    SitewatchError
    └── ReviewError
        ├── CannotOpen     the desk cannot be started as asked: port taken, no authentication beyond loopback
        ├── NotFound       no such run, tile or change
        ├── BadQuestion    an address or a body says something that cannot be
        ├── Busy           the same is being done already, or too much of it
        ├── GivenUp        something took too long, came to too much, or was stopped
        ├── NotSignedIn    a session is needed
        └── NotAllowed     the session's role does not go that far, or the request did not come from the desk's pages
            └── StalePage  the page belongs to an earlier session
"""

from imagery.errors import SitewatchError


class ReviewError(SitewatchError):
    """Base of the errors of this package."""

    status = 500


class CannotOpen(ReviewError):
    """The desk cannot be started as asked."""


class NotFound(ReviewError):
    """There is no such run, tile or change."""

    status = 404


class BadQuestion(ReviewError):
    """An address or a body says something that cannot be."""

    status = 422


class Busy(ReviewError):
    """The same is being done already, or too much of it."""

    status = 409


class GivenUp(ReviewError):
    """Something took too long, came to too much, or was stopped."""

    status = 503


class NotSignedIn(ReviewError):
    """Nobody has signed in, or the session has ended."""

    status = 401


class NotAllowed(ReviewError):
    """The role does not go that far, or the request did not come from a page of the desk."""

    status = 403


class StalePage(NotAllowed):
    """The page was made for another session: what it sends is good again once it was loaded anew."""
