"""What stands on a Prefect server: forms, deployments and automations, as code and as prefect.yaml."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema

from flows import automations, events
from flows.deployments import ServePlan, deployments_of
from flows.notify import notify
from flows.poll import poll_site
from flows.replay import replay
from flows.sites import site_named
from flows.watch import watch_site, watch_sites

PLAN = ServePlan(
    sites=("khmeimim", "tartus"), source="earth-search", out="/somewhere/outputs", every_s=21600.0, cron=None,
    timezone="Asia/Damascus", lookback_days=30, targets=("file=/somewhere/alerts.jsonl",),
)  # fmt: skip


@pytest.mark.parametrize("flow", [poll_site, replay, watch_site, watch_sites, notify], ids=lambda f: f.name)
def test_every_parameter_of_the_form_is_explained(flow: Flow[..., Any]) -> None:
    properties = parameter_schema(flow).properties
    assert properties
    assert [name for name, field in properties.items() if len(field.get("description", "")) < 10] == []


def test_form_offers_choices_and_limits() -> None:
    properties = parameter_schema(poll_site).properties
    assert properties["again"]["enum"] == ["new scenes", "everything"]
    assert properties["lookback_days"]["minimum"] == 1
    assert properties["min_score"]["maximum"] == 1
    assert set(parameter_schema(poll_site).required) == {"site", "source"}
    period = parameter_schema(replay).properties
    assert period["start"]["format"] == "date-time"
    assert period["announce"]["default"] is False
    targets = parameter_schema(notify).properties["targets"]["items"]
    assert targets["pattern"] == "^(webhook|email|file)=.+"


@pytest.fixture(scope="module")
def project(repository: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((repository / "prefect.yaml").read_text())
    return loaded


def test_prefect_yaml_names_flows_that_take_its_parameters(project: dict[str, Any]) -> None:
    for deployment in project["deployments"]:
        flow = load_flow_from_entrypoint(deployment["entrypoint"])
        given = deployment.get("parameters", {})
        assert set(given) <= set(parameter_schema(flow).properties), deployment["name"]
        assert deployment["work_pool"]["name"] == "sitewatch"
        assert "sitewatch" in deployment["tags"]
        assert deployment["description"]


def test_prefect_yaml_polls_every_built_in_site_alone_and_in_its_own_time(project: dict[str, Any]) -> None:
    scheduled = {d["name"]: d for d in project["deployments"] if d.get("schedules")}
    assert set(scheduled) == {"khmeimim", "tartus"}
    for name, deployment in scheduled.items():
        site_named(deployment["parameters"]["site"], None)
        poll_site.validate_parameters(deployment["parameters"])
        assert deployment["parameters"]["site"] == name
        (schedule,) = deployment["schedules"]
        assert schedule["timezone"] == "Asia/Damascus"
        assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert len({json.dumps(d["schedules"]) for d in scheduled.values()}) == 2, "not both at one moment"


def test_serve_puts_up_the_same_as_prefect_yaml(project: dict[str, Any]) -> None:
    served = {d.name: d for d in deployments_of(PLAN)}
    written = {d["name"]: d for d in project["deployments"]}
    assert set(served) == set(written)
    for name, deployment in served.items():
        assert deployment.entrypoint == written[name]["entrypoint"]
        limit = written[name].get("concurrency_limit")
        if limit is not None:
            assert deployment.concurrency_limit == limit["limit"]
            assert deployment.concurrency_options is not None
            assert deployment.concurrency_options.collision_strategy == limit["collision_strategy"]
        assert bool(deployment.schedules) == bool(written[name].get("schedules"))


def test_a_plan_survives_its_file() -> None:
    assert ServePlan.from_dict(json.loads(json.dumps(PLAN.as_dict()))) == PLAN


def test_nobody_to_notify_means_no_notifier() -> None:
    quiet = ServePlan(**{**PLAN.as_dict(), "targets": ()})
    assert [d.name for d in deployments_of(quiet)] == ["khmeimim", "tartus", "replay"]


@pytest.mark.usefixtures("prefect_server")
def test_automations_are_known_by_their_names() -> None:
    deployment = uuid4()
    names = sorted(automations.PREFIX + kind for kind in events.ALL)
    with get_client(sync_client=True) as client:
        for target in ("email=a@example.org", "email=b@example.org"):
            assert automations.apply(client, deployment, [target]) == names
            present = [a for a in client.read_automations() if a.name.startswith(automations.PREFIX)]
            assert sorted(a.name for a in present) == names
            assert all(a.actions[0].parameters["targets"] == [target] for a in present)  # type: ignore[union-attr]
        assert automations.apply(client, deployment, ["email=a@example.org"], [events.DOWN]) == [
            automations.PREFIX + events.DOWN
        ]
        assert automations.apply(client, None, []) == []
        assert not [a for a in client.read_automations() if a.name.startswith(automations.PREFIX)]
