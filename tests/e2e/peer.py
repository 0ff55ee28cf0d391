"""The scripted peer of the differential test: a link, addresses, and many conversations at once over one raw socket."""
import dataclasses
import heapq
import ipaddress
import selectors
import socket
import struct
import time

import frames
from frames import BROADCAST
from network import run
from talk import OWN, Talk, is_own

LINK = bytes.fromhex("020000000077")
ETH_P_ALL = 3
GRACE_S = 0.01      # for what leaves right behind the answer to a ping
PATIENCE_S = 30     # reached only when something is broken


@dataclasses.dataclass(order=True)
class _Waiting:
    """A conversation in mid-step: it is looked at again at a time."""
    at: float
    number: int
    script: object = dataclasses.field(compare=False)
    talk: object = dataclasses.field(compare=False)
    answered: bool = dataclasses.field(compare=False, default=True)   # the ping that ends the step was, or none was due


class Peer:
    """The peer's link, addresses and event loop. Its own kernel has no part: it has none of these addresses."""

    def __init__(self, network, interface, servers, selector, command):
        self.selector, self.command, self.servers = selector, command, servers
        self.talks, self.links = {}, {}
        self.waiting, self.pinged = [], {}   # conversations by time, and those whose ping is not answered yet
        self.raw = network.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.raw.bind((interface, ETH_P_ALL))
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.raw.setblocking(False)
        selector.register(self.raw, selectors.EVENT_READ, self._readable)
        # Frames for our link address are for nobody that the interface knows; it must take them all the same.
        run(*network.command("ip", "link", "set", interface, "promisc", "on"))

    def close(self):
        self.selector.unregister(self.raw)
        self.raw.close()

    # --- sending

    def send_frame(self, destination, ether_type, payload):
        self.raw.send(destination + LINK + struct.pack("!H", ether_type) + payload)

    def send_ip(self, talk, protocol, payload, *, source=None, destination=None, link=None, **fields):
        own, server = talk.addresses
        packet = frames.ip_packet(source or own, destination or server, protocol, payload, **fields)
        self.send_frame(link or self.links[talk.version], frames.ETHERTYPE[talk.version], packet)

    def send_segment(self, talk, segment):
        self.send_ip(talk, frames.TCP, segment.octets(*talk.addresses))

    # --- receiving

    def _readable(self):
        while True:
            try:
                frame, where = self.raw.recvfrom(1 << 16)
            except BlockingIOError:
                return
            ether_type = int.from_bytes(frame[12:14], "big")
            if where[2] == socket.PACKET_OUTGOING:
                continue
            if ether_type == frames.ARP:
                self._arp(frame[14:])
            elif ether_type == 0x0800 and frame[:6] == LINK:
                self._ip(frames.read_packet(frame[14:], 4), frame[6:12])
            elif ether_type == 0x86DD:
                self._ip(frames.read_packet(frame[14:], 6), frame[6:12])

    def _arp(self, octets):
        operation, link, sender, target = struct.unpack_from("!6xH6s4s6x4s", octets)
        sender, target = ipaddress.ip_address(sender), ipaddress.ip_address(target)
        if not is_own(target):
            return
        if operation == 1:
            self.send_frame(link, frames.ARP, frames.arp(2, LINK, target, link, sender))
        elif sender == self.servers[4]:
            self.links[4] = link

    def _ip(self, packet, link):
        if packet.protocol == frames.ICMP6 and packet.payload[0] in (135, 136):
            self._neighbour(packet, link)
        if not is_own(packet.destination) or packet.source != self.servers[packet.source.version]:
            return
        if packet.protocol == frames.TCP:
            talk = self.talks.get((packet.source.version, packet.segment().destination_port))
            if talk is not None:
                talk.receive(packet)
        elif (packet.protocol, packet.payload[0]) in ((frames.ICMP4, 0), (frames.ICMP6, 129)):
            self._pong(int.from_bytes(packet.payload[4:8], "big"))
        elif packet.protocol == frames.ICMP4 and packet.payload[0] in (3, 11, 12):
            self._icmp(packet, 4, packet.payload[28:30])
        elif packet.protocol == frames.ICMP6 and packet.payload[0] < 128:
            self._icmp(packet, 6, packet.payload[48:50])

    def _icmp(self, packet, version, quoted_port):
        talk = self.talks.get((version, int.from_bytes(quoted_port, "big")))
        if talk is not None:
            talk.receive_icmp(packet)

    def _neighbour(self, packet, link):
        target = ipaddress.ip_address(packet.payload[8:24])
        if packet.payload[0] == 136 and target == self.servers[6]:
            self.links[6] = link
        elif packet.payload[0] == 135 and is_own(target) and not packet.source.is_unspecified:
            # Solicited, override.
            answer = frames.neighbour_message(136, 0x60000000, target, LINK, target, packet.source)
            self.send_frame(link, 0x86DD, answer)

    # --- running scripts

    def find_servers(self):
        """Learns the link addresses."""
        deadline = time.monotonic() + 30
        while len(self.links) < 2:
            assert time.monotonic() < deadline, "the server answers neither ARP nor neighbour discovery"
            self.send_frame(BROADCAST, frames.ARP, frames.arp(1, LINK, OWN[4], bytes(6), self.servers[4]))
            group = ipaddress.ip_address(bytes.fromhex("ff0200000000000000000001ff") + self.servers[6].packed[13:])
            self.send_frame(b"\x33\x33\xff" + self.servers[6].packed[13:], 0x86DD,
                            frames.neighbour_message(135, 0, self.servers[6], LINK, OWN[6], group))
            self._serve_until(time.monotonic() + 0.2)

    def run(self, scripts, wait_s, together):
        """Runs [(name, generator function, version, server port, own port, own address)], so many `together`.

        Returns {name: steps}. A step lasts `wait_s`, and then until a ping has been answered: so long that a delayed
        acknowledgement is there, and that a slow server has seen all that was sent before.
        """
        results, todo = {}, list(enumerate(scripts))[::-1]
        while todo or self.waiting or self.pinged:
            now = time.monotonic()
            if todo and len(self.waiting) + len(self.pinged) < together:
                number, (name, script, version, port, local_port, own) = todo.pop()
                talk = self.talks[version, local_port] = Talk(self, version, port, local_port, own or OWN[version])
                results[name] = talk.steps
                heapq.heappush(self.waiting, _Waiting(now, number, script(talk), talk))
            assert all(now < each.at + PATIENCE_S for each in self.pinged.values()), "a ping was not answered"
            # Also when we are late: answers, and the application at the kernel's end, come before the next step.
            self._serve_once(self.waiting[0].at - now if self.waiting else GRACE_S)
            if not self.waiting or self.waiting[0].at > time.monotonic():
                continue
            if self.waiting[0].answered:
                self._step(heapq.heappop(self.waiting), wait_s)
            else:
                self._ping(heapq.heappop(self.waiting))
        self._end_all(wait_s)
        return results

    def _step(self, waiting, wait_s):
        talk = waiting.talk
        if talk.running:
            talk.end_step()
        talk.running = True
        try:
            next(waiting.script)
        except StopIteration:
            return
        except AssertionError as failure:
            talk.steps.append((f"gave up: {failure}", []))
            return
        waiting.at, waiting.answered = time.monotonic() + wait_s, False
        heapq.heappush(self.waiting, waiting)

    def _ping(self, waiting):
        version = waiting.talk.version
        own, server = OWN[version], self.servers[version]
        self.pinged[waiting.number] = waiting
        kind, protocol = (8, frames.ICMP4) if version == 4 else (128, frames.ICMP6)
        message = frames.icmp_message(version, kind, 0, waiting.number, b"", own, server)
        self.send_ip(waiting.talk, protocol, message, source=own)

    def _pong(self, number):
        waiting = self.pinged.pop(number, None)
        if waiting is not None:
            waiting.at, waiting.answered = time.monotonic() + GRACE_S, True
            heapq.heappush(self.waiting, waiting)

    def _end_all(self, wait_s):
        """Leaves no connection behind that would talk into the next run: a reset where the server expects it."""
        for talk in self.talks.values():
            self.send_segment(talk, talk.segment("R", options=b""))
            self._serve_until(0)
        self._serve_until(time.monotonic() + wait_s)
        self.talks.clear()

    def _serve_until(self, at):
        while True:
            self._serve_once(at - time.monotonic())
            if time.monotonic() >= at:
                return

    def _serve_once(self, patience_s):
        for key, _ in self.selector.select(max(0, patience_s)):
            key.data()
