import json
import re
import shlex
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rnn_apps

TEXTS = [
    "The film was not dull, it was gripping.",
    "dull",
    "The room was dirty and the staff was rude, " * 30,
    "好看 🙂 שלום",
    "I would not recommend it.",
]


@pytest.fixture(scope="module")
def model(sentiment_model):
    return rnn_apps.load(sentiment_model)


@pytest.fixture(scope="module")
def keras_model(model):
    return model.keras_model()


def keras_probabilities(model, keras_model, texts):
    """What the Keras model says, each text for itself."""
    rows = [row["tokens"][None] for row in model.predictor.processor.encode_inputs(texts)]
    logits = np.concatenate([keras_model({"tokens": row}, training=False)["logits"].numpy() for row in rows])
    scaled = np.exp(logits.astype(np.float64) / model.bundle.calibration["temperature"])
    return scaled / scaled.sum(axis=1, keepdims=True)


def probabilities(predictions):
    return np.array([list(prediction.probabilities.values()) for prediction in predictions])


def test_every_door_gives_the_same_answer(rnnapps, sentiment_model, model, keras_model):
    found = model.predict(TEXTS)
    typed = json.loads(rnnapps("predict", sentiment_model, *TEXTS, "--json").stdout)
    piped = json.loads(rnnapps("predict", sentiment_model, "-", "--json", stdin="\n".join(TEXTS).encode()).stdout)
    again = rnn_apps.load(sentiment_model).predict(TEXTS)
    assert [prediction.model_dump() for prediction in found] == typed == piped
    assert found == again
    np.testing.assert_allclose(probabilities(found), keras_probabilities(model, keras_model, TEXTS), atol=1e-4)


def test_a_prediction_as_json_has_its_documented_form(rnnapps, sentiment_model):
    result = rnnapps("predict", sentiment_model, *TEXTS, "--json")
    assert (result.status, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 1
    for prediction in json.loads(result.stdout):
        assert list(prediction)[:3] == ["label", "probability", "probabilities"]
        assert list(prediction)[3:] in ([], ["warnings"])
        assert set(prediction["probabilities"]) == {"positive", "negative"}
        assert sum(prediction["probabilities"].values()) == pytest.approx(1.0)
        assert prediction["probability"] == max(prediction["probabilities"].values())
        assert prediction["probabilities"][prediction["label"]] == prediction["probability"]


texts = st.text(st.sampled_from("abc dull film not 🙂é好"), min_size=1, max_size=80).filter(str.strip)


@given(st.lists(texts, min_size=1, max_size=12))
@settings(max_examples=25)
def test_a_text_is_answered_alike_alone_and_beside_longer_ones(model, texts):
    longest = " ".join(texts) * 3
    together = probabilities(model.predict([*texts, longest]))
    alone = np.concatenate([probabilities(model.predict([text])) for text in [*texts, longest]])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_many_texts_keep_their_order(model):
    texts = [TEXTS[n % 5] + " more" * (n % 17) for n in range(300)]
    together = probabilities(model.predict(texts))
    for n in range(0, 300, 37):
        np.testing.assert_allclose(together[n], probabilities(model.predict([texts[n]]))[0], atol=1e-6)


def test_nothing_in_nothing_out(model):
    assert list(model.predict([])) == []


def test_what_is_no_text_is_told_with_its_number(model):
    with pytest.raises(rnn_apps.RnnAppsError, match=r"Expected texts\. Input 2 is of the type int"):
        model.predict(["fine", 3])


def test_a_person_reads_bars(rnnapps, sentiment_model):
    result = rnnapps("predict", sentiment_model, "[bold]fine[/bold] & <b>dull</b>")
    lines = result.stdout.splitlines()
    assert lines[0] == "[bold]fine[/bold] & dull"
    assert {line.split()[0] for line in lines[1:]} == {"positive", "negative"}
    assert all("%" in line for line in lines[1:])


def test_line_ends_of_windows_do_not_matter(rnnapps, sentiment_model):
    unix, windows = (
        rnnapps("predict", sentiment_model, "-", "--json", stdin=end.join([b"fine", b"dull"]) + end).stdout
        for end in (b"\n", b"\r\n")
    )
    assert unix == windows


def test_the_installed_command_answers_from_any_folder(command, sentiment_model, model, tmp_path):
    result = command("predict", sentiment_model, "-", "--json", cwd=tmp_path, stdin=b"fine\ndull\n")
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    assert json.loads(result.stdout) == [prediction.model_dump() for prediction in model.predict(["fine", "dull"])]


def test_images_are_answered_alike_through_every_door(rnnapps, digits_model, tmp_path):
    model = rnn_apps.load(digits_model)
    images = model.predictor.examples
    np.save(tmp_path / "image.npy", images[0])
    typed = rnnapps("predict", digits_model, *(json.dumps(image.tolist()) for image in images), "image.npy", "--json")
    found = json.loads(typed.stdout)
    assert found == [prediction.model_dump() for prediction in model.predict([*images, images[0]])]
    assert found[3] == found[0]
    batch = {"image": np.stack(images) / 16}
    logits = model.keras_model()(batch, training=False)["logits"].numpy()
    assert [prediction["label"] for prediction in found[:3]] == [str(number) for number in logits.argmax(axis=1)]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk", "utf-8"])
def test_json_is_json_in_every_console(sentiment_model, command, tmp_path, encoding):
    found = command("predict", "ner", "Zoë 😀 北京", "--json", cwd=tmp_path, PYTHONIOENCODING=encoding, raw=True)
    assert json.loads(found.decode(encoding))[0]["tokens"] == ["Zoë", "😀", "北", "京"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_standard_input_may_carry_a_byte_order_mark(rnnapps, sentiment_model, encoding):
    piped = rnnapps("predict", sentiment_model, "-", "--json", stdin="\n".join(TEXTS[:3]).encode(encoding))
    typed = rnnapps("predict", sentiment_model, *TEXTS[:3], "--json")
    assert piped.stdout == typed.stdout


def test_a_text_that_begins_with_a_dash(rnnapps, sentiment_model):
    result = rnnapps("predict", sentiment_model, "-1/10, would not watch again")
    assert result.status == 2
    assert "For a text that begins with '-', put -- before it." in result.stderr
    assert rnnapps("predict", sentiment_model, "--", "-1/10, would not watch again").status == 0


def test_an_option_that_is_not_there_names_those_that_are(rnnapps, sentiment_model):
    result = rnnapps("predict", sentiment_model, "fine", "--jsno")
    assert "There is no option '--jsno'. Did you mean '--json'?" in result.stderr
    assert "--attention" in result.stderr


def test_standard_input_in_an_old_encoding(rnnapps, sentiment_model):
    result = rnnapps("predict", sentiment_model, "-", "--encoding", "latin-1", stdin="très beau\n".encode("latin-1"))
    assert (result.status, "très beau" in result.stdout) == (0, True)
    assert rnnapps("predict", sentiment_model, "-", "--encoding", "klingon").status == 2


def test_lines_that_cannot_be_answered_stop_no_others(rnnapps, sentiment_model, model):
    result = rnnapps("predict", sentiment_model, "-", "--json", stdin=b"fine\n\ndull\n<br />\n")
    assert result.status == 0
    first, empty, third, markup = json.loads(result.stdout)
    assert [first, third] == [prediction.model_dump() for prediction in model.predict(["fine", "dull"])]
    assert list(empty) == list(markup) == ["error"]
    assert "the text is empty" in empty["error"]
    warning, second, fourth = result.stderr.splitlines()
    assert warning == "warning: 2 of 4 lines were not answered:"
    assert second.startswith("  standard input, line 2: the text is empty")
    assert fourth.startswith("  standard input, line 4: ")
    shown = rnnapps("predict", sentiment_model, "-", stdin=b"fine\n\ndull\n")
    assert [line for line in shown.stdout.splitlines() if not line.startswith(" ")] == ["fine", "dull"]


def test_where_no_line_can_be_answered_it_is_an_error(rnnapps, sentiment_model):
    result = rnnapps("predict", sentiment_model, "-", "--json", stdin=b"\n \n")
    assert (result.status, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: standard input, line 1: the text is empty")


def test_the_name_of_a_file_is_not_taken_for_a_text(rnnapps, sentiment_model, tmp_path):
    name = "my reviews.csv"
    (tmp_path / name).write_text("text\nfine\n")
    result = rnnapps("predict", sentiment_model, "fine", name)
    assert (result.status, result.stdout) == (2, "")
    assert (
        f"Error: '{name}' is a file. Its rows are answered with: rnnapps predict {sentiment_model} --data"
        in result.stderr
    )
    (words,) = re.findall(r"answered with: rnnapps (.*?)\. The name", result.stderr)
    assert rnnapps(*shlex.split(words)).status == 0
    assert (tmp_path / "answers.csv").read_text().startswith("text,label,")


@pytest.mark.parametrize("text", ["reviws.csv", "data/Reviews.TSV.gz", "notes.txt"])
def test_what_looks_like_the_name_of_a_file_is_answered_with_a_warning(rnnapps, sentiment_model, text):
    result = rnnapps("predict", sentiment_model, text, "--json")
    assert result.status == 0
    assert result.stderr == f"warning: there is no file {text}; what is answered is its name.\n"


@pytest.mark.parametrize("text", ["I liked it.txt", "fine", "Read more at http://a.b/c.html", "x" * 5000, "a.b"])
def test_a_text_is_no_name_of_a_file(rnnapps, sentiment_model, text):
    assert rnnapps("predict", sentiment_model, text, "--json").stderr == ""


def test_workers_without_ray_say_what_to_install(rnnapps, sentiment_model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "a.txt").write_text("fine\n")
    done = rnnapps("predict", sentiment_model, "--data", "a.txt", "--output", "new", "--workers", 1)
    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.endswith(
        '--workers needs packages that are not installed. Run: pip install "rnn-apps[cluster]"\n'
    )


def test_many_files_without_workers_and_a_far_file(sentiment_model, rnnapps, tmp_path):
    fsspec = pytest.importorskip("fsspec")
    (tmp_path / "lake").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "lake" / name).write_text("good film\n")
    for data in ("lake", "lake/*.txt"):
        result = rnnapps("predict", sentiment_model, "--data", data, "--output", "answers.jsonl")
        assert (result.status, result.stdout) == (2, "")
        assert "stands for several files" in result.stderr
    files = fsspec.filesystem("memory")
    files.pipe("/lake/a.csv", b"text\ngood film\n")
    result = rnnapps("predict", sentiment_model, "--data", "memory://lake/a.csv", "--output", "answers.csv")
    files.store.clear()
    assert result.status == 0, result.stderr
    assert (tmp_path / "answers.csv").read_text().splitlines()[1].startswith("good film,")
