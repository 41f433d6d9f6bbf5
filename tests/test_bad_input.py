"""Everything a user can get wrong: each is said plainly, ends with status 2, and leaves nothing half-written."""

import json
import shutil

import numpy as np
import pytest

from rnn_apps.bundle import facts_digest

ROWS = [("good", f"a fine film, number {n}") if n % 2 else ("bad", f"a dull film, number {n}") for n in range(30)]
TINY = (
    *("--set", "training.epochs=1", "--set", "model.units=4", "--set", "model.layers=1"),
    *("--set", "model.embedding=4", "--set", "data.vocabulary_size=300"),
)


def tsv(rows):
    return "".join(f"{label}\t{text}\n" for label, text in rows).encode()


@pytest.fixture
def data(tmp_path):
    def write(content, name="data.tsv"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


BAD_FILES = {
    "empty": (b"", ["data.tsv is empty"]),
    "a line without a tab": (tsv(ROWS) + b"no tab\n", ["data.tsv, line 31: expected 2 cells between tabs", "'no tab'"]),
    "a header only": (b"label\ttext\n", ["data.tsv has no example"]),
    "one class": (tsv([("good", "fine")] * 9), ["Expected at least two classes", "the label 'good'"]),
    "fewer examples than classes": (
        tsv([(f"c{n}", "fine") for n in range(9)]),
        ["Expected at least two examples a class", "is the label in the first column?"],
    ),
    "not UTF-8": (
        tsv(ROWS) + b"good\tcaf\xe9\n",
        ["data.tsv, line 31: expected UTF-8", "0xe9 at position 9", "--encoding latin-1"],
    ),
    "an empty text": (tsv(ROWS) + b"good\t \n", ["data.tsv, line 31: the text is empty"]),
    "only markup": (tsv([*ROWS, ("good", "<br /><br />")] * 9), ["the text is empty", "markup do not count"]),
    "only control characters": (tsv([*ROWS, ("good", "\x01\x02")] * 9), ["the text is empty"]),
    "an empty label": (tsv(ROWS) + b"\tfine\n", ["data.tsv, line 31: the label is empty"]),
}


@pytest.mark.parametrize("case", BAD_FILES)
@pytest.mark.parametrize("command", ["run", "train"])
def test_bad_training_data(fails, data, case, command):
    content, messages = BAD_FILES[case]
    said = fails(command, "sentiment", "--data", data(content), *TINY)
    for message in messages:
        assert message in said


def test_bad_training_data_in_a_process_of_its_own(command, tmp_path, data, files_below):
    path = data(BAD_FILES["a line without a tab"][0])
    result = command("run", "sentiment", "--data", path, cwd=tmp_path)
    assert (result.status, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith(f"Error: {path}, line 31: expected 2 cells between tabs")
    assert files_below(tmp_path) in (["data.tsv"], ["data.tsv", "saved_models"])


@pytest.mark.parametrize("option", ["--data", "--valid", "--unlabelled"])
def test_a_missing_file(fails, data, option):
    arguments = [] if option == "--data" else ["--data", data(tsv(ROWS))]
    assert "There is no file" in (said := fails("run", "sentiment", *arguments, option, "none.tsv", *TINY))
    assert "none.tsv" in said


def test_unlabelled_texts_for_a_task_that_has_no_use_for_them(fails, images, data):
    said = fails("run", "digits", "--data", images, "--unlabelled", data(b"a text\n", "texts.txt"))
    assert "does not learn from texts without labels. Leave --unlabelled out." in said


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("pretraining.epochs=8", "Say which with --unlabelled"),
        ("data.fold=2", "fold is one of the folds"),
        ("pretraining.window=20", "There is no setting 'pretraining.window'"),
        ("training.window=20", "this network carries none. Leave it out."),
    ],
)
def test_settings_of_what_is_not_done(fails, data, setting, message):
    assert message in fails("run", "sentiment", "--data", data(tsv(ROWS)), "--set", setting, *TINY)


@pytest.mark.parametrize("option", [["--set", "training.adversarial=0.1"], ["--freeze", "encoder"]])
def test_settings_for_recurrent_layers_where_there_are_none(fails, images, digits_model, option):
    said = fails("run", "digits", "--data", images, "--from", digits_model, "--output", "new", *option)
    assert said.strip().endswith(("Leave 'encoder' out of training.freeze.", "and here are none. Leave it out."))


def test_unlabelled_texts_that_are_not_utf8(fails, data):
    path = data(b"a text\ncaf\xe9\n", "texts.txt")
    said = fails("run", "sentiment", "--data", data(tsv(ROWS)), "--unlabelled", path, *TINY)
    assert f"{path}, line 2: expected UTF-8" in said


def test_a_folder_for_a_file(fails, tmp_path):
    (tmp_path / "folder.tsv").mkdir()
    said = fails("run", "sentiment", "--data", "folder.tsv")
    assert f"There is no file in the folder {tmp_path / 'folder.tsv'}." in said
    (tmp_path / "folder.tsv" / "notes.docx").write_bytes(b"x")
    said = fails("run", "sentiment", "--data", "folder.tsv")
    assert "Expected a file that ends in .tsv, .csv, .jsonl, .json or .parquet" in said
    said = fails("run", "sentiment", "--unlabelled", "folder.tsv")
    assert f"{tmp_path / 'folder.tsv'} is a folder" in said or "Expected a file. folder.tsv is a folder." in said


def test_a_file_of_another_kind(fails, data):
    said = fails("run", "sentiment", "--data", data(b"x", "data.xlsx"))
    assert "Expected a file that ends in .tsv, .csv, .jsonl, .json or .parquet" in said


def test_two_files_where_one_is_read(fails, data):
    path = data(tsv(ROWS))
    assert "Expected one data file. Received 2" in fails("run", "sentiment", "--data", path, "--data", path)


def test_validation_data_without_an_example(fails, data):
    said = fails("run", "sentiment", "--data", data(tsv(ROWS)), "--valid", data(b"label\ttext\n", "valid.tsv"), *TINY)
    assert "valid.tsv has no example" in said


def test_a_label_in_the_validation_data_that_training_never_saw(fails, data):
    valid = data(tsv([("good", "fine"), ("so-so", "hm")]), "valid.tsv")
    said = fails("run", "sentiment", "--data", data(tsv(ROWS)), "--valid", valid, *TINY)
    assert "valid.tsv, line 2: the label 'so-so' was not in the training data. The model knows: bad, good." in said


BAD_NPZ = {
    "no .npz": (b"images", "cannot be read as an .npz file"),
    "empty": (b"", "cannot be read as an .npz file"),
    "other arrays": ({"a": np.zeros(3)}, "Expected the arrays images and labels"),
    "no image": ({"images": np.zeros((0, 2, 2)), "labels": np.zeros(0)}, "has no image"),
    "flat images": ({"images": np.zeros((3, 4)), "labels": np.zeros(3)}, "expected numbers images (examples, height"),
    "too few labels": ({"images": np.zeros((3, 2, 2)), "labels": np.zeros(2)}, "Received: float64 (3, 2, 2) and (2,)"),
    "one class": ({"images": np.ones((9, 2, 2)), "labels": np.zeros(9, int)}, "Expected two classes or more"),
    "black images": ({"images": np.zeros((9, 2, 2)), "labels": np.arange(9) % 2}, "All are empty"),
    "no number": ({"images": np.full((9, 2, 2), np.nan), "labels": np.arange(9) % 2}, "pixels that are no numbers"),
    "infinite": ({"images": np.full((9, 2, 2), np.inf), "labels": np.arange(9) % 2}, "pixels that are no numbers"),
    "pickles": ({"images": np.array([{}]), "labels": np.zeros(1)}, "cannot be read as an .npz file"),
}


@pytest.mark.parametrize("case", BAD_NPZ)
def test_bad_images(fails, data, tmp_path, case):
    content, message = BAD_NPZ[case]
    path = data(content if isinstance(content, bytes) else b"", "images.npz")
    if isinstance(content, dict):
        np.savez(path, **content)
    assert message in (said := fails("run", "digits", "--data", path))
    assert "images.npz" in said or "images" in said


def test_damaged_images(fails, tmp_path):
    path = tmp_path / "images.npz"
    rng = np.random.default_rng(0)
    np.savez_compressed(path, images=rng.uniform(size=(50, 8, 8)), labels=np.arange(50) % 2)
    whole = path.read_bytes()
    for place in range(100, len(whole) - 100, len(whole) // 12):
        path.write_bytes(whole[:place] + b"\x00\xff" * 30 + whole[place + 60 :])
        assert "images.npz cannot be read as an .npz file" in fails("run", "digits", "--data", path)
    path.write_bytes(whole[: len(whole) // 2])
    assert "images.npz cannot be read as an .npz file" in fails("run", "digits", "--data", path)


@pytest.mark.parametrize(
    ("setting", "messages"),
    [
        ("model.unit=3", ["There is no setting 'model.unit'. Did you mean 'units'?"]),
        ("training.batch_size=-8", ["Setting 'training.batch_size': input should be greater than 0. Received: -8"]),
        ("model.cell=lstmm", ["Setting 'model.cell': input should be 'lstm', 'gru' or 'simple_rnn'", "'lstmm'"]),
        ("model.dropout=1.5", ["Setting 'model.dropout': input should be less than 1. Received: 1.5"]),
        ("data.vocabulary_size=10", ["Setting 'data.vocabulary_size': input should be greater than or equal to 300"]),
        ("nonsense", ["Expected a setting of the form section.name=value. Received: 'nonsense'"]),
    ],
)
def test_bad_settings(fails, setting, messages):
    said = fails("run", "sentiment", "--set", setting)
    for message in messages:
        assert message in said


def test_bad_settings_in_a_file(fails, data):
    said = fails("run", "sentiment", "--config", data(b"[model]\nunit = 3\n", "settings.toml"))
    assert "Did you mean 'units'?" in said
    assert "There is no configuration file none.toml" in fails("run", "sentiment", "--config", "none.toml")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "sentiment", "--seed", "-1"),
        ("run", "sentiment", "--dta", "x"),
        ("run",),
        ("predict",),
        ("evaluate", "m", "--split"),
        ("no-such-command",),
    ],
)
def test_wrong_usage(fails, arguments):
    assert fails(*arguments)


def test_a_task_that_is_not_there(fails):
    assert "There is no task 'sentimant'. Did you mean 'sentiment'? Installed:" in fails("run", "sentimant")


@pytest.mark.parametrize("command", ["run", "train"])
@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
class TestOutput:
    def test_a_file_in_the_place(self, fails, data, tmp_path, command, overwrite):
        (tmp_path / "out").write_text("precious")
        said = fails(command, "sentiment", "--data", data(tsv(ROWS)), "--output", "out", *overwrite)
        assert f"Expected a folder for the model. {tmp_path / 'out'} is a file." in said
        assert (tmp_path / "out").read_text() == "precious"

    def test_a_file_above_the_place(self, fails, data, tmp_path, command, overwrite):
        (tmp_path / "out").write_text("precious")
        said = fails(command, "sentiment", "--data", data(tsv(ROWS)), "--output", "out/a/b", *overwrite)
        assert f"{tmp_path / 'out'} is a file" in said

    def test_a_folder_that_is_no_model(self, fails, data, tmp_path, command, overwrite):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "thesis.tex").write_text("precious")
        said = fails(command, "sentiment", "--data", data(tsv(ROWS)), "--output", "out", *overwrite)
        assert ("it is not replaced" if overwrite else "exists") in said
        assert (tmp_path / "out" / "thesis.tex").read_text() == "precious"

    def test_a_read_only_place(self, fails, data, tmp_path, command, overwrite, mount):
        mount("ro")
        said = fails(command, "sentiment", "--data", data(tsv(ROWS)), "--output", "disk/out", *overwrite)
        assert "cannot be written to" in said
        assert "Read-only file system" in said


def test_a_model_that_exists_needs_overwrite(fails, sentiment_model, reviews):
    for command in ("run", "train"):
        said = fails(command, "sentiment", "--data", reviews, "--output", sentiment_model, *TINY)
        assert f"{sentiment_model} exists" in said
        assert "--overwrite" in said


def test_a_loss_that_is_no_number(fails, images):
    settings = ("--set", "training.learning_rate=1e30", "--set", "training.warmup=0.0")
    said = fails("train", "digits", "--data", images, "--output", "out", *settings, "--set", "training.batch_size=8")
    assert "at step " in said
    assert "The learning rate is 1e+30" in said
    assert "--set training.learning_rate=1e+29" in said


class TestPrediction:
    @pytest.fixture
    def model(self, sentiment_model, tmp_path):
        return shutil.copytree(sentiment_model, tmp_path / "opinion")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "input 1: the text is empty"),
            ("   ", "input 1: the text is empty"),
            ("<br/>", "input 1: the text is empty"),
            ("\u200b\x07", "input 1: the text is empty"),
        ],
    )
    def test_an_empty_text(self, fails, model, text, message):
        assert message in fails("predict", model, text)

    def test_an_empty_text_has_its_number(self, fails, model):
        assert "input 2: the text is empty" in fails("predict", model, "fine", "", "dull", "--json")

    def test_nothing_to_answer(self, fails, model):
        for arguments in ((), ("-",)):
            assert "Expected at least one input" in fails("predict", model, *arguments)

    def test_lines_that_are_not_utf8(self, fails, model):
        said = fails("predict", model, "-", stdin=b"fine\ncaf\xe9\n")
        assert "standard input, line 2: expected UTF-8, found the byte 0xe9 at position 4" in said

    def test_a_label_that_training_never_saw(self, fails, model, data):
        path = data(tsv([("positive", "fine"), ("so-so", "hm")]))
        said = fails("evaluate", model, "--data", path, "--json")
        assert f"{path}, line 2: the label 'so-so' was not in the training data." in said
        assert "The model knows: negative, positive." in said

    def test_nothing_to_evaluate(self, fails, model, data):
        assert "data.tsv has no example" in fails("evaluate", model, "--data", data(b"label\ttext\n"))
        assert "is empty" in fails("evaluate", model, "--data", data(b""))
        assert "There is no file" in fails("evaluate", model, "--data", "none.tsv")

    def test_one_kind_of_data_to_evaluate(self, fails, model, data):
        assert "Expected either --data PATH or --dataset" in fails("evaluate", model)
        both = ("--data", data(tsv(ROWS)), "--dataset", "tfds:imdb_reviews")
        assert "Expected either --data PATH or --dataset" in fails("evaluate", model, *both)

    def test_a_model_that_is_not_there(self, fails, model, tmp_path):
        shutil.move(model, tmp_path / "saved_models" / "opinion")
        assert "Did you mean 'opinion'?" in fails("predict", "opinon", "fine")
        assert "There is no saved model" in fails("predict", "a whole review for a name " * 200, "fine")

    @pytest.mark.parametrize("name", ["model.onnx", "processor.json", "tokenizer.json", "model.keras", "README.md"])
    def test_a_flipped_byte(self, fails, model, name):
        content = bytearray((model / name).read_bytes())
        content[len(content) // 2] ^= 1
        (model / name).write_bytes(content)
        for arguments in (("predict", model, "fine"), ("evaluate", model, "--data", "x.tsv")):
            said = fails(*arguments)
            assert f"{model / name} was changed since the model was saved" in said
            assert "Restore it or train the model again" in said

    def test_a_flipped_byte_of_the_manifest_is_no_traceback(self, rnnapps, model):
        content = (model / "bundle.json").read_bytes()
        for place in range(0, len(content), 97):
            (model / "bundle.json").write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            result = rnnapps("predict", model, "fine")
            # a flipped blank between two facts changes none of them
            assert result.status == 2 or chr(content[place]).isspace()
            assert "Traceback" not in result.stderr

    def test_a_missing_part(self, fails, model):
        (model / "tokenizer.json").unlink()
        assert f"{model} lacks its file tokenizer.json. Restore it" in fails("predict", model, "fine")

    def test_a_newer_format(self, fails, model):
        facts = json.loads((model / "bundle.json").read_text())
        (model / "bundle.json").write_text(json.dumps(facts | {"format": 2}))
        said = fails("predict", model, "fine")
        assert "has bundle format 2" in said
        assert "pip install --upgrade rnn-apps" in said

    def test_a_task_that_is_not_installed(self, fails, model):
        facts = json.loads((model / "bundle.json").read_text())
        facts |= {"task": "poetry", "package": "rnn-poetry"}
        (model / "bundle.json").write_text(json.dumps(facts | {"sha256": facts_digest(facts)}))
        said = fails("predict", model, "fine")
        assert "was made by the task 'poetry', which is not installed. Run: pip install rnn-poetry" in said

    def test_texts_of_every_kind_are_answered(self, rnnapps, model):
        texts = [
            "😀👍🏽",
            "שלום עולם, סרט נהדר",
            "非常好吃",
            "\x07bell\x00 and zero",
            "x" * 300_000,
            "good " * 200_000,
            "<pad> </s>",
        ]
        result = rnnapps("predict", model, "-", "--json", stdin="\n".join(texts).encode())
        assert result.status == 0, result
        assert len(json.loads(result.stdout)) == len(texts)

    def test_bytes_on_the_command_line_that_are_not_utf8_are_answered(self, rnnapps, model):
        assert rnnapps("predict", model, "caf\udce9 fine").status == 0

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[[1, 2], [3]]", "input 1: expected rows of numbers, all of one length"),
            ("[[1, 2], [3, 4]]", "input 1: expected an image of shape (8, 8). Received: (2, 2)"),
            ("{}", "input 1: expected rows of numbers"),
            ("fine", "Expected an image as JSON rows of numbers, an .npy file, or a picture (.png, "),
            (json.dumps([[float("nan")] * 8] * 8), "input 1: the image has pixels that are no numbers"),
            ("[[1" + "0" * 400 + "]]", "input 1: "),
            ("[[1" + "0" * 5000 + "]]", "Expected an image as JSON rows of numbers"),
            ("[" * 100_000, "Expected an image as JSON rows of numbers"),
            ("none.npy", "none.npy cannot be read as one image"),
        ],
    )
    def test_bad_images(self, fails, digits_model, text, message):
        assert message in fails("predict", digits_model, text)

    def test_images_outside_the_usual_range_are_shown(self, rnnapps, digits_model):
        image = [[-50, 0, 8, 300, 1e30, -1e30, 16, 1]] * 8
        for given in (image, [[-1] * 8] * 8):
            result = rnnapps("predict", digits_model, json.dumps(given))
            assert result.status == 0
            assert "%" in result.stdout


def test_training_on_texts_of_every_kind(rnnapps, data, tmp_path):
    odd = ["😀👍🏽", "שלום עולם", "\x07bell", "x" * 10_000, "good " * 200_000, "<pad> </s>", "a<br />b"]
    rows = ROWS + [(label, text) for text in odd for label in ("good", "bad")]
    result = rnnapps("train", "sentiment", "--data", data(tsv(rows)), "--output", "out", *TINY)
    assert result.status == 0, result
    assert rnnapps("predict", "out", *odd[:3]).status == 0
