"""One conversation of the differential test's scripted peer: what it sends, and what came back made comparable.

A conversation is driven by a script, a generator that sends segments and yields. A yield ends a step (peer.py says
when); what was answered is the step's result, one line of text per frame, in which everything that may legitimately
differ from host to host has been made relative: sequence numbers to our own and to the server's ISS, timestamps to our
own, windows to a class, ports left out.
"""
import ipaddress
import struct

import frames
from frames import Segment

OWN = {4: ipaddress.ip_address("198.18.0.77"), 6: ipaddress.ip_address("2001:2::77")}
# For conversations that change what the server remembers about an address: path MTU.
MORE = {4: ipaddress.ip_network("198.18.0.128/25"), 6: ipaddress.ip_network("2001:2::100/121")}
ISS = 0xFFFFF000   # our sequence numbers and our clock wrap in the middle of a conversation
CLOCK = 0xFFFFFF00
ETH_P_ALL = 3
SETTLE_S = 0.005   # between the scripts' starts: not everything at once


def is_own(address):
    return address == OWN[address.version] or address in MORE[address.version]


class Talk:
    """One conversation. `send` and `command` act; `yield` in a script waits and returns the answers."""

    def __init__(self, peer, version, port, local_port, own):
        self.peer, self.version, self.port, self.local_port, self.own = peer, version, port, local_port, own
        self.nxt = ISS            # our SND.NXT
        self.server_iss = None
        self.rcv_nxt = 0          # what we acknowledge
        self.clock = CLOCK
        self.ts_recent = None     # None: no timestamps
        self.server_clock = None
        self.window = 65535
        self.shift = 0            # of the server's window
        self.server_window = 0
        self.server_edge = 0      # where it ends
        self.steps = []           # (what was done, the answers as text)
        self.done = []            # of the step under way
        self.answers = []
        self.last_sent = None
        self.running = False      # the script has begun

    # --- what scripts call

    def segment(self, flags, text=b"", **fields):
        """The next segment as a well-behaved peer would send it, but for `fields`."""
        fields.setdefault("seq", self.nxt)
        fields.setdefault("ack", self.rcv_nxt if "A" in flags else 0)
        fields.setdefault("window", self.window)
        if self.ts_recent is not None and "options" not in fields:
            fields["options"] = frames.NOP * 2 + frames.timestamp(self.clock, self.ts_recent if "A" in flags else 0)
        fields.setdefault("source_port", self.local_port)
        return Segment(flags, text=text, destination_port=self.port, **fields)

    def send(self, flags, text=b"", *, note="", **fields):
        """Sends a segment. Without an explicit `seq` it is the next of the stream."""
        segment = self.segment(flags, text, **fields)
        if "seq" not in fields:
            self.nxt = self.nxt + segment.length & 0xFFFFFFFF
        self.last_sent = segment
        self.done.append(note or flags + (f" {len(text)}" if text else ""))
        self.peer.send_segment(self, segment)
        return segment

    def repeat(self):
        """Sends the last segment once more."""
        self.done.append("the same again")
        self.peer.send_segment(self, self.last_sent)

    def send_packet(self, protocol, payload, *, note, **ip_fields):
        """Sends what is not a plain segment."""
        self.done.append(note)
        self.peer.send_ip(self, protocol, payload, **ip_fields)

    def command(self, letter):
        """Makes the server's application act on this conversation (commanded.cc)."""
        self.done.append({"s": "the application sends 5", "b": "the application sends 5000", "r": "it reads",
                          "f": "it shuts down", "c": "it closes", "a": "it aborts"}[letter])
        if not self.peer.command(letter, self.local_port):
            self.answers.append("no connection to do it on")

    def handshake(self, options="mss ts ws", **fields):
        """SYN, SYN-ACK, ACK."""
        self.send("S", options=self.syn_options(options), **fields)
        yield
        assert self.server_iss is not None, "no SYN-ACK"
        self.send("A", note="A of the handshake")
        yield

    def handshake_with_mss(self, size):
        self.send("S", options=frames.mss(size))
        yield
        self.send("A", note="A of the handshake")
        yield

    def syn_options(self, names):
        parts = {"mss": frames.mss(self.mss), "ws": frames.NOP + frames.window_scale(7),
                 "ts": frames.NOP * 2 + frames.timestamp(self.clock)}
        return b"".join(parts[name] for name in names.split())

    def skip_comparison(self):
        """Forgets the last step: what it did depends on sizes that may differ."""
        self.steps.pop()

    @property
    def mss(self):
        """The largest text without options."""
        return 1460 if self.version == 4 else 1440

    @property
    def addresses(self):
        return self.own, self.peer.servers[self.version]

    @staticmethod
    def address(text):
        return ipaddress.ip_address(text)

    def listen(self, port=None):
        """Takes the frames for our port after a change of it, or for another too."""
        self.peer.talks[self.version, self.local_port if port is None else port] = self

    # --- what the peer calls

    def receive(self, packet):
        segment = packet.segment()
        options = self._options(segment)   # also learns
        if "S" in segment.flags and "A" in segment.flags:
            line = self._take_syn(segment)
        else:
            line = f"{segment.flags} seq={self._seq(segment.seq)}"
        if "A" in segment.flags:
            line += f" ack={self._ack(segment.ack)}"
        if "R" not in segment.flags:
            line += " win=0" if segment.window == 0 else ""
        self.server_window = segment.window << (0 if "S" in segment.flags else self.shift)
        self.server_edge = segment.ack + self.server_window & 0xFFFFFFFF
        line += f" urg={segment.urgent}" if "U" in segment.flags else ""
        line += f" len={len(segment.text)}" if segment.text else ""
        line += f" <{options}>" if options else ""
        self.answers.append(line + self._oddities(packet, segment))
        if "R" not in segment.flags and "S" not in segment.flags and segment.seq == self.rcv_nxt:
            self.rcv_nxt = self.rcv_nxt + segment.length & 0xFFFFFFFF

    def receive_icmp(self, packet):
        self.answers.append(f"icmp {packet.payload[0]}/{packet.payload[1]}")

    def end_step(self):
        self.steps.append((", ".join(self.done), self.answers))
        answers, self.done, self.answers = self.answers, [], []
        return answers

    # --- comparable text

    def _take_syn(self, segment):
        if self.server_iss == segment.seq:
            return f"{segment.flags} seq=0"
        # Another connection of the same ports must begin above all of the old one (RFC 6191).
        place = "0" if self.server_iss is None else \
            "above" if 0 < (segment.seq - self.rcv_nxt & 0xFFFFFFFF) < 1 << 31 else "below"
        self.server_iss, self.rcv_nxt = segment.seq, segment.seq + 1 & 0xFFFFFFFF
        return f"{segment.flags} seq={place}"

    def _seq(self, seq):
        if seq == 0:
            return "none"   # of a reset to what had no ACK
        return f"{seq - self.server_iss & 0xFFFFFFFF}" if self.server_iss is not None else f"{seq:#x}"

    def _ack(self, ack):
        distance = (ack - self.nxt + (1 << 31) & 0xFFFFFFFF) - (1 << 31)
        return "nxt" if distance == 0 else f"nxt{distance:+}"

    def _options(self, segment):
        shown, octets = [], segment.options
        while octets:
            kind = octets[0]
            length = 1 if kind < 2 else octets[1]
            body, octets = octets[2:length], octets[length:]
            if kind < 2:
                shown.append(("end", "nop")[kind])
            elif kind == 2:
                shown.append(f"mss {struct.unpack('!H', body)[0]}")
            elif kind == 3:
                self.shift = body[0] if "S" in segment.flags else self.shift
                shown.append(f"ws {body[0]}")
            elif kind == 8:
                shown.append(self._timestamp(segment, *struct.unpack("!II", body)))
            else:
                shown.append(f"{kind}:{body.hex()}")
        return " ".join(shown)

    def _timestamp(self, segment, value, echo):
        if "S" in segment.flags or self.ts_recent is not None:
            self.ts_recent = value
        back = self.server_clock is not None and (value - self.server_clock & 0xFFFFFFFF) >= 1 << 31
        if "R" not in segment.flags:
            self.server_clock = value
        distance = (echo - CLOCK + (1 << 31) & 0xFFFFFFFF) - (1 << 31)
        return f"ts{' back' if back else ''} ecr={distance}"

    def _oddities(self, packet, segment):
        """What no segment of either stack should show."""
        found = []
        if not packet.checksum_right:
            found.append("bad checksum")
        if packet.ttl != 64:
            found.append(f"ttl {packet.ttl}")
        if packet.traffic_class:
            found.append(f"traffic class {packet.traffic_class}")
        if not packet.dont_fragment:
            found.append("may be fragmented")
        if packet.ip_options:
            found.append(f"IP options {packet.ip_options.hex()}")
        if segment.reserved:
            found.append(f"reserved {segment.reserved}")
        return "".join(f" ({what})" for what in found)
