from rnn_apps.bundle import find_bundle
from rnn_apps.inference.session import Session


def test_a_graph_runs_with_the_threads_that_the_environment_names(monkeypatch):
    monkeypatch.setenv("RNNAPPS_THREADS", "3")
    assert Session(find_bundle("digits").folder / "model.onnx").inputs == ("image",)
