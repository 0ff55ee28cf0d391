"""Connections that weir opens, to sockets of the kernel's: how they open, and every way in which they do not."""
import contextlib
import os
import re
import selectors
import socket
import subprocess

import pytest

from network import KERNEL4, KERNEL6, SERVER4, SERVER6
from server import wait_until

PORT = 7777
BOTH = pytest.mark.parametrize("address", [KERNEL4, KERNEL6])
CLIENT = "../tests/e2e/weir-client"


def endpoint(address, port=PORT):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@pytest.fixture
def listener(network, request):
    """A listening socket on every address of the kernel's side, which exists before the TAP does."""
    with network.socket(socket.AF_INET6) as made:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.bind(("::", PORT))
        made.listen(2000)
        made.settimeout(30)
        yield made


@pytest.fixture
def connect(start):
    """connect(address, ...): a weir-client that opens to it."""
    def start_client(address, *arguments, port=PORT, **options):
        return start(CLIENT, f"--remote={endpoint(address, port)}", *arguments, **options)
    return start_client


def echo_once(listener):
    made, _ = listener.accept()
    with made:
        made.settimeout(30)
        text = made.recv(1000)
        made.sendall(text)
        return text, made.getpeername()


@pytest.mark.parametrize("arguments", [(), ("--from_server",)], ids=["handler", "server"])
@BOTH
def test_a_connection_opens_and_carries_text_both_ways(connect, listener, address, arguments):
    client = connect(address, "--message=over there", *arguments)
    text, peer = echo_once(listener)
    assert text == b"over there"
    assert peer[0].removeprefix("::ffff:") == (SERVER6 if ":" in address else SERVER4)
    assert peer[1] >= 32768
    wait_until(lambda: "client: closed" in client.log(), "the end of the connection")
    assert client.stop() == 0
    assert "1 opened, 10 octets, 1 closed" in client.log()


def test_a_client_begins_once_its_addresses_are_known_to_be_free(connect, listener):
    """Nothing may be sent from an address that is still being checked; OnStart comes after that."""
    client = connect(KERNEL6, dad=True)
    assert echo_once(listener)[0] == b"hello"
    wait_until(lambda: "client: closed" in client.log(), "the end of the connection")


@BOTH
def test_a_closed_port_refuses(connect, address):
    client = connect(address, "--count=3", port=PORT + 1)
    wait_until(lambda: client.log().count("client: refused") == 3, "the refusals")
    assert client.stop() == 0
    assert "0 opened, 0 octets, 3 refused" in client.log()


@pytest.mark.parametrize("address", ["198.18.0.77", "2001:2::77"])
def test_a_host_that_is_not_there_times_out(connect, address):
    client = connect(address, "--set", "tcp.syn_retries=1", "--set", "tcp.rto_initial_ms=200")
    wait_until(lambda: re.search("client: (timed out|unreachable)", client.log()), "the end of the attempt")
    assert client.stop() == 0
    assert "0 opened" in client.log()


def test_without_a_route_nothing_is_begun(connect):
    client = connect("198.51.100.1")
    wait_until(lambda: "client: UNAVAILABLE" in client.log(), "the refusal")


def test_a_servers_connect_without_a_route_ends_the_program(network, programs):
    result = subprocess.run(
        network.command(programs / CLIENT, f"--device={network.carrier.device}", f"--address={SERVER4}/24",
                        "--set", "eal.huge_pages=off", "--set", f"eal.file_prefix={network.name}",
                        "--remote=198.51.100.1:80", "--from_server"),
        capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "connecting to 198.51.100.1:80: no route, or no address to use" in result.stderr


@pytest.mark.parametrize("remote", ["198.18.0.255:80", "198.18.0.2:80", "224.0.0.1:80", "198.18.0.1:0"])
def test_where_nobody_can_connect_to_is_named_before_it_runs(network, programs, remote):
    result = subprocess.run(
        network.command(programs / CLIENT, f"--device={network.carrier.device}", f"--address={SERVER4}/24",
                        "--set", "eal.huge_pages=off", "--set", f"eal.file_prefix={network.name}",
                        f"--remote={remote}", "--from_server"),
        capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert (remote.rpartition(":")[0] if not remote.endswith(":0") else "port 0") in result.stderr


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="SKIPPED: two workers need two processors")
@BOTH
def test_answers_reach_the_worker_that_opened(connect, network, listener, address):
    """300 connections of each of two workers, on a device that knows nothing of flows."""
    count = 300
    client = connect(address, "--workers=2", f"--count={count}")
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        for _ in range(2 * count):
            one, _ = listener.accept()
            stack.enter_context(one)
            one.settimeout(30)
            selector.register(one, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(30)
            assert ready, f"{len(selector.get_map())} connections said nothing"
            for key, _ in ready:
                assert key.fileobj.recv(100) == b"hello"
                selector.unregister(key.fileobj)
        counters = client.counters()
        assert counters["TcpActiveOpens"] == [count, count]
        assert counters["TcpEstablished"] == [count, count]
        # The TAP's queues go by the kernel's own hash, so about half of the frames had to be handed over.
        assert min(counters["HandoverFramesIn"]) > 0
        # A SYN-ACK on the worker that does not know of it would be dropped so, and answered by RST.
        assert "DropTcpNoConnection" not in counters, counters
    wait_until(lambda: client.log().count("client: closed") == 2 * count, "all to end")
