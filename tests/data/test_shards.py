"""Data in many files and elsewhere: which files a path stands for, and that what is far is read like what is near."""

import gzip
from pathlib import Path

import pytest

from rnn_apps.data.shards import absolute, address, expand, local_copies, name_of, shards, stamp
from rnn_apps.errors import ConfigError, DataError

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def far():
    """A file system in memory with three files in a folder."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    for name in ("b.jsonl", "a.jsonl", "_SUCCESS"):
        files.pipe(f"/lake/{name}", b'{"text": "fine", "label": "good"}\n')
    yield files
    files.store.clear()


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("s3://bucket/lake/*.parquet", "s3://bucket/lake/*.parquet"),
        ("memory://lake", "memory://lake"),
        ("lake/a.tsv", None),
        ("/lake/a.tsv", None),
        ("C:/lake/a.tsv", None),
    ],
)
def test_an_address_is_told_from_a_path(written, found):
    assert address(Path(written)) == found
    assert (absolute(Path(written)) == Path(written)) == (found is not None or written.startswith("/"))


@pytest.mark.parametrize(
    ("path", "name"), [("x/lake/part-*.parquet", "lake"), ("x/lake", "lake"), ("x/a.en", "a"), ("*.tsv", "data")]
)
def test_what_many_files_are_called(path, name):
    assert name_of(Path(path)) == name


def test_patterns_and_folders_are_files(tmp_path, monkeypatch):
    for name in ("b.parquet", "a.parquet", "_SUCCESS", ".hidden", "c.txt", "odd[1].txt"):
        (tmp_path / name).touch()
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path)
    assert [path.name for path in expand(Path("*.parquet"))] == ["a.parquet", "b.parquet"]
    assert [path.name for path in expand(tmp_path)] == ["a.parquet", "b.parquet", "c.txt", "odd[1].txt"]
    assert expand(tmp_path / "?.txt") == [tmp_path / "c.txt"]
    assert expand(tmp_path / "odd[1].txt") == [tmp_path / "odd[1].txt"]
    with pytest.raises(DataError, match=r"There is no file \*\.csv"):
        expand(Path("*.csv"))


def test_far_patterns_and_folders_are_files(far):
    for written in ("memory://lake", "memory://lake/*.jsonl", "memory:///lake/?.jsonl"):
        assert [address(path) for path in expand(Path(written))] == ["memory://lake/a.jsonl", "memory://lake/b.jsonl"]
    assert expand(Path("memory://lake/a.jsonl")) == [Path("memory://lake/a.jsonl")]
    with pytest.raises(DataError, match=r"There is no file memory://lake/c\.jsonl"):
        expand(Path("memory://lake/c.jsonl"))
    with pytest.raises(ConfigError, match="nowhere://x cannot be read"):
        expand(Path("nowhere://x"))


def test_what_is_far_is_copied_for_a_while(far, tmp_path):
    near = tmp_path / "near.txt"
    near.write_text("near")
    with local_copies([Path("memory://lake/a.jsonl"), near]) as (copy, same):
        assert same == near
        assert copy.read_bytes() == far.cat("/lake/a.jsonl")
        assert copy.as_posix().endswith("memory/lake/a.jsonl")  # messages say where it is from
    assert not copy.exists()
    with pytest.raises(DataError, match="There is no file memory://lake/c"), local_copies([Path("memory://lake/c")]):
        pass


def test_a_stamp_changes_with_the_file(far):
    path = Path("memory://lake/a.jsonl")
    before = stamp(path)
    assert before == stamp(path)
    far.pipe("/lake/a.jsonl", b"another")
    assert stamp(path) != before


def test_files_that_belong_together_go_pair_by_pair(tmp_path):
    for name in ("a.en", "b.en", "a.fr", "b.fr", "c.fr"):
        (tmp_path / name).touch()
    together = shards([tmp_path / "*.en", tmp_path / "[ab].fr"])
    assert [tuple(path.name for path in own) for own in together] == [("a.en", "a.fr"), ("b.en", "b.fr")]
    with pytest.raises(DataError, match=r"as many files of each.*\*\.en has 2, .*\*\.fr has 3"):
        shards([tmp_path / "*.en", tmp_path / "*.fr"])


def test_training_reads_from_afar(far, reviews, sentiment_model, sentiment_settings, rnnapps, tmp_path):
    """The same examples in three packed files, elsewhere, are the same data where none is held out."""
    lines = reviews.read_text(encoding="utf-8").splitlines(keepends=True)
    for number in range(3):
        part = "".join(lines[80 * number : 80 * number + 80])
        far.pipe(f"/many/part-{number}.tsv.gz", gzip.compress(part.encode()))
        (tmp_path / "near").mkdir(exist_ok=True)
        (tmp_path / "near" / f"part-{number}.tsv").write_text(part, encoding="utf-8")
    histories = []
    for data, output in (("memory://many/*.tsv.gz", "far"), ("near", "many"), (reviews, "one")):
        result = rnnapps(
            "train", "sentiment", "--data", data, "--valid", reviews, *sentiment_settings, "--output", output
        )
        assert result.status == 0, result.stderr
        assert ("2 more like it" in result.stderr) == (output != "one")
        rows = (tmp_path / output / "history.csv").read_text().splitlines()
        histories.append([row.split(",")[:3] for row in rows])
    assert histories[0] == histories[1] == histories[2]
