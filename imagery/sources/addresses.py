"""Where an address leads, as far as it says so itself."""

import ipaddress
from urllib.parse import urlsplit


def is_inside(url: str) -> bool:
    """Whether an address names this machine or a private network outright; names are not looked up."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
