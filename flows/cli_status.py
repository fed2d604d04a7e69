"""``sitewatch status``: how the watch stands, on one screen."""

from pathlib import Path

import click

from flows.cli_common import out_option, print_json, screen_options


@click.command()
@click.argument("site", nargs=-1)
@click.option(
    "--rebuild",
    is_flag=True,
    help="First make the database anew from the runs on disk; the old one is kept beside it.",
)
@click.option(
    "--copy-records-from",
    "source",
    metavar="DB",
    help="First copy all records into the database in use (SITEWATCH_DATABASE, else sitewatch.db) from DB: a "
    "sitewatch.db or postgresql://USER@HOST:PORT/DATABASE. DB is only read; what is in use must hold no others.",
)
@out_option
@screen_options
def status(
    site: tuple[str, ...], rebuild: bool, source: str | None, out: Path, as_json: bool, debug: bool
) -> int:
    """Show how watching SITE stands (all sites without one): newest images, last runs, what failed, findings.

    Reads only, unless --rebuild or --copy-records-from is given, and may be asked at any time, also while a run is
    under way.
    """
    del debug  # acted upon by the entry point
    # Loaded here so that --help answers at once.
    from flows.next_runs import next_runs  # noqa: PLC0415
    from flows.status import status_document  # noqa: PLC0415
    from flows.status_screen import show_copied, show_rebuilt, show_status  # noqa: PLC0415

    out = out.resolve()
    if source is not None:
        from catalog.records_copy import copy_records  # noqa: PLC0415 - as above

        if rebuild:
            raise click.UsageError("--rebuild and --copy-records-from exclude each other: copy first")
        if not out.is_dir():
            raise click.UsageError(
                f"{out}: there is no such folder; name the outputs folder of the records with --out"
            )
        show_copied(copy_records(out, source))
    if rebuild:
        from catalog.bookkeeping import rebuild as make_anew  # noqa: PLC0415 - reads pixels

        show_rebuilt(make_anew(out))
    document = status_document(out, list(dict.fromkeys(site)))
    planned = next_runs([entry["site"] for entry in document["sites"]], out)
    for entry in document["sites"]:
        entry["next_run"] = planned.get(entry["site"])
    if as_json:
        print_json(document)
    else:
        show_status(document)
    return 0
