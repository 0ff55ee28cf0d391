"""How connections and servers end: half closes, killed clients, signals, and what is refused at the start."""
import hashlib
import pathlib
import re
import signal
import socket
import subprocess

import pytest

from carriers import on_every_carrier
from network import SERVER4, SERVER6
from server import wait_until


@on_every_carrier
def test_a_half_closed_connection_still_carries_the_answer(start, network):
    start("weir-echo")
    for address in (SERVER4, SERVER6):
        with network.connect(7, address) as client:
            client.sendall(b"first ")
            client.sendall(b"last")
            client.shutdown(socket.SHUT_WR)
            received = b""
            while piece := client.recv(100):
                received += piece
            assert received == b"first last"


def test_netcat_sends_end_of_file_and_reads_to_the_end(start, network):
    start("weir-echo")
    assert network.run("nc", "-N", "-w", "10", SERVER4, "7", input="through netcat\n") == "through netcat\n"


def test_a_connection_that_ends_at_once_is_closed_again(start, network):
    start("weir-echo")
    for _ in range(50):
        network.connect(7).close()
    for _ in range(50):
        with network.connect(7) as client:
            # Close with RST.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            client.sendall(b"x")


@on_every_carrier
def test_a_client_killed_in_mid_transfer_costs_nobody_else(start, network, large_file):
    server = start("weir-http", f"--root={large_file.parent}")
    client = subprocess.Popen(
        network.command("curl", "-s", "--limit-rate", "500k", "--noproxy", "*", "-o", "/dev/null",
                        f"http://{SERVER4}/{large_file.name}"))
    wait_until(lambda: server.counters().get("TcpTextOctetsOut", [0])[0] > 100_000, "the transfer to be under way")
    client.kill()
    client.wait()
    page = network.run("curl", "-s", "--noproxy", "*", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}",
                       f"http://{SERVER4}/nothing")
    assert page == "404"
    wait_until(lambda: server.counters().get("TcpClosed", [0])[0] >= 1, "the connection to be given back")


@on_every_carrier
def test_a_server_told_to_stop_finishes_what_it_is_sending(start, network, large_file):
    server = start("weir-http", f"--root={large_file.parent}", "--set", "drain.timeout_ms=60000")
    digest = hashlib.sha256(large_file.read_bytes()).digest()
    with network.connect(80, timeout=60) as client:
        client.sendall(b"GET /large.bin HTTP/1.0\r\n\r\n")
        received = bytearray(client.recv(1 << 16))
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "weir: draining 1 connections" in server.log(), "the drain to begin")
        # Nobody new comes in.
        with pytest.raises(ConnectionRefusedError):
            network.connect(80)
        while piece := client.recv(1 << 18):
            received += piece
    assert hashlib.sha256(received.partition(b"\r\n\r\n")[2]).digest() == digest
    assert server.wait() == 0
    assert "weir: drained" in server.log()


def test_a_drain_that_takes_too_long_resets_what_is_left(start, network):
    server = start("weir-chargen", "--set", "drain.timeout_ms=300")
    with network.connect(19) as client:
        client.recv(1000)
        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionResetError):
            while client.recv(1 << 18):
                pass
    assert server.wait() == 0


def test_a_second_signal_ends_the_drain(start, network):
    server = start("weir-echo", "--set", "drain.timeout_ms=600000")
    with network.connect(7) as client:
        client.sendall(b"x")
        client.recv(1)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "weir: draining" in server.log(), "the drain to begin")
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 1
    server.finished = True  # it was not allowed to finish


def test_sigint_drains_too(start):
    server = start("weir-echo")
    server.process.send_signal(signal.SIGINT)
    assert server.wait() == 0


def test_counters_are_printed_on_request(start, network):
    server = start("weir-echo")
    with network.connect(7) as client:
        client.sendall(b"12345")
        assert client.recv(100) == b"12345"
        counters = server.counters()
    assert counters["TcpEstablished"] == [1]
    assert counters["TcpTextOctetsIn"] == [5]
    assert counters["TcpTextOctetsOut"] == [5]
    assert re.search(r"TcpEstablished +1  connections that reached ESTABLISHED", server.log())
    assert re.search(r"^report: time=20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ uptime_s=\d+\.\d\ncounters:\n", server.log(), re.M)


REFUSED = [
    (["--set", "tcp.mss=9"], "tcp.mss"),
    (["--set", "tcp.receive_bufer=65536"], "did you mean tcp.receive_buffer?"),
    (["--idle=asleep"], "sleep"),
    (["--address=198.18.0.2"], "198.18.0.2"),
    (["--device=eth0"], "eth0"),
    (["--workers=two"], "two"),
    (["--config=/nonexistent.toml"], "/nonexistent.toml"),
    (["--nonsense"], "nonsense"),
    (["--port=65536"], "port"),
]


@pytest.mark.parametrize("arguments, named", REFUSED, ids=[" ".join(arguments) for arguments, _ in REFUSED])
def test_a_mistake_in_the_configuration_ends_it_before_any_port_is_touched(network, programs, arguments, named):
    given = {"--device": f"--device={network.carrier.device}", "--address": f"--address={SERVER4}/24"}
    for argument in arguments:
        given.pop(argument.partition("=")[0], None)
    result = subprocess.run(network.command(programs / "weir-echo", *given.values(), *arguments),
                            capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2, result.stderr
    assert named in result.stderr
    assert "EAL" not in result.stderr and "weir0" not in network.run("ip", "-o", "link")


def kib(server, what):
    return int(re.search(rf"{what}:\s+(\d+) kB", pathlib.Path(f"/proc/{server.process.pid}/status").read_text())[1])


def test_locked_memory_is_all_there_from_the_start(start, network):
    server = start("weir-echo", "--set", "memory.lock=true")
    if kib(server, "VmLck") == 0:
        pytest.skip("sanitizers lock no memory")
    before = kib(server, "VmRSS")
    assert before >= 512 << 10  # eal.memory_mb
    for _ in range(500):
        with network.connect(7) as client:
            client.sendall(b"memory")
            assert client.recv(100) == b"memory"
    assert kib(server, "VmRSS") == before


def test_a_server_that_may_not_lock_memory_says_so(network, programs):
    limited = ["setpriv", "--bounding-set=-ipc_lock", "prlimit", "--memlock=65536", str(programs / "weir-echo"),
               f"--device={network.carrier.device}", f"--address={SERVER4}/24", "--set", "ip.dad=false",
               "--set", "eal.huge_pages=off", "--set", f"eal.file_prefix={network.name}", "--set", "memory.lock=true"]
    result = subprocess.run(["timeout", "--signal=TERM", "8", *network.command(*limited)], capture_output=True,
                            text=True, timeout=60, check=False)
    if "weir: ready" in result.stderr:
        pytest.skip("sanitizers lock no memory")
    assert result.returncode == 1 and "memory.lock = true" in result.stderr and "RLIMIT_MEMLOCK" in result.stderr
    assert "weir: port" not in result.stderr  # none was opened


def test_a_server_without_a_port_says_so(network, programs):
    result = subprocess.run(network.command(programs / "weir-echo"), capture_output=True, text=True, timeout=60,
                            check=False)
    assert result.returncode == 2, result.stderr
    assert "--device" in result.stderr or "port" in result.stderr


def test_check_prints_the_configuration_and_touches_nothing(network, programs):
    printed = network.run(programs / "weir-echo", f"--device={network.carrier.device}", f"--address={SERVER4}/24",
                          "--set", "tcp.mss=1400", "--check")
    assert "mss = 1400" in printed
    assert "weir0" not in network.run("ip", "-o", "link")


def test_a_root_that_is_not_there_is_named(network, programs):
    result = subprocess.run(
        network.command(programs / "weir-http", f"--device={network.carrier.device}", f"--address={SERVER4}/24",
                        "--set", "eal.huge_pages=off", "--set", f"eal.file_prefix={network.name}",
                        "--root=/nonexistent"), capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "--root: /nonexistent: is not a directory" in result.stderr
