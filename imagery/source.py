"""Sources of scenes: the protocol, and how what a person names becomes one."""

import json
import logging
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Protocol

from imagery.access import access_of
from imagery.address import is_remote
from imagery.errors import BadSource, ImageryError, SourceUnreachable
from imagery.listing import LeftOut, Listing
from imagery.scene import Scene
from imagery.site import Site
from imagery.sources.fetch import is_url
from imagery.sources.folder import FolderSource
from imagery.sources.granule import MAX_BYTES, described_by, with_view
from imagery.sources.providers import Provider, known_providers, provider_at
from imagery.sources.static_stac import StaticStac

__all__ = ["LeftOut", "Listing", "Source", "open_source", "with_angles"]

_STAC_TYPES = frozenset({"Catalog", "Collection", "FeatureCollection", "Feature"})
_STAC_FILES = ("catalog.json", "collection.json")
_HEAD_BYTES = 50_000_000

_log = logging.getLogger(__name__)


class Source(Protocol):
    """Somewhere scenes come from."""

    @property
    def name(self) -> str:
        """What scenes and reports call it."""
        ...

    def find(self, site: Site, start: datetime, end: datetime) -> Listing:
        """The scenes of `site` acquired from `start` to `end` (aware UTC, both included), every other one
        with the reason why it is left out.

        Raises
        ------
        SourceUnreachable
            It does not answer.
        MissingMetadata
            Something must be told about its images first.
        """
        ...


def open_source(spec: str) -> Source:
    """Make a source of what a person names.

    Parameters
    ----------
    spec : str
        ``demo``; the name of a provider; a folder of images; a STAC catalogue, collection, ItemCollection or Item
        as a path or an http(s) URL; the URL of a STAC API or of one of its collections; a folder that holds
        ``catalog.json`` or ``collection.json`` of STAC. A folder that is called as a provider is named ``./NAME``.

    Raises
    ------
    BadSource
        It is none of these.
    BadProviders
        The user's file of providers is wrong.
    SourceUnreachable
        It names a path that does not exist.
    """
    if not spec.strip():
        raise BadSource(f"--source is empty; {_what_to_give()}")
    if spec == "demo":
        return _demo()
    if is_url(spec):
        return _address(spec)
    if (provider := known_providers().get(spec)) is not None:
        return _api(provider)
    if "://" in spec:
        raise BadSource(f"--source {spec}: only folders, files and http(s) addresses are read")
    path = Path(spec).expanduser()
    if path.is_dir():
        for name in _STAC_FILES:
            if (path / name).is_file() and _is_stac(path / name):
                return StaticStac(address=str((path / name).resolve()), name=path.resolve().name)
        return FolderSource(folder=path.resolve(), name=path.resolve().name)
    if path.is_file():
        if _is_stac(path):
            return StaticStac(address=str(path.resolve()), name=path.name)
        raise BadSource(
            f"--source {spec}: not a STAC catalogue, collection, ItemCollection or Item; "
            "to use images, give the folder they lie in"
        )
    if path.parent == Path() and not path.suffix:
        raise BadSource(f"--source {spec}: no such folder and no such provider; {_what_to_give()}")
    raise SourceUnreachable(
        f"--source {spec}: there is no such file or folder; check the path, is the disk mounted?"
    )


def _what_to_give() -> str:
    names = ", ".join(sorted(known_providers()))
    return f"give 'demo', a provider ({names}), a folder, a STAC file or an http(s) address"


def with_angles(scene: Scene) -> Scene:
    """A scene that is about to be compared, with the view angles that only its granule's metadata states.

    One small file is fetched for it, by the rules for its pixels; where that fails the angles stay unknown.
    """
    if scene.view_off_nadir_deg is not None or scene.granule is None:
        return scene
    if not is_remote(scene.granule):
        return with_view(scene)
    from imagery.transfer import fetch_document  # noqa: PLC0415 - loaded only for what is remote

    try:
        return described_by(scene, fetch_document(scene.granule, access_of(scene), {}, limit=MAX_BYTES))
    except ImageryError as error:
        _log.warning("%s: its view angles stay unknown: %s", scene.id, error)
        return scene


# Loaded on demand: pystac-client takes a while, and most commands ask no API.


def _api(provider: Provider) -> Source:
    source: Source = import_module("imagery.sources.stac_api").StacApi(provider=provider)
    return source


def _address(url: str) -> Source:
    if (provider := provider_at(url)) is not None:
        return _api(provider)
    source: Source = import_module("imagery.sources.stac_address").StacAddress(address=url, name=url)
    return source


def _demo() -> Source:
    # Loaded on demand: drawing simulated scenes needs much that other sources do not.
    try:
        module = import_module("imagery.sources.demo")
    except ModuleNotFoundError as error:
        raise BadSource(
            "--source demo: this installation has no demo archive; install sitewatch again"
        ) from error
    source: Source = module.open_demo()
    return source


def _is_stac(path: Path) -> bool:
    try:
        if path.stat().st_size > _HEAD_BYTES:
            return False
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("type") in _STAC_TYPES
