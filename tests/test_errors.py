import re

import pytest

from rnn_apps import errors
from rnn_apps.errors import RnnAppsError, did_you_mean, unknown_class

ALL = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, RnnAppsError)]


def make(error):
    return error("Training", "train") if error is errors.MissingExtraError else error("what and what to do")


def test_the_drawing_of_the_tree_is_right():
    drawn = re.findall(r"\n    ([│├└─ ]*)([A-Z]\w+)", errors.__doc__.partition("A message")[0])
    assert {name: len(stem) // 4 for stem, name in drawn} == {
        error.__name__: error.__mro__.index(RnnAppsError) for error in ALL
    }


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.ConfigError, ValueError),
        (errors.DataError, ValueError),
        (errors.OutputError, OSError),
        (errors.MissingExtraError, ImportError),
        (errors.NotFoundError, LookupError),
    ],
)
def test_errors_are_also_the_builtin_ones_that_people_catch(error, builtin):
    with pytest.raises(builtin):
        raise make(error)


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_exit_status_is_2_for_what_the_user_can_mend(error):
    assert error.exit_status == (1 if error is errors.TrainingInterrupted else 2)
    assert str(make(error))


def test_a_missing_extra_names_the_command_that_installs_it():
    error = errors.MissingExtraError("Training", "train")
    assert str(error).endswith('Run: pip install "rnn-apps[train]"')
    assert error.extra == "train"


def test_did_you_mean_names_the_closest_only_if_it_is_close():
    assert did_you_mean("unit", ["units", "layers"]) == " Did you mean 'units'?"
    assert did_you_mean("xyz", ["units", "layers"]) == ""
    assert did_you_mean("units", []) == ""


def test_case_and_the_beginning_of_a_name_are_close():
    assert did_you_mean("per", ["LOC", "PER"]) == " Did you mean 'PER'?"
    assert did_you_mean("pos", ["negative", "positive"]) == " Did you mean 'positive'?"
    assert did_you_mean("PERSON", ["LOC", "PER"]) == " Did you mean 'PER'?"
    assert did_you_mean("pos", ["positive", "possible"]) == ""
    assert did_you_mean("o", ["one", "two"]) == ""


def test_a_class_that_was_not_learnt_is_told_with_what_to_do():
    assert unknown_class("label", "Pos", ["neg", "pos"]) == (
        "the label 'Pos' was not in the training data. The model knows: neg, pos. Did you mean 'pos'? Write it so in "
        "the data."
    )
    assert unknown_class("type", "odd", ["neg"]).endswith("knows: neg. Leave such examples out, or train on some.")
