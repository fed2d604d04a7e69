"""``sitewatch cases``: what reviewers decided, as labelled cases."""

from pathlib import Path

import click

from flows.cli_common import out_option, print_json, screen_options

MOST_NAMED = 3
"""So many that are left out for one reason are named on the screen; ``--json`` names all."""


@click.command()
@click.argument("to", type=click.Path(path_type=Path, file_okay=False))
@click.option("--site", "sites", multiple=True, metavar="SITE", help="Only this site; may be repeated.")
@click.option(
    "--anonymous",
    is_flag=True,
    help="Reviewers by number in place of their names. By default each case names those who decided in it.",
)
@out_option
@screen_options
def cases(to: Path, sites: tuple[str, ...], anonymous: bool, out: Path, as_json: bool, debug: bool) -> int:
    """Write what reviewers decided into the new folder TO, in the form that `evaluate` and `train` read.

    What was confirmed are its truths; what was rejected is ground like any other; what nobody decided may be claimed
    freely. Notes are not written. A case names its run, scenes, licences and, by default, its reviewers.
    """
    del debug  # acted upon by the entry point
    from catalog.review import ReviewStore  # noqa: PLC0415 - help must not wait for it
    from flows.errors import BadRequest  # noqa: PLC0415

    if not out.is_dir():
        raise BadRequest(f"{out}: there are no results; name their folder with --out")
    found = ReviewStore(out).export_labelled(to, sites=sites, anonymous=anonymous)
    if as_json:
        print_json(
            {
                "folder": str(found.folder),
                "cases": list(found.cases),
                "truths": found.truths,
                "left_out": [{"what": what, "why": why} for what, why in found.left_out],
            }
        )
        return 0
    click.echo(f"{len(found.cases)} cases with {found.truths} labelled changes: {found.folder}")
    for why in dict.fromkeys(why for _, why in found.left_out):
        named = [what for what, reason in found.left_out if reason == why]
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        click.echo(f"left out: {', '.join(named[:MOST_NAMED])}{more}: {why}")
    return 0
