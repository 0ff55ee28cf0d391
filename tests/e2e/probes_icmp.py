"""Scripts of the differential test: ICMP errors that quote our connection, right and wrong (RFC 5927)."""
import frames
from probes import probe

DISCARD = 9
UNREACHABLE4 = ["net", "host", "protocol", "port", "fragmentation needed", "source route failed", "net unknown",
                "host unknown", "isolated", "net forbidden", "host forbidden", "net and service", "host and service",
                "administratively"]
UNREACHABLE6 = ["route", "forbidden", "scope", "address", "port", "policy", "reject"]


def quote(t, seq):
    """A packet of the server's as a router would quote it."""
    own, server = t.addresses
    segment = frames.Segment("A", seq, t.nxt, text=b"12345678", source_port=t.port, destination_port=t.local_port)
    packet = frames.ip_packet(server, own, frames.TCP, segment.octets(server, own))
    return packet[:28] if t.version == 4 else packet


def send_error(t, kind, code, rest=0, seq=None):
    own, server = t.addresses
    message = frames.icmp_message(t.version, kind, code, rest, quote(t, t.rcv_nxt if seq is None else seq), own, server)
    t.send_packet(frames.ICMP4 if t.version == 4 else frames.ICMP6, message, note=f"ICMP {kind}/{code}")


def established_and_error(t, kind, code, rest=0):
    yield from t.handshake("mss")
    first = t.rcv_nxt
    t.command("s")
    yield
    send_error(t, kind, code, rest, first)   # about what is under way
    yield
    t.send("A")
    t.send("AP", b"hello")
    yield
    t.command("s")
    yield


ERRORS4 = [(f"unreachable: {name}", 3, code) for code, name in enumerate(UNREACHABLE4) if code != 4] + [
    ("source quench", 4, 0), ("redirect", 5, 1), ("time exceeded", 11, 0), ("reassembly time exceeded", 11, 1),
    ("parameter problem", 12, 0), ("an unknown code", 3, 77)]
ERRORS6 = [(f"unreachable: {name}", 1, code) for code, name in enumerate(UNREACHABLE6)] + [
    ("time exceeded", 3, 0), ("parameter problem", 4, 0), ("unknown next header", 4, 1), ("an unknown type", 100, 0)]


@probe(versions=(4,), port=DISCARD, cases=ERRORS4)
def an_error_about_a_connection(t, kind, code):
    yield from established_and_error(t, kind, code)


@probe(versions=(6,), port=DISCARD, cases=ERRORS6)
def an_ipv6_error_about_a_connection(t, kind, code):
    yield from established_and_error(t, kind, code)


@probe(port=DISCARD)
def an_error_in_syn_received(t):
    t.send("S", options=t.syn_options("mss"))
    yield
    send_error(t, *((3, 3) if t.version == 4 else (1, 4)), seq=t.server_iss)
    yield
    t.send("A")
    t.send("AP", b"hello")
    yield


@probe(port=DISCARD)
def an_error_in_fin_wait_1(t):
    yield from t.handshake("mss")
    t.command("c")
    yield
    send_error(t, *((3, 3) if t.version == 4 else (1, 4)), seq=t.rcv_nxt - 1)
    yield
    t.send("A")
    t.send("AF")
    yield


@probe(port=DISCARD, own_address=True, cases=[
    ("of what is under way", 0, 1000), ("of what was never sent", 1 << 20, 1000),
    ("of what is acknowledged", -5, 1000), ("of a small MTU", 0, 68), ("of an MTU of 0", 0, 0),
    ("of a larger MTU", 0, 9000)])
def a_packet_too_big(t, distance, mtu):
    yield from t.handshake("mss")
    t.command("s")
    yield
    t.send("A")
    yield
    first = t.rcv_nxt
    t.command("b")
    yield
    if mtu == 1000 and t.version == 6:
        mtu = 1280
    send_error(t, *((3, 4) if t.version == 4 else (2, 0)), rest=mtu, seq=first + distance)
    yield
    t.send("A")
    yield
    t.command("b")
    yield
