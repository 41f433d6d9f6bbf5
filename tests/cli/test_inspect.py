"""`rnnapps inspect`, the real command line."""

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

TEXT = "The room was clean, but the food was awful."


@pytest.fixture(scope="module")
def looked(command, sentiment_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("looked")
    return command("inspect", sentiment_model, TEXT, "--view", "all", cwd=folder)


def test_a_terminal_shows_every_view_in_eighty_columns(looked):
    assert looked.status == 0, looked.stderr
    for part in (
        "layer 1, forward",
        "Γf",
        "Memory: half of the units",
        "the gradient through time",
        "leave one out",
        "integrated gradients",
        "Gradient norm before clipping",
        "Saturation of gates",
        "Dead units",
    ):
        assert part in looked.stdout, part
    assert max(map(cell_len, looked.stdout.splitlines())) <= 80
    assert "\x1b" not in looked.stdout  # no colour where no terminal is


def test_a_console_of_ascii_shows_it_too(command, sentiment_model, tmp_path):
    result = command("inspect", sentiment_model, TEXT, cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert result.status == 0, result.stderr
    assert "layer 1, forward" in result.stdout


def test_data_is_written_whole(rnnapps, sentiment_model):
    assert rnnapps("inspect", sentiment_model, TEXT, "a fine day", "--output", "seen.json").stdout == "seen.json\n"
    facts = json.loads(Path("seen.json").read_text(encoding="utf-8"))
    assert [own["input"] for own in facts["inputs"]] == [TEXT, "a fine day"]
    assert facts["training"]["steps"][0] == 1
    assert len(facts["training"]["before"]) == len(facts["training"]["steps"])


def test_a_picture_is_written(rnnapps, sentiment_model):
    assert rnnapps("inspect", sentiment_model, TEXT, "--output", "seen.png").status == 0
    assert Path("seen.png").read_bytes()[:4] == b"\x89PNG"


def test_lines_of_stdin_are_looked_into(rnnapps, sentiment_model):
    result = rnnapps("inspect", sentiment_model, "-", "--view", "leave-one-out", stdin=b"good food\nbad food\n")
    assert result.stdout.count("leave one out") == 4


def test_the_training_alone_needs_no_input(rnnapps, sentiment_model):
    result = rnnapps("inspect", sentiment_model, "--view", "training")
    assert result.status == 0
    assert "Share of steps that were clipped" in result.stdout


def test_tensorboard_reads_the_records(rnnapps, sentiment_model, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert rnnapps("inspect", sentiment_model, "--tensorboard", "logs").stdout == "logs\n"
    events = accumulator.EventAccumulator(str(tmp_path / "logs"), size_guidance={"tensors": 0})
    events.Reload()
    tags = events.Tags()["tensors"]
    assert "gradient norm before clipping/embedding" in tags
    assert any(tag.startswith("saturated gates/") for tag in tags)


def test_bad_inputs_are_refused_in_one_line_each(fails, sentiment_model, tmp_path):
    model = str(sentiment_model)
    assert "Expected at least one input to look into" in fails("inspect", model)
    assert "There is no view 'gats'. Did you mean 'gates'?" in fails("inspect", model, "a", "--view", "gats")
    assert "no attention, no search and no CRF" in fails("inspect", model, "a", "--view", "attention")
    assert "text is empty" in fails("inspect", model, " ")
    assert "Expected an output that ends in .html, .png, .json" in fails("inspect", model, "a", "--output", "a.txt")
    assert "there is no folder" in fails("inspect", model, "a", "--output", "no/a.html")
    assert "There is no saved model" in fails("inspect", "sentment", "a")
    (tmp_path / "there.html").write_text("mine")
    assert "--overwrite" in fails("inspect", model, "a", "--output", "there.html")


def test_an_export_says_what_it_has_not(rnnapps, fails, sentiment_model):
    assert rnnapps("export", sentiment_model, "--quantize", "int8", "--output", "small").status == 0
    assert "is an export" in fails("inspect", "small", TEXT, "--view", "gradient")
    assert rnnapps("inspect", "small", TEXT, "--view", "gates").status == 0
