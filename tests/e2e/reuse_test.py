"""One 4-tuple that the kernel uses again and again: TIME-WAIT is on our side, and gives way (RFC 6191)."""
import errno
import socket
import struct
import time

import pytest

from network import SERVER4, SERVER6

TIMES = 3000
SOURCE_PORT = 45000
REQUEST = b"GET / HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n\r\n"


def connect(family, address):
    """From the one source port. The socket before may take a moment to hear that its FIN has arrived."""
    while True:
        client = socket.socket(family, socket.SOCK_STREAM)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.settimeout(20)
        client.bind(("", SOURCE_PORT))
        try:
            client.connect((address, 80))
            return client
        except OSError as error:
            client.close()
            if error.errno != errno.EADDRNOTAVAIL:
                raise


def ask(client):
    client.sendall(REQUEST)
    answer = b""
    while piece := client.recv(1 << 16):
        answer += piece
    assert answer.startswith(b"HTTP/1.1 200") and b"weir is serving this page" in answer


def report(what, begin):
    print(f"{what}: {TIMES / (time.monotonic() - begin):.0f} connections per second on one 4-tuple")


@pytest.mark.parametrize("timestamps", [1, 0])
@pytest.mark.parametrize("family, address", [(socket.AF_INET, SERVER4), (socket.AF_INET6, SERVER6)])
def test_a_tuple_is_reused_as_fast_as_the_kernel_can(start, network, family, address, timestamps):
    """The server closes first, so that it has each tuple in TIME-WAIT when the next SYN comes."""
    server = start("weir-http")
    network.run("sysctl", "-qw", f"net.ipv4.tcp_timestamps={timestamps}")
    with network.inside():
        begin = time.monotonic()
        for _ in range(TIMES):
            with connect(family, address) as client:
                ask(client)
        report(f"server closes, timestamps {timestamps}", begin)
    counters = server.counters()
    assert counters["TcpEstablished"] == [TIMES]
    assert counters["TcpTimeWaitReused"] == [TIMES - 1]
    assert sum(counters.get("TcpTimedOut", [0])) == 0


@pytest.mark.parametrize("timestamps", [1, 0])
def test_a_tuple_is_reused_after_a_reset(start, network, timestamps):
    """The client ends each connection by RST: neither side has anything left of it."""
    server = start("weir-http")
    network.run("sysctl", "-qw", f"net.ipv4.tcp_timestamps={timestamps}")
    with network.inside():
        begin = time.monotonic()
        for _ in range(TIMES):
            with connect(socket.AF_INET, SERVER4) as client:
                client.sendall(REQUEST.replace(b"close", b"keep-alive"))
                assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        report(f"client resets, timestamps {timestamps}", begin)
    counters = server.counters()
    assert counters["TcpEstablished"] == [TIMES]
    assert "TcpTimeWait" not in counters or counters["TcpTimeWait"] == [0]
