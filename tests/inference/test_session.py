import pytest

from rnn_apps.bundle import find_bundle
from rnn_apps.errors import ConfigError
from rnn_apps.inference.session import Session, threads_wanted


def test_the_environment_says_how_many_threads_run(monkeypatch):
    monkeypatch.delenv("RNNAPPS_THREADS", raising=False)
    assert threads_wanted() == 0
    monkeypatch.setenv("RNNAPPS_THREADS", "3")
    assert threads_wanted() == 3
    assert Session(find_bundle("digits").folder / "model.onnx").inputs == ("image",)


@pytest.mark.parametrize("text", ["many", "-1", "1.5", "", "٣"])
def test_what_is_no_number_of_threads_is_told(monkeypatch, text):
    monkeypatch.setenv("RNNAPPS_THREADS", text)
    with pytest.raises(ConfigError, match="RNNAPPS_THREADS to be a number of threads"):
        threads_wanted()
