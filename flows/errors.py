"""What can go wrong while a command or a flow runs."""

from imagery.errors import SitewatchError


class FlowError(SitewatchError):
    """Base of the errors of this package."""


class UnusableOutput(FlowError):
    """The output folder cannot be written."""


class UnknownSite(FlowError):
    """A site was asked for that the site file does not hold."""


class BadRequest(FlowError):
    """Options that contradict each other or cannot be understood."""
