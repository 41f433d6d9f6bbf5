"""Reading TensorFlow Datasets: the folders are prepared here, and nothing touches the network."""

import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from rnn_apps.data.readers.tfds import TFDSDataset, text_and_label_features
from rnn_apps.errors import DataError, MissingExtraError

tfds = pytest.importorskip("tensorflow_datasets")

REVIEWS = [("a fine film", 1), ("не понравилось 😐", 0), ("", 1), ("so dull", 0)]


class HouseReviews(tfds.core.GeneratorBasedBuilder):
    """A dataset with code of its own, registered like the ones that TFDS brings, made from data at hand."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = tfds.features.FeaturesDict(
            {
                "text": tfds.features.Text(),
                "label": tfds.features.ClassLabel(names=["negative", "positive"]),
                "stars": np.int64,
                "tokens": tfds.features.Sequence(tfds.features.Text()),
                "tags": tfds.features.Sequence(tfds.features.ClassLabel(names=["O", "B"])),
                "pair": {"en": tfds.features.Text(), "scores": tfds.features.Tensor(shape=(2,), dtype=np.float32)},
            }
        )
        return self.dataset_info_from_configs(
            features=features, homepage="https://reviews.test", citation="@misc{r}", license="CC0"
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(3), "test": self._generate_examples(1)}

    def _generate_examples(self, copies):
        for copy in range(copies):
            for index, (text, label) in enumerate(REVIEWS):
                yield (
                    f"{copy}-{index}",
                    {
                        "text": text,
                        # -1 is how TFDS marks a record without a label
                        "label": label if copy < 2 else -1,
                        "stars": copy,
                        "tokens": text.split(),
                        "tags": ["B" for _ in text.split()],
                        "pair": {"en": text.upper(), "scores": [0.0, 1.0]},
                    },
                )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder in which TFDS has prepared a dataset, one that this package downloads nothing for."""
    folder = tmp_path_factory.mktemp("tfds")
    TFDSDataset("house_reviews", data_dir=folder)
    return folder


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A prepared folder without code, with two configurations, one of which has no label."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("stored")
    for config in ("short", "long"):
        tfds.dataset_builders.store_as_tfds_dataset(
            name="folder_reviews",
            config=config,
            version="1.0.0",
            data_dir=folder,
            split_datasets={
                "train": tf.data.Dataset.from_tensor_slices({"sentence": ["good", "bad"], "label": [1, 0]})
            },
            features=tfds.features.FeaturesDict(
                {"sentence": tfds.features.Text(), "label": tfds.features.ClassLabel(names=["no", "yes"])}
            ),
        )
    return folder


@pytest.fixture
def no_network(monkeypatch):
    def refuse(address, *args, **kwargs):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def test_prepares_and_decodes(prepared):
    dataset = TFDSDataset("house_reviews", data_dir=prepared)
    assert set(dataset.splits) == {"train", "test"}
    assert dataset.features == {
        "text": "text", "label": "label", "stars": "other", "tokens": "other", "tags": "other", "pair": "other",
    }  # fmt: skip
    records = list(dataset.records("test"))
    assert {(record["text"], record["label"]) for record in records} == {
        (text, ("negative", "positive")[label]) for text, label in REVIEWS
    }
    record = next(record for record in records if record["text"] == "a fine film")
    assert record["stars"] == 0
    assert type(record["stars"]) is int
    assert record["tokens"] == ["a", "fine", "film"]
    assert record["tags"] == ["B", "B", "B"]
    assert record["pair"]["en"] == "A FINE FILM"
    np.testing.assert_array_equal(record["pair"]["scores"], [0.0, 1.0])


def test_records_without_a_label(prepared):
    labels = [record["label"] for record in TFDSDataset("house_reviews", data_dir=prepared).records("train")]
    assert labels.count(None) == len(REVIEWS)


def test_same_order_every_time(prepared):
    dataset = TFDSDataset("house_reviews", data_dir=prepared)
    assert [r["text"] for r in dataset.records("train")] == [r["text"] for r in dataset.records("train")]
    assert len(list(dataset.records("train[:5]"))) == 5


def test_description(prepared):
    facts = TFDSDataset("house_reviews", data_dir=prepared).description
    assert facts["name"] == "house_reviews/1.0.0"
    assert facts["homepage"] == "https://reviews.test"
    assert facts["citation"] == "@misc{r}"
    assert facts["licence"] == "CC0"


@pytest.mark.parametrize("name", ["folder_reviews/short", "folder_reviews/long:1.0.0"])
def test_prepared_folder_without_code_loads_offline(stored, no_network, name):
    dataset = TFDSDataset(name, data_dir=stored)
    text, label = text_and_label_features(dataset.features)
    assert [(r[label], r[text]) for r in dataset.records("train")] in (
        [("yes", "good"), ("no", "bad")],
        [("no", "bad"), ("yes", "good")],
    )


def test_unknown_split(prepared):
    with pytest.raises(DataError, match=r"no split 'tset'\. Expected one of: .*Did you mean 'test'"):
        next(TFDSDataset("house_reviews", data_dir=prepared).records("tset"))


def test_damaged_files(prepared, tmp_path):
    folder = tmp_path / "damaged"
    dataset = TFDSDataset("house_reviews", data_dir=folder)
    for file in folder.glob("house_reviews/1.0.0/*.tfrecord*"):
        file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(DataError, match=r"Cannot read record \d+ of split 'test'[^{}]*$"):
        list(dataset.records("test"))


def test_folder_without_dataset_info(tmp_path, no_network):
    (tmp_path / "house_reviews" / "1.0.0").mkdir(parents=True)
    with pytest.raises(DataError, match=r"dataset_info\.json is missing\. Delete that folder"):
        TFDSDataset("house_reviews", data_dir=tmp_path)


@pytest.mark.parametrize("name", ["imdb_reviews", "glue/sst2"])
def test_without_network_fails_at_once_with_the_alternatives(tmp_path, no_network, name):
    start = time.monotonic()
    with pytest.raises(DataError) as caught:
        TFDSDataset(name, data_dir=tmp_path)
    assert time.monotonic() - start < 5  # TFDS by itself takes minutes
    message = str(caught.value)
    assert "Network is unreachable" in message
    for way in ("--data FILE", "TFDS_DATA_DIR", "built-in sample", str(tmp_path)):
        assert way in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("imdb_reviws", "Did you mean 'imdb_reviews'"),
        ("imdb", "Did you mean 'imdb_reviews'"),
        ("folder_review", "Did you mean 'folder_reviews'"),
        ("glue/sst3", "no configuration 'sst3'. Did you mean 'sst2'? It has: ax, cola"),
        ("folder_reviews/shrt", "no configuration 'shrt'. Did you mean 'short'? It has: long, short"),
        ("house_reviews/plain", "no configuration 'plain'. It has none"),
        ("glue/sst2:9.9.9", "9.9.9"),
        ("huggingface:imdb", "Expected a TFDS name"),
        ("../imdb", "Expected a TFDS name"),
        ("", "Expected a TFDS name"),
    ],
)
def test_bad_names(stored, no_network, name, message):
    with pytest.raises(DataError) as caught:
        TFDSDataset(name, data_dir=stored)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def test_nothing_on_the_terminal_from_a_cold_start(stored):
    code = (
        "import sys; from pathlib import Path; from rnn_apps.data.readers.tfds import TFDSDataset;"
        "print(sum(1 for _ in TFDSDataset('folder_reviews/short', data_dir=Path(sys.argv[1])).records('train')))"
    )
    run = subprocess.run([sys.executable, "-c", code, str(stored)], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "2\n", "")


def test_an_error_leaves_nothing_on_the_terminal(tmp_path, no_network, capfd):
    with pytest.raises(DataError):
        TFDSDataset("imdb_reviews", data_dir=tmp_path)
    assert capfd.readouterr() == ("", "")


def test_missing_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(MissingExtraError, match=r'pip install "rnn-apps\[train\]"'):
        TFDSDataset("imdb_reviews")


def test_importing_the_module_imports_no_tensorflow():
    heavy = "('tensorflow', 'tensorflow_datasets')"
    code = f"import rnn_apps.data.readers.tfds, sys; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ({"text": "text", "label": "label"}, ("text", "label")),
        ({"idx": "other", "sentence": "text", "label": "label"}, ("sentence", "label")),
        ({"title": "text", "text": "text", "label": "label", "topic": "label"}, ("text", "label")),
        ({"review": "text", "class": "label"}, ("review", "class")),
    ],
)
def test_text_and_label_features(features, expected):
    assert text_and_label_features(features) == expected


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (
            {"sentence1": "text", "sentence2": "text", "label": "label"},
            r"one text feature.*Received 2.*sentence1 \(text\)",
        ),
        ({"image": "other", "label": "label"}, r"one text feature.*Received 0.*image \(other\)"),
        ({"text": "text", "label": "other"}, r"one label feature.*Received 0.*label \(other\)"),
        ({"text": "text", "a": "label", "b": "label"}, r"one label feature, or one called 'label'.*Received 2"),
    ],
)
def test_features_that_leave_no_choice(features, message):
    with pytest.raises(DataError, match=message):
        text_and_label_features(features)
