"""Many connections at once, and several workers and ports."""
import os
import re
import resource
import selectors

import pytest

from network import SERVER4, SERVER6

CONNECTIONS = 1000


def test_wrk_sees_no_error(start, network, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "page.html").write_text("<p>" + "weir " * 200)
    start("weir-http", f"--root={root}")
    said = network.run("wrk", "-t", "2", "-c", "64", "-d", "5", f"http://{SERVER4}/page.html")
    print(said)
    assert "Socket errors" not in said and "Non-2xx" not in said
    assert int(re.search(r"(\d+) requests in", said).group(1)) > 0


@pytest.mark.parametrize("address", [SERVER4, SERVER6])
def test_a_thousand_connections_at_once_are_each_echoed(start, network, address):
    start("weir-echo")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < CONNECTIONS + 200:
        resource.setrlimit(resource.RLIMIT_NOFILE, (CONNECTIONS + 200, hard))
    echo_all(network, address, CONNECTIONS)


def echo_all(network, address, count):
    """Opens `count` connections, and only when all are open sends over each of them; checks every echo."""
    clients = [network.connect(7, address, timeout=30) for _ in range(count)]
    messages = {client: f"connection {i} ".encode() * 5 for i, client in enumerate(clients)}
    for client, message in messages.items():
        client.sendall(message)
    received = {client: b"" for client in clients}
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(30)
            assert ready, f"{len(selector.get_map())} of {count} connections wait for their echo"
            for key, _ in ready:
                client = key.fileobj
                piece = client.recv(1000)
                assert piece, "closed before its echo was complete"
                received[client] += piece
                if len(received[client]) >= len(messages[client]):
                    selector.unregister(client)
    assert received == messages
    for client in clients:
        client.close()


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="SKIPPED: two workers need two processors")
@pytest.mark.parametrize("carrier", ["tap"], indirect=True)
def test_connections_land_on_both_of_two_workers(start, network):
    server = start("weir-echo", "--workers=2")
    for address in (SERVER4, SERVER6):
        echo_all(network, address, 64)
    opened = server.counters()["TcpEstablished"]
    assert len(opened) == 2 and sum(opened) == 128
    assert min(opened) >= 16, f"unevenly: {opened}"


def test_two_workers_carry_a_large_file_each(start, network, tmp_path, large_file):
    server = start("weir-http", "--workers=2", f"--root={large_file.parent}")
    # Enough that with near certainty neither worker stays idle.
    for i in range(4):
        network.run("curl", "-sf", "--noproxy", "*", "--max-time", "300", "-o", tmp_path / "got",
                    f"http://{SERVER4}/{large_file.name}")
        assert (tmp_path / "got").read_bytes() == large_file.read_bytes(), i
    assert sum(server.counters()["TcpEstablished"]) == 4


def test_two_ports_serve_at_the_same_time(start, network):
    server = start("weir-echo", "--set", 'port.1.device="net_tap1,iface=weir1"',
                   "--set", 'port.1.addresses=["198.19.0.2/24", "2001:2:0:1::2/64"]')
    network.run("ip", "address", "add", "198.19.0.1/24", "dev", "weir1")
    network.run("ip", "-6", "address", "add", "2001:2:0:1::1/64", "dev", "weir1", "nodad")
    network.run("ip", "link", "set", "weir1", "up")
    addresses = [SERVER4, "198.19.0.2", SERVER6, "2001:2:0:1::2"]
    clients = [network.connect(7, address) for address in addresses]
    for client, address in zip(clients, addresses):
        client.sendall(address.encode())
    for client, address in zip(clients, addresses):
        assert client.recv(100) == address.encode()
        client.close()
    assert server.counters()["TcpEstablished"] == [4]
