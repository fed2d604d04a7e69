"""Sites by name."""

from collections.abc import Mapping
from pathlib import Path

from flows.errors import UnknownSite
from imagery.site import Site
from imagery.site_file import load_sites


def site_named(name: str, sites_file: Path | None) -> Site:
    """A site of the user's file, or of the built-in one.

    Raises
    ------
    UnknownSite
        The file has no such site.
    BadSites
        The file breaks a rule.
    """
    sites: Mapping[str, Site] = load_sites(sites_file)
    if name not in sites:
        where = sites_file or "the built-in sites"
        raise UnknownSite(f"{name}: no such site in {where}; there are {', '.join(sorted(sites))}")
    return sites[name]
