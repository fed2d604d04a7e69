"""The screen of ``sitewatch status``."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from catalog.bookkeeping import Rebuilt
    from catalog.records_copy import CopiedRecords

_RESULT = {
    "done": ("done", "green"),
    "degraded": ("done, not all seen", "yellow"),
    "no_pair": ("nothing to compare", "magenta"),
    "source_down": ("SOURCE DOWN", "bold red"),
    "refused": ("REFUSED", "bold red"),
    "failed": ("FAILED", "bold red"),
    "interrupted": ("INTERRUPTED", "bold red"),
    "running": ("running now", "bold cyan"),
}
_STATE = {"provisional": "yellow", "confirmed": "green", "withdrawn": "dim"}
_SENSOR = {"optical": "optical", "sar": "radar"}
_POLL_FAULTS = ("source down", "refused", "failed")
_MOST_LISTED = 5
_LABEL = 10
ROWS = 24
"""Of the smallest screen that everything about the two built-in sites fits on, at 80 columns."""

_WIDE = 110
"""Columns from which there is room for the reason beside a finding."""


def show_rebuilt(rebuilt: "Rebuilt") -> None:
    """What making the database anew came to."""
    console = Console(stderr=True, highlight=False)
    console.print(
        Text(
            f"Made anew: {rebuilt.runs} runs, {rebuilt.findings} findings, {rebuilt.attempts} attempts, "
            f"{rebuilt.answers} review events"
        )
    )
    if rebuilt.kept is not None:
        console.print(Text(f"The old one is {rebuilt.kept}"), soft_wrap=True)
    if rebuilt.lost is not None:
        console.print(
            Text(f"Not everything could be taken over: {rebuilt.lost}", style="yellow"), soft_wrap=True
        )


def show_copied(copied: "CopiedRecords") -> None:
    """What copying the records came to."""
    console, rows = Console(stderr=True, highlight=False), copied.rows
    said = (
        f"Copied: {copied.added} of {sum(rows.values())} rows were new ({rows['runs']} runs, {rows['findings']} "
        f"findings, {rows['attempts']} attempts, {rows['review_events']} review events, {rows['reviewers']} reviewers)"
    )
    console.print(Text(said))
    console.print(Text(f"from {copied.source}, which is as it was, to {copied.target}"), soft_wrap=True)
    if copied.head is not None:
        console.print(
            Text(f"Both journals end with event {copied.head.seq}, {copied.head.hash}"), soft_wrap=True
        )


def show_status(document: Mapping[str, Any], console: Console | None = None) -> None:
    """Everything on one screen."""
    console = console or Console(highlight=False)
    now = _moment(document["time"])
    if not document["sites"]:
        console.print(Text(f"Nothing was watched yet with results in {document['out']}"), soft_wrap=True)
        console.print(Text("Start with `sitewatch demo`, or `sitewatch run SITE --source S --from D --to D`"))
    _show_sites(console, document["sites"], now)
    journal = document["journal"]
    if journal is not None and journal["fault"]:
        console.print(
            Text(f"The journal was tampered with or damaged: {journal['fault']}. ", style="bold red"),
            Text("`sitewatch status --rebuild` makes it anew from the runs and keeps this one"),
            soft_wrap=True,
        )
    if document["unrecorded_runs"]:
        console.print(
            Text(
                f"{len(document['unrecorded_runs'])} runs are not recorded yet; the next run of their site does it, "
                "or `sitewatch status --rebuild`",
                style="yellow",
            )
        )
    console.print(Text(f"{document['out']}, {now:%Y-%m-%d %H:%M} UTC", style="dim"), soft_wrap=True)


def _show_sites(console: Console, sites: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Each site with as many findings as there is room for, and with reasons cut where even that is not enough."""
    rows = max(ROWS, console.height if console.is_terminal else 0) - 1
    heads: list[Group] = []
    for reason_lines in (None, 2, 1):
        heads = [
            _head(entry, now, _Reasons(width=console.width - _LABEL, lines=reason_lines)) for entry in sites
        ]
        taken = sum(len(console.render_lines(head, pad=False)) for head in heads)
        if taken + _MOST_LISTED * len(sites) <= rows or (reason_lines and taken + len(sites) <= rows):
            break
    listed = max(1, min(_MOST_LISTED, (rows - taken) // len(sites))) if sites else 0
    for entry, head in zip(sites, heads, strict=True):
        console.print(head)
        if entry["findings"]["newest"]:
            console.print(_findings(entry["findings"]["newest"][:listed], wide=console.width >= _WIDE))


def _head(entry: Mapping[str, Any], now: datetime, reasons: "_Reasons") -> Group:
    """All of a site but its findings one by one."""
    title = Text(entry["site"], style="bold")
    if entry["simulated"]:
        title.append(" ").append(" SIMULATED ", style="bold black on yellow")
    if entry["next_run"]:
        title.append(f"   next run {_when(entry['next_run'])} UTC", style="cyan")
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="dim", width=_LABEL - 2)
    grid.add_column(overflow="fold")
    grid.add_row("Images", _images(entry["sensors"]))
    newer = {poll["source"]: poll for poll in entry["polls"] if _is_newer(poll, entry["sources"])}
    for i, source in enumerate(entry["sources"]):
        # A fault is told once, where it was seen last.
        told = source["source"] in newer and newer[source["source"]]["outcome"] in _POLL_FAULTS
        grid.add_row("Sources" if i == 0 else "", _source(source, now, _NONE if told else reasons))
    for i, poll in enumerate(entry["polls"]):
        told = poll["source"] in newer or poll["source"] not in {s["source"] for s in entry["sources"]}
        grid.add_row("Polls" if i == 0 else "", _poll(poll, reasons if told else _NONE))
    grid.add_row("Findings", _counts(entry["findings"]))
    return Group(Rule(title, align="left", style="dim"), grid)


def _is_newer(poll: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a poll looked at its source after the last run with it had ended."""
    ends = [s["last"]["ended"] or s["last"]["began"] for s in sources if s["source"] == poll["source"]]
    return bool(ends and poll["checked"]) and _moment(poll["checked"]) >= _moment(ends[0])


@dataclass(frozen=True, kw_only=True)
class _Reasons:
    """How much of a reason is shown: all, so many lines of so many columns, or nothing where that is 0."""

    width: int
    lines: int | None

    def __call__(self, source: str, text: str, *, before: str = "") -> str:
        """The reason on a line of its own, after the words `before`; cut, it does not say again whose it is."""
        if self.lines == 0 or not text:
            return ""
        if self.lines is None:
            return f"\n{before}{text}"
        text = re.sub(rf"^{re.escape(source)}(?: \([^)]*\))?: ", "", text)
        lines = textwrap.wrap(before + text, self.width)
        if len(lines) > self.lines:
            lines = lines[: self.lines]
            lines[-1] = f"{lines[-1][: self.width - 2]} …"
        return "\n" + "\n".join(lines)


_NONE = _Reasons(width=0, lines=0)


def _images(sensors: list[Mapping[str, Any]]) -> Table | Text:
    if not sensors:
        return Text("none yet")
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column()
    for kind in sensors:
        newest, compared, unseen = kind["newest"], kind["compared"], kind["tiles_unseen"]
        seen = Text("not compared yet", style="yellow")
        if compared is not None:
            same = compared["acquired"] == newest["acquired"]
            seen = Text("compared" if same else f"compared up to {compared['acquired'][:10]}")
            if unseen and unseen["unseen"]:
                seen.append(f", {unseen['unseen']} of {unseen['of']} tiles not seen", style="yellow")
        table.add_row(
            f"{_SENSOR.get(kind['sensor'], kind['sensor'])} {kind['gsd_m']:.2g} m",
            _when(newest["acquired"]),
            f"{newest['age_days']:.0f} d old",
            seen,
        )
    return table


def _source(source: Mapping[str, Any], now: datetime, reasons: _Reasons) -> Text:
    """The last attempt with a source; where that failed, since when and what was last good."""
    last, trouble, good = source["last"], source["trouble"], source["last_good"]
    said, style = _RESULT[last["result"]]
    text = Text.assemble((source["source"], "bold"), "  ", (said, style), f" {_ago(last, now)}")
    if last["result"] in ("done", "degraded"):
        text.append(f": {_number(last['runs'], 'pair')}, {_number(last['new_scenes'], 'new image')}")
    if trouble is None:
        text.append(
            reasons(source["source"], last["reason"] or ""),
            style="" if last["result"] == "no_pair" else "yellow",
        )
        return text
    if last["result"] == "running":
        text.append(f"; before that {_RESULT[trouble['result']][0]}", style="bold red")
    text.append("; last good ")
    text.append("never" if good is None else _when(good["ended"]))
    since = f"since {_when(trouble['since'])}, {_number(trouble['attempts'], 'attempt')}: "
    text.append(reasons(source["source"], str(trouble["reason"]), before=since))
    return text


def _poll(poll: Mapping[str, Any], reasons: _Reasons) -> Text:
    """What the last scheduled look at a source came to."""
    bad = poll["outcome"] in _POLL_FAULTS
    said = poll["outcome"].upper() if bad else poll["outcome"]
    text = Text.assemble((str(poll["source"]), "bold"), "  ", (said, "bold red" if bad else "green"))
    if poll["failing_since"]:
        text.append(f" since {_when(poll['failing_since'])}", style="bold red")
    if poll["checked"]:
        text.append(f", looked {_clock(poll['checked'])}")
    if bad:
        text.append(reasons(str(poll["source"]), str(poll["message"])))
    return text


def _counts(findings: Mapping[str, Any]) -> Text:
    states, reasons = findings["states"], findings["reasons"]
    if not sum(states.values()):
        return Text("none yet")
    text = Text("  ").join(Text(f"{count} {state}", style=_STATE[state]) for state, count in states.items())
    waiting = [
        f"{reasons[code]} {words}"
        for code, words in (("no_later_date", "await a later date"), ("not_observed", "not seen since"),
                            ("unclear", "unclear"), ("seen_once", "seen on one date only"))
        if reasons.get(code)
    ]  # fmt: skip
    if waiting:
        text.append(f"\nprovisional: {', '.join(waiting)}", style="dim")
    return text


def _findings(rows: list[Mapping[str, Any]], *, wide: bool) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=10)
    table.add_column(no_wrap=True, min_width=8)
    table.add_column(no_wrap=True, overflow="ellipsis", min_width=14, max_width=20)
    table.add_column(justify="right", no_wrap=True, min_width=4)
    table.add_column(no_wrap=True, overflow="ellipsis", min_width=12, max_width=18 if wide else 14)
    table.add_column(no_wrap=True, min_width=11)
    if wide:
        table.add_column(overflow="ellipsis", no_wrap=True, style="dim", ratio=1)
    for row in rows:
        cells = [
            row["after_time"][:10], row["kind"], row["label"], f"{row['score']:.2f}", row["zone"] or "",
            Text(row["state"], style=_STATE[row["state"]]),
        ]  # fmt: skip
        table.add_row(*cells, *([row["note"]] if wide else []))
    return table


def _ago(attempt: Mapping[str, Any], now: datetime) -> str:
    began, ended = attempt["began"], attempt["ended"]
    if attempt["result"] == "running":
        return f"since {_when(began)}"
    hours = (now - _moment(ended or began)).total_seconds() / 3600
    if hours < 1:
        return "just now" if hours < 1 / 60 else f"{60 * hours:.0f} min ago"
    return f"{hours:.0f} h ago" if hours < 48 else f"{hours / 24:.0f} d ago"


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _when(moment: str) -> str:
    return f"{_moment(moment):%Y-%m-%d %H:%M}"


def _clock(moment: str) -> str:
    return f"{_moment(moment):%m-%d %H:%M}"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
