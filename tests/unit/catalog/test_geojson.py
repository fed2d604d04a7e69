"""changes.geojson against RFC 7946."""

import json
from typing import Any

import pytest
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from shapely.geometry import Polygon, shape

from catalog.geojson import feature_collection
from models.change import Change
from tests.unit.catalog.catalog_runs import AFTER_TIME, BEFORE_TIME, appeared, grid_of, moved, vanished


def document(changes: list[Change], grid: GeoBox) -> dict[str, Any]:
    made = feature_collection(changes, grid, before=BEFORE_TIME, after=AFTER_TIME, simulated=False)
    return json.loads(json.dumps(made, allow_nan=False))


def test_nothing_found_is_an_empty_collection() -> None:
    assert document([], grid_of()) == {"type": "FeatureCollection", "features": []}


def test_polygons_are_lon_lat_right_handed_and_rounded() -> None:
    grid = grid_of()
    made = document([appeared(), vanished()], grid)
    assert "crs" not in made
    for feature in made["features"]:
        outline = shape(feature["geometry"])
        assert isinstance(outline, Polygon)
        assert outline.is_valid
        assert outline.exterior.is_ccw
        assert feature["geometry"]["coordinates"][0][0] == feature["geometry"]["coordinates"][0][-1]
        for lon, lat in feature["geometry"]["coordinates"][0]:
            assert 35.8 < lon < 36.0
            assert 35.3 < lat < 35.5
            assert max(len(str(value).split(".")[1]) for value in (lon, lat)) <= 7


def test_polygon_lies_where_the_pixels_are() -> None:
    grid = grid_of()
    feature = document([appeared((100, 120, 160, 190))], grid)["features"][0]
    centre = shape(feature["geometry"]).centroid
    x, y = Transformer.from_crs(4326, 32636, always_xy=True).transform(centre.x, centre.y)
    assert (x, y) == pytest.approx((765_000 + 130 * 0.5, 3_923_000 - 155 * 0.5), abs=0.02)
    assert (feature["properties"]["lon"], feature["properties"]["lat"]) == pytest.approx(
        (centre.x, centre.y), abs=1e-6
    )


def test_properties_say_what_it_is() -> None:
    change = appeared()
    feature = document([change], grid_of())["features"][0]
    stated = feature["properties"]
    assert feature["id"] == change.id
    assert stated["kind"] == "appeared"
    assert stated["label"] == "aircraft"
    assert stated["zone"] == "apron-1"
    assert stated["after_bbox_px"] == [100, 120, 160, 190]
    assert stated["before_bbox_px"] is None
    assert stated["before_time"] == "2024-12-04T08:21:07Z"
    assert stated["causes"] == ["shadow"]


def test_a_move_is_both_outlines_and_the_line_between() -> None:
    feature = document([moved()], grid_of())["features"][0]
    geometry, stated = feature["geometry"], feature["properties"]
    assert geometry["type"] == "MultiPolygon"
    old, new = (shape(stated[name]) for name in ("before_outline", "after_outline"))
    assert [shape({"type": "Polygon", "coordinates": part}) for part in geometry["coordinates"]] == [old, new]
    ends = shape(stated["path"]).boundary.geoms
    assert old.buffer(1e-6).contains(ends[0])
    assert new.buffer(1e-6).contains(ends[1])


def test_without_georeference_geometry_is_null_and_outlines_are_pixels() -> None:
    features = document([vanished(), moved()], grid_of(crs=None))["features"]
    assert [feature["geometry"] for feature in features] == [None, None]
    assert features[0]["properties"]["before_outline_px"][0] == [300, 200]
    assert features[0]["properties"]["after_outline_px"] is None
    assert features[0]["properties"]["outline_px"] == features[0]["properties"]["before_outline_px"]
    assert features[1]["properties"]["outline_px"] == features[1]["properties"]["after_outline_px"]


def test_a_self_crossing_outline_becomes_a_valid_polygon() -> None:
    change = appeared()
    crossing = ((100.0, 120.0), (160.0, 190.0), (160.0, 120.0), (100.0, 180.0), (100.0, 120.0))
    after = type(change.after)(**{**change.after.__dict__, "outline_px": crossing})
    odd = type(change)(**{**change.__dict__, "after": after})
    assert shape(document([odd], grid_of())["features"][0]["geometry"]).is_valid
