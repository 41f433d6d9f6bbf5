"""Options of the commands that answer: those of the model's predictor, made from its fields."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

from rnn_apps.bundle import find_folder, task_of
from rnn_apps.errors import RnnAppsError, did_you_mean
from rnn_apps.inference.options import Options, option_facts
from rnn_apps.model import Model
from rnn_apps.task import find_task

_KINDS = {int: (int, "N"), float: (float, "X"), str: (str, "TEXT")}
_FILE = (click.Path(path_type=Path), "FILE")


class ModelCommand(click.Command):
    """A command on a saved model, which also has an option for each of what the model's predictor lets one choose.

    Which options these are, the model says: `rnnapps predict MODEL --help` lists them.
    """

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Finds the model among the arguments, takes its options, and then parses as usual."""
        options = next(filter(None, map(_options_of, args)), None)
        if options is not None:
            taken = {param.name for param in self.params}
            self.params = self.params + [own for own in _click_options(options) if own.name not in taken]
        try:
            return super().parse_args(context, args)
        except click.NoSuchOption as error:
            known = sorted(name for param in self.params for name in param.opts if name.startswith("--"))
            raise click.UsageError(
                f"There is no option '{error.option_name}'.{did_you_mean(error.option_name, known)} There are: "
                f"{', '.join(known)}. For a text that begins with '-', put -- before it.",
                context,
            ) from None


def chosen_options(model: Model, values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options of a predictor that were given; those that are inputs themselves are read."""
    predictor = model.predictor
    return {
        name: predictor.parse(str(value)) if name in predictor.input_options else value
        for name, value in values.items()
        if value is not None
    }


def _options_of(argument: str) -> type[Options] | None:
    """Returns what can be chosen of the saved model that an argument names; None where it names none."""
    folder = None if argument.startswith("-") else find_folder(argument)
    if folder is None:
        return None
    try:
        return find_task(task_of(folder)).predictor_class.Options
    except RnnAppsError:  # said better when the model is loaded
        return None


def _click_options(options: type[Options]) -> list[click.Option]:
    hints = get_type_hints(options)
    return [_click_option(name, hints[name], facts.help) for name, facts in option_facts(options).items()]


def _click_option(name: str, annotation: Any, help: str) -> click.Option:
    flag = f"--{name.replace('_', '-')}"
    annotations = (annotation, *get_args(annotation))
    if bool in annotations:
        return click.Option([f"{flag}/--no-{flag[2:]}", name], default=None, help=help)
    if get_origin(annotation) is Literal:
        return click.Option([flag, name], type=click.Choice(get_args(annotation)), help=help)
    kind, metavar = next((_KINDS[part] for part in annotations if part in _KINDS), _FILE)
    return click.Option([flag, name], type=kind, metavar=metavar, help=help)
