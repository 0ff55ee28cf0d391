"""Ethernet frames as the scripted peer of the differential test sends and reads them: any field may be wrong."""
import dataclasses
import ipaddress
import struct

FLAGS = "FSRPAUEC"
TCP, ICMP4, ICMP6 = 6, 1, 58
ETHERTYPE = {4: 0x0800, 6: 0x86DD}
ARP = 0x0806
BROADCAST = b"\xff" * 6


def flag_bits(letters):
    return sum(1 << FLAGS.index(letter) for letter in letters)


def flag_letters(bits):
    return "".join(letter for i, letter in enumerate(FLAGS) if bits >> i & 1)


def checksum(octets):
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo_header(source, destination, protocol, length):
    addresses = source.packed + destination.packed
    return addresses + (struct.pack("!BBH", 0, protocol, length) if source.version == 4
                        else struct.pack("!IHBB", length, 0, 0, protocol))


def mss(value):
    return struct.pack("!BBH", 2, 4, value)


def window_scale(shift):
    return bytes([3, 3, shift])


def timestamp(value, echo=0):
    return struct.pack("!BBII", 8, 10, value & 0xFFFFFFFF, echo & 0xFFFFFFFF)


NOP, END, SACK_PERMITTED = b"\1", b"\0", b"\4\2"


@dataclasses.dataclass
class Segment:
    """A TCP segment, sent or received; sequence numbers as on the wire."""
    flags: str
    seq: int
    ack: int = 0
    window: int = 65535
    text: bytes = b""
    options: bytes = b""
    urgent: int = 0
    source_port: int = 0
    destination_port: int = 0
    reserved: int = 0
    data_offset: int | None = None   # None: what is right
    bad_checksum: bool = False

    @property
    def length(self):
        """SEG.LEN: SYN and FIN count."""
        return len(self.text) + ("S" in self.flags) + ("F" in self.flags)

    def octets(self, source, destination):
        options = self.options + b"\0" * (-len(self.options) % 4)
        offset = 5 + len(options) // 4 if self.data_offset is None else self.data_offset
        header = struct.pack("!HHIIBBHHH", self.source_port, self.destination_port, self.seq & 0xFFFFFFFF,
                             self.ack & 0xFFFFFFFF, offset << 4 | self.reserved, flag_bits(self.flags),
                             self.window, 0, self.urgent)
        whole = header + options + self.text
        right = checksum(pseudo_header(source, destination, TCP, len(whole)) + whole)
        right ^= 0x5555 if self.bad_checksum else 0
        return whole[:16] + struct.pack("!H", right) + whole[18:]


@dataclasses.dataclass
class Packet:
    """What was received: the IP header's fields that are compared, and the payload."""
    source: object
    destination: object
    protocol: int
    ttl: int
    traffic_class: int
    dont_fragment: bool
    payload: bytes
    ip_options: bytes = b""

    @property
    def checksum_right(self):
        covered = self.payload
        if self.protocol in (TCP, ICMP6):
            covered = pseudo_header(self.source, self.destination, self.protocol, len(covered)) + covered
        return checksum(covered) == 0

    def segment(self):
        source, destination, seq, ack, offset, bits, window, _, urgent = struct.unpack_from("!HHIIBBHHH", self.payload)
        header = (offset >> 4) * 4
        return Segment(flag_letters(bits), seq, ack, window, self.payload[header:], self.payload[20:header], urgent,
                       source, destination, offset & 15)


def ip_packet(source, destination, protocol, payload, *, ip_options=b"", fragment=0, ttl=64):
    if source.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, ttl) + source.packed + destination.packed + payload
    words = 5 + len(ip_options) // 4
    header = struct.pack("!BBHHHBBH", 4 << 4 | words, 0, words * 4 + len(payload), 1, fragment, ttl, protocol, 0)
    header += source.packed + destination.packed + ip_options
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def read_packet(octets, version):
    """An IP packet; one with extension headers has their first as its protocol."""
    if version == 4:
        first, tos, length, _, fragment, ttl, protocol, _, source, destination = struct.unpack_from("!BBHHHBBH4s4s",
                                                                                                   octets)
        start = (first & 15) * 4
        assert checksum(octets[:start]) == 0, octets.hex()
        payload, flow, ip_options = octets[start:length], tos, octets[20:start]
        dont_fragment = bool(fragment & 0x4000)
    else:
        first, length, protocol, ttl, source, destination = struct.unpack_from("!IHBB16s16s", octets)
        payload, flow, ip_options = octets[40:40 + length], first >> 20 & 0xFF, b""
        dont_fragment = True
    return Packet(ipaddress.ip_address(source), ipaddress.ip_address(destination), protocol, ttl, flow,
                  dont_fragment, payload, ip_options)


def icmp_message(version, kind, code, rest, text, source, destination):
    """An ICMP or ICMPv6 message; `rest` is its second word (an MTU, a pointer, a ping's number)."""
    body = struct.pack("!BBHI", kind, code, 0, rest) + text
    covered = body if version == 4 else pseudo_header(source, destination, ICMP6, len(body)) + body
    return body[:2] + struct.pack("!H", checksum(covered)) + body[4:]


def arp(operation, link, address, target_link, target):
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation) + link + address.packed + target_link + target.packed


def neighbour_message(kind, flags, target, link, source, destination):
    """ICMPv6 solicitation (135) or advertisement (136) with the link address as its option."""
    option = 1 if kind == 135 else 2
    body = struct.pack("!BBHI", kind, 0, 0, flags) + target.packed + bytes([option, 1]) + link
    right = checksum(pseudo_header(source, destination, ICMP6, len(body)) + body)
    body = body[:2] + struct.pack("!H", right) + body[4:]
    return ip_packet(source, destination, ICMP6, body, ttl=255)
