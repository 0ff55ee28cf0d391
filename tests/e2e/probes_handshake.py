"""Scripts of the differential test: opening, from LISTEN to ESTABLISHED, and what is not a connection at all."""
import frames
from frames import NOP, END, mss, timestamp, window_scale
from probes import probe

CLOSED_PORT, ECHO, DISCARD = 8, 7, 9
# A number of the peer's that no answer can contain by chance.
STRANGE_ACK = 0x51515151
WITHOUT_SYN = ["".join(letter for i, letter in enumerate("FRPAU") if bits >> i & 1) for bits in range(32)]

SYN_OPTIONS = [
    ("none", b""),
    ("MSS", mss(1400)),
    ("MSS of 0", mss(0)),
    ("MSS of 65535", mss(65535)),
    ("MSS twice", mss(500) + mss(700)),
    ("timestamps", mss(1400) + NOP * 2 + timestamp(1)),
    ("a timestamp of 0", mss(1400) + NOP * 2 + timestamp(0)),
    ("a timestamp with an echo", mss(1400) + NOP * 2 + timestamp(7, 9)),
    ("window scale", mss(1400) + NOP + window_scale(7)),
    ("window scale of 15", mss(1400) + NOP + window_scale(15)),
    ("window scale of 0", mss(1400) + NOP + window_scale(0)),
    ("all", mss(1400) + frames.SACK_PERMITTED + timestamp(5) + NOP + window_scale(7)),
    ("all, the other way round", window_scale(7) + NOP + timestamp(5) + frames.SACK_PERMITTED + mss(1400)),
    ("an unknown kind", mss(1400) + bytes([253, 6, 0xAB, 0xCD, 1, 2])),
    ("an unknown kind between known ones", timestamp(3) + bytes([200, 2]) + mss(1400)),
    ("a length of 0", bytes([253, 0]) + mss(1400)),
    ("a length of 1", bytes([253, 1]) + mss(1400)),
    ("a length past the end", mss(1400) + bytes([8, 10, 0, 0])),
    ("a length missing", mss(1400) + NOP * 3 + bytes([2])),
    ("MSS of length 3", bytes([2, 3, 5]) + NOP + timestamp(3) + NOP * 2),
    ("MSS of length 6", bytes([2, 6, 5, 0, 0, 0]) + NOP * 2),
    ("timestamps of length 8", bytes([8, 8, 0, 0, 0, 1, 0, 0])),
    ("window scale of length 4", bytes([3, 4, 7, 0])),
    ("MSS after the end", END * 4 + mss(700)),
    ("MSS at an odd place", NOP + mss(700) + NOP * 3),
    ("forty octets of NOP", NOP * 40),
    ("a Fast Open cookie", mss(1400) + bytes([34, 10]) + b"8 octets"),
]


@probe(cases=SYN_OPTIONS, port=DISCARD)
def a_handshake_with_options(t, options):
    t.send("S", options=options)
    if timestamp(0)[:2] in options:
        t.clock = int.from_bytes(options.partition(timestamp(0)[:2])[2][:4], "big") + 1
    yield
    t.send("A")
    yield
    # How the server cuts text up shows what it understood.
    t.command("b")
    yield


@probe(cases=[("of 5 octets", b"early"), ("of 1000 octets", b"e" * 1000)])
def a_syn_with_text(t, text):
    t.send("S", text, options=t.syn_options("mss"))
    t.nxt = t.nxt - len(text) & 0xFFFFFFFF
    yield
    t.send("A", text)
    yield


@probe(cases=[(flags, flags) for flags in ("SF", "SR", "SA", "SP", "SU", "SE", "SC", "SEC", "SFA", "SRA", "SFPU",
                                           "SFRPAU")])
def a_syn_with_other_flags(t, flags):
    t.send(flags, options=t.syn_options("mss"), ack=STRANGE_ACK)
    yield
    if t.server_iss is not None:
        t.send("A")
        yield
        t.send("AP", b"hello")
        yield


@probe(cases=[("to a port that listens", ECHO), ("to a closed port", CLOSED_PORT)])
def every_combination_of_flags_but_syn(t, port):
    t.port = port
    # The numbers say which segment an answer is for.
    for number, flags in enumerate(WITHOUT_SYN):
        t.send(flags, seq=t.nxt + 1000 * number, ack=STRANGE_ACK + number, note=flags or "none")
        if number % 8 == 7:
            yield


@probe()
def reserved_bits_in_a_syn(t):
    t.send("S", reserved=0b1110, options=t.syn_options("mss"))
    yield
    t.send("A", reserved=0b1110)
    t.send("AP", b"hello", reserved=0b0010)
    yield


@probe()
def a_syn_sent_again(t):
    t.send("S", options=t.syn_options("mss ts ws"))
    yield
    t.repeat()
    yield
    t.send("A")
    t.send("AP", b"hello")
    yield


@probe(cases=[("beyond the old one", 1000), ("before the old one", -1000), ("at the window's end", 65535),
              ("far away", 1 << 31)])
def another_syn_in_syn_received(t, distance):
    t.send("S", options=t.syn_options("mss"))
    yield
    t.send("S", seq=t.nxt + distance, options=t.syn_options("mss"))
    yield
    t.send("A", note="the first handshake's A")
    yield
    t.send("AP", b"hello")
    yield


@probe(cases=[("one too low", 0), ("two too low", -1), ("one too high", 2), ("far away", 1 << 30)])
def a_wrong_final_ack(t, distance):
    t.send("S", options=t.syn_options("mss"))
    yield
    t.send("A", ack=t.server_iss + distance)
    yield
    t.send("A")
    t.send("AP", b"hello")
    yield


@probe(cases=[("at the next number", "R", 0), ("in the window", "R", 100), ("left of it", "R", -100),
              ("right of it", "R", 1 << 20), ("with ACK", "RA", 0), ("with ACK, in the window", "RA", 100)])
def a_reset_in_syn_received(t, flags, distance):
    t.send("S", options=t.syn_options("mss"))
    yield
    t.send(flags, seq=t.nxt + distance)
    yield
    t.send("A")
    yield
    t.send("AP", b"hello")
    yield


@probe(cases=[("with text", "AP", b"hello"), ("with FIN", "AF", b""), ("with text and FIN", "APF", b"hello"),
              ("with text, without ACK", "P", b"hello"), ("with FIN, without ACK", "F", b""), ("with URG", "AU", b"x"),
              ("with SYN and ACK", "SA", b"")])
def the_third_segment(t, flags, text):
    t.send("S", options=t.syn_options("mss ts"))
    yield
    t.send(flags, text, urgent=len(text) if "U" in flags else 0)
    yield


@probe(cases=[("left of the window", -1000), ("right of it", 1 << 20)])
def the_third_segment_at_a_strange_place(t, distance):
    t.send("S", options=t.syn_options("mss"))
    yield
    t.send("AP", b"hello", seq=t.nxt + distance)
    yield
    t.send("AP", b"hello")
    yield


@probe()
def the_third_segment_out_of_order(t):
    t.send("S", options=t.syn_options("mss"))
    yield
    t.send("AP", b"world", seq=t.nxt + 5)
    yield
    t.send("AP", b"hello")
    t.nxt = t.nxt + 5 & 0xFFFFFFFF
    yield


@probe(cases=[("older", -10), ("much older", -(1 << 30)), ("of the future", 1 << 30)])
def a_timestamp_of_the_final_ack(t, distance):
    t.send("S", options=t.syn_options("mss ts"))
    yield
    echo = t.ts_recent
    t.send("A", options=NOP * 2 + timestamp(t.clock + distance, echo))
    yield
    t.clock += max(1, distance)
    t.ts_recent = echo   # not that of an ACK which came meanwhile: the server sent it in SYN-RECEIVED
    t.send("AP", b"hello")
    yield


@probe()
def a_final_ack_without_its_timestamp(t):
    t.send("S", options=t.syn_options("mss ts"))
    yield
    t.send("A", options=b"")
    yield
    t.send("A")
    t.send("AP", b"hello")
    yield


@probe(cases=[("a SYN", "S"), ("a segment of text", "AP")])
def a_wrong_checksum(t, flags):
    t.send("S", options=t.syn_options("mss"), bad_checksum=flags == "S")
    if flags == "S":
        t.nxt = t.nxt - 1
    yield
    if flags == "S":
        t.send("S", options=t.syn_options("mss"))
        yield
    t.send("A")
    t.send("AP", b"wrong", seq=t.nxt, bad_checksum=True)
    yield
    t.send("AP", b"right")
    yield


@probe(cases=[("of 0", 0), ("of 4", 4), ("past the end", 15)])
def a_data_offset(t, offset):
    t.send("S", seq=t.nxt, data_offset=offset)
    yield
    yield from t.handshake("mss")
    t.send("AP", b"hello", seq=t.nxt, data_offset=offset)
    yield
    t.send("AP", b"right")
    yield


@probe(cases=[("is cut short", 19), ("is missing", 0)])
def the_tcp_header(t, length):
    octets = t.segment("S").octets(*t.addresses)
    t.send_packet(frames.TCP, octets[:length], note=f"a header of {length}")
    yield
    yield from t.handshake("mss")


@probe(cases=[("of the peer", "local_port"), ("of the server", "port")])
def port_zero(t, which):
    setattr(t, which, 0)
    t.listen()
    t.send("S", options=t.syn_options("mss"))
    yield
    t.send("A", ack=t.rcv_nxt + 77)
    yield


@probe(versions=(4,), cases=[(address, address) for address in
                             ("255.255.255.255", "224.0.0.1", "127.0.0.1", "0.0.0.0", "240.0.0.1", "198.18.0.255")])
def a_syn_from_an_address_that_nobody_has(t, source):
    octets = t.segment("S").octets(t.address(source), t.addresses[1])
    t.send_packet(frames.TCP, octets, source=t.address(source), note=f"S from {source}")
    yield
    yield from t.handshake("mss")


@probe(versions=(6,), cases=[(address, address) for address in ("::", "::1", "ff02::1", "::ffff:198.18.0.77")])
def a_syn_from_an_ipv6_address_that_nobody_has(t, source):
    octets = t.segment("S").octets(t.address(source), t.addresses[1])
    t.send_packet(frames.TCP, octets, source=t.address(source), note=f"S from {source}")
    yield
    yield from t.handshake("mss")


@probe()
def a_syn_from_the_server_itself(t):
    server = t.addresses[1]
    t.send_packet(frames.TCP, t.segment("S").octets(server, server), source=server, note="S from the server's address")
    yield
    yield from t.handshake("mss")


@probe(versions=(4,), cases=[("of the network", "198.18.0.255"), ("of everybody", "255.255.255.255"),
                             ("of a group", "224.0.0.1")])
def a_syn_to_the_broadcast_address(t, destination):
    octets = t.segment("S").octets(t.addresses[0], t.address(destination))
    t.send_packet(frames.TCP, octets, destination=t.address(destination), link=frames.BROADCAST,
                  note=f"S to {destination}")
    yield
    yield from t.handshake("mss")


@probe(cases=[("a SYN", "S", ECHO), ("a SYN to a closed port", "S", CLOSED_PORT), ("an ACK", "A", ECHO)])
def a_frame_to_everybody(t, flags, port):
    t.port = port
    octets = t.segment(flags).octets(*t.addresses)
    t.send_packet(frames.TCP, octets, link=frames.BROADCAST, note=f"{flags} in a broadcast frame")
    yield


@probe(versions=(4,), cases=[("nothing", b"\1" * 4), ("an unknown kind", bytes([0x5E, 4, 0, 0])),
                             ("record route", bytes([7, 7, 4, 0, 0, 0, 0, 0])), ("router alert", bytes([148, 4, 0, 0])),
                             ("a loose source route", bytes([131, 7, 4, 198, 18, 0, 77, 0]))])
def a_syn_with_ip_options(t, options):
    t.send_packet(frames.TCP, t.segment("S", options=t.syn_options("mss")).octets(*t.addresses), ip_options=options,
                  note="S with IP options")
    t.nxt = t.nxt + 1 & 0xFFFFFFFF
    yield
