// ICMP and ICMPv6 messages, octets to values and back.
#include "wire/icmp.h"

#include <optional>

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace weir::wire {
namespace {

// What an error must quote of the transport header: ports and sequence number (RFC 792).
constexpr size_t kQuotedTransportSize = 8;

std::optional<IcmpErrorKind> KindOf(uint8_t type, uint8_t code) {
  switch (type) {
    case kIcmpUnreachable:
      return code == kIcmpFragmentationNeeded ? IcmpErrorKind::kPacketTooBig
                                              : IcmpErrorKind::kUnreachable;
    case kIcmpTimeExceeded:
      return IcmpErrorKind::kTimeExceeded;
    case kIcmpParameterProblem:
      return IcmpErrorKind::kParameterProblem;
    default:
      return std::nullopt;
  }
}

std::optional<IcmpErrorKind> KindOfV6(uint8_t type) {
  switch (type) {
    case kIcmpv6Unreachable:
      return IcmpErrorKind::kUnreachable;
    case kIcmpv6PacketTooBig:
      return IcmpErrorKind::kPacketTooBig;
    case kIcmpv6TimeExceeded:
      return IcmpErrorKind::kTimeExceeded;
    case kIcmpv6ParameterProblem:
      return IcmpErrorKind::kParameterProblem;
    default:
      return std::nullopt;
  }
}

// Reads the quoted IPv4 header and returns the offset of the transport header, 0 when there is
// none. A quote is cut short and routers touch its length and checksum: neither is checked.
size_t ReadQuotedIpv4(std::span<const uint8_t> packet, QuotedSegment& quoted) {
  if (packet.size() < kIpv4HeaderSize) return 0;
  const uint8_t* p = packet.data();
  const size_t header_size = (p[0] & 0xfu) * 4;
  if (p[0] >> 4 != 4 || header_size < kIpv4HeaderSize) return 0;
  if ((LoadBe16(p + 6) & 0x1fff) != 0) return 0;  // a later fragment has no transport header
  quoted.packet_size = LoadBe16(p + 2);
  quoted.protocol = p[9];
  quoted.source = LoadIpv4Address(p + 12);
  quoted.destination = LoadIpv4Address(p + 16);
  return header_size;
}

// The same for IPv6. We send no extension headers, so a quote that has them is not of our packet.
size_t ReadQuotedIpv6(std::span<const uint8_t> packet, QuotedSegment& quoted) {
  if (packet.size() < kIpv6HeaderSize) return 0;
  const uint8_t* p = packet.data();
  if (p[0] >> 4 != 6) return 0;
  const uint32_t size = uint32_t{LoadBe16(p + 4)} + kIpv6HeaderSize;
  quoted.packet_size = static_cast<uint16_t>(size > 0xffff ? 0xffff : size);
  quoted.protocol = p[6];
  quoted.source = IpAddress::FromV6Octets(p + 8);
  quoted.destination = IpAddress::FromV6Octets(p + 24);
  return quoted.source.is_v4() || quoted.destination.is_v4() ? 0 : kIpv6HeaderSize;
}

}  // namespace

bool ParseIcmp(std::span<const uint8_t> message, IcmpHeader& header) {
  if (message.size() < kIcmpHeaderSize) return false;
  header.type = message[0];
  header.code = message[1];
  header.rest = LoadBe32(message.data() + 4);
  return true;
}

void WriteIcmp(uint8_t* out, const IcmpHeader& header) {
  out[0] = header.type;
  out[1] = header.code;
  StoreBe16(out + 2, 0);
  StoreBe32(out + 4, header.rest);
}

void SetIcmpChecksum(std::span<uint8_t> message) {
  StoreBe16(message.data() + 2, 0);
  StoreBe16(message.data() + 2, ChecksumOf(SumOctets(message)));
}

void SetIcmpv6Checksum(std::span<uint8_t> message, const IpAddress& source,
                       const IpAddress& destination) {
  StoreBe16(message.data() + 2, 0);
  StoreBe16(message.data() + 2, TransportChecksum(source, destination, kProtocolIcmpv6, message));
}

void MakeEchoReply(std::span<uint8_t> message, bool v4) {
  uint8_t* p = message.data();
  const uint16_t before = LoadBe16(p);
  p[0] = v4 ? kIcmpEchoReply : kIcmpv6EchoReply;
  const uint16_t checksum = UpdateChecksum(LoadBe16(p + 2), before, LoadBe16(p));
  StoreBe16(p + 2, checksum);
  // 0 is also what comes out where nothing is left but zeros, and there it is wrong (RFC 1624 3):
  // a reply of type 0 with identifier, sequence number and data 0.
  if (v4 && checksum == 0) SetIcmpChecksum(message);
}

bool ParseQuoted(std::span<const uint8_t> message, bool v4, QuotedSegment& quoted) {
  IcmpHeader header;
  if (!ParseIcmp(message, header)) return false;
  const auto kind = v4 ? KindOf(header.type, header.code) : KindOfV6(header.type);
  if (!kind) return false;
  const auto packet = message.subspan(kIcmpHeaderSize);
  const size_t transport = v4 ? ReadQuotedIpv4(packet, quoted) : ReadQuotedIpv6(packet, quoted);
  if (transport == 0 || packet.size() < transport + kQuotedTransportSize) return false;
  quoted.kind = *kind;
  quoted.type = header.type;
  quoted.code = header.code;
  quoted.mtu = 0;
  // RFC 1191 4: the MTU is the lower half of the word; RFC 8201: all of it.
  if (*kind == IcmpErrorKind::kPacketTooBig) quoted.mtu = v4 ? header.rest & 0xffff : header.rest;
  const uint8_t* p = packet.data() + transport;
  quoted.source_port = LoadBe16(p);
  quoted.destination_port = LoadBe16(p + 2);
  quoted.seq = Seq(LoadBe32(p + 4));
  return true;
}

}  // namespace weir::wire
