"""The serving process: registers the deployments of a plan and runs what is scheduled; a child of ``sitewatch serve``.

Started as ``python -m flows.serve_runner PLAN`` with ``PREFECT_API_URL`` set; every site is polled at once. It
ends with an error when the server is away for long, and is started again by its parent.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from prefect import get_client
from prefect.client.orchestration import PrefectClient, SyncPrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner
from prefect.states import Crashed, Scheduled

from flows import automations
from flows.deployments import NOTIFIER, TAG, ServePlan, deployments_of
from flows.work import write_json

READY = "serving.json"
_UNDER_WAY = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]


async def serve(
    plan: ServePlan, deployments: Sequence[RunnerDeployment], folder: Path, *, embedded: bool
) -> None:
    """Serve a plan until stopped."""
    runner = Runner(name="sitewatch", pause_on_shutdown=not embedded, limit=None)
    async with get_client() as client:
        if embedded:
            await end_orphans(client)
        known: dict[str, UUID] = {}
        for deployment in deployments:
            known[deployment.name] = await runner.aadd_deployment(deployment)
        with get_client(sync_client=True) as sync:
            listening = await asyncio.to_thread(_automations, sync, plan, known)
        for site in plan.sites:
            await client.create_flow_run_from_deployment(known[site], state=Scheduled())
        write_json(
            folder / READY,
            {
                "deployments": {name: str(id_) for name, id_ in known.items()},
                "automations": listening,
                "since": datetime.now(UTC).isoformat(timespec="seconds"),
            },
        )
    await runner.start()


def _automations(client: SyncPrefectClient, plan: ServePlan, known: Mapping[str, UUID]) -> list[str]:
    return automations.apply(client, known.get(NOTIFIER), plan.targets)


async def end_orphans(client: PrefectClient) -> int:
    """Mark what a killed server or runner left *running* as crashed, which gives its place back to later runs.

    Only for a server of our own: its runs are all ours, and none can be under way before the runner starts.
    """
    left = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_UNDER_WAY))),
        deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG])),
    )
    for run in left:
        await client.set_flow_run_state(
            run.id, Crashed(message="its process ended with an earlier server"), force=True
        )
    return len(left)


def main() -> None:
    """Serve the plan in the file that is named."""
    path = Path(sys.argv[1])
    document = json.loads(path.read_text(encoding="utf-8"))
    plan = ServePlan.from_dict(document["plan"])
    deployments = deployments_of(plan)
    asyncio.run(serve(plan, deployments, path.parent, embedded=document["embedded"]))


if __name__ == "__main__":
    main()
