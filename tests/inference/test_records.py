import json
from dataclasses import FrozenInstanceError, field, replace

import pytest
from pydantic import Field, model_validator

from rnn_apps.errors import ConfigError
from rnn_apps.inference.options import Options, check_options, option
from rnn_apps.inference.predictor import WarnedPrediction
from rnn_apps.inference.records import Record, hidden_list


class Word(Record):
    text: str
    span: tuple[int, int]


class Sentence(WarnedPrediction):
    words: list[Word]
    pictures: list[bytes] = hidden_list()
    warnings: list[str] = field(default_factory=list)


class Hotter(Options):
    beam: int | None = option(None, "Hypotheses.", ge=1)
    temperature: float | None = option(None, "How hot.", gt=0)

    def __post_init__(self) -> None:
        if self.beam and self.temperature:
            raise ConfigError("Expected a beam or a temperature.")


SENTENCE = Sentence(words=[Word(text="so", span=(0, 2))], pictures=[b"png"])


def test_a_class_is_a_frozen_dataclass_because_it_derives_from_one():
    assert Word(text="so", span=(0, 2)) == SENTENCE.words[0] != replace(SENTENCE.words[0], text="no")
    assert Sentence.names() == ["words", "pictures", "warnings"]
    with pytest.raises(FrozenInstanceError):
        SENTENCE.words[0].text = "no"
    with pytest.raises(TypeError, match="span"):
        Word(text="so")


def test_what_is_written_for_pydantic_is_refused_not_passed_over():
    with pytest.raises(ConfigError, match=r"Old\.\w+ is written for pydantic.*docs/extending\.md"):

        class Old(Options):
            beam: int = 1

            @model_validator(mode="after")
            def check(self):
                return self

    with pytest.raises(ConfigError, match=r"beam is written for pydantic"):

        class Older(Options):
            beam: int = Field(1, ge=1)


def test_its_json_has_what_is_in_it_and_leaves_out_what_is_hidden_or_no_warning():
    assert SENTENCE.model_dump() == {"words": [{"text": "so", "span": [0, 2]}]}
    assert json.loads(json.dumps(SENTENCE.model_dump())) == SENTENCE.model_dump()
    assert replace(SENTENCE, warnings=["odd"]).model_dump()["warnings"] == ["odd"]


def test_what_is_hidden_makes_no_difference():
    assert replace(SENTENCE, pictures=[]) == SENTENCE
    assert "png" not in repr(SENTENCE)


def test_options_that_do_not_go_together_are_refused_however_they_are_made():
    for make in (lambda own: check_options(Hotter, own), lambda own: Hotter(**own)):
        assert make({"beam": 2}).beam == 2
        with pytest.raises(ConfigError, match="a beam or a temperature"):
            make({"beam": 2, "temperature": 1.0})
