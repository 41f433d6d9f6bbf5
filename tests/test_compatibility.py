"""What was made before goes on working, or is told in one line what to change."""

from pathlib import Path

import pytest

import rnn_apps
from rnn_apps import task as task_module
from rnn_apps.errors import RnnAppsError

SHIPPED = [
    "digits",
    "music",
    "ner",
    "ner-zh",
    "sentiment",
    "sentiment-zh",
    "translation",
    "translation-zh-en",
]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_model_saved_before_answers_and_gives_its_keras_model(name):
    model = rnn_apps.load(name)
    assert len(model.predict(list(model.predictor.examples)[:1])) == 1
    keras_model = model.keras_model()
    assert keras_model.count_params() == model.bundle.manifest["parameters"]


def test_a_package_written_for_the_first_release_is_told_where_to_read_what_is_new(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "old" / "brackets"))
    monkeypatch.setattr(task_module, "_declared", lambda: {"brackets": "brackets.task:BracketsTask"})
    with pytest.raises(RnnAppsError) as caught:
        rnn_apps.find_task("brackets")
    (line,) = str(caught.value).splitlines()
    assert "'brackets'" in line
    assert "docs/extending.md" in line
