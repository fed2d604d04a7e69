"""A real STAC API, stac-fastapi.pgstac on PostgreSQL, with real Earth Search items and their images behind nginx."""

from datetime import UTC, datetime

import pytest
import shapely

from imagery.geometry import utm_crs
from imagery.site import Site
from imagery.source import open_source
from tests.services.pgstac import StacServer

pytestmark = pytest.mark.system

START, END = datetime(2023, 8, 1, tzinfo=UTC), datetime(2023, 8, 31, tzinfo=UTC)
BORDER = Site(
    id="border", name="border", aoi=shapely.box(15.95, 45.7, 16.25, 46.0), crs=utm_crs(16.1, 45.9), zones={}
)


def test_first(earth_search_api: StacServer) -> None:
    listing = open_source(earth_search_api.url).find(BORDER, START, END)
    print(len(listing.usable), listing.left_out[:3])
    for s in listing.usable:
        print(s.id, s.collection, s.datatake, s.relative_orbit, s.assets["red"].href, s.granule)
    assert len(listing.usable) == 10
