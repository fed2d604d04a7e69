"""Tags of the flow run that is under way."""

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext


def tag_run(tag: str) -> None:
    """Give the flow run that calls this one more tag; nothing happens outside a flow run, or where it has it.

    A tag that depends on a parameter cannot be stated where a flow is defined, and who calls it may not state it.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    if run is None or tag in run.tags:
        return
    with get_client(sync_client=True) as client:
        client.update_flow_run(run.id, tags={*run.tags, tag})
