"""Where the steps of a run are computed: threads of this process, or processes of their own."""

import os
from typing import Any

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.errors import BadRequest

WORKERS_VARIABLE = "SITEWATCH_WORKERS"
AHEAD = 2
"""Pairs that are prepared before their turn: a large one after a small one is then ready when it is wanted."""

THREADS = AHEAD + 2
"""Steps at a time: pairs are prepared, one is compared, one written."""


def workers_wanted(workers: int | None = None) -> int:
    """The number of worker processes: as given, else ``SITEWATCH_WORKERS``, else 0, which means threads.

    Raises
    ------
    BadRequest
        The variable holds something else.
    """
    if workers is not None:
        return workers
    text = os.environ.get(WORKERS_VARIABLE, "").strip()
    if not text:
        return 0
    if not text.isdecimal():
        raise BadRequest(
            f"{WORKERS_VARIABLE}={text!r} is not a number of worker processes; "
            "set it to 2, say, or unset it to use threads"
        )
    return int(text)


def task_runner(workers: int | None = None) -> TaskRunner[Any]:
    """Threads, or `workers` separate processes through Dask.

    Raises
    ------
    BadRequest
        Processes are wanted and prefect-dask is not installed.
    """
    wanted = workers_wanted(workers)
    if wanted == 0:
        return ThreadPoolTaskRunner(max_workers=THREADS)
    try:
        from prefect_dask.task_runners import DaskTaskRunner  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise BadRequest(
            f"{wanted} worker processes need the extra 'dask': install sitewatch[dask], or use threads (0 workers)"
        ) from error
    cluster = {
        "n_workers": wanted,
        "threads_per_worker": 1,
        "processes": True,
        "dashboard_address": None,
        "host": "127.0.0.1",
    }
    return DaskTaskRunner(cluster_kwargs=cluster)
