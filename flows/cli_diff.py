"""``sitewatch diff``: the core alone on any two images."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from flows.cli_common import (
    FALSE_ALARMS_HELP,
    SCORER_HELP,
    Moment,
    Score,
    min_score_option,
    out_option,
    print_json,
    screen_options,
)

_RADAR_QUANTITIES = ("linear", "db")
_ADDRESSES = ("http:", "https:", "s3:", "ftp:")


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option("--gsd", "gsd_m", type=click.FloatRange(min=0, min_open=True), metavar="M",
              help="Ground sample distance in metres, where the files do not say it (PNG, JPEG).")  # fmt: skip
@click.option("--sensor", type=click.Choice(["optical", "sar"]), help="What took the images.")
@click.option("--quantity", type=click.Choice(["reflectance", "dn", "linear", "db"]),
              help="What the numbers measure; radar must say linear or db.")  # fmt: skip
@click.option("--before-time", type=Moment(), metavar="T", help="When BEFORE was taken.")
@click.option("--after-time", type=Moment(), metavar="T", help="When AFTER was taken.")
@click.option("--scorer", metavar="NAME", help=SCORER_HELP)
@click.option("--false-alarms-per-km2", type=Score(0, min_open=True), metavar="X", help=FALSE_ALARMS_HELP)
@out_option
@min_score_option()
@screen_options
def diff(
    before: Path,
    after: Path,
    gsd_m: float | None,
    sensor: str | None,
    quantity: str | None,
    before_time: datetime | None,
    after_time: datetime | None,
    scorer: str | None,
    false_alarms_per_km2: float | None,
    out: Path,
    min_score: float,
    as_json: bool,
    debug: bool,
) -> int:
    """Compare BEFORE and AFTER: GeoTIFF, COG, JPEG 2000, or PNG and JPEG with --gsd."""
    del debug  # acted upon by the entry point
    if quantity in _RADAR_QUANTITIES and sensor == "optical":
        raise click.UsageError(f"--quantity {quantity} is for radar; say --sensor sar or another quantity")
    for image in (before, after):
        if image.parts and image.parts[0] in _ADDRESSES:
            raise click.UsageError(
                f"{image}: diff compares files; download the image first and give its path"
            )
    from flows.diff import diff_images  # noqa: PLC0415 - help and bad usage must not wait for it

    options: dict[str, Any] = {
        "gsd_m": gsd_m, "sensor": sensor, "quantity": quantity, "before_time": before_time,
        "after_time": after_time, "scorer": scorer, "out": out, "min_score": min_score,
        "false_alarms_per_km2": false_alarms_per_km2,
    }  # fmt: skip
    if as_json:
        result = diff_images(before, after, **options)
        print_json(result.document)
    else:
        from flows.cli_tables import show_diff  # noqa: PLC0415 - as is what draws on the screen
        from flows.screen import progress_bars  # noqa: PLC0415

        with progress_bars():
            result = diff_images(before, after, **options)
        show_diff(result)
    return result.exit_code
