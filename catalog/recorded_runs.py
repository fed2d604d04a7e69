"""Runs as the database knows them; light, for those who only want to know what there is."""

from pathlib import Path

from sqlalchemy import Connection, RowMapping, func, select

from catalog.layout import ITEM
from catalog.tables import runs


def recorded_results(connection: Connection, site: str) -> set[tuple[str, str]]:
    """Name and report digest of every recorded result of a site."""
    query = select(runs.c.name, runs.c.report_sha256).where(runs.c.site == site)
    return {(row.name, row.report_sha256) for row in connection.execute(query)}


def present_runs(connection: Connection) -> list[RowMapping]:
    """The last recorded result of every run, in order of the date of *after*."""
    last = select(func.max(runs.c.seq)).group_by(runs.c.name)
    query = (
        select(runs).where(runs.c.seq.in_(last)).order_by(runs.c.after_time, runs.c.before_time, runs.c.name)
    )
    return list(connection.execute(query).mappings())


def unrecorded(root: Path, connection: Connection | None) -> list[str]:
    """Names of the sites' runs that lie on disk and that the database does not know."""
    known = set() if connection is None else set(connection.execute(select(runs.c.name)).scalars())
    found = (path.parent.relative_to(root).as_posix() for path in root.glob(f"*/*/{ITEM}"))
    return sorted(
        name for name in found if not name.startswith(".") and "/." not in name and name not in known
    )
