"""Reading TensorFlow Datasets (TFDS): prepared folders without any network, downloads only where one answers.

Importing this module imports neither TensorFlow nor tensorflow_datasets. Opening a dataset imports
tensorflow_datasets; only `TFDSDataset.records` and a download import TensorFlow.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rnn_apps.data.readers.connectivity import why_unreachable
from rnn_apps.environment import start_tensorflow
from rnn_apps.errors import DataError, MissingExtraError, did_you_mean

# name, name/config, name:version, name/config:version
NAME = re.compile(r"(?P<dataset>[A-Za-z]\w*)(/(?P<config>[\w.+-]+))?(:(?P<version>[\d.*]+))?")
# where TFDS keeps datasets that list no addresses of their own
TFDS_STORAGE = "https://storage.googleapis.com"


class TFDSDataset:
    """A dataset of TensorFlow Datasets, downloaded and prepared on first use.

    Args:
        name: a TFDS name without the prefix `tfds:`, as in "imdb_reviews", "glue/sst2", "glue/sst2:2.0.0".
        data_dir: the folder of prepared datasets; `None` for TFDS' own (`TFDS_DATA_DIR`, else
            `~/tensorflow_datasets`).

    Raises:
        DataError: the name, its configuration or its version is unknown; the dataset is not prepared and there is
            no network (said within 5 seconds); it could not be downloaded or prepared; or it has no named features.
        MissingExtraError: tensorflow_datasets is not installed.
    """

    def __init__(self, name: str, data_dir: Path | None = None) -> None:
        self.name = name
        self._tfds = _import_tfds()
        self._data_dir = Path(data_dir or self._tfds.core.constants.DATA_DIR).expanduser()
        with _quiet():
            self._builder = _open(self._tfds, name, self._data_dir)
            if not self._builder.is_prepared():
                self._prepare()
        self._features = self._builder.info.features
        if not isinstance(self._features, self._tfds.features.FeaturesDict):
            raise DataError(
                f"Expected a TFDS dataset with named features. Received: tfds:{name} with {self._features!r}. "
                f"Choose another dataset."
            )

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits, as in ("train", "test")."""
        return tuple(self._builder.info.splits)

    @property
    def features(self) -> dict[str, str]:
        """Every top-level feature and its kind: "text", "label" (one class of several) or "other"."""
        return {name: self._kind(feature) for name, feature in self._features.items()}

    @property
    def description(self) -> dict[str, str]:
        """What TFDS knows about the dataset: name, description, homepage, citation and licence, where known."""
        info = self._builder.info
        facts = {
            "name": info.full_name,
            "description": info.description,
            "homepage": info.homepage,
            "citation": info.citation,
            "licence": info.as_proto.redistribution_info.license,
        }
        return {fact: text.strip() for fact, text in facts.items() if text and text.strip()}

    def records(self, split: str) -> Iterator[dict[str, Any]]:
        """Reads a split from disk record by record, in the same order every time.

        Args:
            split: one of `splits`; TFDS' slices ("train[:10%]") work too.

        Yields:
            One dict a record: text as `str`, class labels as their names (`None` where the record has none),
            everything else as Python scalars and NumPy arrays; nested features likewise.

        Raises:
            DataError: there is no such split, its files cannot be read, or a text is not UTF-8.
        """
        if split.split("[")[0] not in self.splits:
            raise DataError(
                f"tfds:{self.name} has no split '{split}'. Expected one of: {', '.join(self.splits)}."
                f"{did_you_mean(split, self.splits)}"
            )
        start_tensorflow("Reading a dataset from TensorFlow Datasets")
        config = self._tfds.ReadConfig(try_autocache=False)  # the cache would hold the whole split in memory
        with _quiet(), _tfds_failure(f"Cannot read split '{split}' of tfds:{self.name} in {self._builder.data_dir}"):
            stream = iter(self._tfds.as_numpy(self._builder.as_dataset(split=split, read_config=config)))
        for number in itertools.count():
            with _tfds_failure(f"Cannot read record {number} of split '{split}' in {self._builder.data_dir}"):
                record = next(stream, None)
            if record is None:
                return
            try:
                yield self._decode(self._features, record)
            except UnicodeDecodeError as error:
                raise DataError(
                    f"Expected UTF-8 text in record {number} of split '{split}' of tfds:{self.name}. "
                    f"Received: {error.object[:40]!r}."
                ) from error

    def _prepare(self) -> None:
        """Downloads and prepares the dataset, with TFDS' progress bars on stderr, if its hosts can be reached."""
        full_name = self._builder.info.full_name
        reason = why_unreachable(_download_urls(self._builder))
        if reason:
            raise DataError(
                f"tfds:{full_name} is not prepared in {self._data_dir} and cannot be downloaded: {reason}. "
                f"Use a local file (--data FILE), a folder in which TFDS has prepared it (TFDS_DATA_DIR=FOLDER), or "
                f"the built-in sample (neither --data nor --dataset)."
            )
        start_tensorflow("Reading a dataset from TensorFlow Datasets")
        config = self._tfds.download.DownloadConfig(try_download_gcs=False)
        with _tfds_failure(f"TFDS cannot prepare {full_name} in {self._data_dir}"):
            self._builder.download_and_prepare(download_config=config)
        if not self._builder.is_prepared():
            raise DataError(
                f"Expected a prepared TFDS dataset in {self._builder.data_dir}, but its dataset_info.json is missing. "
                f"Delete that folder, so that it is prepared again."
            )

    def _kind(self, feature: Any) -> str:
        if isinstance(feature, self._tfds.features.Text):
            return "text"
        return "label" if isinstance(feature, self._tfds.features.ClassLabel) else "other"

    def _decode(self, feature: Any, value: Any) -> Any:
        """Returns `value` with bytes of text features as `str` and numbers of class labels as names, at any depth."""
        features = self._tfds.features
        if isinstance(feature, features.FeaturesDict):
            return {name: self._decode(part, value[name]) for name, part in feature.items()}
        if isinstance(feature, features.Sequence):
            return self._decode(feature.feature, value)
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(feature, features.Text | features.ClassLabel):
            if hasattr(value, "to_list"):  # a ragged tensor
                value = value.to_list()
            if isinstance(value, list | np.ndarray):
                return [self._decode(feature, part) for part in value]
            if isinstance(feature, features.Text):
                return value.decode("utf-8")
            return feature.names[value] if value >= 0 else None
        return value


def text_and_label_features(features: Mapping[str, str]) -> tuple[str, str]:
    """Picks the text and the label of a classification dataset from `TFDSDataset.features`.

    Args:
        features: feature names and their kinds.

    Returns:
        The name of the text feature ("text", else "sentence", else the only one of kind "text") and of the label
        ("label", else the only one of kind "label").

    Raises:
        DataError: there is none, or there are several and none has such a name.
    """
    return _pick(features, "text", ("text", "sentence")), _pick(features, "label", ("label",))


def _pick(features: Mapping[str, str], kind: str, preferred: tuple[str, ...]) -> str:
    names = [name for name, its_kind in features.items() if its_kind == kind]
    for name in preferred:
        if name in names:
            return name
    if len(names) == 1:
        return names[0]
    usual = " or ".join(f"'{name}'" for name in preferred)
    there = ", ".join(f"{name} ({its_kind})" for name, its_kind in features.items())
    raise DataError(
        f"Expected one {kind} feature, or one called {usual}. Received {len(names)}; the dataset has: {there}. "
        f"Choose another dataset, or write its texts and labels to a file and pass that with --data."
    )


def _import_tfds() -> Any:
    try:
        import importlib_resources  # noqa: F401  (TFDS needs it and does not declare it)
        import tensorflow_datasets as tfds
        from tensorflow_datasets.core.utils import gcs_utils
    except ImportError as error:
        raise MissingExtraError("Reading a dataset from TensorFlow Datasets", "train") from error
    # TFDS would ask Google Cloud Storage for a copy of every dataset it opens, for minutes where there is no network
    gcs_utils._is_gcs_disabled = True
    return tfds


def _open(tfds: Any, name: str, data_dir: Path) -> Any:
    """Returns the TFDS builder for `name`, from prepared files where TFDS itself has no code for it."""
    match = NAME.fullmatch(name)
    if not match:
        raise DataError(f"Expected a TFDS name such as imdb_reviews or glue/sst2. Received: '{name}'.")
    dataset, config, version = match["dataset"], match["config"], match["version"]
    prepared = [path.name for path in data_dir.iterdir() if path.is_dir()] if data_dir.is_dir() else []
    known = {*tfds.list_builders(with_community_datasets=False), *prepared}
    if dataset not in known:
        begin_alike = sorted(other for other in known if other.startswith(dataset))
        hint = did_you_mean(dataset, known) or (f" Did you mean '{begin_alike[0]}'?" if begin_alike else "")
        raise DataError(f"TFDS has no dataset '{dataset}', and {data_dir} has none prepared under that name.{hint}")
    try:
        return tfds.builder(name, data_dir=data_dir)
    except Exception as error:
        configs = _configurations(tfds, dataset, data_dir)
        if config and config not in configs:
            shown = ", ".join(configs[:12]) + (f" and {len(configs) - 12} more" if len(configs) > 12 else "")
            has = f"It has: {shown}." if configs else "It has none."
            raise DataError(
                f"TFDS dataset '{dataset}' has no configuration '{config}'.{did_you_mean(config, configs)} {has}"
            ) from error
        if version:
            raise DataError(f"TFDS cannot open '{name}' in that version: {_first_line(error)}") from error
        raise DataError(f"TFDS cannot open '{name}' in {data_dir}: {_first_line(error)}") from error


def _configurations(tfds: Any, dataset: str, data_dir: Path) -> list[str]:
    """Returns the configurations of a dataset by TFDS' code and by the folders prepared in `data_dir`."""
    configs = set()
    with contextlib.suppress(tfds.core.DatasetNotFoundError):
        configs.update(tfds.builder_cls(dataset).builder_configs)
    configs.update(path.parent.parent.name for path in data_dir.glob(f"{dataset}/*/*/dataset_info.json"))
    return sorted(configs)


def _download_urls(builder: Any) -> list[str]:
    """Returns addresses that preparing the dataset needs; none for one that TFDS does not bring, made from files."""
    urls = [url for url in builder.url_infos or () if url.startswith(("http://", "https://", "ftp://"))]
    brought_by_tfds = type(builder).__module__.startswith("tensorflow_datasets.")
    return urls or ([TFDS_STORAGE] if brought_by_tfds else [])


@contextlib.contextmanager
def _tfds_failure(what: str) -> Iterator[None]:
    """Turns whatever TFDS or TensorFlow raises into a `DataError` that begins with `what`."""
    try:
        yield
    except Exception as error:
        raise DataError(f"{what}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    text = re.sub(r"\{\{.*?\}\}", "", str(error))  # TensorFlow's names for the nodes of its graphs
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps TFDS' remarks off the terminal: its log below errors, and what it prints goes to stderr."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        logger.setLevel(level)
