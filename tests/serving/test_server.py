import contextlib
import http.client
import json
import os
import re
import signal
import socket
import threading
import time

import pytest

from rnn_apps.errors import ConfigError
from rnn_apps.serving import orphans
from rnn_apps.serving.app import create_app
from rnn_apps.serving.server import bind
from rnn_apps.serving.settings import Settings


def memory_mb(pid):
    """Resident memory of a process, MB."""
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024


def processor_seconds(pid):
    """What a process has used of the processors; unlike the time of day, others that run here change it little."""
    with open(f"/proc/{pid}/stat") as file:
        user, system = file.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def mapped_files(pid):
    with open(f"/proc/{pid}/maps") as file:
        return file.read()


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="needs /proc")
def test_a_server_is_ready_soon_and_small_and_holds_no_tensorflow(serve_process):
    process = serve_process("sentiment", "--no-demo")
    answer = process.client.post("/v1/models/sentiment:predict", {"instances": ["a fine film"]})
    assert answer.status == 200
    assert processor_seconds(process.popen.pid) < 2
    assert memory_mb(process.popen.pid) < 200
    files = mapped_files(process.popen.pid)
    assert "onnxruntime" in files
    assert "tensorflow" not in files


def test_every_request_is_logged_without_its_text(serve_process):
    process = serve_process("sentiment", "--no-demo")
    process.client.post("/v1/models/sentiment:predict?secret", {"instances": ["a secret film"]})
    process.client.get("/nowhere")
    process.stop()
    lines = [json.loads(line) for line in process.log.read_text().splitlines() if line.startswith("{")]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("POST", "/v1/models/sentiment:predict", 200),
        ("GET", "/nowhere", 404),
    ]
    assert all(line["ms"] > 0 and line["bytes"] > 0 and line["client"] == "127.0.0.1" for line in lines)
    assert "secret" not in process.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_stop_lets_what_runs_finish_and_ends_with_status_0(serve_process, number):
    process = serve_process("sentiment", "--no-demo", "--no-access-log")
    answers = []
    body = {"instances": ["not a bad film at all " * 30] * 64}
    thread = threading.Thread(target=lambda: answers.append(process.client.post("/v1/models/sentiment:predict", body)))
    thread.start()
    while 'rnnapps_pending_inputs{model="sentiment"} 64.0' not in process.client.get("/metrics").body.decode():
        assert thread.is_alive()
    status = process.stop(number)
    thread.join(250)
    assert status == 0
    assert len(answers[0].json["predictions"]) == 64
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", process.client.port)):
        pass
    assert "Traceback" not in process.log.read_text()


def test_several_processes_share_a_port_and_their_numbers(serve_process):
    process = serve_process("digits", "--no-demo", "--workers", "2")
    image = [[0] * 8] * 8
    answer = process.client.post("/v1/models/digits:predict", {"instances": [image]})
    assert answer.status == 200
    assert 'rnnapps_requests_total{model="digits",route="/v1/models/{name}:predict",status="200"} 1.0' in (
        process.client.get("/metrics").body.decode()
    )
    assert process.stop() == 0


def test_numbers_for_prometheus(serving):
    with serving(create_app(Settings(("digits",), demo=False, access_log=False))) as client:
        image = [[0] * 8] * 8
        client.post("/v1/models/digits:predict", {"instances": [image] * 3})
        client.post("/v1/models/digits:predict", {"instances": []})
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    numbers = answer.body.decode().splitlines()
    assert 'rnnapps_requests_total{model="digits",route="/v1/models/{name}:predict",status="200"} 1.0' in numbers
    assert 'rnnapps_requests_total{model="digits",route="/v1/models/{name}:predict",status="422"} 1.0' in numbers
    assert 'rnnapps_batch_size_sum{model="digits"} 3.0' in numbers
    assert 'rnnapps_request_seconds_count{model="digits",route="/v1/models/{name}:predict"} 2.0' in numbers
    assert 'rnnapps_pending_inputs{model="digits"} 0.0' in numbers


def test_connections_can_be_limited(serve_process):
    process = serve_process("digits", "--no-demo", "--max-connections", "3")
    assert process.client.get("/v2/health/ready").status == 200
    idle = [socket.create_connection(("127.0.0.1", process.client.port)) for _ in range(3)]
    until(lambda: process.client.get("/v2/health/ready").status == 503)
    for sock in idle:
        sock.close()
    until(lambda: process.client.get("/v2/health/ready").status == 200)


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs /proc")
def test_a_worker_that_dies_is_replaced_and_the_others_go_on(serve_process):
    process = serve_process("digits", "--no-demo", "--no-access-log", "--workers", "2")
    body = {"instances": [[[0] * 8] * 8]}
    first, second = workers_of(process.popen.pid)
    os.kill(first, signal.SIGKILL)
    until(lambda: second in (now := workers_of(process.popen.pid)) and first not in now and len(now) == 2)
    for _ in range(20):
        assert process.client.post("/v1/models/digits:predict", body).status == 200
    assert process.stop() == 0


@pytest.mark.skipif(not orphans.can_hand_over(), reason="needs sockets that carry connections")
def test_requests_of_a_worker_that_dies_are_answered(serve_process):
    process = serve_process("translation", "--no-demo", "--no-access-log", "--workers", "2")
    port, text = process.client.port, "The old man sees the sea. " * 600
    body = json.dumps({"instances": [text], "parameters": {"beam": 10}})
    idle, answers = http.client.HTTPConnection("127.0.0.1", port), []
    idle.request("GET", "/v2/health/live")
    assert idle.getresponse().read()

    def ask():
        answers.append(process.client.post("/v1/models/translation:predict", body))

    asking = [threading.Thread(target=ask) for _ in range(6)]
    for thread in asking:
        thread.start()
    time.sleep(1)
    for worker in workers_of(process.popen.pid):
        os.kill(worker, signal.SIGKILL)
    for thread in asking:
        thread.join(30)
    assert [answer.status for answer in answers] == [503] * 6
    assert {answer.headers["retry-after"] for answer in answers} == {"1"}
    assert "has died. Try again" in answers[0].json["error"]
    idle.sock.settimeout(10)
    assert idle.sock.recv(100) == b""  # nobody waited there
    until(lambda: process.client.get("/v2/health/ready").status == 200)
    assert process.stop() == 0


def test_workers_end_with_the_process_that_started_them(serve_process):
    process = serve_process("digits", "--no-demo", "--no-access-log", "--workers", "2")
    process.popen.kill()
    process.popen.wait()
    until(lambda: is_free(process.client.port))


def is_free(port):
    try:
        bind("127.0.0.1", port).close()
    except ConfigError:
        return False
    return True


def workers_of(pid):
    """Processes of a server that answer; Python's own that watches over what they share is none of them."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        children = file.read().split()
    commands = {int(child): open(f"/proc/{child}/cmdline").read() for child in children}  # noqa: SIM115
    return sorted(child for child, command in commands.items() if "spawn_main" in command)


def until(condition, seconds=30):
    """Waits for a condition, whether or not the server answers meanwhile."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if condition():
                return
        time.sleep(0.02)
    raise AssertionError("It has not come about.")
