"""A disk that is full at every stage of a run: said plainly, and training is not lost."""

import errno
import subprocess

import pytest

DISK = (
    *("--output", "disk/out", "--set", "training.epochs=2", "--set", "training.batch_size=16"),
    *("--set", "model.units=16", "--set", "model.layers=1"),
)


@pytest.mark.parametrize(("size", "moment"), [("8k", "data"), ("88k", "checkpoint"), ("136k", "saving")])
def test_a_full_disk(rnnapps, images, tmp_path, mount, files_below, size, moment):
    mount(f"size={size}")
    arguments = ("run", "digits", "--data", images, *DISK)
    result = rnnapps(*arguments)
    assert result.status == 2, result
    assert "The disk is full: " in result.stderr
    assert "Make room and repeat the command" in result.stderr
    left = files_below(tmp_path / "disk")
    assert all(name.startswith(".out.training") for name in left)
    stages = {"data": [], "checkpoint": ["Training"], "saving": ["Training", "Saving"]}[moment]
    assert [stage for stage in ("Training", "Saving") if f"{stage} " in result.stderr] == stages
    assert bool(left) == bool(stages)
    subprocess.run(["mount", "-o", "remount,size=10m", tmp_path / "disk"], check=True)
    assert rnnapps(*arguments).status == 0
    assert all(name.startswith("out") for name in files_below(tmp_path / "disk"))


@pytest.mark.parametrize(
    "function", ["rnn_apps.training.prepare.write_store", "numpy.savez", "rnn_apps.training.save.write_history"]
)
def test_a_full_disk_that_is_played(rnnapps, images, tmp_path, monkeypatch, function, files_below):
    import numpy  # noqa: F401

    import rnn_apps.training.run  # noqa: F401

    def refuse(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(function, refuse)
    result = rnnapps("train", "digits", "--data", images, "--output", "out", "--set", "training.epochs=1")
    assert result.status == 2
    assert f"The disk is full: {tmp_path / 'out'} was not written. Make room" in result.stderr
    assert all(name.startswith(".out.training") or name == "images.npz" for name in files_below(tmp_path))
