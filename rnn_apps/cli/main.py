"""The command `rnnapps`. Commands are imported when they are called, so that `--help` answers at once."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from importlib import import_module
from typing import Any

import click

import rnn_apps
from rnn_apps.errors import RnnAppsError, did_you_mean

COMMANDS = {
    "run": "Train, evaluate, save and show a model, or go on where that stopped.",
    "train": "Train and save a model; refuse to touch one that exists.",
    "tune": "Search for settings, and save the best model.",
    "join": "Join saved models that pick a class into one.",
    "evaluate": "Measure a saved model on labelled data.",
    "predict": "Answer inputs with a saved model.",
    "inspect": "Look into a saved model while it answers.",
    "learn": "Open a short course on recurrent networks, measured on this machine.",
    "generate": "Let a saved model compose, and write what comes as files.",
    "serve": "Answer over HTTP with saved models.",
    "export": "Write a saved model for other programs.",
    "tasks": "List the tasks.",
    "models": "List the saved models.",
    "new": "Write a package with a new task to start from.",
}

_OBJECTS = 50_000  # new ones until rubbish is searched for: starting makes many, which all stay


class LazyGroup(click.Group):
    """A group that imports a command's module when it is needed."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Returns the names of the commands in the order of their use."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Imports the command of this name."""
        if name not in COMMANDS:
            return None
        command = import_module(f"rnn_apps.cli.{name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        """Finds the command, or says which was meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"There is no command '{args[0]}'.{did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(rnn_apps.__version__, prog_name="rnnapps")
def cli() -> None:
    """Train, look into and save recurrent networks, one command each.

    Start with: rnnapps run sentiment
    """


def main() -> None:
    """Runs the command line; ends with status 0, 1 (failed) or 2 (wrong usage or input)."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    gc.set_threshold(_OBJECTS)
    atexit.register(gc.freeze)  # what goes with the process need not be searched for rubbish first
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # it searches all packages for some at every start
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        _fail("Aborted.", 1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except RnnAppsError as error:
        _fail(f"Error: {error}", error.exit_status)


def _fail(message: str, status: int) -> None:
    click.echo(message, err=True)
    sys.exit(status)
