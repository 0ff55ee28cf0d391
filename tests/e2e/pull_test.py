"""Pull mode: threads of the application's own accept and serve connections, and may wait."""
import os
import signal
import socket
import subprocess

import pytest

from network import KERNEL4, SERVER4, SERVER6
from server import Server, wait_until

THREADS = 8
CONNECTIONS = int(os.environ["WEIR_E2E_CONNECTIONS"])


@pytest.mark.parametrize("address", [SERVER4, SERVER6])
def test_echo_to_the_kernels_tcp(start, network, address):
    start("weir-pull-echo")
    text = os.urandom(300_000)
    with network.connect(7, address) as client:
        for at in range(0, len(text), 30_000):
            client.sendall(text[at:at + 30_000])
        client.shutdown(socket.SHUT_WR)
        received = b""
        while piece := client.recv(65536):
            received += piece
    assert received == text


@pytest.mark.parametrize("carrier", ["memif"], indirect=True)
def test_eight_threads_serve_every_connection_octet_by_octet(start, network, programs, tmp_path):
    socket_path = tmp_path / "memif"
    server = start("weir-pull-echo", f"--threads={THREADS}",
                   device=f"net_memif0,role=server,socket={socket_path},socket-abstract=no")
    clients = Server(network, programs.parent / "tests/e2e/weir-echo-clients",
                     [f"--remote={SERVER4}:7", f"--count={CONNECTIONS}", "--set", f"eal.file_prefix={network.name}c",
                      "--set", "tcp.time_wait_ms=1", "--set", "memory.max_connections=4096"],
                     tmp_path / "clients.log", addresses=f"{KERNEL4}/24",
                     device=f"net_memif1,role=client,socket={socket_path},socket-abstract=no")
    clients.start()
    assert clients.process.wait(500) == 0, clients.log()
    clients.finish()
    assert f"clients: {CONNECTIONS} ended, {CONNECTIONS} good" in clients.log()
    assert sum(server.counters()["PullAccepted"]) == CONNECTIONS


@pytest.mark.parametrize("how_often", [1, 2])
def test_the_server_stops_while_threads_accept_and_receive(start, network, how_often):
    """Once: what is open goes on to its end. Twice: at once, and every thread comes back all the same."""
    server = start("weir-pull-echo", f"--threads={THREADS}")
    clients = [network.connect(7) for _ in range(THREADS // 2)]
    for client in clients:
        client.sendall(b"before")
        assert client.recv(100) == b"before"
    for _ in range(how_often):
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "draining" in server.log(), "the drain to begin")
    if how_often == 1:
        for client in clients:
            client.sendall(b"after")
            assert client.recv(100) == b"after"
    for client in clients:
        client.close()
    assert server.wait() == (0 if how_often == 1 else 1)
    server.finished = how_often > 1  # which leaves connections behind


def test_threads_that_are_all_busy_leave_the_others_in_the_queue(start, network):
    server = start("weir-pull-echo", "--threads=2", "--set", "tcp.backlog=4")
    busy = [network.connect(7) for _ in range(2)]
    for client in busy:
        client.sendall(b"x")
        assert client.recv(100) == b"x"
    waiting = [network.connect(7) for _ in range(4)]
    for client in waiting:
        client.sendall(b"y")
    assert sum(server.counters()["PullAccepted"]) == 2
    for client in busy:
        client.close()
    for client in waiting:
        assert client.recv(100) == b"y"
        client.close()


def test_a_peer_that_does_not_read_holds_one_thread_only(start, network):
    server = start("weir-pull-echo", "--threads=2")
    greedy = network.connect(7, timeout=3)
    with pytest.raises(TimeoutError):
        greedy.sendall(bytes(256 << 20))  # its echo fills every buffer on the way
    with network.connect(7) as other:
        other.sendall(b"served")
        assert other.recv(100) == b"served"
    greedy.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    greedy.close()
    wait_until(lambda: sum(server.counters().get("TcpClosed", [0])) == 2, "both to be given back")


@pytest.mark.parametrize("arguments, why", [
    (["--threads=0"], "max_streams = 0: must be from 1 to 1048576"),
    (["--set", "tcp.backlog=1048576"], "MB; this machine has"),
    (["--port=0"], "port 0"),
])
def test_what_cannot_be_reserved_is_refused(network, programs, tmp_path, arguments, why):
    server = Server(network, programs / "weir-pull-echo", arguments, tmp_path / "log")
    done = subprocess.run(network.command(server.program, *server.arguments), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert why in done.stderr
