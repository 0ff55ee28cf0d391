"""TCP Fast Open (RFC 7413) between weir and the kernel, both ways."""
import socket
import struct

import pytest

from network import KERNEL4, KERNEL6, SERVER4, SERVER6
from server import wait_until

PORT = 7777
CLIENT = "../tests/e2e/weir-client"
CLIENT_AND_SERVER = 3            # bits of net.ipv4.tcp_fastopen; it speaks for IPv6 as well
TCP_FASTOPEN_CONNECT = 30
SYN_DATA = 32                    # TCPI_OPT_SYN_DATA: what went with the SYN was acknowledged
OPTIONS_AT = 5                   # of struct tcp_info


@pytest.fixture(autouse=True)
def fast_open_in_the_kernel(network):
    network.run("sysctl", "-qw", f"net.ipv4.tcp_fastopen={CLIENT_AND_SERVER}")


def kernel_counter(network, name):
    lines = network.run("cat", "/proc/net/netstat").splitlines()
    names, values = (line.split() for line in lines if line.startswith("TcpExt:"))
    return int(values[names.index(name)])


def exchange(network, address, text, options=()):
    """Text goes with the SYN as far as the kernel has a cookie; its echo, and whether it did."""
    with network.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as made:
        # Blocking: a socket with a timeout of Python's own is not, and the kernel answers EINPROGRESS.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 20, 0))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 20, 0))
        if options:
            made.setsockopt(*options)
            made.connect((address, PORT))
            made.sendall(text)
        else:
            made.sendto(text, socket.MSG_FASTOPEN, (address, PORT))
        echo = b""
        while len(echo) < len(text):
            echo += made.recv(65536)
        info = made.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        made.shutdown(socket.SHUT_WR)
        assert made.recv(1) == b""
        return echo, info[OPTIONS_AT] & SYN_DATA != 0


@pytest.mark.parametrize("options", [(), (socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)], ids=["sendto", "connect"])
@pytest.mark.parametrize("address", [SERVER4, SERVER6])
def test_the_kernels_text_comes_with_its_syn(network, start, address, options):
    server = start("weir-echo", f"--port={PORT}", "--set", "tcp.fast_open=true")
    assert exchange(network, address, b"first", options) == (b"first", False)
    for _ in range(3):
        assert exchange(network, address, b"again", options) == (b"again", True)
    # More than a segment: what does not go with the SYN follows.
    assert exchange(network, address, b"x" * 10000, options) == (b"x" * 10000, True)
    counters = server.counters()
    assert sum(counters.get("TcpFastOpenCookiesSent", [0])) == 1
    assert sum(counters.get("TcpFastOpens", [0])) == 4


def test_without_fast_open_the_kernel_gets_no_cookie(network, start):
    server = start("weir-echo", f"--port={PORT}")
    for _ in range(3):
        assert exchange(network, SERVER4, b"text") == (b"text", False)
    assert sum(server.counters().get("TcpFastOpens", [0])) == 0


def test_all_workers_know_each_others_cookies(network, start):
    """Each connection belongs to one of two workers by its port; the key is the process's."""
    server = start("weir-echo", f"--port={PORT}", "--set", "tcp.fast_open=true", "--workers=2")
    assert exchange(network, SERVER4, b"first") == (b"first", False)
    for _ in range(30):
        assert exchange(network, SERVER4, b"again") == (b"again", True)
    opens = server.counters().get("TcpFastOpens", [0])
    assert sum(opens) == 30 and min(opens) > 0


@pytest.mark.parametrize("address", [KERNEL4, KERNEL6])
def test_weirs_text_goes_with_its_syn(network, start, address):
    with network.socket(socket.AF_INET6) as listener:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
        listener.bind(("::", PORT))
        listener.listen(16)
        listener.settimeout(30)
        remote = f"[{address}]:{PORT}" if ":" in address else f"{address}:{PORT}"
        client = start(CLIENT, f"--remote={remote}", "--count=4", "--fast_open", "--message=early text")
        for _ in range(4):
            made, _ = listener.accept()
            with made:
                made.settimeout(30)
                assert made.recv(1000) == b"early text"
                made.sendall(b"answer")
        wait_until(lambda: client.log().count("client: closed") == 4, "the end of the connections")
        counters = client.counters()
        assert sum(counters.get("TcpFastOpenSyns", [0])) == 3, "all but the first, which asks for the cookie"
        assert sum(counters.get("TcpFastOpensTaken", [0])) == 3
        assert sum(counters.get("TcpFastOpensFailed", [0])) == 0
        assert kernel_counter(network, "TCPFastOpenPassive") == 3
        assert client.stop() == 0
        assert "4 opened, 24 octets, 4 closed" in client.log()


def test_a_kernel_that_takes_no_text_gets_it_after_the_handshake(network, start):
    """Fast open is turned off there after the first: weir tries once more, and then not so soon again."""
    with network.socket() as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
        listener.bind(("", PORT))
        listener.listen(16)
        listener.settimeout(30)
        client = start(CLIENT, f"--remote={KERNEL4}:{PORT}", "--count=4", "--fast_open", "--message=early text")
        for number in range(4):
            made, _ = listener.accept()
            with made:
                made.settimeout(30)
                assert made.recv(1000) == b"early text"
                if number == 0:
                    network.run("sysctl", "-qw", "net.ipv4.tcp_fastopen=0")
        wait_until(lambda: client.log().count("client: closed") == 4, "the end of the connections")
        counters = client.counters()
        assert sum(counters.get("TcpFastOpenSyns", [0])) == 1
        assert sum(counters.get("TcpFastOpensTaken", [0])) == 0
        assert sum(counters.get("TcpFastOpensFailed", [0])) == 1
