"""What can go wrong with pixels and places, as one tree.

::

    SitewatchError            base of every error a user may see without a traceback
    └── ImageryError
        ├── UnreadableRaster      the file is not an image that can be used
        │   ├── MissingFile           the server has no such file
        │   └── ChangedContent        the file became another one while it was read
        ├── RefusedAddress        an address that its source does not list, or a private one
        ├── MissingMetadata       something the pixels do not say must be given
        ├── BadSites              a site file is wrong
        ├── BadSource             what was given as a source of scenes is none
        ├── BadProviders          a file of providers is wrong
        ├── UnusablePair          two images that cannot be compared at all
        └── SourceUnreachable     nothing can be had from the archive or its server
            └── SourceRefuses         not because it does not answer
                ├── AccessDenied          it answers and refuses
                └── MissingCredentials    it wants an account that is not given
"""


class SitewatchError(Exception):
    """Base error: the message names the thing, what is wrong with it and what to do.

    Attributes
    ----------
    exit_code : int
        What the command line returns when this ends a command: 2 bad usage or unreadable input,
        4 source unreachable.
    """

    exit_code = 2


class ImageryError(SitewatchError):
    """Base of the errors of this package."""


class UnreadableRaster(ImageryError):
    """The file cannot be opened as an image, or holds nothing usable."""


class MissingFile(UnreadableRaster):
    """A server answers and does not have the file."""


class ChangedContent(UnreadableRaster):
    """A server sends another file than the one whose first part was read; parts of two are never mixed."""


class RefusedAddress(ImageryError):
    """An address, or one it leads to, is not among those that the source of the scene may use."""


class MissingMetadata(ImageryError):
    """Date, sensor, ground sample distance or quantity is not known and is never guessed."""


class BadSites(ImageryError):
    """A site file breaks a rule; the message names the feature and the rule."""


class BadSource(ImageryError):
    """What was named as a source is no folder, catalogue, address or profile that can be used."""


class BadProviders(ImageryError):
    """A file of providers breaks a rule; the message names the file, the provider, the value and the rule."""


class UnusablePair(ImageryError):
    """The two inputs do not show the same place, or not at comparable resolution."""


class SourceUnreachable(ImageryError):
    """An archive, catalogue or server cannot be reached or does not answer.

    Attributes
    ----------
    retried : bool
        Whether it was asked again and again already, so that another attempt at once is of no use.
    """

    exit_code = 4

    def __init__(self, message: str, *, retried: bool = False) -> None:
        super().__init__(message)
        self.retried = retried


class SourceRefuses(SourceUnreachable):
    """Nothing is wrong with the source: somebody has to do something about a login, key or link."""


class AccessDenied(SourceRefuses):
    """A server refuses: the link has expired, or the account may not read the file."""


class MissingCredentials(SourceRefuses):
    """A source wants an account, and the environment names none."""
