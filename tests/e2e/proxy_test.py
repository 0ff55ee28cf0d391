"""weir-proxy before nginx and plain sockets: all octets, both ways, whoever is slow, dies, or hangs up."""
import contextlib
import hashlib
import os
import pathlib
import re
import selectors
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from network import KERNEL4, KERNEL6, SERVER4, SERVER6
from server import wait_until

UPSTREAM_PORT = 8080
CURL = ["curl", "--silent", "--show-error", "--fail", "--globoff", "--noproxy", "*", "--max-time", "300"]
# Small, so that what is in buffers is soon more than they hold.
BUFFERS = ["--set", "tcp.send_buffer=65536", "--set", "tcp.receive_buffer=65536"]
NGINX_CONFIG = """
daemon off;
user root;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  keepalive_requests 1000000;
  server {{
    listen {address4}:{port} backlog=4096;
    listen [{address6}]:{port} backlog=4096;
    root {root};
  }}
}}
"""


class Nginx:
    """The upstream: `start` and `kill` as often as one likes."""

    def __init__(self, network, directory, root, port=UPSTREAM_PORT):
        self.network = network
        self.process = None
        self.port = port
        directory.mkdir()
        self.config = directory / "nginx.conf"
        self.config.write_text(NGINX_CONFIG.format(directory=directory, root=root, port=port, address4=KERNEL4,
                                                   address6=KERNEL6))

    def start(self):
        self.process = subprocess.Popen(self.network.command("nginx", "-p", self.config.parent, "-c", self.config),
                                        stdin=subprocess.DEVNULL, start_new_session=True)
        wait_until(self._listens, "nginx to listen")

    def _listens(self):
        assert self.process.poll() is None, "nginx ended"
        return f"{KERNEL4}:{self.port}" in self.network.run("ss", "-Hltn")

    def kill(self):
        """Master and workers at once, with whatever they were doing."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@pytest.fixture
def nginx(network, tmp_path, large_file):
    """nginx that serves the large file and a page; it needs the proxy's TAP, so a test starts it."""
    (large_file.parent / "page.html").write_text("<p>" + "weir " * 200)
    made = Nginx(network, tmp_path / "nginx", large_file.parent)
    yield made
    made.kill()


@pytest.fixture
def proxy(start):
    """proxy(upstream, ...): a weir-proxy on port 80 that is ready."""
    def start_proxy(*upstreams, arguments=()):
        return start("weir-proxy", "--port=80", f"--upstream={','.join(upstreams)}", *arguments)
    return start_proxy


@contextlib.contextmanager
def listening(network, address=KERNEL4, port=UPSTREAM_PORT):
    """A listening socket on the kernel's side; whatever is accepted has a timeout."""
    with network.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(1000)
        listener.settimeout(20)
        yield listener


def accept(listener):
    """The next connection that is not a health check: those are reset as soon as they are open."""
    made, _ = listener.accept()
    made.settimeout(20)
    return made


def total(server, name):
    return sum(server.counters().get(name, [0]))


def upstream(address, port=UPSTREAM_PORT):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def url(address, path):
    return f"http://[{address}]/{path}" if ":" in address else f"http://{address}/{path}"


def reset(connection):
    """Closes with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def expect_reset(network):
    """A client that is accepted and reset: connect may hear of it already, or the first read."""
    with pytest.raises(ConnectionResetError):
        with network.connect(80) as client:
            client.recv(1)


NO_CHECKS = ["--health_interval_ms=0"]


@pytest.mark.parametrize("carrier", ["tap", "af_packet"], indirect=True)
@pytest.mark.parametrize("front, back", [(SERVER4, KERNEL4), (SERVER6, KERNEL6), (SERVER4, KERNEL6)])
def test_curl_gets_a_large_file_through_it_unchanged(proxy, network, nginx, tmp_path, large_file, front, back):
    proxy(upstream(back))
    nginx.start()
    got = tmp_path / "got"
    network.run(*CURL, "--output", got, url(front, large_file.name))
    assert hashlib.sha256(got.read_bytes()).digest() == hashlib.sha256(large_file.read_bytes()).digest()


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.skipif(
    (os.cpu_count() or 1) < 2, reason="SKIPPED: two workers need two processors"))])
def test_wrk_sees_no_error_through_it(proxy, network, nginx, workers):
    server = proxy(upstream(KERNEL4), arguments=[f"--workers={workers}"])
    nginx.start()
    said = network.run("wrk", "-t", "2", "-c", "64", "-d", "5", url(SERVER4, "page.html"))
    print(said)
    assert "Socket errors" not in said and "Non-2xx" not in said
    assert int(re.search(r"(\d+) requests in", said).group(1)) > 0
    assert total(server, "TcpActiveOpens") >= 64


@pytest.mark.parametrize("front, back", [(SERVER4, KERNEL4), (SERVER6, KERNEL6)])
def test_answers_come_back_to_the_worker_that_opened(proxy, network, front, back):
    """With two workers each opens from ports whose answers are its own: none ends in an RST of the other."""
    server = proxy(upstream(back), arguments=["--workers=2", *NO_CHECKS])
    with listening(network, back) as listener:
        clients = [network.connect(80, front) for _ in range(64)]
        accepted = [accept(listener) for _ in clients]
        for i, client in enumerate(clients):
            client.sendall(f"client {i}".encode())
        assert {one.recv(100) for one in accepted} == {f"client {i}".encode() for i in range(64)}
        for one in [*clients, *accepted]:
            one.close()
    counters = server.counters()
    opened = counters["TcpActiveOpens"]
    assert sum(opened) == 64 and min(opened) >= 8, f"unevenly: {opened}"
    assert sum(counters["TcpEstablished"]) == 128
    # A SYN-ACK on the worker that does not know of it would be answered so.
    assert "DropTcpNoConnection" not in counters and "DropTcpListenAck" not in counters, counters


@pytest.mark.parametrize("front, back", [(SERVER4, KERNEL4), (SERVER6, KERNEL6)])
def test_text_goes_both_ways_and_each_half_closes_by_itself(proxy, network, front, back):
    proxy(upstream(back), arguments=NO_CHECKS)
    with listening(network, back) as listener, network.connect(80, front) as client, accept(listener) as server:
        client.sendall(b"question")
        assert server.recv(100) == b"question"
        client.shutdown(socket.SHUT_WR)
        assert server.recv(100) == b""
        # The other direction goes on.
        server.sendall(b"answer ")
        server.sendall(b"in two parts")
        server.shutdown(socket.SHUT_WR)
        received = b""
        while piece := client.recv(100):
            received += piece
        assert received == b"answer in two parts"


def test_a_half_close_by_the_upstream_leaves_the_client_talking(proxy, network):
    proxy(upstream(KERNEL4), arguments=NO_CHECKS)
    with listening(network) as listener, network.connect(80) as client, accept(listener) as server:
        server.sendall(b"that is all")
        server.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b"that is all" and client.recv(100) == b""
        client.sendall(b"not quite")
        assert server.recv(100) == b"not quite"


def test_what_the_client_says_and_ends_before_the_upstream_is_open_arrives(proxy, network):
    """The upstream's address exists only later: until then nothing but the client's side is there."""
    late = "198.18.0.9"
    server = proxy(upstream(late), arguments=[*NO_CHECKS, "--connect_timeout_ms=20000"])
    with network.connect(80) as client:
        client.sendall(b"early")
        client.shutdown(socket.SHUT_WR)
        wait_until(lambda: total(server, "TcpTextOctetsIn") == 5, "the client's text")
        network.run("ip", "address", "add", f"{late}/24", "dev", network.carrier.kernel_side)
        with listening(network, late) as listener, accept(listener) as other:
            assert other.recv(100) == b"early" and other.recv(100) == b""
            other.sendall(b"late")
            other.shutdown(socket.SHUT_WR)
            assert client.recv(100) == b"late" and client.recv(100) == b""


@pytest.mark.parametrize("who", ["client", "upstream"])
def test_a_reset_on_one_side_is_a_reset_on_the_other(proxy, network, who):
    proxy(upstream(KERNEL4), arguments=NO_CHECKS)
    with listening(network) as listener, network.connect(80) as client, accept(listener) as server:
        client.sendall(b"x")
        assert server.recv(1) == b"x"
        dies, other = (client, server) if who == "client" else (server, client)
        reset(dies)
        with pytest.raises(ConnectionResetError):
            other.recv(1)


def test_a_dead_upstream_is_passed_over(proxy, network):
    """The one refuses, the other serves: no client notices, and the checks take the first down."""
    server = proxy(upstream(KERNEL4, 8081), upstream(KERNEL4), arguments=["--health_interval_ms=100"])
    with listening(network) as listener:
        def serve(stop):
            while not stop.is_set():
                with contextlib.suppress(OSError), accept(listener) as one:
                    if one.recv(100):
                        one.sendall(b"served")

        stop = threading.Event()
        threads = [threading.Thread(target=serve, args=[stop]) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(20):
                with network.connect(80) as client:
                    client.sendall(b"hello")
                    assert client.recv(100) == b"served"
            wait_until(lambda: f"upstream {KERNEL4}:8081 is down" in server.log(), "the upstream to be found down")
        finally:
            stop.set()
            listener.settimeout(0)
            for thread in threads:
                thread.join()


def test_an_upstream_that_does_not_answer_is_passed_over_after_the_timeout(proxy, network):
    """198.18.0.77 answers no ARP: its SYNs go nowhere."""
    proxy("198.18.0.77:80", upstream(KERNEL4), arguments=[*NO_CHECKS, "--connect_timeout_ms=300"])
    with listening(network) as listener:
        for _ in range(2):
            with network.connect(80) as client, accept(listener) as server:
                client.sendall(b"whoever")
                assert server.recv(100) == b"whoever"


@pytest.mark.parametrize("back", [KERNEL4, KERNEL6])
def test_when_all_upstreams_refuse_the_client_is_reset(proxy, network, back):
    server = proxy(upstream(back), upstream(back, 8081), arguments=NO_CHECKS)
    expect_reset(network)
    server.stop()
    assert "1 connections, 2 failed connects" in server.log()
    assert "reset: 1 without an upstream" in server.log()


def test_when_all_upstreams_are_down_the_client_is_reset_at_once(proxy, network):
    """Without an attempt to connect: only the checks do that."""
    server = proxy("198.18.0.77:80", arguments=["--health_interval_ms=100", "--connect_timeout_ms=50",
                                                "--health_fall=2"])
    wait_until(lambda: "upstream 198.18.0.77:80 is down" in server.log(), "the upstream to be found down")
    expect_reset(network)
    assert "no upstream is up: a client is reset" in server.log()
    assert server.stop() == 0
    assert "1 connections, 0 failed connects" in server.log()


def test_an_unreachable_upstream_is_told_by_a_router(proxy, network):
    """The kernel plays the gateway and says that it has no route: the connect fails then, not at the timeout."""
    network_arguments = ["--gateway", KERNEL4, *NO_CHECKS, "--connect_timeout_ms=60000"]
    proxy("198.51.100.1:80", arguments=network_arguments)
    network.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
    expect_reset(network)


def test_an_idle_pair_is_reset(proxy, network):
    server = proxy(upstream(KERNEL4), arguments=[*NO_CHECKS, "--idle_timeout_s=1"])
    with listening(network) as listener, network.connect(80) as client, accept(listener) as other:
        client.sendall(b"x")
        assert other.recv(1) == b"x"
        for side in (client, other):
            with pytest.raises(ConnectionResetError):
                side.recv(1)
    server.stop()
    assert re.search(r"0 without an upstream, 0 without room, 1 idle", server.log())


def test_a_client_beyond_the_limit_is_reset(proxy, network):
    server = proxy(upstream(KERNEL4), arguments=[*NO_CHECKS, "--proxy_connections=2"])
    with listening(network) as listener:
        served = [network.connect(80) for _ in range(2)]
        accepted = [accept(listener) for _ in served]
        expect_reset(network)
        for one in [*served, *accepted]:
            one.close()
        # Its place is free again.
        wait_until(lambda: total(server, "TcpTimeWait") + total(server, "TcpClosed") >= 5, "the two to end")
        with network.connect(80) as client, accept(listener) as other:
            client.sendall(b"again")
            assert other.recv(100) == b"again"


def resident_kb(server):
    """Of the program itself: `ip netns exec` becomes it."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


@pytest.mark.parametrize("slow", ["client", "upstream"])
def test_a_slow_reader_does_not_grow_memory(proxy, network, megabytes, slow):
    """One side sends for seconds what the other hardly reads: the proxy holds two buffers full, and says stop."""
    server = proxy(upstream(KERNEL4), arguments=[*NO_CHECKS, *BUFFERS])
    size = 2 * megabytes << 20
    block = os.urandom(1 << 20)
    with listening(network) as listener:
        client = network.socket()
        reader_buffer = 65536
        if slow == "client":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, reader_buffer)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, reader_buffer)
        client.settimeout(60)
        client.connect((SERVER4, 80))
        other = accept(listener)
        other.settimeout(60)
        reader, writer = (client, other) if slow == "client" else (other, client)
        sent = hashlib.sha256()

        def write():
            for i in range(size >> 20):
                piece = i.to_bytes(8, "big") + block[8:]
                sent.update(piece)
                writer.sendall(piece)
            writer.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=write)
        thread.start()
        received, digest, held, resident = 0, hashlib.sha256(), [], []
        began = time.monotonic()
        while piece := reader.recv(1 << 16):
            received += len(piece)
            digest.update(piece)
            if time.monotonic() - began < 4:
                time.sleep(0.2)
                held.append(total(server, "TcpTextOctetsIn") - received)
                resident.append(resident_kb(server))
        thread.join()
        client.close()
        other.close()
    assert received == size and digest.digest() == sent.digest()
    # The proxy's two buffers, and what the kernel's reader has not been asked for yet.
    assert max(held) <= 2 * 65536 + 4 * reader_buffer, held
    assert max(resident) - resident[0] < 4096, resident


def test_many_slow_readers_are_each_held_to_their_buffers(proxy, network):
    server = proxy(upstream(KERNEL4), arguments=[*NO_CHECKS, *BUFFERS])
    count = 20
    with listening(network) as listener, selectors.DefaultSelector() as selector:
        pairs = []
        for _ in range(count):
            client = network.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(20)
            client.connect((SERVER4, 80))
            other = accept(listener)
            other.setblocking(False)
            selector.register(other, selectors.EVENT_WRITE)
            pairs.append((client, other))
        # Until nothing can be written for a while: every buffer on the way is full.
        while ready := selector.select(1.5):
            for key, _ in ready:
                with contextlib.suppress(BlockingIOError):
                    key.fileobj.send(b"x" * 65536)
        assert total(server, "TcpTextOctetsIn") <= count * (2 * 65536 + 32768)
        counters = server.counters()
        assert "DropTcpKeptBuffers" not in counters and "DropTcpReceiveBuffer" not in counters
        for client, other in pairs:
            reset(client)
            other.close()


def test_service_resumes_after_the_upstream_was_killed_and_restarted_under_load(proxy, network, nginx):
    server = proxy(upstream(KERNEL4), arguments=["--health_interval_ms=100", "--health_fall=2"])
    nginx.start()
    load = subprocess.Popen(network.command("wrk", "-t", "1", "-c", "32", "-d", "8", url(SERVER4, "page.html")),
                            stdout=subprocess.PIPE, text=True)
    wait_until(lambda: total(server, "TcpTextOctetsOut") > 1_000_000, "the load to be on its way")
    nginx.kill()
    wait_until(lambda: "is down" in server.log(), "the upstream to be found down")
    nginx.start()
    wait_until(lambda: server.log().count("is up") >= 1, "the upstream to be found up")
    before = total(server, "TcpTextOctetsOut")
    wait_until(lambda: total(server, "TcpTextOctetsOut") > before + 1_000_000, "service to resume")
    said, _ = load.communicate(timeout=60)
    print(said)
    assert "Socket errors" in said, "wrk must have seen the connections that died"
    network.run(*CURL, "--output", "/dev/null", url(SERVER4, "page.html"))


def test_a_proxy_told_to_stop_lets_transfers_finish(proxy, network, nginx, large_file, tmp_path):
    server = proxy(upstream(KERNEL4), arguments=["--set", "drain.timeout_ms=60000"])
    nginx.start()
    got = tmp_path / "got"
    client = subprocess.Popen(network.command(*CURL, "--limit-rate", f"{large_file.stat().st_size // 3}",
                                              "--output", got, url(SERVER4, large_file.name)))
    wait_until(lambda: total(server, "TcpTextOctetsOut") > 100_000, "the transfer to be under way")
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "weir: draining" in server.log(), "the drain to begin")
    with pytest.raises(ConnectionRefusedError):
        network.connect(80)
    assert client.wait(60) == 0
    assert got.read_bytes() == large_file.read_bytes()
    assert server.wait() == 0
    assert "weir: drained" in server.log()


REFUSED = [
    ([], "--upstream: name at least one"),
    (["--upstream=web:80"], '--upstream: "web:80" is not ADDRESS:PORT'),
    (["--upstream=198.18.0.1:80", "--balance=random"], "--balance=random"),
    (["--upstream=198.18.0.1:80", "--connect_timeout_ms=0"], "--connect_timeout_ms=0: must be from 1 to 60000"),
]


@pytest.mark.parametrize("arguments, said", REFUSED, ids=[" ".join(arguments) for arguments, _ in REFUSED])
def test_a_mistake_in_its_flags_is_named(network, programs, arguments, said):
    result = subprocess.run(
        network.command(programs / "weir-proxy", f"--device={network.carrier.device}", f"--address={SERVER4}/24",
                        "--set", "eal.huge_pages=off", "--set", f"eal.file_prefix={network.name}", *arguments),
        capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert said in result.stderr
