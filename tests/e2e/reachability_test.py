"""The server is a host like any other: it answers pings, refuses closed ports, survives what is malformed."""
import errno
import socket

import pytest
from scapy.all import ARP, IP, TCP, UDP, Ether, ICMPv6EchoRequest, IPv6, Raw

from carriers import on_every_carrier
from network import KERNEL4, KERNEL6, SERVER4, SERVER6
from server import wait_until

BOTH = pytest.mark.parametrize("address", [SERVER4, SERVER6])


@on_every_carrier
@BOTH
def test_ping_is_answered(start, network, address):
    start("weir-echo")
    said = network.run("ping", "-c", "5", "-i", "0.2", "-W", "2", address)
    assert " 0% packet loss" in said


def test_large_pings_are_answered_whole(start, network):
    start("weir-echo")
    for address in (SERVER4, SERVER6):
        assert " 0% packet loss" in network.run("ping", "-c", "2", "-i", "0.2", "-W", "2", "-s", "1400", address)


@BOTH
def test_addresses_are_used_once_they_are_known_to_be_free(start, network, address):
    server = start("weir-echo", dad=True)
    with network.connect(7, address) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"
    assert "not used" not in server.log()


@on_every_carrier
@BOTH
def test_a_closed_port_refuses_at_once(start, network, address):
    start("weir-echo")
    # A second is when a SYN that nobody answered would be sent again.
    with pytest.raises(ConnectionRefusedError):
        network.connect(8, address, timeout=0.9)


@BOTH
def test_an_udp_datagram_is_told_that_nobody_is_there(start, network, address):
    server = start("weir-echo")
    with network.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect((address, 7))
        client.send(b"anybody?")
        with pytest.raises(ConnectionRefusedError):  # ICMP: port unreachable
            client.recv(100)
    with network.connect(7) as client:
        client.sendall(b"still here")
        assert client.recv(100) == b"still here"
    assert server.counters()["DropIpProtocol"] == [1]
    assert server.counters()["IcmpErrorsSent"] == [1]


def link_addresses(network):
    """The server's link address as the kernel learned it, and the kernel's own."""
    network.run("ping", "-c", "1", "-W", "5", SERVER4)
    neighbour = network.run("ip", "neighbour", "show", SERVER4).split()
    interface = network.carrier.kernel_side
    own = network.run("cat", f"/sys/class/net/{interface}/address").strip()
    return neighbour[neighbour.index("lladdr") + 1], own


def malformed_frames(server, kernel):
    """(what, octets, the counter it must move)."""
    ether = Ether(dst=server, src=kernel)
    ip4, ip6 = IP(src=KERNEL4, dst=SERVER4), IPv6(src=KERNEL6, dst=SERVER6)
    syn = TCP(sport=40000, dport=7, flags="S", seq=1)
    whole = bytes(ether / ip4 / syn)
    return [
        ("an IPv4 header cut short", whole[:14 + 19], "DropIpv4Header"),
        ("a header length of 4 octets", bytes(ether / IP(src=KERNEL4, dst=SERVER4, ihl=1) / syn), "DropIpv4Header"),
        ("a total length beyond the frame", bytes(ether / IP(src=KERNEL4, dst=SERVER4, len=1400) / syn),
         "DropIpv4Length"),
        ("a wrong IPv4 checksum", bytes(ether / IP(src=KERNEL4, dst=SERVER4, chksum=1) / syn), "DropIpv4Checksum"),
        ("an IPv4 fragment", bytes(ether / IP(src=KERNEL4, dst=SERVER4, flags="MF") / syn), "DropIpv4Fragment"),
        ("a TCP header cut short", bytes(ether / IP(src=KERNEL4, dst=SERVER4, proto=6) / Raw(b"x" * 19)),
         "DropTcpHeader"),
        ("a data offset beyond the segment", bytes(ether / ip4 / TCP(sport=40000, dport=7, dataofs=15)),
         "DropTcpHeader"),
        ("a wrong TCP checksum", bytes(ether / ip4 / TCP(sport=40000, dport=7, flags="S", chksum=1)),
         "DropTcpChecksum"),
        ("a wrong TCP checksum over IPv6", bytes(ether / ip6 / TCP(sport=40000, dport=7, flags="S", chksum=1)),
         "DropTcpChecksum"),
        ("a wrong ICMPv6 checksum", bytes(ether / ip6 / ICMPv6EchoRequest(cksum=1)), "DropIcmpv6Checksum"),
        ("a loopback source", bytes(ether / IP(src="127.0.0.1", dst=SERVER4) / syn), "DropSourceLoopback"),
        ("a multicast source", bytes(ether / IP(src="224.0.0.1", dst=SERVER4) / syn), "DropSourceMulticast"),
        ("an unknown type of frame", bytes(Ether(dst=server, src=kernel, type=0x88b5) / Raw(b"x" * 50)),
         "DropEtherType"),
        ("an ARP packet of another hardware", bytes(ether / ARP(hwtype=6, psrc=KERNEL4, pdst=SERVER4)),
         "DropArpMalformed"),
        ("an IPv6 payload length beyond the frame", bytes(ether / IPv6(src=KERNEL6, dst=SERVER6, plen=1400) / syn),
         "DropIpv6Length"),
        ("a protocol that is not spoken", bytes(ether / ip4 / UDP(sport=1, dport=1)), "DropIpProtocol"),
    ]


# Not af_packet: there the kernel gathers fragments before the server sees any.
@pytest.mark.parametrize("carrier", ["tap", "af_xdp"], indirect=True)
def test_malformed_frames_are_counted_and_disturb_nothing(start, network):
    server = start("weir-echo")
    frames = malformed_frames(*link_addresses(network))
    before = server.counters()
    expected = {}
    with network.connect(7) as client:
        with network.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind((network.carrier.kernel_side, 0))
            for what, octets, counter in frames:
                raw.send(octets)
                expected[counter] = expected.get(counter, 0) + 1
                client.sendall(what.encode())
                assert client.recv(1000) == what.encode()

    def missing():
        now = server.counters()
        return {name: n for name, n in expected.items() if sum(now.get(name, [0])) - sum(before.get(name, [0])) < n}

    wait_until(lambda: not missing(), f"each frame to be counted: {expected}", patience_s=5)


def test_a_segment_for_nobody_is_answered_by_a_reset(start, network):
    start("weir-echo")
    server, kernel = link_addresses(network)
    stray = Ether(dst=server, src=kernel) / IP(src=KERNEL4, dst=SERVER4) / \
        TCP(sport=40000, dport=7, flags="A", seq=5, ack=77)
    with network.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)) as raw:
        raw.bind((network.carrier.kernel_side, 0))
        raw.settimeout(10)
        raw.send(bytes(stray))
        while True:
            frame = Ether(raw.recv(2000))
            if TCP in frame and frame[TCP].dport == 40000:
                break
    # RFC 9293 3.10.7.2: <SEQ=SEG.ACK><CTL=RST>.
    assert frame[TCP].flags == "R" and frame[TCP].seq == 77


def test_a_peer_that_does_not_exist_costs_only_itself(start, network):
    """SYNs from an address that answers no ARP: the SYN-ACKs go back where they came from, and nothing waits."""
    start("weir-echo", "--set", "drain.timeout_ms=500")
    server, kernel = link_addresses(network)
    with network.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((network.carrier.kernel_side, 0))
        for port in range(10000, 10200):
            raw.send(bytes(Ether(dst=server, src=kernel) / IP(src="198.18.0.77", dst=SERVER4) /
                           TCP(sport=port, dport=7, flags="S", seq=port)))
    with network.connect(7) as client:
        client.sendall(b"real")
        assert client.recv(100) == b"real"


def test_an_address_of_another_host_is_not_answered(start, network):
    start("weir-echo")
    with pytest.raises(OSError) as failure:
        network.connect(7, "198.18.0.3", timeout=1)
    assert isinstance(failure.value, TimeoutError) or failure.value.errno == errno.EHOSTUNREACH
