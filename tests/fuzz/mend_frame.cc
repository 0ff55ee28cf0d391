// The walk to the checksums of a frame that may be wrong in every other respect.
#include "fuzz/mend_frame.h"

#include <algorithm>

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/ethernet.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace weir::fuzz {
namespace {

using Octets = std::span<uint8_t>;

void Mend(Octets segment, size_t field, uint64_t pseudo_header) {
  if (segment.size() < field + 2) return;
  StoreBe16(&segment[field], 0);
  StoreBe16(&segment[field], wire::ChecksumOf(pseudo_header + wire::SumOctets(segment)));
}

void MendTransport(uint8_t protocol, const IpAddress& source, const IpAddress& destination,
                   Octets segment) {
  const auto size = static_cast<uint32_t>(segment.size());
  const uint64_t pseudo = wire::PseudoHeaderSum(source, destination, protocol, size);
  if (protocol == wire::kProtocolTcp) Mend(segment, 16, pseudo);
  if (protocol == wire::kProtocolIcmpv6) Mend(segment, 2, pseudo);
  if (protocol == wire::kProtocolIcmp) Mend(segment, 2, 0);
}

void MendIpv4(Octets packet) {
  if (packet.size() < wire::kIpv4HeaderSize) return;
  const size_t header_size = (packet[0] & 0xfu) * 4;
  if (header_size < wire::kIpv4HeaderSize || header_size > packet.size()) return;
  Mend(packet.first(header_size), 10, 0);
  const size_t end = std::clamp<size_t>(LoadBe16(&packet[2]), header_size, packet.size());
  MendTransport(packet[9], wire::LoadIpv4Address(&packet[12]), wire::LoadIpv4Address(&packet[16]),
                packet.subspan(header_size, end - header_size));
}

void MendIpv6(Octets packet) {
  if (packet.size() < wire::kIpv6HeaderSize) return;
  const size_t end = std::min(packet.size(), size_t{wire::kIpv6HeaderSize} + LoadBe16(&packet[4]));
  uint8_t next = packet[6];
  size_t at = wire::kIpv6HeaderSize;
  while (wire::IsExtensionHeader(next) && at + 8 <= end) {
    const bool is_fragment = next == wire::kHeaderFragment;
    next = packet[at];
    at += is_fragment ? wire::kFragmentHeaderSize : (size_t{packet[at + 1]} + 1) * 8;
  }
  if (at > end) return;
  MendTransport(next, IpAddress::FromV6Octets(&packet[8]), IpAddress::FromV6Octets(&packet[24]),
                packet.subspan(at, end - at));
}

}  // namespace

void MendChecksums(std::span<uint8_t> frame) {
  if (frame.size() < wire::kEthernetHeaderSize) return;
  size_t at = wire::kEthernetHeaderSize;
  uint16_t type = LoadBe16(&frame[at - 2]);
  while ((type == wire::kEtherTypeVlan || type == wire::kEtherTypeQinQ) &&
         at + wire::kVlanTagSize <= frame.size()) {
    at += wire::kVlanTagSize;
    type = LoadBe16(&frame[at - 2]);
  }
  if (type == wire::kEtherTypeIpv4) MendIpv4(frame.subspan(at));
  if (type == wire::kEtherTypeIpv6) MendIpv6(frame.subspan(at));
}

}  // namespace weir::fuzz
