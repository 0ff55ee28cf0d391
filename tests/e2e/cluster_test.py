"""Several servers behind one address: what one has answered another goes on with."""
import pytest

from network import SERVER4, SERVER6

pytestmark = pytest.mark.parametrize("carrier", ["af_packet"], indirect=True)


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "cookie_secret"
    path.write_text("0123456789abcdef0123456789abcdef\n")
    path.chmod(0o600)
    return path


def next_server(start, before, *arguments):
    """The network has moved everybody to another server: the first is gone without a word."""
    before.process.kill()
    before.process.wait()
    before.finished = True
    return start("weir-echo", *arguments, "--set", f"eal.file_prefix={before.network.name}-next")


@pytest.mark.parametrize("address", [SERVER4, SERVER6])
@pytest.mark.parametrize("timestamps", ["1", "0"])
def test_a_connection_that_has_said_nothing_yet_goes_on_with_the_next_server(start, network, secret_file, address,
                                                                            timestamps):
    network.run("sysctl", "-q", f"net.ipv4.tcp_timestamps={timestamps}")
    arguments = ["--set", "tcp.syn_cookies=always", "--set", f"tcp.syn_cookie_secret_file={secret_file}"]
    first = start("weir-echo", *arguments)
    with network.connect(7, address) as client:
        second = next_server(start, first, *arguments)
        client.sendall(b"to whom it may concern")
        assert client.recv(100) == b"to whom it may concern"
        assert second.counters()["TcpCookiesAccepted"] == [1]
        assert "TcpCookiesSent" not in second.counters()
        log = second.log()
    assert "0123456789abcdef" not in log


def test_without_a_common_secret_it_is_reset(start, network):
    first = start("weir-echo", "--set", "tcp.syn_cookies=always")
    with network.connect(7) as client:
        next_server(start, first, "--set", "tcp.syn_cookies=always")
        client.sendall(b"to whom it may concern")
        with pytest.raises(ConnectionResetError):
            client.recv(100)
