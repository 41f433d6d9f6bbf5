"""What a dead process leaves behind is answered; what it had answered is not."""

import socket
import time

import pytest

from rnn_apps.serving import orphans
from rnn_apps.serving.orphans import Handover, Orphanage

pytestmark = pytest.mark.skipif(not orphans.can_hand_over(), reason="needs sockets that carry connections")


@pytest.fixture
def process(tmp_path):
    """A process that tells of its connections, in the place of one that answers."""
    orphanage = Orphanage(tmp_path / "socket")
    handover = Handover(str(tmp_path / "socket"))
    yield handover
    orphanage.close()


def connections(handover, count):
    """Connections of clients, and their numbers; the process's own ends are closed, as when it dies."""
    clients, numbers = [], []
    for _ in range(count):
        client, own = socket.socketpair()
        client.settimeout(10)
        numbers.append(handover.begin(own))
        clients.append(client)
        own.close()
    return clients, numbers


def received(client):
    parts = []
    while part := client.recv(1000):
        parts.append(part)
    return b"".join(parts)


def test_who_waits_is_answered_and_who_does_not_is_not(process):
    (waiting, idle), (number, _) = connections(process, 2)
    process.waiting[number] = 1
    process._way.close()
    head, _, body = received(waiting).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1" in head
    assert f"content-length: {len(body)}".encode() in head
    assert b"has died" in body
    assert received(idle) == b""


def test_a_connection_that_ends_is_ended_for_its_client_too(process):
    (client,), (number,) = connections(process, 1)
    process.waiting[number] = 1
    process.end(number)
    assert received(client) == b""  # and no answer of a process that lives
    assert process.waiting[number] == 0
    (again,), (same,) = connections(process, 1)
    assert same == number
    process.waiting[number] = 1
    process._way.close()
    assert received(again).startswith(b"HTTP/1.1 503 ")


def test_a_client_that_is_gone_stops_nothing(process):
    (gone, waiting), numbers = connections(process, 2)
    for number in numbers:
        process.waiting[number] = 1
    gone.close()
    process._way.close()
    assert received(waiting).startswith(b"HTTP/1.1 503 ")


def test_a_process_outlives_the_one_that_would_answer(process):
    orphans_end = process._way
    orphans_end.shutdown(socket.SHUT_RDWR)
    time.sleep(0.05)
    _, (number,) = connections(process, 1)
    process.end(number)


def test_there_are_only_so_many_numbers(process):
    process._free.clear()
    own, _ = socket.socketpair()
    assert process.begin(own) is None
