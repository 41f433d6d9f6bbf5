import errno
import json
import shutil
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_apps import bundle as bundle_module
from rnn_apps.bundle import check_output, find_bundle, model_folders, read_bundle, write_bundle
from rnn_apps.errors import BundleError, HashError, MissingFileError, NotFoundError, OutputError, VersionError
from rnn_apps.model import Model

FACTS = {
    "task": "digits",
    "package": "rnn-apps",
    "fingerprint": "f",
    "config": {"seed": 3, "model": {"units": 5}},
    "calibration": {"temperature": 1.5},
    "metrics": {"accuracy": 0.5},
    "parameters": 10,
    "versions": {"rnn-apps": "0.1.0"},
}


def write_files(folder):
    (folder / "model.onnx").write_bytes(bytes(range(256)))
    (folder / "processor.json").write_text("{}")


@pytest.fixture
def folder(tmp_path):
    write_bundle(tmp_path / "m", FACTS, write_files)
    return tmp_path / "m"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty working folder without shipped models."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bundle_module, "find_spec", lambda name: None)
    return tmp_path


def change_facts(folder, **changes):
    manifest = folder / "bundle.json"
    facts = json.loads(manifest.read_text()) | changes
    manifest.write_text(json.dumps(facts | {"sha256": bundle_module.facts_digest(facts)}))


def test_what_was_written_is_read(folder):
    bundle = read_bundle(folder)
    assert {name: bundle.manifest[name] for name in FACTS} == FACTS
    assert set(bundle.manifest["files"]) == {"model.onnx", "processor.json"}
    assert bundle.name == "m"
    assert bundle.calibration == {"temperature": 1.5}


@given(st.data())
def test_a_flipped_bit_of_any_file_is_found(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("bundle") / "m"
    write_bundle(folder, FACTS, write_files)
    path = folder / data.draw(st.sampled_from(["model.onnx", "processor.json"]))
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with pytest.raises(HashError, match=r"was changed since the model was saved.*train the model again") as caught:
        read_bundle(folder)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}", b'{"format": 1}', b'{"format": "one", "files": {}}']
)
def test_a_manifest_that_cannot_be_read_is_an_error_of_its_own(folder, content):
    (folder / "bundle.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"bundle\.json cannot be read"):
        read_bundle(folder)


@pytest.mark.parametrize("fact", ["task", "package", "config", "calibration", "metrics", "parameters", "versions"])
def test_a_manifest_without_a_fact_is_an_error_of_its_own(folder, fact):
    manifest = folder / "bundle.json"
    manifest.write_bytes(manifest.read_bytes().replace(f'"{fact}"'.encode(), f'"{fact}x"'.encode()))
    with pytest.raises(BundleError, match=r"bundle\.json cannot be read"):
        read_bundle(folder)


def test_a_missing_file_is_an_error_of_its_own(folder):
    (folder / "processor.json").unlink()
    with pytest.raises(MissingFileError, match=r"lacks its file processor\.json"):
        read_bundle(folder)


def test_a_newer_format_is_an_error_of_its_own(folder):
    change_facts(folder, format=bundle_module.FORMAT + 1, versions={"rnn-apps": "9.9"})
    with pytest.raises(VersionError, match=r"written by rnn-apps 9\.9.*pip install --upgrade rnn-apps"):
        read_bundle(folder)


def test_a_newer_format_is_told_even_if_nothing_else_is_known_of_it(folder):
    (folder / "bundle.json").write_text(json.dumps({"format": 99, "files": {}}))
    with pytest.raises(VersionError):
        read_bundle(folder)


def test_a_task_that_is_not_installed_is_told_with_its_package(folder):
    change_facts(folder, task="poetry", package="rnn-poetry")
    with pytest.raises(NotFoundError, match=r"'poetry', which is not installed\. Run: pip install rnn-poetry"):
        _ = Model(read_bundle(folder)).task


def test_a_fact_that_was_changed_is_refused(folder):
    manifest = folder / "bundle.json"
    manifest.write_text(manifest.read_text().replace("1.5", "1.6"))
    with pytest.raises(HashError, match=r"bundle\.json was changed since the model was saved"):
        read_bundle(folder)


def test_a_folder_without_a_manifest_is_no_model(tmp_path):
    for path in (tmp_path, tmp_path / "none", tmp_path / "none" / "deeper"):
        with pytest.raises(NotFoundError, match="There is no saved model in"):
            read_bundle(path)


def test_a_file_is_no_model(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotFoundError):
        read_bundle(tmp_path / "file")


class Stop(BaseException):
    pass


@pytest.mark.parametrize("failure", [Stop, OSError(errno.ENOSPC, "No space left on device"), ValueError])
@pytest.mark.parametrize("exists", [False, True])
def test_a_write_that_fails_leaves_the_old_bundle_or_none(tmp_path, files_below, exists, failure):
    target = tmp_path / "models" / "m"
    target.parent.mkdir()
    if exists:
        write_bundle(target, FACTS, write_files)
    before = files_below(tmp_path)

    def fail(folder):
        write_files(folder)
        raise failure

    with pytest.raises(OutputError if isinstance(failure, OSError) else failure):
        write_bundle(target, FACTS | {"fingerprint": "new"}, fail, overwrite=True)
    assert files_below(tmp_path) == before
    if exists:
        assert read_bundle(target).manifest["fingerprint"] == "f"


def test_a_full_disk_is_told(tmp_path, files_below):
    def fail(folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError, match=r"The disk is full: .*m was not written\. Make room and repeat"):
        write_bundle(tmp_path / "m", FACTS, fail)
    assert files_below(tmp_path) == []


def test_what_a_killed_write_left_is_removed_by_the_next(tmp_path, files_below, run_python):
    code = """
import os, signal, sys
from pathlib import Path
from rnn_apps.bundle import write_bundle

def write_files(folder):
    (folder / "model.onnx").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

write_bundle(Path(sys.argv[1]), {}, write_files)
"""
    assert run_python(code, tmp_path / "m").status == -signal.SIGKILL
    assert len(files_below(tmp_path)) == 2
    assert not (tmp_path / "m").exists()
    write_bundle(tmp_path / "m", FACTS, write_files)
    assert files_below(tmp_path) == ["m", "m/bundle.json", "m/model.onnx", "m/processor.json"]


def test_an_old_bundle_is_replaced_only_if_asked(folder, files_below):
    with pytest.raises(OutputError, match=r"exists\. Choose another --output, or replace it with --overwrite"):
        write_bundle(folder, FACTS, write_files)
    write_bundle(folder, FACTS | {"fingerprint": "new"}, write_files, overwrite=True)
    assert read_bundle(folder).manifest["fingerprint"] == "new"
    assert files_below(folder.parent) == ["m", "m/bundle.json", "m/model.onnx", "m/processor.json"]


def test_files_in_folders_of_a_bundle_are_verified_too(tmp_path):
    def write_nested(folder):
        (folder / "assets").mkdir()
        (folder / "assets" / "a").write_text("a")

    write_bundle(tmp_path / "m", FACTS, write_nested)
    (tmp_path / "m" / "assets" / "a").write_text("b")
    with pytest.raises(HashError):
        read_bundle(tmp_path / "m")


def test_a_place_where_nothing_is_can_be_written_without_traces(tmp_path, files_below):
    check_output(tmp_path / "a" / "b", overwrite=False)
    assert files_below(tmp_path) == []


def test_an_empty_folder_is_replaced_only_if_asked(tmp_path):
    with pytest.raises(OutputError, match="exists"):
        check_output(tmp_path, overwrite=False)
    check_output(tmp_path, overwrite=True)


def test_a_folder_that_is_no_model_is_never_replaced(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(OutputError, match="is no saved model; it is not replaced"):
        check_output(tmp_path, overwrite=True)


def test_a_file_in_the_place_or_above_it_is_told(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="is a file"):
            check_output(file, overwrite)
        with pytest.raises(OutputError, match="is a file"):
            check_output(file / "a" / "b", overwrite)


def test_a_place_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(OutputError, match=r"cannot be written to .*Read-only file system"):
        check_output(tmp_path / "m", overwrite=False)


def test_models_here_come_before_those_that_ship(folder, elsewhere, monkeypatch):
    shipped = elsewhere / "shipped"
    for name in ("m", "other"):
        shutil.copytree(folder, shipped / name)
    shutil.copytree(folder, elsewhere / "saved_models" / "m")

    class Spec:
        submodule_search_locations = (str(shipped),)

    monkeypatch.setattr(bundle_module, "find_spec", lambda name: Spec)
    assert model_folders() == {"m": elsewhere / "saved_models" / "m", "other": shipped / "other"}
    shutil.rmtree(folder)
    assert find_bundle("m").folder == elsewhere / "saved_models" / "m"
    assert find_bundle("other").folder == shipped / "other"


def test_a_folder_is_a_name_too(folder, elsewhere):
    for name in (folder, str(folder), "m", "./m/"):
        assert find_bundle(name).folder == folder


@pytest.mark.parametrize("name", ["none", "", "/", "x" * 5000, "a/b", "😐"])
def test_a_name_that_nothing_has_is_told(elsewhere, name):
    with pytest.raises(NotFoundError, match="There is no saved model"):
        find_bundle(name)


def test_a_name_nearly_right_is_answered_with_the_right_one(folder, elsewhere):
    shutil.copytree(folder, elsewhere / "saved_models" / "reviews")
    with pytest.raises(
        NotFoundError, match=r"There is no saved model 'review'\. Did you mean 'reviews'\? There are: rev"
    ):
        find_bundle("review")


def test_without_any_model_the_command_that_makes_one_is_named(elsewhere):
    with pytest.raises(NotFoundError, match="train one with: rnnapps run TASK"):
        find_bundle("sentiment")
