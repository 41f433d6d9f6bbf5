"""What a shell completes: the names of tasks and of saved models."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem


def tasks(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """The tasks that begin like this."""
    from rnn_apps.task import task_names

    return _beginning(task_names(), begun)


def models(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """The saved models that begin like this; where there is none, folders, since a path is taken too."""
    from rnn_apps.bundle import model_folders

    return _beginning(model_folders(), begun) or [CompletionItem(begun, type="dir")]


def _beginning(names: Iterable[str], begun: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(begun)]
