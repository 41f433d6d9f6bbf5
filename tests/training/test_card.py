import csv
import json
import re

import pytest

from rnn_apps.evaluation import Evaluation
from rnn_apps.inference.metrics import Judgement
from rnn_apps.task import find_task
from rnn_apps.training.card import errors_of, write_card, write_history


@pytest.fixture
def facts(digits_model):
    return json.loads((digits_model / "bundle.json").read_text())


@pytest.fixture
def card(facts):
    return write_card("my-model", find_task("digits"), facts)


def test_the_card_of_a_bundle_is_written_from_its_facts(digits_model, facts):
    card = write_card(digits_model.name, find_task("digits"), facts)
    assert (digits_model / "README.md").read_text(encoding="utf-8") == card


def test_every_metric_is_in_the_table(card, facts):
    table = dict(re.findall(r"^\| (.+?) \| (\d\.\d{4}) \|$", card, re.M))
    assert table["accuracy"] == f"{facts['metrics']['accuracy']:.4f}"
    assert len(table) == len(facts["metrics"])


def test_the_card_says_where_the_model_errs(card, facts, digits_model):
    section = card.partition("## Where it errs")[2].partition("\n## ")[0]
    assert "By class:" in section
    assert "What is taken for what:" in section
    mistaken = re.findall(r"^\| (\d) \| (\d) \| (\d+) \| [\d.]+% \|$", section, re.M)
    wrong = round((1 - facts["metrics"]["accuracy"]) * facts["data"]["validation_examples"])
    assert 0 < sum(int(times) for *_, times in mistaken) <= wrong
    assert all(right != said for right, said, _ in mistaken)


def evaluation(**facts):
    plain = {"model": "m", "metrics": {}, "headline": "accuracy", "groups": {}, "judgements": [], "inputs": []}
    return Evaluation(**{**plain, "examples": 1200, "confidences": None, "_measure": None, **facts})


def test_errors_are_told_without_the_examples_and_of_how_many():
    judgements = [Judgement("a|b", "c", 0.0, 0.9, ()), Judgement("c", "c", 1.0, 0.9, ())]
    told = errors_of(evaluation(groups={"c": (1, 1, 2)}, judgements=judgements, inputs=["secret", "words"]), False)
    assert told.startswith("On the first 1,200 of these examples.\n\nBy class:\n\n|  | precision |")
    assert told.endswith("| c | a\\|b | 1 | 50.0% |")
    assert "secret" not in told
    assert errors_of(evaluation(headline="perplexity"), True) == ""


def test_of_many_classes_only_the_weakest_are_told():
    told = errors_of(evaluation(groups={f"class {n}": (n, 100, 100) for n in range(100)}), True)
    assert "The weakest of 100 classes:" in told
    assert [f"| class {n} |" in told for n in (0, 39, 40)] == [True, True, False]


def settings_table(config, prefix=""):
    for name, value in config.items():
        if isinstance(value, dict):
            yield from settings_table(value, f"{prefix}{name}.")
        else:
            yield f"| `{prefix}{name}` | `{value}` |"


def test_every_setting_is_in_the_table(card, facts):
    lines = list(settings_table({name: value for name, value in facts["config"].items() if name != "pretraining"}))
    assert len(lines) > 10
    assert set(lines) <= set(card.splitlines())


def test_settings_of_pretraining_are_in_the_table_where_there_was_pretraining(card, facts):
    settings = {"pretraining": facts["config"]["pretraining"]}
    assert not any(line in card for line in settings_table(settings))
    pretrained = {**facts, "training": {**facts["training"], "pretraining": {"seconds": 9.0, "loss": 3.1}}}
    assert set(settings_table(settings)) <= set(write_card("m", find_task("digits"), pretrained).splitlines())


def test_the_card_says_what_it_was_trained_on_and_how(card, facts):
    assert f"the built-in sample of 'digits' ({facts['data']['training_examples']:,} examples)" in card
    assert f"- parameters: {facts['parameters']:,}" in card
    assert f"- seed: {facts['seed']}" in card
    assert "rounded to half precision" in card
    assert facts["training"]["command"] in card
    assert f"- epochs: {facts['training']['epochs']}, the best was {facts['training']['best_epoch']}" in card


def test_the_card_shows_how_to_use_the_model(card):
    assert card.startswith("# my-model\n")
    assert "rnnapps predict my-model" in card
    assert 'rnn_apps.load("my-model")' in card
    assert "one-to-one" in card


def test_what_is_not_known_is_left_out(facts):
    facts["data"] |= {"about": "", "licence": ""}
    facts["training"]["command"] = ""
    card = write_card("m", find_task("digits"), facts)
    assert "- about" not in card
    assert "- licence" not in card
    assert "- command" not in card
    assert "None" not in re.sub(r"\| `.*", "", card)


def test_the_card_of_a_model_that_generates_says_how(facts):
    assert "\nrnnapps generate tunes " in write_card("tunes", find_task("music"), facts)
    assert "\nrnnapps predict digits ..." in write_card("digits", find_task("digits"), facts)


ROWS = [
    {"epoch": float(n), "loss": 1 / n, "val_loss": 1.1 / n, "val_f1": 0.123456789 * n, "gradient_norm": 2.0}
    for n in (1, 2, 3)
]


def test_the_table_has_a_header_and_a_line_an_epoch(tmp_path):
    write_history(tmp_path / "history.csv", ROWS)
    with (tmp_path / "history.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [list(line) for line in lines] == [list(ROWS[0])] * 3
    for line, row in zip(lines, ROWS, strict=True):
        assert {name: float(value) for name, value in line.items()} == pytest.approx(row, rel=1e-5)
    assert [line["epoch"] for line in lines] == ["1", "2", "3"]
