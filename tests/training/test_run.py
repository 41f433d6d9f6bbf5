import csv
import json
import shutil
import zipfile

import keras
import numpy as np
import pytest

import rnn_apps
from rnn_apps.errors import DataError, ExportError, OutputError, TrainingError
from rnn_apps.task import find_task
from rnn_apps.training import run as run_module
from rnn_apps.training.run import new_run
from rnn_apps.training.unfinished import open_work

CONFIG = {"training": {"epochs": 2, "batch_size": 16}, "model": {"units": 8}}


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    pictures = rng.uniform(0, 1, (60, 4, 4)) + 2 * (np.arange(16).reshape(4, 4) % 3 == labels[:, None, None])
    np.savez(tmp_path / "images.npz", images=pictures.astype(np.float32), labels=labels)
    return tmp_path / "images.npz"


@pytest.fixture
def train(images, tmp_path):
    def call(output="model", config=CONFIG, **others):
        return rnn_apps.train("digits", images, config=config, output=tmp_path / output, progress=False, **others)

    return call


@pytest.fixture
def trained(train):
    return train()


def history(model):
    with (model.bundle.folder / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_bundle_is_whole_and_the_work_is_cleared_away(trained, files_below, tmp_path):
    names = ["README.md", "bundle.json", "history.csv", "learning_curves.png", "model.keras", "model.onnx"]
    assert files_below(tmp_path) == [
        "images.npz",
        "model",
        *(f"model/{name}" for name in [*names, "processor.json", "training.npz"]),
    ]
    facts = trained.bundle.manifest
    assert set(facts["files"]) == {*names, "processor.json", "training.npz"} - {"bundle.json"}
    assert facts["data"]["training_examples"] + facts["data"]["validation_examples"] == 60
    assert facts["training"]["epochs"] == len(history(trained)) == 2
    assert facts["versions"].keys() >= {"rnn-apps", "tensorflow", "keras", "onnxruntime"}
    assert facts["calibration"]["temperature"] > 0
    assert 0 <= facts["metrics"]["accuracy"] <= 1


def test_every_door_gives_the_same_answer(trained):
    images = rnn_apps.load("digits").predictor.examples[0][:4, :4] / 5, np.eye(4) * 3
    batch = trained.predictor.processor.encode_inputs(images)
    keras_logits = trained.keras_model()({"image": np.stack([row["image"] for row in batch])})["logits"].numpy()
    scaled = keras_logits / trained.bundle.calibration["temperature"]
    expected = np.exp(scaled) / np.exp(scaled).sum(axis=1, keepdims=True)
    again = rnn_apps.load(trained.bundle.folder).predict(images)
    for prediction, row in zip(trained.predict(images), expected, strict=True):
        np.testing.assert_allclose(list(prediction.probabilities.values()), row, atol=1e-5)
    assert again == trained.predict(images)


def test_half_precision_is_rounded_before_it_is_measured(trained, train):
    for weight in trained.keras_model().weights:
        value = weight.numpy()
        np.testing.assert_array_equal(value, value.astype(np.float16).astype(np.float32))
    single = train("single", CONFIG | {"half_precision": False}).keras_model().weights
    assert any((weight.numpy() != weight.numpy().astype(np.float16)).any() for weight in single)


def test_the_keras_file_holds_the_model_and_no_optimizer(trained):
    with zipfile.ZipFile(trained.bundle.folder / "model.keras") as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_LZMA}
        weights = archive.read("model.weights.h5")
    assert b"optimizer" not in weights
    assert len(weights) < 3 * 4 * trained.bundle.manifest["parameters"] + 40_000


def test_an_output_that_exists_is_refused_unless_it_may_be_replaced(trained, train):
    before = trained.bundle.manifest["fingerprint"]
    with pytest.raises(OutputError, match="exists"):
        train()
    assert train(config=CONFIG | {"seed": 5}, overwrite=True).bundle.manifest["fingerprint"] != before


def run_of(images, tmp_path, config=CONFIG, **others):
    task = find_task("digits")
    return new_run(
        task, run_module.load_config(task.Config, values=config), data=[images], output=tmp_path / "model", **others
    )


def test_a_run_is_finished_only_with_its_own_settings_and_data(trained, images, tmp_path):
    finished = run_of(images, tmp_path).finished()
    assert finished.bundle.manifest == trained.bundle.manifest
    assert run_of(images, tmp_path, CONFIG | {"seed": 1}).finished() is None
    assert run_of(images, tmp_path, valid=[images]).finished() is None
    shutil.copy(images, tmp_path / "other.npz")
    assert run_of(tmp_path / "other.npz", tmp_path).finished() is None


def test_a_run_that_fails_while_saving_does_not_train_again(images, tmp_path, train, monkeypatch, files_below):
    def fail(*arguments):
        raise ExportError("the ONNX form gives other answers")

    with monkeypatch.context() as patched:
        patched.setattr("rnn_apps.training.save.save_onnx", fail)
        with pytest.raises(ExportError):
            train()
    assert [name for name in files_below(tmp_path) if "/" not in name] == [".model.training", "images.npz"]
    never = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: pytest.fail("trains again"))
    assert len(history(train(callbacks=[never]))) == 2
    assert not (tmp_path / ".model.training").exists()


def test_an_interrupted_run_waits_for_its_own_settings(train, tmp_path):
    def stop(epoch, logs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=stop)])
    with pytest.raises(OutputError, match="An interrupted run with other settings or data waits"):
        train(config=CONFIG | {"seed": 5})
    assert train(config=CONFIG | {"seed": 5}, overwrite=True).bundle.manifest["seed"] == 5
    assert not (tmp_path / ".model.training").exists()


def test_a_kill_between_saving_and_clearing_away_leaves_nothing_for_long(trained, images, tmp_path, files_below):
    run = run_of(images, tmp_path)
    before = files_below(tmp_path)
    open_work(run.work, run.output, run.fingerprint, run.command, run.overwrite)
    assert files_below(tmp_path) != before
    assert run.finished()
    assert files_below(tmp_path) == before


def test_a_loss_that_is_no_number_leaves_nothing(train, tmp_path, files_below):
    config = {"training": {"learning_rate": 1e30, "warmup": 0.0, "clipping": {"kind": "none"}}}
    with pytest.raises(TrainingError, match="at step"):
        train(config=config)
    assert files_below(tmp_path) == ["images.npz"]


def test_data_that_fails_leaves_nothing(images, tmp_path, files_below):
    with np.load(images) as arrays:
        np.savez(tmp_path / "valid.npz", images=arrays["images"], labels=np.full(60, 9))
    before = files_below(tmp_path)
    with pytest.raises(DataError, match=r"valid\.npz, image 1: the label '9' was not in the training data"):
        rnn_apps.train("digits", images, valid=tmp_path / "valid.npz", output=tmp_path / "model", progress=False)
    assert files_below(tmp_path) == before


def test_validation_data_that_is_given_is_used(images, tmp_path, train):
    model = train(valid=images)
    assert model.bundle.manifest["data"]["training_examples"] == 60
    assert model.bundle.manifest["data"]["validation_examples"] == 60
    assert model.bundle.manifest["data"]["validation"] == "images.npz"
    count, metrics = model.evaluate(model.task.read([images]))
    assert count == 60
    assert metrics == pytest.approx(model.bundle.manifest["metrics"], abs=1e-6)


def test_the_default_output_is_named_for_task_and_source(images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    task = find_task("digits")
    assert new_run(task, task.Config(), data=[images]).output == tmp_path / "saved_models" / "digits-images"
    assert new_run(task, task.Config()).output == tmp_path / "saved_models" / "digits-sample"


def test_a_network_of_recurrent_cells_reads_images_row_by_row(train):
    model = train(config=CONFIG | {"model": {"cell": "gru", "units": 6, "layers": 1}})
    image = np.arange(16.0).reshape(4, 4)
    assert sum(model.predict([image])[0].probabilities.values()) == pytest.approx(1.0)
    graph = (model.bundle.folder / "model.onnx").read_bytes()
    assert b"GRU" in graph
    assert b"Loop" not in graph


def test_the_manifest_is_plain_json(trained):
    assert json.loads((trained.bundle.folder / "bundle.json").read_text())["format"] == 1
