"""What ``sitewatch serve`` puts on its Prefect server: one deployment per site, a replay, and the notifier.

``prefect.yaml`` says the same for servers and work pools of one's own.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, cast

from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron, Interval, Schedule
from prefect.types.entrypoint import EntrypointType

from flows.notify import notify
from flows.poll import poll_site
from flows.replay import replay

NOTIFIER = "notify"
REPLAY = "replay"
TAG = "sitewatch"
_MIDNIGHT = datetime(2024, 1, 1, tzinfo=UTC)
"""Intervals are counted from here, so that starting again does not move them."""


@dataclass(frozen=True, kw_only=True)
class ServePlan:
    """Everything that the serving process is told.

    Parameters
    ----------
    sites : tuple of str
    source : str
    out : str
        Absolute.
    every_s : float or None
        Seconds between polls; None where `cron` says when.
    cron : str or None
    timezone : str
        IANA name; what the hours of `cron` mean.
    lookback_days : int
    sites_file : str or None
    min_score : float
    workers : int or None
    targets : tuple of str
        Who is notified.
    """

    sites: tuple[str, ...]
    source: str
    out: str
    every_s: float | None
    cron: str | None
    timezone: str
    lookback_days: int
    sites_file: str | None = None
    min_score: float = 0.5
    workers: int | None = None
    targets: tuple[str, ...] = ()

    @property
    def schedule(self) -> Schedule:
        """When each site is polled."""
        if self.cron is not None:
            return Cron(self.cron, timezone=self.timezone)
        return Interval(timedelta(seconds=self.every_s or 0), anchor_date=_MIDNIGHT, timezone=self.timezone)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Self:
        """Inverse of `as_dict`."""
        lists = {name: tuple(document[name]) for name in ("sites", "targets")}
        return cls(**{**document, **lists})


def site_deployment(plan: ServePlan, site: str) -> RunnerDeployment:
    """Polls of one site: never two at once, one that comes while another runs is cancelled."""
    deployment = poll_site.to_deployment(
        name=site,
        schedule=plan.schedule,
        paused=False,
        parameters={"site": site, **_common(plan)},
        tags=[TAG, site],
        description=f"Looks for new images of {site} in {plan.source}, and compares them where there are some.",
        concurrency_limit=ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
        ),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return cast(RunnerDeployment, deployment)  # a coroutine only inside a running loop


def replay_deployment(plan: ServePlan) -> RunnerDeployment:
    """A past period once more, on demand."""
    deployment = replay.to_deployment(
        name=REPLAY,
        parameters={"site": plan.sites[0], **_common(plan)},
        tags=[TAG, REPLAY],
        description="Runs over a past period again, as if each scheduled day had come.",
        concurrency_limit=ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE
        ),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return cast(RunnerDeployment, deployment)  # a coroutine only inside a running loop


def notify_deployment(plan: ServePlan) -> RunnerDeployment:
    """Started by the automations."""
    deployment = notify.to_deployment(
        name=NOTIFIER,
        parameters={"targets": list(plan.targets)},
        tags=[TAG, NOTIFIER],
        description="Hands an event to people and programs.",
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return cast(RunnerDeployment, deployment)  # a coroutine only inside a running loop


def deployments_of(plan: ServePlan) -> list[RunnerDeployment]:
    """All of them; the notifier only where somebody is to be notified."""
    notifiers = [notify_deployment(plan)] if plan.targets else []
    return [*(site_deployment(plan, site) for site in plan.sites), replay_deployment(plan), *notifiers]


def _common(plan: ServePlan) -> dict[str, Any]:
    return {
        "source": plan.source,
        "out": str(Path(plan.out)),
        "lookback_days": plan.lookback_days,
        "sites_file": plan.sites_file,
        "min_score": plan.min_score,
        "workers": plan.workers,
    }
