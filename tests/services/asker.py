"""A process that asks a provider as sitewatch does: ``python -m tests.services.asker api|files URL COUNT``.

It writes a line for each request that was answered.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

from imagery.access import made_access
from imagery.sources.api_io import ApiIO
from imagery.sources.providers import provider_named
from imagery.transfer import fetch_range


def say(word: str) -> None:
    """In one piece, whatever other threads say."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main() -> None:
    """Ask."""
    kind, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    provider = provider_named("counted")
    assert provider is not None
    say("ready")
    sys.stdin.readline()
    if kind == "api":
        with ApiIO(provider) as io:
            for number in range(count):
                io.request(f"{url}/{number}")
                say("answered")
        return
    access = made_access(provider.name, provider.url, provider.access())

    def fetch(number: int) -> None:
        fetch_range(f"{url}/{number}", access, 0, 10)
        say("answered")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fetch, range(count)))


if __name__ == "__main__":
    main()
