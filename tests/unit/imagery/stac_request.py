"""What the tests of STAC APIs ask for: a site, a month, and a scene that covers it."""

from datetime import UTC, datetime

import shapely

from imagery.geometry import utm_crs
from imagery.site import Site

SITE = Site(
    id="tartus", name="t", aoi=shapely.box(35.85, 34.88, 35.9, 34.93), crs=utm_crs(35.87, 34.9), zones={}
)
START, END = datetime(2024, 12, 1, tzinfo=UTC), datetime(2024, 12, 31, tzinfo=UTC)
PLACE = shapely.geometry.mapping(shapely.box(35.0, 34.3, 36.1, 35.3))
