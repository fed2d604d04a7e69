"""``sitewatch train``: from labelled cases to a scorer file, with figures on places left out."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from catalog.cases import CaseFiles, load_cases
from catalog.errors import BadCase
from flows import progress
from imagery.image_file import FilePair, open_pair
from imagery.raster import Reader, Sensor, Window
from models.candidates import candidate_regions, search_limits, spot_maps
from models.compare import PairModel, prepare, refusal
from models.evaluation import Case, CaseScore, Summary, summarise
from models.evidence import evidence
from models.features import measure, surroundings
from models.footprints import footprints
from models.scorers import SizedScorer, TreeScorer
from models.second_look import look_again, views
from models.training import coarse, pixels
from models.training.fit import (
    SECOND_LOOK_BELOW_M,
    LeftOut,
    Recipe,
    budget,
    calibrated,
    calibrated_like,
    document,
    fit_again,
    fit_first,
    fit_without,
    judge,
    places_of,
    scores_of,
    with_coarse,
)
from models.training.samples import Sample, sample_of

WORKERS = 2
LICENCES = {
    "real": "CC BY-NC-SA 4.0 where the cases are; see the text beside this file",
    "simulated": "Apache-2.0; fitted on drawn scenes alone",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """What training leaves.

    Parameters
    ----------
    text : str
        The scorer file.
    summary : Summary
        On places left out, from candidates as they were measured for training; `benchmarks.cross_validate` gives the
        figures of the whole comparison.
    left_out : tuple of LeftOut
        For every sample the scorer that has not seen its place.
    """

    text: str
    summary: Summary
    left_out: tuple[LeftOut, ...]


def usable(folders: Sequence[Path], sensor: Sensor, *, simulated: bool = False) -> list[CaseFiles]:
    """Labelled cases of a sensor, or only drawn ones; those named ``ship_`` are kept for evaluation alone.

    Raises
    ------
    BadCase
        When there is none.
    """
    cases = [
        files
        for folder in folders
        for files in load_cases(folder)
        if files.sensor == sensor
        and not files.case.name.startswith("ship_")
        and (files.case.origin == "simulated" or not simulated)
    ]
    if not cases:
        where, which = " and ".join(map(str, folders)), "simulated " if simulated else ""
        raise BadCase(f"{where}: holds no {which}{sensor} case to learn from")
    return cases


def measured(files: CaseFiles) -> Sample:
    """All candidates of a case, found and measured through the comparison's own functions.

    Raises
    ------
    BadCase
        The pair cannot be compared.
    """
    pair = _opened(files)
    model = prepare(pair.before, pair.after, sensor=files.sensor)
    if refusal(model):
        raise BadCase(f"{files.folder}: cannot be used: {refusal(model)}")
    return _candidates(files.case, pair.before, pair.after, model)


def measured_coarse(files: CaseFiles) -> list[Sample]:
    """The same through larger pixels, for aircraft and controls; pairs that do not align there are left out."""
    case = files.case
    if files.sensor != "optical" or case.gsd_m >= coarse.FINE_M or case.klass not in ("aircraft", "none"):
        return []
    pair = _opened(files)
    samples = []
    for factor in coarse.FACTORS:
        before, after = (coarse.averaged(reader, factor) for reader in (pair.before, pair.after))
        model = prepare(before, after, sensor=files.sensor)
        if not refusal(model):
            samples.append(_candidates(coarse.coarser(case, factor), before, after, model))
    return samples


def measured_fine(files: CaseFiles) -> list[Sample]:
    """The same enlarged, for vehicles."""
    if files.sensor != "optical" or files.case.klass != "vehicle" or files.case.origin != "real":
        return []
    pair = _opened(files)
    before, after = (coarse.enlarged(reader) for reader in (pair.before, pair.after))
    model = prepare(before, after, sensor=files.sensor)
    return (
        []
        if refusal(model)
        else [_candidates(coarse.coarser(files.case, coarse.FINER), before, after, model)]
    )


def _opened(files: CaseFiles) -> FilePair:
    return open_pair(
        files.before, files.after, gsd_m=files.case.gsd_m, sensor=files.sensor,
        quantity="db" if files.sensor == "sar" else None,
    )  # fmt: skip


def _candidates(case: Case, before: Reader, after: Reader, model: PairModel) -> Sample:
    sensor = model.sensor
    rows, cols = (int(n) for n in before.grid.shape)
    whole = Window(row0=0, col0=0, row1=rows, col1=cols)
    found = evidence(before, after, model.alignment.shift, model.radiometry, model.noise, whole)
    limits = search_limits(model.gsd_m, sensor)
    around = surroundings(found, limits)
    closely = sensor == "optical" and model.gsd_m < SECOND_LOOK_BELOW_M
    spotted = spot_maps(found, limits)
    seen = views(found, around, spotted[-1], model.gsd_m) if closely else None
    features, boxes, kinds = [], [], []
    for regions in candidate_regions(found, limits, spotted):
        feet = footprints(regions, found.valid, limits.ring_px)
        first = measure(regions, feet, found, around, model.gsd_m)
        columns = first.features
        if seen is not None:
            more = look_again(first, feet, found, around, seen, model.gsd_m)
            columns = np.hstack([columns, more])
        # Half the memory; the digits that are lost are beyond what thresholds are written with.
        features.append(columns.astype(np.float32))
        boxes.append(regions.boxes)
        kinds.append(first.kind)
    return sample_of(case, np.vstack(boxes), np.vstack(features), np.concatenate(kinds))


def measure_all(cases: Sequence[CaseFiles]) -> tuple[list[Sample], list[Sample]]:
    """Samples of all cases, also enlarged, and of those that are averaged to larger pixels, two processes at a time."""
    progress.step("Measuring", total=3 * len(cases))
    samples: list[Sample] = []
    averaged: list[Sample] = []
    with ProcessPoolExecutor(WORKERS) as pool:
        for sample in pool.map(measured, cases):
            samples.append(sample)
            progress.advance()
        for measure_others, others in ((measured_fine, samples), (measured_coarse, averaged)):
            for found in pool.map(measure_others, cases):
                others.extend(found)
                progress.advance()
    return samples, averaged


def train_on(
    samples: Sequence[Sample], averaged: Sequence[Sample], *, name: str, sensor: Sensor, licence: str,
    also: str | None = None,
) -> Trained:  # fmt: skip
    """A scorer from all samples, calibrated and budgeted on scorers that have not seen the place.

    Parameters
    ----------
    samples, averaged : sequence of Sample
        As `measure_all` gives them.
    name : str
        Of the scorer.
    sensor : {"optical", "sar"}
    licence : str
        Written into the file.
    also : str or None
        Scorer that counts beside it where pixels are too coarse for the second look.
    """
    scorer, left_out = calibrated_without(samples, averaged, sensor)
    left_out_usual = [e for e in left_out if sensor == "sar" or e.sample.pixels == "usual"]
    judged = _judged([e for e in left_out_usual if e.sample.case.origin != "implant"])
    if not isinstance(scorer, TreeScorer):
        # Radar was labelled at one port only, so how often it errs elsewhere was not measured.
        text = document(name, scorer, samples, budgets={}, licence=licence)
        return Trained(text=text, summary=summarise(judged, name=name), left_out=tuple(left_out))
    budgets = {"small": budget(judged, "vehicle"), "large": budget(judged, "aircraft")}
    if all(sample.case.origin == "simulated" for sample in samples):
        budgets = {}  # what claims cost on drawn places says nothing about real ones
    text = document(name, scorer, samples, budgets=budgets, licence=licence, also=also)
    return Trained(text=text, summary=summarise(judged, name=name), left_out=tuple(left_out))


def calibrated_without(
    samples: Sequence[Sample], averaged: Sequence[Sample], sensor: Sensor
) -> tuple[SizedScorer | TreeScorer, list[LeftOut]]:
    """The scorer fitted on everything, and for every sample the one that has not seen its place, calibrated alike."""
    recipe = Recipe(second_look=sensor == "optical")
    usual = [sample for sample in samples if sensor == "sar" or sample.pixels == "usual"]
    places = places_of(usual)
    progress.step("Fitting without each place", total=len(places))
    left_out: list[LeftOut] = []
    if len(places) > 1:
        with ProcessPoolExecutor(WORKERS) as pool:
            for entries in pool.map(partial(fit_without, usual, recipe=recipe), places):
                left_out += entries
                progress.advance()
    progress.step("Fitting on everything")
    first = fit_first(usual)
    if not recipe.second_look:
        return first, left_out
    scorer = with_coarse(fit_again(usual, first, recipe.growth), averaged)
    if left_out:
        scorer = calibrated(scorer, [e for e in left_out if e.sample.case.origin != "implant"])
    progress.step("Fitting for other pixel sizes")
    parts = pixels.fit_parts(samples)
    whole = parts(None).put_into(scorer)
    if not left_out:
        return whole, left_out
    of_place = {entry.sample.place: entry.scorer for entry in left_out}
    finished = {
        place: parts(place).put_into(_completed(of_place.get(place, scorer), place, scorer, averaged))
        for place in places_of(samples)
    }
    return whole, [LeftOut(sample=sample, scorer=finished[sample.place]) for sample in samples]


def _completed(
    without: SizedScorer | TreeScorer, place: str, scorer: TreeScorer, averaged: Sequence[Sample]
) -> TreeScorer:
    """With the calibration that is written, and with regressions for coarse pixels from the other places."""
    if not isinstance(without, TreeScorer):
        raise TypeError("only scores of the second look are completed")
    others = [sample for sample in averaged if sample.place != place]
    return with_coarse(calibrated_like(without, scorer), others)


def _judged(left_out: Sequence[LeftOut]) -> list[CaseScore]:
    return [judge(entry.sample, scores_of(entry.scorer, entry.sample))[0] for entry in left_out]
