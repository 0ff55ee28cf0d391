"""weir-http as its clients see it: keep-alive, pipelining, conditions, and everything that is refused."""
import socket

import pytest

from network import SERVER4


@pytest.fixture
def root(tmp_path):
    path = tmp_path / "root"
    (path / "sub").mkdir(parents=True)
    (path / "index.html").write_text("<h1>top</h1>")
    (path / "sub/index.html").write_text("<h1>below</h1>")
    (path / "a b.txt").write_text("spaced")
    (path / "big.bin").write_bytes(bytes(range(256)) * 4096)
    (tmp_path / "secret").write_text("outside")
    (path / "link").symlink_to(tmp_path / "secret")
    return path


@pytest.fixture
def http(start, root):
    return start("weir-http", f"--root={root}")


def read_response(file):
    """One response from a buffered reader: (status, fields, body)."""
    status = int(file.readline().split()[1])
    fields = {}
    while (line := file.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode().partition(":")
        fields[name.lower()] = value.strip()
    return status, fields, file.read(int(fields.get("content-length", 0)))


def ask(network, request):
    """Sends octets on a new connection and returns all that comes until the server closes."""
    with network.connect(80) as client:
        client.sendall(request)
        answer = b""
        while piece := client.recv(1 << 16):
            answer += piece
    return answer


def test_the_built_in_page_is_served_without_a_root(start, network):
    start("weir-http")
    assert "weir is serving this page" in network.run("curl", "-sf", "--noproxy", "*", f"http://{SERVER4}/")


def test_many_requests_share_a_connection(http, network):
    with network.connect(80) as client, client.makefile("rb") as file:
        for path, status, body in [("/", 200, b"<h1>top</h1>"), ("/sub/", 200, b"<h1>below</h1>"),
                                   ("/a%20b.txt", 200, b"spaced"), ("/none", 404, b"Not Found")] * 5:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: weir\r\n\r\n".encode())
            got_status, fields, got_body = read_response(file)
            assert (got_status, got_body) == (status, body)
            assert fields["connection"] == "keep-alive"
    assert http.counters()["TcpEstablished"] == [1]


def test_pipelined_requests_are_answered_in_order(http, network):
    """More, and larger answers, than the server can take in at once: it must stop reading, and go on."""
    count = 300
    with network.connect(80, timeout=60) as client, client.makefile("rb") as file:
        client.sendall(b"".join(f"GET /big.bin HTTP/1.1\r\nHost: weir\r\nRange: bytes={i}-{i + 2999}\r\n\r\n".encode()
                                for i in range(count)))
        client.shutdown(socket.SHUT_WR)
        text = bytes(range(256)) * 4096
        for i in range(count):
            status, _, body = read_response(file)
            assert (status, body) == (206, text[i:i + 3000]), i
        assert file.read() == b""


def test_pipelined_large_bodies_are_answered_in_order(http, network):
    count = 30
    with network.connect(80, timeout=60) as client, client.makefile("rb") as file:
        client.sendall(b"GET /big.bin HTTP/1.1\r\nHost: weir\r\n\r\nGET / HTTP/1.1\r\nHost: weir\r\n\r\n" * count)
        for _ in range(count):
            assert read_response(file)[2] == bytes(range(256)) * 4096
            assert read_response(file)[2] == b"<h1>top</h1>"


def test_a_client_that_has_the_page_is_told_so(http, network):
    with network.connect(80) as client, client.makefile("rb") as file:
        client.sendall(b"GET / HTTP/1.1\r\nHost: weir\r\n\r\n")
        _, fields, _ = read_response(file)
        client.sendall(f"GET / HTTP/1.1\r\nHost: weir\r\nIf-None-Match: {fields['etag']}\r\n\r\n".encode())
        assert read_response(file)[0] == 304
        client.sendall(f"GET / HTTP/1.1\r\nHost: weir\r\nIf-Modified-Since: {fields['last-modified']}\r\n\r\n".encode())
        assert read_response(file)[0] == 304


def test_head_has_no_body(http, network):
    with network.connect(80) as client, client.makefile("rb") as file:
        client.sendall(b"HEAD /big.bin HTTP/1.1\r\nHost: weir\r\n\r\n")
        assert file.readline() == b"HTTP/1.1 200 OK\r\n"
        while (line := file.readline()) != b"\r\n":
            assert not line.startswith(b"Content-Length") or line == b"Content-Length: 1048576\r\n"
        client.sendall(b"GET / HTTP/1.1\r\nHost: weir\r\n\r\n")
        assert read_response(file)[2] == b"<h1>top</h1>"


def test_a_request_body_is_skipped(http, network):
    with network.connect(80) as client, client.makefile("rb") as file:
        client.sendall(b"POST / HTTP/1.1\r\nHost: weir\r\nContent-Length: 500000\r\n\r\n" + b"x" * 500000)
        assert read_response(file)[0] == 405
        client.sendall(b"PUT / HTTP/1.1\r\nHost: weir\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n")
        assert read_response(file)[0] == 405
        client.sendall(b"GET / HTTP/1.1\r\nHost: weir\r\n\r\n")
        assert read_response(file)[0] == 200


def test_curl_may_expect_to_be_told_to_continue(http, network, root):
    said = network.run("curl", "-s", "--noproxy", "*", "--expect100-timeout", "30", "-H", "Expect: 100-continue",
                       "-T", root / "big.bin", "-w", " %{http_code}", f"http://{SERVER4}/x")
    assert said.endswith(" 405")


def test_http_1_0_closes_unless_asked_not_to(http, network):
    answer = ask(network, b"GET / HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith(b"<h1>top</h1>")
    with network.connect(80) as client, client.makefile("rb") as file:
        for _ in range(2):
            client.sendall(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert read_response(file)[0] == 200


REFUSED = [
    ("garbage", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03", 400),
    ("no host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("a version of the future", b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    ("a long path", b"GET /" + b"x" * 3000 + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 414),
    ("a long head", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 20000 + b"\r\n\r\n", 431),
    ("a way out", b"GET /../secret HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400),
    ("an encoded way out", b"GET /%2e%2e/secret HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400),
    ("a link out", b"GET /link HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404),
    ("a NUL", b"GET /index.html%00.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400),
    ("another method", b"DELETE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405),
    ("two lengths", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
]


@pytest.mark.parametrize("what, request_text, status", REFUSED, ids=[what for what, _, _ in REFUSED])
def test_what_is_refused_is_answered_and_closed(http, network, what, request_text, status):
    answer = ask(network, request_text)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), what
    assert b"outside" not in answer


def test_more_clients_than_there_is_room_for_are_told_to_come_back(start, network):
    start("weir-http", "--http_connections=2")
    with network.connect(80) as first, network.connect(80) as second:
        for client in (first, second):
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        with network.connect(80) as third:
            assert third.recv(1000).startswith(b"HTTP/1.1 503 ")
    # Room again.
    assert ask(network, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_request_that_never_ends_is_given_up(http, network):
    """A field every second, for ever: the deadline is for the whole head, however busy the client looks."""
    with network.connect(80, timeout=0.5) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        answer = b""
        for i in range(120):
            try:
                answer = client.recv(1000)
                break
            except TimeoutError:
                client.sendall(f"X-{i}: y\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 408 ")
