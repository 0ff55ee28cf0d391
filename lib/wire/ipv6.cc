// The IPv6 header and its extension headers, octets to values and back.
#include "wire/ipv6.h"

#include "base/bytes.h"

namespace weir::wire {
namespace {

// RFC 8200 4.2: the two high bits of an unknown option say what to do; 00 is "skip".
constexpr uint8_t kOptionPad1 = 0;
constexpr uint8_t kOptionActionMask = 0xc0;

// The options of a hop-by-hop or destination options header, its first two octets excluded.
Counter CheckOptions(std::span<const uint8_t> options) {
  size_t at = 0;
  while (at < options.size()) {
    const uint8_t type = options[at];
    if (type == kOptionPad1) {
      ++at;
      continue;
    }
    if (options.size() - at < 2) return Counter::kDropIpv6Extension;
    const size_t size = size_t{2} + options[at + 1];
    if (size > options.size() - at) return Counter::kDropIpv6Extension;
    if ((type & kOptionActionMask) != 0) return Counter::kDropIpv6Option;
    at += size;
  }
  return kNoDrop;
}

Counter CheckFragment(const uint8_t* header) {
  // Offset in the upper 13 bits, two reserved bits, M: only offset 0 without M is a whole packet.
  return (LoadBe16(header + 2) & 0xfff9) == 0 ? kNoDrop : Counter::kDropIpv6Fragment;
}

Counter CheckRouting(const uint8_t* header) {
  const uint8_t type = header[2], segments_left = header[3];
  return type == 0 || segments_left != 0 ? Counter::kDropIpv6Routing : kNoDrop;
}

// Takes the one extension header at chain.at.
Counter WalkOne(std::span<const uint8_t> payload, ExtensionChain& chain) {
  const size_t left = payload.size() - chain.at;
  if (left < 8) return Counter::kDropIpv6Extension;
  const uint8_t* p = payload.data() + chain.at;
  const bool is_fragment = chain.next == kHeaderFragment;
  const size_t size = is_fragment ? kFragmentHeaderSize : (size_t{p[1]} + 1) * 8;
  if (size > left) return Counter::kDropIpv6Extension;
  if (chain.at + size > kExtensionOctetsMax) return Counter::kDropIpv6Chain;
  Counter bad = kNoDrop;
  switch (chain.next) {
    case kHeaderHopByHop:
      if (chain.at != 0) return Counter::kDropIpv6Extension;  // RFC 8200 4.1: only first
      [[fallthrough]];
    case kHeaderDestinationOptions:
      bad = CheckOptions({p + 2, size - 2});
      break;
    case kHeaderRouting:
      bad = CheckRouting(p);
      chain.routing = true;
      break;
    default:
      bad = CheckFragment(p);
      chain.fragment = true;
      break;
  }
  chain.next = p[0];
  chain.at = static_cast<uint16_t>(chain.at + size);
  return bad;
}

}  // namespace

Counter WalkExtensions(std::span<const uint8_t> payload, ExtensionChain& chain) {
  for (int count = 0; IsExtensionHeader(chain.next); ++count) {
    if (count == kExtensionHeadersMax) return Counter::kDropIpv6Chain;
    const Counter bad = WalkOne(payload, chain);
    if (bad != kNoDrop) return bad;
  }
  return kNoDrop;
}

Counter CheckIpv6Source(const IpAddress& address) {
  if (address.high() != 0) {
    return address.is_multicast() ? Counter::kDropSourceMulticast : kNoDrop;
  }
  if (address.low() == 0) return Counter::kDropSourceUnspecified;
  if (address.low() == 1) return Counter::kDropSourceLoopback;
  // A mapped address is an IPv4 host's in our tables and never a sender's (RFC 4291 2.5.5.2).
  return address.is_v4() ? Counter::kDropSourceMapped : kNoDrop;
}

uint16_t WriteIpv6(uint8_t* out, const Ipv6Header& header) {
  StoreBe32(out, 6u << 28 | uint32_t{header.dscp_ecn} << 20 | (header.flow_label & 0xfffff));
  StoreBe16(out + 4, header.payload_size);
  out[6] = header.protocol;
  out[7] = header.hop_limit;
  std::memcpy(out + 8, header.source.octets().data(), 16);
  std::memcpy(out + 24, header.destination.octets().data(), 16);
  return kIpv6HeaderSize;
}

IpAddress SolicitedNodeAddress(const IpAddress& address) {
  std::array<uint8_t, 16> group = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
  std::memcpy(group.data() + 13, address.octets().data() + 13, 3);
  return IpAddress::V6(group);
}

MacAddress MulticastMac(const IpAddress& group) {
  MacAddress mac{{0x33, 0x33}};
  std::memcpy(mac.octets.data() + 2, group.octets().data() + 12, 4);
  return mac;
}

}  // namespace weir::wire
