"""Site files: what ships, what a user may write, and every rule that is refused by name."""

import copy
import json
import tomllib
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import shapely

from imagery.errors import BadSites
from imagery.geometry import apart_km, area_km2
from imagery.site import ZONE_KINDS
from imagery.site_file import load_sites

Document = dict[str, Any]


def box(west: float, south: float, east: float, north: float) -> Document:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def feature(zone: str, kind: str, geometry: Document, **more: object) -> Document:
    properties = {
        "site": "port", "zone": zone, "kind": kind, "source": "drawn", "confidence": "high", "position_error_m": 10,
        "parent": None, "watch": kind != "aoi", "note": "", **more,
    }  # fmt: skip
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def own_site() -> Document:
    """A site far from the shipped ones, where longitude and latitude differ much."""
    return {
        "type": "FeatureCollection",
        "features": [
            feature("aoi", "aoi", box(15.20, 45.70, 15.30, 45.80)),
            feature("quay", "quay", box(15.24, 45.74, 15.25, 45.75), parent="port.aoi"),
            feature("roads", "anchorage", box(15.40, 45.70, 15.50, 45.80)),
            feature(
                "centre",
                "reference_point",
                {"type": "Point", "coordinates": [15.25, 45.75, 12.0]},
                watch=False,
            ),
        ],
    }


@pytest.fixture
def load(tmp_path: Path) -> Callable[[object], Any]:
    def write_and_load(document: object) -> Any:
        path = tmp_path / "mine.geojson"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return load_sites(path)

    return write_and_load


def test_the_shipped_sites_are_whole() -> None:
    sites = load_sites()
    assert list(sites) == ["khmeimim", "tartus"]
    assert len(sites["khmeimim"].zones) == 13
    assert len(sites["tartus"].zones) == 25
    for site in sites.values():
        assert site.crs.to_epsg() == 32636
        assert 20 < area_km2(site.aoi) < 35
        assert {zone.kind for zone in site.zones.values()} <= ZONE_KINDS
        assert all(zone.geometry.is_valid and zone.name and zone.source for zone in site.zones.values())
    assert sites["khmeimim"].zones["arp"].geometry.distance(shapely.Point(35.94861, 35.40083)) < 1e-6


def test_the_anchorage_lies_outside_its_aoi() -> None:
    tartus = load_sites()["tartus"]
    anchorage = tartus.zones["offshore_anchorage"]
    assert anchorage.watch
    assert not tartus.aoi.contains(anchorage.geometry)
    assert area_km2(anchorage.geometry) == pytest.approx(355.1, rel=0.01)
    assert apart_km(anchorage.geometry, tartus.aoi) < 20


def test_the_shipped_file_states_its_licences_and_credits() -> None:
    file = resources.files("imagery").joinpath("data", "sites.geojson")
    document = json.loads(file.read_text(encoding="utf-8"))
    assert "ODbL" in document["license"]
    assert "CC BY-SA 3.0" in document["license"]
    assert "© OpenStreetMap contributors" in document["attribution"]
    assert "© OpenStreetMap contributors" in load_sites()["tartus"].attribution


def test_the_shipped_file_is_inside_the_wheel(repository: Path) -> None:
    built = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    assert "imagery" in built["packages"]
    assert (repository / "imagery" / "data" / "sites.geojson").is_file()


@pytest.mark.system
def test_the_shipped_outlines_are_the_published_facts(shared_data: Path) -> None:
    facts = json.loads((shared_data / "domain" / "sites.geojson").read_text())["features"]
    sites = load_sites()
    count = 0
    for fact in facts:
        properties, outline = fact["properties"], shapely.geometry.shape(fact["geometry"])
        if properties["site"] not in sites:
            continue
        site = sites[properties["site"]]
        zone = site.zones.get(properties["zone"])
        assert (zone is None) == (properties["kind"] == "aoi")
        ours = site.aoi if zone is None else zone.geometry
        assert shapely.hausdorff_distance(ours, outline) < 5e-6
        if zone is not None:
            kept = (zone.kind, zone.position_error_m, zone.confidence, zone.watch, zone.parent)
            names = ("kind", "position_error_m", "confidence", "watch", "parent")
            assert kept == tuple(properties[name] for name in names)
        count += 1
    assert count == 40


def test_a_user_s_own_site_of_the_same_form(load: Callable[[object], Any]) -> None:
    site = load(own_site())["port"]
    assert site.crs.to_epsg() == 32633
    assert set(site.zones) == {"quay", "roads", "centre"}
    assert site.zones["quay"].position_error_m == 10.0
    assert not site.zones["centre"].geometry.has_z


def test_the_working_crs_may_be_stated(load: Callable[[object], Any]) -> None:
    document = own_site()
    document["features"][0]["properties"]["crs"] = "EPSG:3794"
    assert load(document)["port"].crs.to_epsg() == 3794


def test_watch_defaults_to_true_except_for_points_and_controls(load: Callable[[object], Any]) -> None:
    document = own_site()
    for item in document["features"]:
        del item["properties"]["watch"]
    zones = load(document)["port"].zones
    assert zones["quay"].watch
    assert not zones["centre"].watch


def set_geometry(document: Document, number: int, geometry: Document) -> None:
    document["features"][number]["geometry"] = geometry


def set_property(document: Document, number: int, name: str, value: object) -> None:
    document["features"][number]["properties"][name] = value


BOW_TIE = {
    "type": "Polygon",
    "coordinates": [[[15.2, 45.7], [15.3, 45.8], [15.3, 45.7], [15.2, 45.8], [15.2, 45.7]]],
}
OPEN = {"type": "Polygon", "coordinates": [[[15.2, 45.7], [15.3, 45.7], [15.3, 45.8], [15.2, 45.8]]]}
FOREIGN = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}}


def _swap_all(document: Document, crs: str) -> None:
    for item in document["features"]:
        place = shapely.transform(shapely.geometry.shape(item["geometry"]), lambda xy: xy[:, ::-1])
        item["geometry"] = json.loads(shapely.to_geojson(place))
    set_property(document, 0, "crs", crs)


def _swapped_khmeimim(document: Document) -> None:
    document["features"] = [feature("aoi", "aoi", box(35.378, 35.92, 35.426, 35.976))]


RULES: dict[str, tuple[Callable[[Document], object], str]] = {
    "self-crossing ring": (lambda d: set_geometry(d, 1, BOW_TIE), "cross"),
    "unclosed ring": (lambda d: set_geometry(d, 1, OPEN), "not closed"),
    "projected coordinates": (lambda d: set_geometry(d, 0, box(5e5, 5e6, 6e5, 5.1e6)), "not a place in degrees"),
    "latitude beyond 90": (lambda d: set_geometry(d, 0, box(35.1, 120.1, 35.2, 120.2)), "swapped"),
    "swapped zone": (lambda d: set_geometry(d, 1, box(45.74, 15.24, 45.75, 15.25)), "swapped"),
    "swapped aoi": (lambda d: set_geometry(d, 0, box(45.70, 15.20, 45.80, 15.30)), "swapped"),
    "swapped for its crs": (lambda d: _swap_all(d, crs="EPSG:3794"), "swapped"),
    "swapped shipped place": (_swapped_khmeimim, "Khmeimim"),
    "foreign crs": (lambda d: d.update(crs=FOREIGN), "'crs' member"),
    "foreign crs on a feature": (lambda d: d["features"][0].update(crs=FOREIGN), "'crs' member"),
    "unknown kind": (lambda d: set_property(d, 1, "kind", "wharf"), "unknown kind 'wharf'"),
    "no AOI": (lambda d: d["features"].pop(0), "no AOI"),
    "two AOIs": (lambda d: d["features"].append(copy.deepcopy(d["features"][0])), "2 AOIs"),
    "empty": (lambda d: d["features"].clear(), "no features"),
    "duplicate id": (lambda d: set_property(d, 2, "zone", "quay"), "used twice"),
    "zone named like the AOI": (lambda d: set_property(d, 2, "zone", "aoi"), "used twice"),
    "missing property": (lambda d: d["features"][1]["properties"].pop("position_error_m"), "'position_error_m'"),
    "missing site": (lambda d: d["features"][1]["properties"].pop("site"), "'site' is missing"),
    "no properties": (lambda d: d["features"][1].update(properties=None), "no properties"),
    "negative error": (lambda d: set_property(d, 1, "position_error_m", -1), "0 or more"),
    "error as text": (lambda d: set_property(d, 1, "position_error_m", "10"), "number of metres"),
    "unknown confidence": (lambda d: set_property(d, 1, "confidence", "certain"), "confidence 'certain'"),
    "watch as text": (lambda d: set_property(d, 1, "watch", "yes"), "true or false"),
    "unknown parent": (lambda d: set_property(d, 1, "parent", "port.pier"), "parent 'port.pier'"),
    "far zone": (lambda d: set_geometry(d, 2, box(19.4, 45.7, 19.5, 45.8)), "km from its AOI"),
    "line": (lambda d: set_geometry(d, 1, {"type": "LineString", "coordinates": [[15, 45], [16, 45]]}), "LineString"),
    "watched point": (lambda d: set_geometry(d, 1, {"type": "Point", "coordinates": [15.2, 45.7]}), "Point"),
    "no geometry": (lambda d: d["features"][1].update(geometry=None), "geometry"),
    "text for a number": (lambda d: set_geometry(d, 3, {"type": "Point", "coordinates": ["a", 1]}), "longitude"),
    "no coordinates": (lambda d: set_geometry(d, 1, {"type": "Polygon"}), "coordinates"),
    "huge AOI": (lambda d: set_geometry(d, 0, box(10, 40, 20, 50)), "more than 400 km"),
    "crs in degrees": (lambda d: set_property(d, 0, "crs", "EPSG:4326"), "not in metres"),
    "crs in feet": (lambda d: set_property(d, 0, "crs", "EPSG:2263"), "not in metres"),
    "no such crs": (lambda d: set_property(d, 0, "crs", "EPSG:999999"), "not known"),
    "crs of another place": (lambda d: set_property(d, 0, "crs", "EPSG:32618"), "not for this place"),
    "site id that is a path": (lambda d: [set_property(d, n, "site", "../x") for n in range(4)], "output folder"),
    "not features": (lambda d: d.update(features=["x"]), "not a GeoJSON Feature"),
    "a Feature alone": (lambda d: d.update(type="Feature"), "FeatureCollection"),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_refused_by_name(rule: str, load: Callable[[object], Any]) -> None:
    breaking, says = RULES[rule]
    document = own_site()
    breaking(document)
    with pytest.raises(BadSites, match=r"mine\.geojson") as refused:
        load(document)
    assert says in str(refused.value)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "empty"), ("{", "not JSON"), ("[]", "FeatureCollection"), ("NaN", "FeatureCollection")],
)
def test_a_file_that_is_no_geojson(text: str, says: str, load: Callable[[object], Any]) -> None:
    with pytest.raises(BadSites, match=says):
        load(text)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(BadSites, match="cannot be read"):
        load_sites(tmp_path / "none.geojson")
    binary = tmp_path / "binary.geojson"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadSites, match="UTF-8"):
        load_sites(binary)


def test_the_default_crs_member_of_common_exporters_is_no_fault(load: Callable[[object], Any]) -> None:
    document = own_site()
    document["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert "port" in load(document)
