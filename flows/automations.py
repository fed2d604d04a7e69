"""Automations as code: what Prefect does when a flow of ours sends an event.

One automation per kind of event starts the ``notify`` deployment. They are known by their names, so that doing it
again changes them and never makes a second one; those of kinds no longer asked for are removed.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from flows import events

PREFIX = "sitewatch notifies: "
_PARAMETERS = {
    "event": "{{ event.event }}",
    "resource": "{{ event.resource.id }}",
    "occurred": "{{ event.occurred }}",
}


def automation(event: str, deployment: UUID, targets: Sequence[str]) -> AutomationCore:
    """The automation that tells `targets` of one kind of event, through the notify deployment."""
    parameters: dict[str, Any] = {
        name: {"__prefect_kind": "jinja", "template": template} for name, template in _PARAMETERS.items()
    }
    parameters["payload"] = {
        "__prefect_kind": "json",
        "value": {"__prefect_kind": "jinja", "template": "{{ event.payload | tojson }}"},
    }
    parameters["targets"] = list(targets)
    return AutomationCore(
        name=PREFIX + event,
        description=f"Tells people of every {event}. Written by sitewatch; changes made here are overwritten.",
        enabled=True,
        trigger=EventTrigger(
            expect={event},
            match=ResourceSpecification({"prefect.resource.id": events.resource_of("*")}),
            posture=Posture.Reactive,
            threshold=1,
            within=timedelta(0),
        ),
        actions=[
            RunDeployment(
                source="selected", deployment_id=deployment, parameters=parameters, job_variables=None
            )
        ],
    )


def apply(
    client: SyncPrefectClient,
    deployment: UUID | None,
    targets: Sequence[str],
    kinds: Sequence[str] = events.ALL,
) -> list[str]:
    """Create or change the automations on a server; without targets they are removed.

    Parameters
    ----------
    client : SyncPrefectClient
    deployment : UUID or None
        The notify deployment; None only without targets.
    targets : sequence of str
        As ``--notify`` takes them.
    kinds : sequence of str
        Events that are told of.

    Returns
    -------
    list of str
        Names of the automations that are there now.
    """
    wanted = (
        {} if deployment is None or not targets else {k: automation(k, deployment, targets) for k in kinds}
    )
    by_name = {core.name: core for core in wanted.values()}
    for present in client.read_automations():
        if not present.name.startswith(PREFIX):
            continue
        core = by_name.pop(present.name, None)
        if core is None:
            client.delete_automation(present.id)
        else:
            client.update_automation(present.id, core)
    for core in by_name.values():
        client.create_automation(core)
    return sorted(core.name for core in wanted.values())
