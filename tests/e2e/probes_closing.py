"""Scripts of the differential test: every way to close, and what arrives meanwhile and afterwards."""
from frames import NOP, mss, timestamp
from probes import probe

ECHO, DISCARD, UNREAD = 7, 9, 10


# --- the peer closes first


@probe(cases=[("alone", b""), ("with text", b"last")])
def a_fin_in_order(t, text):
    yield from t.handshake("mss ts ws")
    t.send("AF", text)
    yield
    t.send("A")
    yield
    t.send("AP", b"late")
    yield


@probe(port=DISCARD)
def a_fin_before_the_application_closes(t):
    yield from t.handshake("mss")
    t.send("AF")
    yield
    t.command("s")
    yield
    t.send("A")
    yield
    t.command("c")
    yield
    t.send("A")
    yield
    t.send("A", note="A once more")
    yield


@probe(cases=[("alone", b"", 5), ("with text", b"world", 5)])
def a_fin_out_of_order(t, text, distance):
    yield from t.handshake("mss")
    t.send("AF", text, seq=t.nxt + distance)
    yield
    t.send("AP", b"hello")
    t.nxt = t.nxt + len(text) + 1 & 0xFFFFFFFF
    yield
    t.send("A")
    yield


CLOSE_WAIT = [
    ("the FIN again", "AF", b"", -1), ("text", "AP", b"hello", 0), ("text before the FIN", "AP", b"h", -2),
    ("a reset", "R", b"", 0), ("a reset below", "R", b"", -1), ("a reset above", "R", b"", 1), ("a SYN", "S", b"", 0),
    ("an ACK", "A", b"", 0), ("a second FIN", "AF", b"", 0), ("an ACK of the future", "A+", b"", 0),
    ("no ACK", "P", b"x", 0),
]


def send_there(t, flags, text, distance, **fields):
    ack = {"ack": t.rcv_nxt + 1000} if flags.endswith("+") else {}
    t.send(flags.rstrip("+"), text, seq=t.nxt + distance, **ack, **fields)


@probe(port=DISCARD, cases=CLOSE_WAIT)
def in_close_wait(t, flags, text, distance):
    yield from t.handshake("mss")
    t.send("AP", b"xx")
    t.send("AF")
    yield
    send_there(t, flags, text, distance)
    yield
    t.send("A", note="A to see what is left")
    yield


@probe(cases=CLOSE_WAIT)
def in_last_ack(t, flags, text, distance):
    yield from t.handshake("mss")
    last = t.rcv_nxt
    t.send("AF")
    yield
    t.rcv_nxt = last   # its FIN is not acknowledged
    send_there(t, flags, text, distance)
    yield
    t.send("A", ack=last + 1, note="A of its FIN")
    yield
    t.send("A", ack=last + 1, note="A once more")
    yield


# --- the application closes first


def closed(t, letter="c", options="mss", text=b""):
    """FIN-WAIT-1: the server's FIN has come, and we have not acknowledged it."""
    yield from t.handshake(options)
    if text:
        t.send("AP", text)
        yield
    t.command(letter)
    yield
    t.rcv_nxt = t.rcv_nxt - 1 & 0xFFFFFFFF
    t.fin_end = t.rcv_nxt + 1 & 0xFFFFFFFF


FIN_WAIT = [
    ("text", "AP", b"hello", 0), ("a reset", "R", b"", 0), ("a reset above", "R", b"", 1), ("a SYN", "S", b"", 0),
    ("an ACK of the future", "A+", b"", 0), ("text before the window", "A", b"x", -1),
    ("text beyond a gap", "AP", b"x", 5), ("no ACK", "P", b"x", 0), ("a FIN beyond a gap", "AF", b"", 5),
    ("text and FIN", "AF", b"bye", 0), ("urgent text", "AU", b"u", 0), ("an ACK below", "A", b"", -1),
]


@probe(port=DISCARD, cases=FIN_WAIT)
def in_fin_wait_1_of_a_closed_connection(t, flags, text, distance):
    yield from closed(t)
    send_there(t, flags, text, distance)
    yield
    t.send("A", ack=t.fin_end, note="A to see what is left")
    yield


@probe(port=DISCARD, cases=FIN_WAIT)
def in_fin_wait_2_of_a_closed_connection(t, flags, text, distance):
    yield from closed(t)
    t.rcv_nxt = t.fin_end
    t.send("A")
    yield
    send_there(t, flags, text, distance)
    yield
    t.send("A", note="A to see what is left")
    yield


@probe(port=DISCARD, cases=FIN_WAIT)
def in_fin_wait_2_of_a_half_closed_connection(t, flags, text, distance):
    yield from closed(t, "f")
    t.rcv_nxt = t.fin_end
    t.send("A")
    yield
    send_there(t, flags, text, distance)
    yield
    t.send("A", note="A to see what is left")
    yield


@probe(port=DISCARD)
def a_half_closed_connection_still_receives(t):
    yield from closed(t, "f", "mss ts ws")
    t.rcv_nxt = t.fin_end
    t.send("A")
    for _ in range(4):
        t.send("AP", b"x" * 1000)
    yield
    t.send("AF")
    yield
    t.send("AF", seq=t.nxt - 1, note="AF again")
    yield


@probe(port=DISCARD)
def a_simultaneous_close(t):
    yield from closed(t)
    t.send("AF")       # crosses the server's
    yield
    t.rcv_nxt = t.fin_end
    t.send("A")
    yield
    t.send("A", seq=t.nxt - 1, note="A one below")
    yield


CLOSING = [("the FIN again", "AF", b"", -1), ("text", "AP", b"hello", 0), ("a reset", "R", b"", 0),
           ("a reset above", "R", b"", 1), ("a SYN", "S", b"", 0), ("an ACK of the future", "A+", b"", 0)]


@probe(port=DISCARD, cases=CLOSING)
def in_closing(t, flags, text, distance):
    yield from closed(t)
    t.send("AF")
    yield
    send_there(t, flags, text, distance)
    yield
    t.send("A", ack=t.fin_end, note="A of its FIN")
    yield


@probe(port=DISCARD)
def the_fin_and_the_ack_of_ours_in_one(t):
    yield from closed(t)
    t.rcv_nxt = t.fin_end
    t.send("AF")
    yield


@probe(port=UNREAD)
def closing_with_unread_text(t):
    yield from t.handshake("mss ts ws")
    t.send("AP", b"never read")
    yield
    t.command("c")
    yield
    t.send("AP", b"more")
    yield


@probe(port=UNREAD)
def closing_with_unread_text_and_fin(t):
    yield from t.handshake("mss")
    t.send("AF", b"never read")
    yield
    t.command("c")
    yield
    t.send("A")
    yield


@probe(port=DISCARD)
def closing_with_text_under_way(t):
    yield from t.handshake("mss")
    t.command("b")
    t.command("c")
    yield
    t.send("A")
    yield


@probe(port=DISCARD, cases=[("at rest", ""), ("with text under way", "b"), ("half closed", "f")])
def an_abort(t, before):
    yield from t.handshake("mss ts")
    if before:
        t.command(before)
        yield
    t.command("a")
    yield
    t.send("A")
    yield


@probe(port=DISCARD)
def an_abort_after_the_peers_fin(t):
    yield from t.handshake("mss")
    t.send("AF")
    yield
    t.command("a")
    yield


# --- TIME-WAIT


def time_wait(t, options="mss"):
    yield from closed(t, options=options)
    t.rcv_nxt = t.fin_end
    t.send("A")
    t.send("AF")
    yield


TIME_WAIT = [
    ("the FIN again", "AF", b"", -1), ("a reset", "R", b"", 0), ("a reset above", "R", b"", 1),
    ("a reset below", "R", b"", -1), ("an ACK", "A", b"", 0), ("an ACK below", "A", b"", -1),
    ("an ACK far beyond", "A", b"", 1 << 28), ("text", "AP", b"hello", 0), ("text below", "AP", b"x", -2),
    ("a SYN-ACK", "SA", b"", 0), ("a second FIN", "AF", b"", 0), ("no ACK", "P", b"x", 0), ("no flags", "", b"", 0),
    ("an ACK of the future", "A+", b"", 0), ("a SYN-FIN", "SF", b"", 10),
]


@probe(port=DISCARD, cases=[(f"{name} {how}", options, *rest) for name, *rest in TIME_WAIT
                            for how, options in (("without timestamps", "mss"), ("with timestamps", "mss ts"))])
def in_time_wait(t, options, flags, text, distance):
    yield from time_wait(t, options)
    send_there(t, flags, text, distance)
    yield
    t.send("AF", seq=t.nxt - 1, note="AF again to see what is left")
    yield


@probe(port=DISCARD, cases=[("old", -1), ("missing", None), ("old on a reset", -1)])
def a_timestamp_in_time_wait(t, distance):
    yield from time_wait(t, "mss ts")
    options = b"" if distance is None else NOP * 2 + timestamp(t.clock + distance, t.ts_recent)
    t.send("AF", seq=t.nxt - 1, options=options)
    yield
    t.send("AF", seq=t.nxt - 1, note="AF again to see what is left")
    yield


# (what, timestamps of the old connection, the new SYN's distance from our SND.NXT, its clock's distance or None)
REUSES = [
    ("beyond the old numbers", "mss", 1000, None), ("at the next number", "mss", 0, None),
    ("at the number of the FIN", "mss", -1, None), ("below the old numbers", "mss", -1000, None),
    ("far below", "mss", -(1 << 30), None),
    ("with a newer timestamp, beyond", "mss ts", 1000, 10), ("with a newer timestamp, below", "mss ts", -1000, 10),
    ("with the same timestamp, beyond", "mss ts", 1000, 0), ("with the same timestamp, below", "mss ts", -1000, 0),
    ("with an older timestamp, beyond", "mss ts", 1000, -10), ("with an older timestamp, below", "mss ts", -1000, -10),
    ("without the timestamps of before, beyond", "mss ts", 1000, None),
    ("without the timestamps of before, below", "mss ts", -1000, None),
    ("with timestamps for the first time, beyond", "mss", 1000, 10),
    ("with timestamps for the first time, below", "mss", -1000, 10),
]


@probe(port=DISCARD, cases=REUSES)
def a_syn_in_time_wait(t, options, distance, clock):
    yield from time_wait(t, options)
    t.nxt = t.nxt + distance & 0xFFFFFFFF
    syn_options = mss(1460)
    if clock is not None:
        t.clock += clock
        syn_options += NOP * 2 + timestamp(t.clock)
    t.ts_recent = None
    t.send("S", options=syn_options)
    yield
    t.send("AP", b"hello")
    yield
