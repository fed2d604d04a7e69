"""``sitewatch automations``: notifications on a Prefect server of one's own."""

import click
from rich.console import Console

from flows import prefect_home
from flows.cli_common import print_json, screen_options
from flows.cli_period import notify_option
from flows.errors import BadRequest
from flows.notices import checked_target

DEPLOYMENT = "notify/notify"


@click.command()
@notify_option
@click.option("--remove", is_flag=True, help="Remove all of them instead.")
@screen_options
def automations(targets: tuple[str, ...], remove: bool, as_json: bool, debug: bool) -> int:
    """Have the Prefect server of PREFECT_API_URL tell people and programs of changes and faults.

    Needs the deployment "notify" of prefect.yaml and a worker that runs it. May be repeated: what is there is
    changed. `sitewatch serve --notify` does the same for its own server.
    """
    del debug  # acted upon by the entry point
    if bool(targets) == remove:
        raise BadRequest(
            "give --notify webhook=URL, email=ADDRESS or file=PATH, or --remove to end notifications"
        )
    wanted = [checked_target(target) for target in targets]
    names = _applied(wanted)
    if as_json:
        print_json({"automations": names, "targets": wanted})
        return 0
    console = Console(highlight=False, soft_wrap=True)
    for name in names:
        console.print(name, markup=False)
    console.print(f"{len(names)} automations on the server", markup=False)
    return 0


def _applied(targets: list[str]) -> list[str]:
    prefect_home.configure_client()
    # These import Prefect, which must be configured first.
    import httpx  # noqa: PLC0415
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.exceptions import ObjectNotFound  # noqa: PLC0415

    from flows.automations import apply  # noqa: PLC0415

    with get_client(sync_client=True) as client:
        try:
            deployment = client.read_deployment_by_name(DEPLOYMENT).id if targets else None
        except ObjectNotFound as error:
            raise BadRequest(
                f"{client.api_url} has no deployment {DEPLOYMENT}; deploy it first: prefect deploy --name notify"
            ) from error
        except httpx.TransportError as error:
            raise prefect_home.NoServer(
                f"{client.api_url}: no Prefect server answers there; start it"
            ) from error
        return apply(client, deployment, targets)
