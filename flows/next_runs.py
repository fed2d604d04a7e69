"""When a Prefect server means to watch next, asked without loading Prefect."""

import os
from collections.abc import Sequence
from pathlib import Path

import httpx

from flows.serve_state import running_api

TIMEOUT_S = 3.0
_LIMIT = 200


def next_runs(sites: Sequence[str], out: Path) -> dict[str, str]:
    """Next scheduled start by site, RFC 3339, from the server of a ``sitewatch serve`` that runs for `out`, or from the
    one that ``PREFECT_API_URL`` names.

    Nothing is known of sites that are not scheduled, nor of any where there is no such server or it does not answer.
    """
    address = (running_api(out) or os.environ.get("PREFECT_API_URL", "")).rstrip("/")
    if not address.startswith(("http://", "https://")):
        return {}
    question = {
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}, "sort": "EXPECTED_START_TIME_ASC", "limit": _LIMIT,
    }  # fmt: skip
    try:
        answer = httpx.post(f"{address}/flow_runs/filter", json=question, timeout=TIMEOUT_S)
        answer.raise_for_status()
        planned = answer.json()
    except (httpx.HTTPError, ValueError):
        return {}
    found: dict[str, str] = {}
    for run in planned if isinstance(planned, list) else ():
        given, start = run.get("parameters") or {}, run.get("expected_start_time")
        for site in (given.get("site"), *(given.get("sites") or ())):
            if site in sites and start:
                found.setdefault(str(site), str(start))
    return found
