"""Words: harmless whatever came in, within what pixels carry, and after ICD 203."""

import csv
import itertools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.exports import claims, columns, estimates, observation
from catalog.exports.findings import Handed, Handover, State
from catalog.exports.pair import HandedPair
from catalog.exports.people import Review, Verdict
from catalog.exports.text import ELLIPSIS, file_part, plain
from tests.unit.catalog import catalog_runs as made
from tests.unit.catalog.exports import handovers

XML_CHARS = re.compile("[\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
LIKELIHOOD = re.compile("|".join(estimates.LIKELIHOOD_WORDS))
FORBIDDEN_AT_10_M = re.compile(
    r"(?i)vehicle|truck|container|fighter|aircraft|helicopter|tank\b|\b\d+ objects?\b|frigate|corvette|Su-\d|Il-\d"
)


@given(st.text(max_size=400))
def test_any_text_becomes_one_line_that_xml_can_hold(text: str) -> None:
    found = plain(text, 50)
    assert len(found) <= 50
    assert XML_CHARS.fullmatch(found)
    assert found == plain(found, 50)
    assert not re.search("[\u200e\u200f\u202a-\u202e\u2060-\u2069\x00-\x1f\x7f-\x9f]", found)


def test_what_is_cut_and_what_stays() -> None:
    assert plain("a\n b\t\u2028c") == "a b c"
    assert plain("\ud800x\u202egnp.exe") == "xgnp.exe"
    assert plain("Z" + "\u0301" * 300) == "Z" + "\u0301" * 3
    assert plain("x" * 500) == "x" * 159 + ELLIPSIS
    assert plain("قاعدة حميميم Хмеймим") == "قاعدة حميميم Хмеймим"
    assert plain(None) == ""


@pytest.mark.parametrize("name", [*handovers.HOSTILE, "", ".hidden", "-rf"])
def test_a_file_name_is_one_harmless_part(name: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_=+@][A-Za-z0-9_.=+@-]{0,119}", file_part(name))


@pytest.mark.parametrize(("gsd_m", "sensor", "row"), [
    (10.0, "optical", "coarse"), (0.5, "sar", "coarse"), (5.1, "optical", "coarse"), (3.0, "optical", "medium"),
    (0.5, "optical", "fine"), (0.4, "optical", "fine"), (0.3, "optical", "finest"),
])  # fmt: skip
def test_the_row_of_the_table(gsd_m: float, sensor: str, row: str) -> None:
    assert claims.tier(gsd_m, sensor) == row


def test_labels_of_the_detector_are_all_known_at_their_pixel_size() -> None:
    from models.label import likeness  # noqa: PLC0415

    for gsd_m, sensor in (
        (0.3, "optical"),
        (0.5, "optical"),
        (3.0, "optical"),
        (10.0, "optical"),
        (10.0, "sar"),
    ):
        for length, width, kind in itertools.product(
            (4, 8, 16, 40, 120, 250), (2, 12, 30), (None, "apron", "basin")
        ):
            label = likeness(
                length,
                min(width, length),
                length * min(width, length) / 2,
                gsd_m=gsd_m,
                sensor=sensor,
                zone_kind=kind,
            ).label
            assert claims.claim(label, gsd_m=gsd_m, sensor=sensor).refused is None, (gsd_m, sensor, label)


@pytest.mark.parametrize(
    "label", ["vehicle", "truck", "aircraft (fighter size)", "aircraft", "Su-34", "container row"]
)
@pytest.mark.parametrize("by_person", [False, True])
def test_at_10_m_no_vehicles_aircraft_or_types(label: str, by_person: bool) -> None:
    said = claims.claim(label, gsd_m=10.0, sensor="optical", by_person=by_person)
    assert (said.label, said.refused) == ("large object", label)
    assert claims.objects_in(said.label, 40.0, gsd_m=10.0, sensor="optical") is None


def test_a_person_may_name_a_type_at_30_cm_and_not_at_50() -> None:
    fine = claims.claim("Su-34", gsd_m=0.5, sensor="optical", by_person=True)
    assert (fine.label, fine.refused) == ("unknown", "Su-34")
    finest = claims.claim("Su-34", gsd_m=0.3, sensor="optical", by_person=True)
    assert (finest.label, finest.refused) == ("Su-34", None)
    assert claims.claim("Su-34", gsd_m=0.3, sensor="optical").refused == "Su-34"


def test_the_table_agrees_with_the_objects_of_the_domain(shared_data: Path) -> None:
    """What the data call not reportable at 10 m, or at 3 m no more than detected, gets no word of its own."""
    with (shared_data / "domain" / "objects.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    coarse, medium = (" ".join(claims.vocabulary(g, "optical")) for g in (10.0, 3.0))
    for row in rows:
        family = row["category"].split("_")[0]
        if row["honest_at_10m"].startswith("not reportable") and family != "ship":
            assert family not in coarse, row["name"]
        if family == "vehicle" and row["product_may_claim_3m"] in {"no", "detect?"}:
            assert not re.search(r"\bvehicle\b(?!s)", medium), row["name"]
        designation = row["name"].split(" ")[0]
        if any(char.isdigit() for char in designation):
            assert designation not in f"{coarse} {medium}"


def test_counts_are_ranges() -> None:
    assert claims.objects_in("vehicle", 5.0, gsd_m=0.5, sensor="optical") == (1, 1)
    assert claims.objects_in("container row", 40.0, gsd_m=0.5, sensor="optical") is None
    assert claims.objects_in("aircraft (fighter size)", 25.0, gsd_m=3.0, sensor="optical") == (1, 2)
    assert claims.objects_in("row of vehicles or containers", 40.0, gsd_m=3.0, sensor="optical") is None
    assert claims.objects_in("ship-like object", 120.0, gsd_m=10.0, sensor="optical") is None


@pytest.mark.parametrize(("probability", "words"), [
    (0.02, "There is almost no chance that"), (0.1, "It is very unlikely that"), (0.3, "It is unlikely that"),
    (0.5, "There is a roughly even chance that"), (0.6, "It is likely that"), (0.9, "It is very likely that"),
    (0.95, "It is almost certain that"), (1.0, "It is almost certain that"),
])  # fmt: skip
def test_expressions_of_likelihood(probability: float, words: str) -> None:
    assert estimates.likelihood(probability) == words


def test_how_many_are_real_against_every_outcome(rng: np.random.Generator) -> None:
    chances = rng.uniform(0.2, 0.99, 9)
    distribution = np.zeros(10)
    for coins in itertools.product((0, 1), repeat=9):
        distribution[sum(coins)] += np.prod(np.where(coins, chances, 1 - chances))
    low, high = estimates.number_real(list(chances))
    assert distribution[low : high + 1].sum() >= estimates.INTERVAL
    assert distribution[:low].sum() <= 0.05 + 1e-9
    assert distribution[high + 1 :].sum() <= 0.05 + 1e-9
    assert estimates.number_real([1.0, 1.0]) == (2, 2)
    assert estimates.number_real([]) == (0, 0)


def test_confidence_needs_more_than_two_images_to_be_high() -> None:
    assert estimates.confidence(["a"], [], corroborated=False).level == "moderate"
    assert estimates.confidence(["a"], [], corroborated=True).level == "high"
    assert estimates.confidence(["a"], ["b"], corroborated=True).level == "moderate"
    assert estimates.confidence([], ["b", "c", "d"], corroborated=False).level == "low"


Case = tuple[Handed, HandedPair]


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """Findings of every kind, at several pixel sizes, with every state and review."""
    found, tmp_path = [], tmp_path_factory.mktemp("cases")
    for gsd in (0.3, 0.5, 3.0, 10.0):
        run = handovers.stored(
            tmp_path / f"{gsd}", grid=made.grid_of(gsd=gsd), simulated=False,
            changes=tuple(handovers.measured(c) for c in (made.appeared(), made.vanished(), made.moved())),
        )  # fmt: skip
        handover = handovers.handed(run)
        for one, state, review in itertools.product(handover.findings, STATES, REVIEWS):
            for known in (True, False):
                found.append(
                    (replace(one, state=state, review=review, likelihood_known=known), handover.pair)
                )
    return found


SAME = "a later date shows the same"
STATES = (
    None,
    State(state="confirmed", reason="lasts", note="a later date shows the same", decided_time=None),
    State(state="provisional", reason="seen_once", note="seen once", decided_time=None),
)
PERSON = State(state="confirmed", reason="person", note="by a reviewer\u2019s verdict", decided_time=None)
_YES = Verdict(answer="confirmed", reviewer="a", time="2025-01-01T00:00:00Z")
_NO = Verdict(answer="rejected", reviewer="b", time="2025-01-01T00:00:00Z", reason="shadow")
REVIEWS = (
    Review(), Review(verdicts=(_YES,), agreed="confirmed", label="vehicle"), Review(verdicts=(_YES, _NO), agreed=None),
    Review(verdicts=(_NO,), agreed="rejected"),
)  # fmt: skip


@pytest.mark.parametrize(("rule", "gap", "for_it", "against"), [
    (None, True, False, False),
    (State(state="provisional", reason="no_later_date", note="none yet", decided_time=None), True, False, False),
    (State(state="provisional", reason="not_observed", note="cloud", decided_time=None), True, False, False),
    (State(state="confirmed", reason="lasts", note=SAME, decided_time=None), False, True, False),
    (State(state="withdrawn", reason="not_repeated", note="as before", decided_time=None), False, False, True),
    (State(state="provisional", reason="seen_once", note="seen once", decided_time=None), False, False, True),
])  # fmt: skip
@pytest.mark.parametrize("decided", [False, True])
def test_what_later_dates_show_is_said_whoever_decided(
    plain: Handover, rule: State | None, gap: bool, for_it: bool, against: bool, decided: bool
) -> None:
    one = replace(plain.findings[0], state=rule)
    if decided:
        review = Review(verdicts=(_YES,), agreed="confirmed")
        one = replace(one, state=replace(PERSON, by_rule=rule), review=review)
    words = observation.of(one, plain.pair)
    assert any(line.startswith("Whether it lasted: no later date") for line in words.gaps) == gap
    assert ("a later date shows the same" in words.confidence.for_it) == for_it
    assert any(line.startswith("later dates: ") for line in words.confidence.against_it) == against
    stated = f"Later dates alone: {rule.note}." if decided and rule is not None else None
    assert [line for line in words.observed if line.startswith("Later dates alone")] == (
        [stated] if stated else []
    )
    row = columns.row(one, plain.pair)
    assert row["later_dates"] == (None if rule is None else rule.reason)
    assert row["state_reason"] == ("person" if decided else row["later_dates"])


def test_likelihood_and_confidence_never_share_a_sentence(cases: list[Case]) -> None:
    seen = set()
    for one, pair in cases:
        words = observation.of(one, pair)
        texts = [*words.observed, words.confidence.sentence, *words.confidence.for_it, *words.confidence.against_it,
                 *words.alternatives, *words.gaps, *words.reviews, words.count]  # fmt: skip
        for sentence in (part for text in texts for part in re.split(r"(?<=[.:;])\s", text)):
            assert not (LIKELIHOOD.search(sentence.lower()) and "onfidence" in sentence), sentence
        seen.add(words.confidence.level)
        stated = LIKELIHOOD.search(words.observed[0].lower().replace("so no likelihood", ""))
        assert bool(stated) == one.likelihood_known
    assert seen == {"high", "moderate", "low"}


def test_at_10_m_the_words_of_a_finding_name_no_vehicle_aircraft_or_number(cases: list[Case]) -> None:
    for one, pair in cases:
        if pair.gsd_m < 9:
            continue
        words = observation.of(one, pair)
        texts = [*words.observed, words.confidence.sentence, *words.alternatives, *words.gaps, words.count]
        assert not [text for text in texts if FORBIDDEN_AT_10_M.search(text)]
        assert "wide" not in dict(words.facts)["Size"]
        assert "within 20 m" in dict(words.facts)["Size"]


def test_a_label_beyond_the_pixels_is_quoted_and_not_used(tmp_path: Path) -> None:
    run = handovers.stored(tmp_path, grid=made.grid_of(gsd=10.0))
    handover = handovers.handed(run)
    one = replace(handover.findings[0], review=Review(verdicts=(_YES,), agreed="confirmed", label="Su-34"))
    words = observation.of(one, handover.pair)
    assert "Su-34" not in " ".join(words.observed)
    assert any("\u201cSu-34\u201d, which pixels of this size cannot carry" in line for line in words.reviews)


def test_radar_states_no_likelihood(tmp_path: Path) -> None:
    run = handovers.stored(tmp_path, sensor="sar", changes=(handovers.measured(made.appeared()),))
    (one,) = handovers.handed(run).findings
    assert not one.likelihood_known
