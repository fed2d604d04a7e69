"""Prefect flow: hand an event to people and programs.

Prefect's own notification actions need blocks set up by hand, know no plain SMTP and no file, and try once. So one
automation starts this flow, which is small, is tried again where a receiver does not answer, and shows in the UI.
"""

from typing import Annotated, Any

from prefect import flow, task
from prefect.tasks import exponential_backoff
from pydantic import Field

from flows.forms import explained
from flows.notices import NotDelivered, public_name, send

Target = Annotated[
    str, Field(description="webhook=URL, email=ADDRESS or file=PATH", pattern="^(webhook|email|file)=.+")
]


@flow(name="notify", flow_run_name="notify-{event}", retries=0)
@explained
def notify(
    event: Annotated[str, Field(description="Name of the event")],
    resource: Annotated[str, Field(description="Id of what it is about, such as sitewatch.site.khmeimim")],
    payload: Annotated[dict[str, Any], Field(description="What the event says")],
    targets: Annotated[list[Target], Field(min_length=1, description="Who is told")],
    occurred: Annotated[str, Field(description="When, ISO 8601")] = "",
) -> list[str]:
    """Tell every target; one that cannot be reached keeps nobody else from being told."""
    document = {"event": event, "resource": resource, "occurred": occurred.replace(" ", "T"), **payload}
    document.setdefault("text", f"{event}: {resource}")
    futures = {target: deliver.submit(target, document) for target in targets}
    states = {target: future.wait() or future.state for target, future in futures.items()}
    failed = [target for target, state in states.items() if not state.is_completed()]
    if failed:
        raise NotDelivered(
            f"{event} did not reach {', '.join(map(public_name, failed))}: "
            f"{states[failed[0]].message}; check the address, and whether its server is up"
        )
    return list(targets)


@task(
    name="deliver",
    retries=5,
    retry_delay_seconds=exponential_backoff(backoff_factor=2),
    retry_jitter_factor=0.5,
    timeout_seconds=120,
)
def deliver(target: str, document: dict[str, Any]) -> None:
    """Hand the document to one target."""
    send(target, document)
