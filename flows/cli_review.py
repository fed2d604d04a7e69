"""``sitewatch review``: the review desk, where people decide what each change is."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli_common import Score, out_option

if TYPE_CHECKING:
    from catalog.reviewers import Role

PORT = 8741


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="H", help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), metavar="P",
              help=f"Port to listen on; {PORT} or, where that is taken, any other.")  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Print the address and open no browser.")
@click.option("--auth", type=click.Choice(["invitations"]),
              help="Let nobody in but by invitation; needed where other machines can reach --host.")  # fmt: skip
@click.option(
    "--public-url", metavar="URL", help="Address under which browsers reach the desk, behind a proxy."
)
@click.option("--invite", metavar="NAME", help="Print a link that lets NAME in, and start nothing.")
@click.option("--role", type=click.Choice(["reviewer", "lead", "read-only"]), default="reviewer", show_default=True,
              help="What somebody who is invited may do.")  # fmt: skip
@click.option("--second-share", type=Score(0, 1), metavar="S",
              help="Share of all changes, drawn at random, that a second reviewer answers blind. Any of these options "
              "is kept with the records, in place of what held before; 0 alone ends second reviews.")  # fmt: skip
@click.option("--second-scores", type=Score(0, 1), nargs=2, metavar="LOW HIGH",
              help="A second reviewer answers changes of these scores blind.")  # fmt: skip
@click.option("--second-zone", multiple=True, metavar="ZONE",
              help="A second reviewer answers changes of this zone blind; may be given several times.")  # fmt: skip
@click.option("--second-label", multiple=True, metavar="LABEL",
              help="A second reviewer answers changes of this label blind; may be given several times.")  # fmt: skip
@out_option
@click.option("--debug", is_flag=True, help="Show tracebacks and logs.")
def review(
    host: str,
    port: int | None,
    no_browser: bool,
    auth: str | None,
    public_url: str | None,
    invite: str | None,
    role: "Role",
    second_share: float | None,
    second_scores: tuple[float, float] | None,
    second_zone: tuple[str, ...],
    second_label: tuple[str, ...],
    out: Path,
    debug: bool,
) -> int:
    """Open the review desk on the results in --out, and print the link that leads in.

    Everybody signs in by a link: whoever starts the desk by the one that is printed, others by one that --invite made.
    """
    del debug  # acted upon by the entry point
    # Loaded here so that --help answers at once.
    from catalog.second_review import SecondRule  # noqa: PLC0415
    from review.server import invitation_link, serve  # noqa: PLC0415
    from review.settings import DeskSettings  # noqa: PLC0415

    stated = (second_share is not None, second_scores, second_zone, second_label)
    rule = SecondRule(
        share=second_share or 0.0, score_band=second_scores or None, zones=second_zone, labels=second_label
    )
    settings = DeskSettings(
        root=out.resolve(), host=host, port=port or PORT,
        authentication="invitations" if auth == "invitations" else None, public_url=public_url,
        second=rule if any(stated) else None,
    )  # fmt: skip
    if invite is not None:
        _say(invitation_link(settings, invite, role))
        return 0
    serve(
        settings,
        browser=not no_browser,
        say=lambda link: _say(f"The review desk is open: {link}"),
        any_port=port is None,
    )
    return 0


def _say(text: str) -> None:
    """On a line of its own at once, for people and for programs that wait for it."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
