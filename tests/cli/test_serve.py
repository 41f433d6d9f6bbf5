import os
import shutil
import socket
import subprocess
import sys

import pytest

from rnn_apps.bundle import find_bundle

pytest.importorskip("fastapi", reason='needs the extra "serve"')


def test_an_unknown_model_names_those_there_are(rnnapps):
    before = dict(os.environ), sys.getswitchinterval()
    result = rnnapps("serve", "sentimen", "--port", "0")
    assert (result.status, result.stdout) == (2, "")
    assert "Did you mean 'sentiment'?" in result.stderr
    # what suits a server does not stay: with another number of threads, a training ends a rounding error elsewhere
    assert (dict(os.environ), sys.getswitchinterval()) == before


def test_a_port_in_use_is_told_before_anything_is_loaded(rnnapps):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = rnnapps("serve", "sentimen", "--port", port)
    assert result.status == 2
    assert result.stderr == f"Error: Port {port} on 127.0.0.1 is in use. Choose another --port, or stop what uses it.\n"


def test_an_address_of_another_machine_is_told(rnnapps):
    result = rnnapps("serve", "digits", "--host", "192.0.2.1", "--port", "0")
    assert result.status == 2
    assert "cannot listen at 192.0.2.1" in result.stderr


def test_two_models_of_one_name_are_refused_and_both_named(rnnapps, tmp_path):
    folder = find_bundle("digits").folder
    shutil.copytree(folder, tmp_path / "mine" / "digits")
    result = rnnapps("serve", "digits", "mine/digits", "--port", "0")
    assert result.status == 2
    for place in (folder, tmp_path / "mine" / "digits"):
        assert str(place) in result.stderr


def test_a_broken_model_is_refused_and_named(rnnapps, tmp_path):
    shutil.copytree(find_bundle("digits").folder, tmp_path / "saved_models" / "digits")
    (tmp_path / "saved_models/digits/processor.json").write_text("{}")
    for workers in (1, 2):
        result = rnnapps("serve", "digits", "--port", "0", "--workers", workers)
        assert result.status == 2
        assert "digits/processor.json was changed" in result.stderr


def test_without_the_extra_the_pip_command_is_named(run_python, tmp_path):
    code = """
import rnn_apps.cli.serve
rnn_apps.cli.serve.find_spec = lambda name: None
from rnn_apps.cli.main import main
main()
"""
    for arguments in (("serve", "digits"), ("run", "digits", "--serve")):
        result = run_python(code, *arguments, cwd=tmp_path)
        assert (result.status, result.stdout) == (2, "")
        message = 'Serving needs packages that are not installed. Run: pip install "rnn-apps[serve]"'
        assert result.stderr == f"Error: {message}\n"


def test_a_run_can_end_in_serving_its_model_in_a_process_without_tensorflow(
    rnnapps, monkeypatch, digits_run, digits_settings
):
    folder, _ = digits_run
    started = []
    monkeypatch.setattr("os.execv", lambda *arguments: started.append(arguments))
    monkeypatch.chdir(folder)
    result = rnnapps("run", "digits", *digits_settings, "--serve")
    assert result.status == 0, result
    ((program, command),) = started
    assert program == command[0] == sys.executable
    served = subprocess.run([*command, "--port", "70000"], capture_output=True, text=True)
    assert "Usage" in served.stderr
    assert "'--port'" in served.stderr
    assert command[-2:] == ["serve", str(folder / "saved_models" / "digits-sample")]
