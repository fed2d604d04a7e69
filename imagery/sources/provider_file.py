"""Reading and checking of files of providers (TOML)."""

import ipaddress
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from imagery.errors import BadProviders
from imagery.sources.facts import BadFact, quantity
from imagery.sources.providers import ObjectStore, Offered, Provider

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_RESERVED = frozenset({"demo"})
_SCHEMES = ("https", "http", "s3")
_SIGNING = ("none", "planetary-computer")
_MAX_BYTES = 1_000_000


class _Wrong(ValueError):
    """A value breaks a rule; the message begins with its key."""


@cache
def built_in_providers() -> Mapping[str, Provider]:
    """Those that come with sitewatch."""
    text = files("imagery").joinpath("data", "providers.toml").read_text(encoding="utf-8")
    return parse_providers(text, "the built-in providers")


def providers_in(path: str) -> Mapping[str, Provider]:
    """Those in a file; read anew when it changes.

    Raises
    ------
    BadProviders
        It cannot be read, or breaks a rule.
    """
    try:
        state = Path(path).stat()
        if state.st_size > _MAX_BYTES:
            raise BadProviders(
                f"{path}: larger than {_MAX_BYTES // 1_000_000} MB; this is no file of providers"
            )
        return _read(path, state.st_mtime_ns, state.st_size)
    except OSError as error:
        raise BadProviders(
            f"{path}: cannot be read ({error.strerror}); correct --providers or SITEWATCH_PROVIDERS"
        ) from error


@lru_cache(maxsize=8)
def _read(path: str, _changed: int, _size: int) -> Mapping[str, Provider]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadProviders(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8") from error
    return parse_providers(text, path)


def parse_providers(text: str, origin: str) -> Mapping[str, Provider]:
    """Providers by name.

    Parameters
    ----------
    text : str
        TOML: one table per provider.
    origin : str
        Names the file in errors.

    Raises
    ------
    BadProviders
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadProviders(f"{origin}: not TOML ({error}); see docs/providers.md for an example") from error
    found = {}
    for name, entry in document.items():
        try:
            found[name] = _provider(name, entry)
        except _Wrong as error:
            raise BadProviders(f"{origin}: [{name}] {error}") from error
    return found


def _provider(name: str, entry: object) -> Provider:
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise _Wrong(
            "is no name for a provider; use lower-case letters, digits, '-', '.' and '_', and not 'demo'"
        )
    table = _table("", entry, {field.name for field in fields(Provider)} - {"name"})
    if "url" not in table:
        raise _Wrong("has no 'url'; give the address of the STAC API's landing page")
    values = {key: _RULES[key](key, value) for key, value in table.items()}
    if "s3" in values.get("schemes", ()) and values.get("s3") is None:
        raise _Wrong(f"allows s3 addresses and has no table [{name}.s3]; say there how they are read")
    return Provider(name=name, **values)


def _table(key: str, value: object, known: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong(f"{key or 'it'} must be a table, is {value!r}")
    if strange := sorted(set(value) - known):
        raise _Wrong(
            f"{key + ' ' if key else ''}has unknown {strange[0]!r}; known are {', '.join(sorted(known))}"
        )
    return value


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Wrong(f"{key} must be text, is {value!r}")
    return value.strip()


def _address(key: str, value: object) -> str:
    text = _text(key, value)
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise _Wrong(f"{key} must be an http(s) address, is {text!r}")
    if parts.username or parts.password:
        raise _Wrong(f"{key} holds a user name or password; addresses with credentials are not used")
    return text


def _texts(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise _Wrong(f"{key} must be a list of texts, is {value!r}")
    return tuple(_text(key, entry) for entry in value)


def _one_of(*allowed: str) -> Callable[[str, object], Any]:
    def check(key: str, value: object) -> str:
        if value not in allowed:
            raise _Wrong(f"{key} {value!r} is not known; use {' or '.join(map(repr, allowed))}")
        return str(value)

    return check


def _schemes(key: str, value: object) -> tuple[str, ...]:
    return tuple(_one_of(*_SCHEMES)(key, entry) for entry in _texts(key, value))


def _truth(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(f"{key} must be true or false, is {value!r}")
    return value


def _networks(key: str, value: object) -> bool | tuple[str, ...]:
    if isinstance(value, bool):
        return value
    entries = _texts(key, value)
    for entry in entries:
        try:
            ipaddress.ip_network(entry)
        except ValueError as error:
            if "/" in entry or not re.fullmatch(r"[A-Za-z0-9.-]+(:\d+)?", entry):
                raise _Wrong(
                    f"{key} {entry!r} is no network ({error}); write 10.0.0.0/8, a host, or true for any"
                ) from error
    return tuple(entry.lower() for entry in entries)


def _between(least: float, most: float) -> Callable[[str, object], Any]:
    def check(key: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise _Wrong(f"{key} must be a number from {least:g} to {most:g}, is {value!r}")
        return value

    return check


def _whole(least: int, most: int) -> Callable[[str, object], Any]:
    def check(key: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise _Wrong(f"{key} must be a whole number from {least} to {most}, is {value!r}")
        return value

    return check


def _collections(key: str, value: object) -> tuple[Offered, ...]:
    if not isinstance(value, list) or not value:
        raise _Wrong(
            f'{key} must be a list such as [{{ id = "sentinel-2-l2a", sensor = "optical" }}], is {value!r}'
        )
    found = tuple(_offered(f"{key}, entry {number}:", entry) for number, entry in enumerate(value, start=1))
    ids = [offered.id for offered in found]
    if twice := sorted({id_ for id_ in ids if ids.count(id_) > 1}):
        raise _Wrong(f"{key} names {twice[0]!r} twice")
    return found


def _offered(key: str, value: object) -> Offered:
    table = _table(key, value, {"id", "sensor", "quantity"})
    if missing := sorted({"id", "sensor"} - set(table)):
        raise _Wrong(f"{key} has no {missing[0]!r}")
    sensor = _one_of("optical", "sar")(f"{key} sensor", table["sensor"])
    try:
        measured, in_db = quantity(table["quantity"]) if "quantity" in table else (None, False)
    except BadFact as error:
        raise _Wrong(f"{key} {error}") from error
    return Offered(id=_text(f"{key} id", table["id"]), sensor=sensor, quantity=measured, in_db=in_db)


def _store(key: str, value: object) -> ObjectStore:
    table = _table(key, value, {field.name for field in fields(ObjectStore)})
    rules = {"endpoint": _address, "unsigned": _truth, "path_style": _truth, "account": _text}
    values: dict[str, Any] = {
        name: rules.get(name, _variable if name not in {"region"} else _text)(f"{key}.{name}", entry)
        for name, entry in table.items()
    }
    if not values.get("unsigned") and not {"access_key", "secret_key"} <= set(values):
        raise _Wrong(
            f"{key} needs unsigned = true, or access_key and secret_key: names of environment variables"
        )
    return ObjectStore(**values)


def _variable(key: str, value: object) -> str:
    text = _text(key, value)
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", text):
        raise _Wrong(
            f"{key} must name an environment variable, as CDSE_S3_ACCESS_KEY; the key itself stays out of files"
        )
    return text


_RULES: dict[str, Callable[[str, object], Any]] = {
    "url": _address, "title": _text, "collections": _collections, "schemes": _schemes, "hosts": _texts,
    "private": _networks, "signing": _one_of(*_SIGNING), "s3": _store, "requests_per_second": _between(0.05, 100),
    "connections": _whole(1, 64), "page_size": _whole(1, 1000), "licence": _text, "attribution": _text,
}  # fmt: skip
