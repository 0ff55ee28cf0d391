"""Bulk transfers both ways, octet for octet, over every carrier and both versions of IP."""
import hashlib
import os
import socket
import subprocess
import threading
import time

import pytest

from carriers import on_every_carrier
from network import SERVER4, SERVER6
from server import wait_until

BOTH = pytest.mark.parametrize("address", [SERVER4, SERVER6])
CURL = ["curl", "--silent", "--show-error", "--fail", "--globoff", "--noproxy", "*", "--max-time", "300"]


def url(address, path):
    return f"http://[{address}]/{path}" if ":" in address else f"http://{address}/{path}"


def digest_of(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@on_every_carrier
@BOTH
def test_curl_gets_a_large_file_unchanged(start, network, tmp_path, large_file, address):
    start("weir-http", f"--root={large_file.parent}")
    got = tmp_path / "got"
    network.run(*CURL, "--output", got, url(address, large_file.name))
    assert digest_of(got) == digest_of(large_file)


def test_curl_gets_a_part_of_a_file(start, network, large_file):
    start("weir-http", f"--root={large_file.parent}")
    got = subprocess.run(network.command(*CURL, "--range", "70000-269999", url(SERVER4, large_file.name)),
                         capture_output=True, check=True).stdout
    assert got == large_file.read_bytes()[70000:270000]


@on_every_carrier
@BOTH
def test_echo_gives_back_all_that_was_uploaded(start, network, megabytes, address):
    start("weir-echo")
    block = os.urandom(1 << 20)
    sent, received = hashlib.sha256(), hashlib.sha256()
    count = 0
    with network.connect(7, address, timeout=60) as client:
        def upload():
            for i in range(megabytes):
                # Each block differs from the one before: what is lost or doubled changes the sum.
                piece = i.to_bytes(8, "big") + block[8:]
                sent.update(piece)
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)

        uploader = threading.Thread(target=upload)
        uploader.start()
        while text := client.recv(1 << 18):
            received.update(text)
            count += len(text)
        uploader.join()
    assert count == megabytes << 20
    assert received.digest() == sent.digest()


def chargen_text(size):
    """The beginning of what RFC 864 describes."""
    characters = bytes(range(32, 127)) * 2
    lines = [characters[i:i + 72] + b"\r\n" for i in range(95)]
    period = b"".join(lines)
    return (period * (size // len(period) + 1))[:size]


def test_chargen_sends_its_pattern_for_as_long_as_it_is_read(start, network, megabytes):
    start("weir-chargen")
    size = (megabytes << 20) // 2
    received = bytearray()
    with network.connect(19, timeout=60) as client:
        while len(received) < size:
            received += client.recv(1 << 18)
    assert received[:size] == chargen_text(size)


def sent_octets(server):
    return server.counters().get("TcpTextOctetsOut", [0])[0]


def test_chargen_waits_for_a_reader_that_stops(start, network):
    server = start("weir-chargen")
    with network.connect(19, timeout=60) as client:
        # Until the windows are full on both sides nothing has to be read.
        previous = 0
        wait_until(lambda: sent_octets(server) > 0, "the first text")
        while (now := sent_octets(server)) != previous:
            previous = now
            time.sleep(0.3)
        received = bytearray()
        while len(received) < previous + 1_000_000:
            received += client.recv(1 << 18)
    assert bytes(received) == chargen_text(len(received))


def test_discard_takes_everything(start, network, megabytes):
    server = start("weir-discard")
    block = os.urandom(1 << 20)
    with network.connect(9, timeout=60) as client:
        for _ in range(megabytes):
            client.sendall(block)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    assert server.stop() == 0
    assert f"discard: {megabytes << 20} octets from 1 connections" in server.log()


def test_a_reader_that_pauses_gets_everything_in_the_end(start, network, tmp_path, large_file):
    """The client's window closes and opens again; the server probes it meanwhile."""
    start("weir-http", f"--root={large_file.parent}")
    text = large_file.read_bytes()
    with network.connect(80, timeout=60) as client:
        client.sendall(b"GET /large.bin HTTP/1.0\r\n\r\n")
        time.sleep(1.5)
        received = bytearray()
        while piece := client.recv(1 << 16):
            received += piece
    assert received.partition(b"\r\n\r\n")[2] == text
