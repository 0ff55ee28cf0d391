// Neighbour discovery messages, octets to values and back.
#include "wire/nd.h"

#include "base/bytes.h"
#include "wire/icmp.h"
#include "wire/ipv6.h"

namespace weir::wire {
namespace {

// Option types (RFC 4861 4.6).
constexpr uint8_t kOptionSourceLinkLayer = 1, kOptionTargetLinkLayer = 2;
constexpr uint8_t kOptionPrefix = 3, kOptionMtu = 5;
constexpr size_t kPrefixSize = 32, kMtuSize = 8;

constexpr uint8_t kFlagRouter = 0x80, kFlagSolicited = 0x40, kFlagOverride = 0x20;
constexpr uint8_t kFlagManaged = 0x80, kFlagOther = 0x40;
constexpr uint8_t kFlagOnLink = 0x80, kFlagAutonomous = 0x40;

constexpr uint16_t kRouterAdvertisementSize = 16;
constexpr uint16_t kRedirectSize = 40;

// Octets in front of the options.
uint16_t FixedSize(uint8_t type) {
  switch (type) {
    case kNdRouterSolicitation:
      return kNdRouterSolicitationSize;
    case kNdRouterAdvertisement:
      return kRouterAdvertisementSize;
    case kNdRedirect:
      return kRedirectSize;
    default:
      return kNdNeighborSize;
  }
}

void TakePrefix(const uint8_t* p, NdMessage& nd) {
  if (nd.prefix_count == NdMessage::kPrefixesMax || p[2] > 128) return;
  NdPrefix& prefix = nd.prefixes[nd.prefix_count++];
  prefix.bits = p[2];
  prefix.on_link = (p[3] & kFlagOnLink) != 0;
  prefix.autonomous = (p[3] & kFlagAutonomous) != 0;
  prefix.valid_lifetime_s = LoadBe32(p + 4);
  prefix.preferred_lifetime_s = LoadBe32(p + 8);
  prefix.prefix = IpAddress::FromV6Octets(p + 16);
}

// One option of a legal size; options of another medium's size are skipped like unknown ones.
void TakeOption(const uint8_t* p, size_t size, NdMessage& nd) {
  if (p[0] == kOptionSourceLinkLayer && size == kNdLinkLayerOptionSize) {
    nd.has_source_mac = true;
    nd.source_mac = MacAddress::FromOctets(p + 2);
  } else if (p[0] == kOptionTargetLinkLayer && size == kNdLinkLayerOptionSize) {
    nd.has_target_mac = true;
    nd.target_mac = MacAddress::FromOctets(p + 2);
  } else if (p[0] == kOptionPrefix && size == kPrefixSize) {
    TakePrefix(p, nd);
  } else if (p[0] == kOptionMtu && size == kMtuSize) {
    nd.mtu = LoadBe32(p + 4);
  }
}

// RFC 4861 4.6: the message is dropped for an option of length 0 or one that runs past its end.
bool WalkOptions(std::span<const uint8_t> octets, NdMessage& nd) {
  size_t at = 0;
  while (at < octets.size()) {
    if (octets.size() - at < 2) return false;
    const size_t size = size_t{octets[at + 1]} * 8;
    if (size == 0 || size > octets.size() - at) return false;
    TakeOption(&octets[at], size, nd);
    at += size;
  }
  return true;
}

void ReadFixed(const uint8_t* p, NdMessage& nd) {
  nd.type = p[0];
  if (nd.type == kNdRouterSolicitation) return;
  if (nd.type == kNdRouterAdvertisement) {
    nd.hop_limit = p[4];
    nd.managed = (p[5] & kFlagManaged) != 0;
    nd.other = (p[5] & kFlagOther) != 0;
    nd.router_lifetime_s = LoadBe16(p + 6);
    nd.reachable_time_ms = LoadBe32(p + 8);
    nd.retransmit_timer_ms = LoadBe32(p + 12);
    return;
  }
  nd.target = IpAddress::FromV6Octets(p + 8);
  if (nd.type == kNdNeighborAdvertisement) {
    nd.router = (p[4] & kFlagRouter) != 0;
    nd.solicited = (p[4] & kFlagSolicited) != 0;
    nd.override = (p[4] & kFlagOverride) != 0;
  } else if (nd.type == kNdRedirect) {
    nd.redirected = IpAddress::FromV6Octets(p + 24);
  }
}

// A link-layer address that unicast may be sent to.
bool IsUsable(bool has_mac, const MacAddress& mac) {
  return !has_mac || (!mac.is_multicast() && !mac.is_zero());
}

bool IsValidSolicitation(const NdMessage& nd, const Frame& frame) {
  if (nd.target.is_multicast() || nd.target.is_v4()) return false;
  if (!frame.source.is_unspecified()) return true;
  // RFC 4861 7.1.1: duplicate address detection.
  return !nd.has_source_mac && frame.destination.InPrefix(SolicitedNodeAddress(IpAddress()), 104);
}

bool IsValidAdvertisement(const NdMessage& nd, const Frame& frame) {
  if (nd.target.is_multicast() || nd.target.is_v4()) return false;  // RFC 4861 7.1.2
  return !(nd.solicited && frame.destination.is_multicast());
}

// What RFC 4861 6.1.1, 6.1.2, 7.1.1, 7.1.2 and 8.1 ask beyond the common checks.
bool IsValid(const NdMessage& nd, const Frame& frame) {
  switch (nd.type) {
    case kNdRouterSolicitation:
      return !(frame.source.is_unspecified() && nd.has_source_mac);
    case kNdRouterAdvertisement:
      return frame.source.is_link_local_v6();
    case kNdNeighborSolicitation:
      return IsValidSolicitation(nd, frame);
    case kNdNeighborAdvertisement:
      return IsValidAdvertisement(nd, frame);
    default:
      return frame.source.is_link_local_v6() && !nd.redirected.is_multicast() &&
             (nd.target.is_link_local_v6() || nd.target == nd.redirected);
  }
}

}  // namespace

Counter ParseNd(std::span<const uint8_t> message, const Frame& frame, NdMessage& nd) {
  nd = NdMessage{};
  if (frame.has_fragment_header) return Counter::kDropNdFragment;
  if (frame.ttl != kNdHopLimit) return Counter::kDropNdHopLimit;
  if (message.size() < kIcmpHeaderSize || !IsNd(message[0]) || message[1] != 0) {
    return Counter::kDropNdMalformed;
  }
  const uint16_t fixed_size = FixedSize(message[0]);
  if (message.size() < fixed_size) return Counter::kDropNdMalformed;
  ReadFixed(message.data(), nd);
  const bool good = WalkOptions(message.subspan(fixed_size), nd) &&
                    IsUsable(nd.has_source_mac, nd.source_mac) &&
                    IsUsable(nd.has_target_mac, nd.target_mac) && IsValid(nd, frame);
  return good ? kNoDrop : Counter::kDropNdMalformed;
}

uint16_t WriteNd(uint8_t* out, const NdMessage& nd, const IpAddress& source,
                 const IpAddress& destination) {
  IcmpHeader header{.type = nd.type};
  uint16_t size = kNdRouterSolicitationSize;
  const bool is_advertisement = nd.type == kNdNeighborAdvertisement;
  if (is_advertisement) {
    header.rest = uint32_t{nd.router ? kFlagRouter : uint8_t{0}} << 24 |
                  uint32_t{nd.solicited ? kFlagSolicited : uint8_t{0}} << 24 |
                  uint32_t{nd.override ? kFlagOverride : uint8_t{0}} << 24;
  }
  WriteIcmp(out, header);
  if (nd.type != kNdRouterSolicitation) {
    std::memcpy(out + 8, nd.target.octets().data(), 16);
    size = kNdNeighborSize;
  }
  if (is_advertisement ? nd.has_target_mac : nd.has_source_mac) {
    const MacAddress& mac = is_advertisement ? nd.target_mac : nd.source_mac;
    out[size] = is_advertisement ? kOptionTargetLinkLayer : kOptionSourceLinkLayer;
    out[size + 1] = 1;
    std::memcpy(out + size + 2, mac.octets.data(), 6);
    size += kNdLinkLayerOptionSize;
  }
  SetIcmpv6Checksum({out, size}, source, destination);
  return size;
}

}  // namespace weir::wire
