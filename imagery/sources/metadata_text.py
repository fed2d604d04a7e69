"""Text metadata of vendors: values picked out by name, nothing in the file followed or executed."""

import re
from collections.abc import Iterator
from pathlib import Path

from imagery.errors import MissingMetadata

MAX_BYTES = 20_000_000

_PAIR = re.compile(r"^\s*(?P<name>\w+)\s*=\s*(?P<value>[^;(]*?)\s*;?\s*$")


def read_text(path: Path) -> str:
    """The file's text.

    Raises
    ------
    MissingMetadata
        It cannot be read, or is too large to be metadata.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MissingMetadata(
                f"{path}: larger than {MAX_BYTES // 1_000_000} MB, which no metadata file is"
            )
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise MissingMetadata(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


def element(xml: str, *names: str) -> str | None:
    """Text of the first element that has one of these local names, the names tried in order."""
    for name in names:
        found = re.search(rf"<(?:\w+:)?{name}(?:\s[^>]*)?>\s*([^<]+?)\s*</", xml)
        if found is not None:
            return found[1]
    return None


def elements(xml: str, name: str) -> list[str]:
    """Texts of all elements that have this local name."""
    return re.findall(rf"<(?:\w+:)?{name}(?:\s[^>]*)?>\s*([^<]+?)\s*</", xml)


def pairs(text: str) -> Iterator[tuple[str, str, str]]:
    """(group, name, value) of every line of a file in the vendor's ``name = value;`` form; group "" at the top."""
    group = ""
    for line in text.splitlines():
        found = _PAIR.match(line)
        if found is None:
            continue
        name, value = found["name"], found["value"].strip('"')
        if name == "BEGIN_GROUP":
            group = value
        elif name == "END_GROUP":
            group = ""
        elif value:
            yield group, name, value
