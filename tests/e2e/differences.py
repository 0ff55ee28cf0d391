"""Where weir answers otherwise than Linux, on purpose. An entry that no longer occurs fails the test, too."""
import dataclasses
import fnmatch


@dataclasses.dataclass(frozen=True)
class Difference:
    """One kind of difference. Patterns are a shell's: * is anything."""
    probe: str    # for a probe's name
    linux: str    # for all answers of a step
    weir: str
    reason: str   # the RFC or the ADR that says so

    def names(self, probe):
        return fnmatch.fnmatchcase(probe, self.probe)

    def allows(self, probe, linux, weir):
        return self.names(probe) and fnmatch.fnmatchcase(linux, self.linux) and fnmatch.fnmatchcase(weir, self.weir)


ALLOWED = [Difference(*row) for row in [
    # --- one segment where Linux sends two
    ("a fin * order: *", "*PA * len=*; FA seq=*", "FPA * len=*",
     "The FIN leaves with the last text (RFC 9293 3.10.4): callbacks come before output, so one segment carries both."),
    ("the third segment: with text and FIN", "PA * len=5 *; FA *", "FPA * len=5 *", "As above."),
    ("an urgent pointer: *it*", "A * len=*; PA * len=*", "PA * len=6",
     "Urgent text stays in its place in the stream (RFC 9293 3.8.5). Linux's recv stops at the mark: an echo in two."),

    # --- the handshake
    ("a handshake with options: MSS of 0", "A seq=1 ack=nxt len=*", "A seq=1 ack=nxt len=88; *",
     "A tiny MSS is raised to 88, whatever it is (RFC 9293 3.7.1 has no 0). Linux takes 0 for none."),
    ("another syn in syn received: beyond the old one", "RA seq=none *", "silence",
     "RFC 9293 3.10.7.4 fourth: a passive open returns to LISTEN; no reset is asked for."),
    ("the third segment: with SYN and ACK", "R seq=1", "silence", "As above."),
    ("port zero: of the peer", "*", "silence", "Port 0 is reserved (RFC 6335 6): nobody can be there."),
    ("port zero: of the server", "*", "silence", "As above."),
    ("a syn with ip options: record route", "SA * (IP options *)", "SA *",
     "RFC 9293 3.9.2.1: a host need not answer with the recorded route."),
    ("an error in syn received", "R *", "A seq=1 ack=nxt",
     "ADR 6: what a stranger began ends by the timer. Linux forgets the half-open one, for IPv6 only."),
    ("text in fragments", "PA *", "silence", "ADR 11: fragments are not reassembled."),

    # --- sequence numbers, acknowledgements, timestamps
    ("text that comes twice: with timestamps", "A * ecr=10>", "A * ecr=0>",
     "RFC 7323 5.3 R2, R3: a segment that is not acceptable does not move TS.Recent."),
    ("an ack that is too old: within the largest window", "A seq=11 *", "PA seq=11 *",
     "RFC 5961 5.2: acceptable down to SND.UNA - MAX.SND.WND. Linux knows how much was ever sent and is stricter."),
    ("an ack that is too old: within the largest window", "PA seq=11 *", "A seq=16 *", "As above."),
    ("a timestamp that is missing: with *", "*", "silence",
     "RFC 7323 3.2: a segment without its timestamp is dropped."),
    ("a timestamp that is missing: with *", "*", "PA seq=1 ack=nxt len=5 *", "As above."),
    ("a timestamp in time wait: missing", "A *", "silence", "As above."),

    # --- loss
    ("duplicate acknowledgements: *", "A seq=4001 * len=400; A seq=4401 * len=400", "A seq=4001 * len=400",
     "RFC 3042 2: each of the first two duplicates lets one segment out. Without SACK Linux sends two for the first."),
    ("duplicate acknowledgements: *", "PA seq=4801 * len=200", "A seq=4401 * len=400*", "As above."),
    ("duplicate acknowledgements: *", "silence", "PA seq=4801 * len=200", "As above."),

    # --- path MTU
    ("a packet too big: *", "A seq=6 ack=nxt len=*; A *", "A seq=6 ack=nxt len=*; A *",
     "What is sent again is cut anew from the stream (RFC 9293 3.8.6.2.1: full segments); Linux cuts up the old ones."),
    ("a packet too big: of * MTU*", "A seq=5006 * (may be fragmented)*", "A seq=5006 *",
     "DF stays set, also at the least path MTU (ADR 6, ip.path_mtu_min). Linux lets routers fragment from there on."),

    # --- closing
    ("in close wait: a reset below", "R seq=1", "silence",
     "RFC 5961 3.2: only a RST exactly at RCV.NXT is believed. Linux also takes one below the FIN."),
    ("in last ack: a reset below", "R seq=2", "silence", "As above."),
    ("in * *: a second FIN", "silence", "A *", "RFC 9293 3.10.7.4 eighth: a FIN is acknowledged."),
    ("in fin wait ? of a closed connection: *", "R seq=*", "RA seq=2 ack=nxt",
     "RFC 9293 3.10.5: text that nobody will read aborts, and ABORT sends <SEQ=SND.NXT>. Linux resets as if there were "
     "no connection, <SEQ=SEG.ACK>."),
    ("in fin wait ? of a closed connection: a FIN beyond a gap", "R seq=*", "A seq=2 *",
     "The reset comes with the text that fills the gap; the gap alone is answered by what is missing (RFC 5681 4.2)."),
    ("in fin wait ? of a closed connection: a FIN beyond a gap", "R seq=2", "silence", "As above: it is still there."),
    ("in fin wait 2 of a closed connection: a reset above", "silence", "A seq=2 *",
     "RFC 5961 3.2: a challenge. Linux keeps less of an orphan in FIN-WAIT-2, and any RST ends it."),
    ("in fin wait 2 of a closed connection: a reset above", "R seq=2", "silence", "As above: it is still there."),
    ("in fin wait 2 of a closed connection: a SYN", "RA *", "A seq=2 *", "RFC 5961 4.2: a challenge."),
    ("in fin wait 2 of a closed connection: a SYN", "R seq=2", "silence", "As above: it is still there."),
    ("in fin wait 2 of a closed connection: an ACK of the future", "silence", "A seq=2 *",
     "RFC 9293 3.10.7.4 fifth: an ACK of what was never sent is answered."),

    # --- TIME-WAIT
    ("in time wait: a reset with*", "R seq=2", "A seq=2 *", "RFC 1337: a RST does not end TIME-WAIT."),
    ("in time wait: text with*", "A *", "silence", "RFC 9293 3.10.7.4 seventh: text after the FIN is ignored."),
    ("a syn in time wait: *", "A *", "silence", "As above, and RFC 7323 3.2: the text comes without its timestamp."),
    ("in time wait: no ACK with*", "A *", "silence", "RFC 9293 3.10.7.4 fifth: without ACK it is dropped."),
    ("in time wait: an ACK of the future *", "silence", "A *",
     "RFC 9293 3.10.7.4 fifth: an ACK of what was never sent is answered."),
    ("in time wait: a SYN-FIN *", "silence", "A seq=2 *",
     "RFC 5961 4.2: a challenge. Linux ends TIME-WAIT for it, and then opens nothing."),
    ("in time wait: a SYN-FIN *", "R seq=2", "A seq=2 *", "As above."),
    ("a syn in time wait: at the next number", "A *", "SA seq=above *",
     "RFC 6191 3: greater than the last sequence number seen, which is the FIN's."),
    ("a syn in time wait: at the next number", "A *", "A seq=1 *", "As above."),
    ("a syn in time wait: with timestamps for the first time, below", "A *", "SA seq=above *",
     "RFC 6191 3: a peer that had no timestamps and has them now is accepted."),
    ("a syn in time wait: with timestamps for the first time, below", "A *", "A seq=1 *", "As above."),
]]
