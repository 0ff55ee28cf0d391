"""Scripts of the differential test: text both ways, windows, and what may not disturb a connection."""
import frames
from frames import NOP, timestamp
from probes import probe

DISCARD, UNREAD, NAGLE = 9, 10, 11
PLAIN_AND_TIMESTAMPS = [("without timestamps", "mss"), ("with timestamps", "mss ts ws")]


@probe(cases=PLAIN_AND_TIMESTAMPS)
def an_echo(t, options):
    yield from t.handshake(options)
    for text in (b"hello", b"x" * 1000):
        t.clock += 10
        t.send("AP", text)
        yield
        t.clock += 10
        t.send("A")
        yield


@probe(port=DISCARD)
def two_full_segments_are_acknowledged_by_one(t):
    yield from t.handshake("mss")
    t.send("A", b"x" * t.mss)
    t.send("AP", b"x" * t.mss)
    yield


@probe(cases=PLAIN_AND_TIMESTAMPS, port=DISCARD)
def text_that_comes_twice(t, options):
    yield from t.handshake(options)
    t.send("AP", b"hello")
    yield
    t.repeat()
    yield
    t.clock += 10
    t.send("AP", b"hello", seq=t.nxt - 5, note="AP 5 with a newer clock")
    yield
    t.send("AP", b"hello")
    yield


@probe(cases=[("half of it old", -3, 6), ("all but an octet old", -5, 6), ("wholly old", -5, 5),
              ("before the stream", -10, 8), ("longer than all so far", -5, 100)])
def text_that_overlaps_what_is_there(t, distance, size):
    yield from t.handshake("mss")
    t.send("AP", b"hello")
    yield
    t.send("A")
    t.send("AP", b"01234567890123456789"[:size].ljust(size, b"x"), seq=t.nxt + distance)
    t.nxt = t.nxt + max(0, distance + size) & 0xFFFFFFFF
    yield
    t.send("AP", b"world")
    yield


@probe(port=DISCARD, cases=[("begins at its end", 0, 10), ("begins beyond it", 1000, 10), ("ends beyond it", -5, 10),
                            ("ends at it", -10, 10), ("is far away", 1 << 30, 10), ("is empty and at its end", 0, 0),
                            ("is empty and beyond it", 1, 0), ("is empty and in it", -1, 0)])
def text_at_the_windows_right_edge(t, distance, size):
    yield from t.handshake("mss ws")
    t.send("AP", b"x" * size, seq=t.server_edge + distance, note=f"AP {size}")
    yield
    t.send("AP", b"hello")
    yield


@probe(cases=PLAIN_AND_TIMESTAMPS)
def a_gap_that_is_filled(t, options):
    yield from t.handshake(options)
    t.clock += 10
    t.send("AP", b"world", seq=t.nxt + 5)
    yield
    t.clock += 10
    t.send("AP", b"hello")
    t.nxt = t.nxt + 5 & 0xFFFFFFFF
    yield
    t.send("A")
    yield


@probe(port=DISCARD)
def three_gaps_that_are_filled_from_behind(t):
    yield from t.handshake("mss ts")
    for place in (6, 4, 2):
        t.send("AP", b"ab", seq=t.nxt + place)
        yield
    t.send("AP", b"ab")
    t.nxt = t.nxt + 6 & 0xFFFFFFFF
    yield


@probe(port=DISCARD)
def three_gaps_that_are_filled_from_the_front(t):
    yield from t.handshake("mss ts")
    for place in (2, 6, 10):
        t.send("AP", b"ab", seq=t.nxt + place)
        yield
    for _ in range(3):
        t.send("AP", b"ab")
        t.nxt = t.nxt + 2 & 0xFFFFFFFF
        yield


@probe(cases=[("that reaches behind it", 8, 10), ("that lies within it", 5, 2), ("with a hole", 2, 2)])
def a_gap_and_text(t, size, second_size):
    yield from t.handshake("mss")
    t.send("AP", b"56789", seq=t.nxt + 5)
    yield
    t.send("AP", b"x" * second_size, seq=t.nxt + 3)
    yield
    t.send("AP", b"0123456789"[:size])
    yield
    t.nxt = t.nxt - size & 0xFFFFFFFF
    t.send("AP", b"0123456789")
    yield


@probe(cases=[("by 1", 1, b""), ("by 1000", 1000, b""), ("by far", 1 << 30, b""), ("with text", 1, b"hello"),
              ("with text, by far", 1 << 30, b"hello")])
def an_ack_of_what_was_never_sent(t, distance, text):
    yield from t.handshake("mss ts")
    t.send("AP" if text else "A", text, ack=t.rcv_nxt + distance, seq=t.nxt)
    yield
    t.send("AP", b"right")
    yield


@probe(cases=[("by 1", 1, b""), ("by 1, with text", 1, b"hello"), ("within the largest window", 60000, b"hello"),
              ("beyond the largest window", 70000, b"hello"), ("beyond it, without text", 70000, b""),
              ("by far", 1 << 30, b"hello")])
def an_ack_that_is_too_old(t, distance, text):
    yield from t.handshake("mss")
    t.send("AP", b"x" * 10)
    yield
    t.send("A")
    t.send("AP" if text else "A", text, ack=t.rcv_nxt - distance)
    yield
    t.nxt = t.nxt - len(text) & 0xFFFFFFFF
    t.send("AP", b"right")
    yield


RESETS = [("at the next number", "R", 0), ("in the window", "R", 1), ("far in the window", "R", 10000),
          ("left of the window", "R", -1), ("right of the window", "R", 1 << 20), ("with ACK", "RA", 0),
          ("with ACK, in the window", "RA", 1), ("with SYN", "SR", 0), ("with FIN", "FR", 0)]


@probe(cases=RESETS)
def a_reset(t, flags, distance):
    yield from t.handshake("mss")
    t.send(flags, seq=t.nxt + distance)
    yield
    t.send("AP", b"hello")
    yield


@probe(cases=[("with text", b"text", "R", 0, {}), ("with a wrong ACK", b"", "RA", 0, {"ack": 77}),
              ("with a wrong checksum", b"", "R", 0, {"bad_checksum": True}),
              ("with text, in the window", b"text", "R", 7, {})])
def a_reset_that_is_odd(t, text, flags, distance, fields):
    yield from t.handshake("mss")
    t.send(flags, text, seq=t.nxt + distance, **fields)
    yield
    t.send("AP", b"hello")
    yield


@probe(cases=[("that is old", -1000), ("that is new", 1000), ("that is missing", None)])
def a_reset_with_a_timestamp(t, distance):
    yield from t.handshake("mss ts")
    options = b"" if distance is None else NOP * 2 + timestamp(t.clock + distance, t.ts_recent)
    t.send("R", seq=t.nxt, options=options)
    yield
    t.send("AP", b"hello")
    yield


@probe(cases=[("a SYN at the next number", "S", 0), ("a SYN in the window", "S", 1000),
              ("a SYN left of it", "S", -1000), ("the SYN of the handshake", "S", -1),
              ("a SYN right of it", "S", 1 << 30), ("a SYN-ACK", "SA", 0), ("the SYN with ACK", "SA", -1),
              ("a SYN-FIN", "SF", 0)])
def in_established(t, flags, distance):
    yield from t.handshake("mss")
    t.send(flags, seq=t.nxt + distance)
    yield
    t.send("AP", b"hello")
    yield


@probe(port=DISCARD)
def challenges_are_limited(t):
    yield from t.handshake("mss")
    for number in range(5):
        t.send("S", seq=t.nxt + number)
    yield
    t.send("AP", b"hello")
    yield


@probe(cases=[("PSH", "P"), ("none", ""), ("URG", "U"), ("ECE and CWR", "EC")])
def text_without_ack(t, flags):
    yield from t.handshake("mss")
    t.send(flags, b"hello", seq=t.nxt)
    yield
    t.send("AP", b"right")
    yield


@probe(port=DISCARD, cases=[("ECE", "AE"), ("CWR", "AC"), ("all", "APUEC")])
def odd_flags_on_text(t, flags):
    yield from t.handshake("mss")
    t.send(flags, b"hello")
    yield


@probe(port=DISCARD, cases=[("without an octet", b""), ("with an octet", b"\0")])
def a_keep_alive_probe(t, octet):
    yield from t.handshake("mss")
    t.send("AP", b"hello")
    yield
    t.send("A", octet, seq=t.nxt - 1, note=f"A {len(octet)} one below")
    yield
    t.send("AP", b"hello")
    yield


@probe(cases=[("with text", b"hello", 0), ("without text", b"", 0), ("beyond the window", b"hello", 1 << 28),
              ("and a gap", b"hello", 10)])
def a_timestamp_that_is_old(t, text, distance):
    yield from t.handshake("mss ts")
    t.clock += 1000
    t.send("AP", b"first")
    yield
    t.send("A", text, seq=t.nxt + distance, options=NOP * 2 + timestamp(t.clock - 500, t.ts_recent))
    yield
    t.send("AP", b"right")
    yield


@probe(cases=[("with text", b"hello", "A"), ("without text", b"", "A"), ("with FIN", b"", "AF")])
def a_timestamp_that_is_missing(t, text, flags):
    yield from t.handshake("mss ts")
    t.send(flags, text, seq=t.nxt, options=b"")
    yield
    t.send("AP", b"right")
    yield


@probe(cases=[("an octet long", 1), ("a quarter of the range", 1 << 30), ("half the range", 1 << 31)])
def a_timestamp_that_leaps(t, distance):
    yield from t.handshake("mss ts")
    t.clock += distance
    t.send("AP", b"first")
    yield
    t.clock += 1
    t.send("AP", b"second")
    yield


@probe(port=DISCARD)
def the_echoed_timestamp_is_that_of_the_earliest_segment_unacknowledged(t):
    yield from t.handshake("mss ts")
    for _ in range(3):
        t.clock += 10
        t.send("AP", b"x" * 100)
    yield


@probe(port=DISCARD)
def a_timestamp_beyond_a_gap_is_not_echoed(t):
    yield from t.handshake("mss ts")
    t.clock += 10
    t.send("AP", b"world", seq=t.nxt + 5)
    yield
    t.clock += 10
    t.send("AP", b"hello")
    yield


@probe()
def timestamps_that_were_not_agreed_on_are_ignored(t):
    yield from t.handshake("mss")
    t.send("AP", b"hello", options=NOP * 2 + timestamp(1, 2))
    yield
    t.send("AP", b"hello", options=NOP * 2 + timestamp(0, 2))
    yield


@probe(cases=[("an MSS", frames.mss(100)), ("window scale", NOP + frames.window_scale(2)),
              ("an unknown kind", b"\xfd\4xx"), ("a length of 0", b"\xfd\0xx"), ("a length of 1", b"\xfd\1xx"),
              ("a length past the end", b"\xfd\x28xx")])
def an_option_on_text(t, options):
    yield from t.handshake("mss")
    t.send("AP", b"hello", options=options)
    yield
    t.send("A", note="A")
    t.command("b")
    yield


@probe(cases=[("at its end", b"urgent", 6), ("within it", b"urgent", 3), ("beyond it", b"urgent", 100),
              ("of 0", b"urgent", 0), ("without text", b"", 1), ("far beyond it", b"urgent", 65535)])
def an_urgent_pointer(t, text, pointer):
    yield from t.handshake("mss")
    t.send("APU", text, urgent=pointer)
    yield
    t.send("AP", b"right")
    yield


def fill_window(t):
    """Sends until the window of a server that does not read is closed, exactly."""
    yield from t.handshake("mss ws")
    for _ in range(400):
        if t.server_window == 0:
            break
        for _ in range(max(1, t.server_window // t.mss // 2)):
            t.send("A", b"x" * min(t.mss, t.server_window))
            t.server_window -= min(t.mss, t.server_window)
            if t.server_window == 0:
                break
        yield
        t.skip_comparison()


AT_ZERO_WINDOW = [
    ("an octet", "A", b"x", 0), ("an octet below", "A", b"", -1), ("text", "AP", b"hello", 0), ("an ACK", "A", b"", 0),
    ("an ACK beyond", "A", b"", 1), ("a FIN", "AF", b"", 0), ("a reset", "R", b"", 0), ("a reset beyond", "R", b"", 1),
    ("a SYN", "S", b"", 0), ("text beyond", "A", b"x", 1), ("text that came before", "A", b"x" * 10, -10),
    ("urgent text", "AU", b"x", 0),
]


@probe(port=UNREAD, cases=AT_ZERO_WINDOW)
def at_a_window_of_zero(t, flags, text, distance):
    yield from fill_window(t)
    t.send(flags, text, seq=t.nxt + distance, urgent=1 if "U" in flags else 0)
    yield
    if flags == "R":
        t.send("A")
        yield


@probe(port=UNREAD)
def a_window_that_opens_is_announced(t):
    yield from fill_window(t)
    t.command("r")
    yield
    t.send("AP", b"hello")
    yield


@probe(port=UNREAD)
def what_the_server_sends_while_its_window_is_closed(t):
    yield from fill_window(t)
    t.command("s")
    yield
    t.send("A")
    yield


@probe(cases=[("is opened", 65535), ("is opened by an octet", 1), ("is opened by a half segment", 700)], port=DISCARD)
def a_window_of_ours_that_is_closed_and(t, size):
    yield from t.handshake("mss")
    t.send("A", window=0)
    t.command("b")
    yield
    t.send("A", window=size)
    yield
    t.send("A", window=65535)
    yield


@probe(port=DISCARD)
def an_older_segment_does_not_change_the_window(t):
    yield from t.handshake("mss")
    t.send("AP", b"hello", window=0)
    yield
    t.send("A", seq=t.nxt - 3, window=65535, note="an older A")
    yield
    t.command("s")
    yield
    t.send("A", window=65535)
    yield


@probe(port=DISCARD, cases=[("of full size", "mss"), ("less timestamps", "mss ts"), ("of none", "")])
def text_is_sent_in_segments(t, options):
    yield from t.handshake(options)
    t.command("b")
    yield
    t.send("A")
    yield


@probe(port=NAGLE)
def the_last_piece_of_a_long_text_waits(t):
    yield from t.handshake("mss")
    t.command("b")
    yield
    t.send("A")
    yield


@probe(port=NAGLE)
def small_pieces_wait_for_their_acknowledgement(t):
    yield from t.handshake("mss")
    t.command("s")
    t.command("s")
    t.command("s")
    yield
    t.send("A")
    yield


@probe(port=DISCARD)
def the_initial_window_is_ten_segments(t):
    yield from t.handshake_with_mss(100)
    t.command("b")
    yield


@probe(port=DISCARD)
def a_part_is_acknowledged(t):
    yield from t.handshake("mss")
    t.command("b")
    yield
    t.send("A", ack=t.rcv_nxt - 5000 + t.mss)
    yield
    t.send("A", ack=t.rcv_nxt - 5000 + 1500)
    yield
    t.send("A")
    yield


@probe(port=DISCARD, cases=[("1", 1), ("2", 2), ("3", 3), ("4", 4)])
def duplicate_acknowledgements(t, count):
    yield from t.handshake_with_mss(400)
    t.command("b")
    yield
    first = t.rcv_nxt - 4000
    for _ in range(count):
        t.send("A", ack=first)
        yield
    t.send("A")
    yield


@probe()
def a_segment_of_another_connection(t):
    yield from t.handshake("mss")
    t.listen(t.local_port + 5000)
    t.send("AP", b"hello", source_port=t.local_port + 5000, seq=t.nxt)
    yield
    t.send("AP", b"right")
    yield


@probe(versions=(4,))
def text_in_fragments(t):
    yield from t.handshake("mss")
    segment = t.segment("AP", b"f" * 100).octets(*t.addresses)
    t.send_packet(frames.TCP, segment[:64], fragment=0x2000, note="the first fragment")
    t.send_packet(frames.TCP, segment[64:], fragment=8, note="the second")
    yield
