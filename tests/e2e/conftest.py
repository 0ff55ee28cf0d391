"""What every end-to-end test has: a network namespace of its own, and servers that must end without a leak."""
import os
import pathlib

import pytest

from network import Carrier, Network
from server import Server

CARRIERS = {
    # A TAP that the server makes.
    "tap": Carrier(kind="tap", device="net_tap0,iface=weir0", kernel_side="weir0"),
    # A veth pair: the server on v0, the kernel on v1.
    "af_packet": Carrier(kind="veth", device="net_af_packet0,iface=v0", kernel_side="v1"),
    "af_xdp": Carrier(kind="veth", device="net_af_xdp0,iface=v0", kernel_side="v1"),
    # weir on both sides; each names its end of the socket.
    "memif": Carrier(kind="memif", device="", kernel_side=""),
}


def pytest_collection_modifyitems(items):
    """Without root nothing here can work; a skip that nobody reads would look like success."""
    if os.geteuid() == 0 and os.path.exists("/dev/net/tun"):
        return
    reason = "SKIPPED: end-to-end tests need root and /dev/net/tun"
    print(reason)
    for item in items:
        item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def megabytes():
    """The size of bulk transfers: less where the programs are slowed down by checks (set by the build)."""
    return int(os.environ.get("WEIR_E2E_MB", "100"))


@pytest.fixture(scope="session")
def large_file(tmp_path_factory, megabytes):
    """A file of random octets, which no two places of are alike, in a directory to serve."""
    path = tmp_path_factory.mktemp("root") / "large.bin"
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1 << 20))
    return path


@pytest.fixture(params=["tap"])
def carrier(request):
    """The tests below run on a TAP unless they ask for more with @on_every_carrier."""
    return CARRIERS[request.param]


@pytest.fixture
def network(carrier):
    with Network(carrier) as made:
        yield made


@pytest.fixture(scope="session")
def programs():
    """The directory of the programs that were built."""
    return pathlib.Path(os.environ["WEIR_BUILD_DIR"]) / "apps"


@pytest.fixture
def start(network, programs, tmp_path):
    """start("weir-echo", "--port=7", ...): a server that is ready. At the end each must drain, exit 0, leak nothing."""
    servers = []

    def start_one(program, *arguments, **options):
        log_path = tmp_path / f"server{len(servers)}.log"
        server = Server(network, programs / program, arguments, log_path, **options)
        servers.append(server)
        server.start()
        return server

    failures = []
    try:
        yield start_one
    finally:
        for server in servers:
            try:
                server.finish()
            except AssertionError as failure:
                failures.append(failure)
            # pytest shows it if the test fails.
            print(f"--- {server.program.name}\n{server.log()}")
    if failures:
        raise failures[0]
