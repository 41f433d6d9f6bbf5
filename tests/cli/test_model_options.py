"""What a predictor lets one choose becomes options of the command line, whatever its type."""

from typing import Literal

import click
import pytest

from rnn_apps.cli.model_options import _click_options
from rnn_apps.inference.options import Options, check_options, option


class Chosen(Options):
    loud: bool = option(False, "Shouts.")
    voice: Literal["low", "high"] = option("low", "How it sounds.")
    best_of: int | None = option(None, "Tries.")
    warmth: float = option(1.0, "Warmth.")
    name: str = option("", "Who speaks.")


@pytest.fixture
def parse():
    command = click.Command("say", params=_click_options(Chosen))

    def call(*arguments):
        context = command.make_context("say", list(arguments))
        return {name: value for name, value in context.params.items() if value is not None}

    return call


def test_what_is_not_given_is_left_to_the_model(parse):
    assert parse() == {}


def test_every_type_has_its_flag(parse):
    given = parse("--loud", "--voice", "high", "--best-of", "3", "--warmth", "0.5", "--name", "Ann")
    assert given == {"loud": True, "voice": "high", "best_of": 3, "warmth": 0.5, "name": "Ann"}
    assert check_options(Chosen, given).loud
    assert parse("--no-loud") == {"loud": False}


def test_a_choice_that_is_none_is_refused(parse):
    with pytest.raises(click.BadParameter, match="low"):
        parse("--voice", "shrill")
