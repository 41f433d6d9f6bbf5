import pytest

from rnn_apps.environment import cache_folder, threads, threads_wanted
from rnn_apps.errors import ConfigError


def test_the_environment_says_how_many_threads_run(monkeypatch):
    monkeypatch.delenv("RNNAPPS_THREADS", raising=False)
    assert threads_wanted() == 0
    assert threads() >= 1
    monkeypatch.setenv("RNNAPPS_THREADS", "3")
    assert threads_wanted() == threads() == 3


@pytest.mark.parametrize("text", ["many", "-1", "1.5", "٣"])
def test_what_is_no_number_of_threads_is_told(monkeypatch, text):
    monkeypatch.setenv("RNNAPPS_THREADS", text)
    with pytest.raises(ConfigError, match="RNNAPPS_THREADS to be a number of threads"):
        threads()


def test_the_environment_says_where_compiled_kernels_are_kept(monkeypatch, tmp_path):
    monkeypatch.delenv("RNNAPPS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "rnn_apps"
    monkeypatch.setenv("RNNAPPS_CACHE", str(tmp_path / "kernels"))
    assert cache_folder() == tmp_path / "kernels"


@pytest.mark.parametrize(("name", "read"), [("RNN_APPS_THREADS", threads), ("RNN_APPS_CACHE", cache_folder)])
def test_an_old_spelling_is_not_passed_over_in_silence(monkeypatch, name, read):
    monkeypatch.setenv(name, "1")
    with pytest.raises(ConfigError, match=f"{name} is now called RNNAPPS_"):
        read()
