"""The command line: the group, its entry point and what a user sees when something goes wrong.

Subcommands are imported only when they are called, so that ``sitewatch --help`` answers at once and nothing but
the flows loads Prefect.
"""

import errno
import importlib
import itertools
import json
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from flows.errors import UnusableOutput
from imagery.errors import SitewatchError

COMMANDS = {
    "add": ("flows.cli_add", "Make images that you bought or were given ready to be compared."),
    "automations": ("flows.cli_automations", "Notifications on a Prefect server of your own."),
    "cases": ("flows.cli_cases", "What reviewers decided, as labelled cases for evaluate and train."),
    "demo": ("flows.cli_run", "Watch both sites on the built-in simulated archive."),
    "diff": ("flows.cli_diff", "Compare any two images of one place."),
    "evaluate": ("flows.cli_evaluate", "Score detection on labelled cases."),
    "export": (
        "flows.cli_export",
        "Hand a run over: GeoJSON, KML, CSV, GeoPackage, STAC, a brief as HTML or PDF.",
    ),
    "replay": ("flows.cli_replay", "Run over a past period again, as if each scheduled day had come."),
    "review": ("flows.cli_review", "The review desk: where people decide what each change is."),
    "run": ("flows.cli_run", "Watch sites: find images, compare them, keep what changed."),
    "scenes": ("flows.cli_scenes", "List the images a source has for a site, and why others are left out."),
    "serve": ("flows.cli_serve", "Watch sites on a schedule, until stopped."),
    "status": ("flows.cli_status", "How the watch stands: newest images, what failed and why, findings."),
    "train": ("flows.cli_train", "Fit a scorer to labelled cases."),
    "verify": ("flows.cli_verify", "Check that nothing in a run has changed since it was written."),
}
"""Command name to the module that holds it and its one-line help."""

EXIT_INTERNAL = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

_UNWRITABLE = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EFBIG,
    errno.EIO,
    errno.EDQUOT,
    errno.ENOTDIR,
    errno.EEXIST,
}


class LazyGroup(click.Group):
    """A group that imports a subcommand only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module; its function has the command's name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[cmd_name][0]), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sitewatch", prog_name="sitewatch")
def cli() -> None:
    """Watch places from orbit: what appeared, vanished or moved between two satellite images.

    Exit codes: 0 done (changed or not), 2 bad usage or unreadable input, 3 finished but some tiles failed or
    could not be assessed, 4 source unreachable.
    """


def main() -> NoReturn:
    """Console entry point."""
    signal.signal(signal.SIGTERM, _interrupt)
    if "--debug" not in sys.argv:
        warnings.simplefilter(
            "ignore"
        )  # of libraries, to programmers; what users must know is in notes and reasons
    sys.exit(call(sys.argv[1:]))


def call(args: Sequence[str]) -> int:
    """Run the command line.

    Parameters
    ----------
    args : sequence of str
        Without the program's name.

    Returns
    -------
    int
        Exit code. Messages have been written to stderr.
    """
    debug = "--debug" in args
    try:
        return int(cli.main(list(args), prog_name="sitewatch", standalone_mode=False) or 0)
    except click.ClickException as problem:
        problem.show()
        _error_document(args, problem.format_message(), EXIT_BAD_INPUT)
        return EXIT_BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        _say(
            "Interrupted.", "Nothing was left half-written; the same command again takes up where it stopped."
        )
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of stdout has gone; point it elsewhere so that the interpreter's last flush is quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as problem:
        if debug:
            _traceback()
        return _explain(args, problem, debug=debug)


def _explain(args: Sequence[str], problem: Exception, *, debug: bool) -> int:
    """Say what went wrong in a line or two; returns the exit code."""
    if isinstance(problem, OSError) and problem.errno in _UNWRITABLE:
        problem = UnusableOutput(
            f"{problem.filename or _out(args)}: {problem.strerror}. Choose another folder with --out, or make room."
        )
    if isinstance(problem, SitewatchError):
        _say("Error:", str(problem))
        _error_document(args, str(problem), problem.exit_code)
        return problem.exit_code
    message = f"{type(problem).__name__}: {problem}"
    hint = "" if debug else " Run it again with --debug to see where."
    _say("Internal error:", f"{message}. This is a fault in sitewatch, please report it.{hint}")
    _error_document(args, message, EXIT_INTERNAL)
    return EXIT_INTERNAL


def _out(args: Sequence[str]) -> str:
    """The output folder, as it was given."""
    given = [value for option, value in itertools.pairwise(args) if option == "--out"]
    return given[-1] if given else "output folder"


def _say(head: str, message: str) -> None:
    from rich.console import Console  # noqa: PLC0415 - most commands end without a message
    from rich.text import Text  # noqa: PLC0415

    text = Text.assemble((head, "bold red"), " ", message)
    Console(stderr=True, highlight=False).print(text, soft_wrap=True)


def _traceback() -> None:
    from rich.console import Console  # noqa: PLC0415 - see above

    Console(stderr=True).print_exception()


def _error_document(args: Sequence[str], message: str, code: int) -> None:
    """With --json stdout holds a document even then."""
    if "--json" in args:
        sys.stdout.write(json.dumps({"status": "error", "reason": message, "exit_code": code}) + "\n")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
