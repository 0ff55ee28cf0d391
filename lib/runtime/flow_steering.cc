// Finding a frame's flow without parsing the frame.
#include "runtime/flow_steering.h"

#include "base/bytes.h"
#include "base/check.h"
#include "wire/ethernet.h"

namespace weir::runtime {
namespace {

using Octets = std::span<const uint8_t>;

constexpr size_t kIpv4HeaderSize = 20;
constexpr size_t kIpv6HeaderSize = 40;
constexpr size_t kPortsSize = 4;
constexpr size_t kIcmpHeaderSize = 8;  // ICMP and ICMPv6 errors: what they quote follows
constexpr unsigned kExtensionHeadersMax = 8;

constexpr uint8_t kIcmp = 1;
constexpr uint8_t kTcp = 6;
constexpr uint8_t kIcmpv6 = 58;
constexpr uint8_t kHopByHop = 0;
constexpr uint8_t kRouting = 43;
constexpr uint8_t kFragment = 44;
constexpr uint8_t kDestinationOptions = 60;

// RFC 792.
constexpr uint8_t kUnreachable = 3;
constexpr uint8_t kSourceQuench = 4;
constexpr uint8_t kTimeExceeded = 11;
constexpr uint8_t kParameterProblem = 12;
// RFC 4443 2.1: errors are below 128. RFC 4861 4.3, 4.4.
constexpr uint8_t kIcmpv6ErrorMax = 127;
constexpr uint8_t kNeighborSolicitation = 135;
constexpr uint8_t kNeighborAdvertisement = 136;

// The transport header of an IP packet, as far as this file is concerned.
struct Transport {
  uint8_t protocol = 0;
  size_t offset = 0;
  bool plain = true;  // nothing stands between it and the IP header
};

std::optional<Transport> FindIpv4Transport(Octets packet) {
  if (packet.size() < kIpv4HeaderSize) return std::nullopt;
  const size_t header_size = size_t{4} * (packet[0] & 0x0f);
  const bool fragment = (LoadBe16(&packet[6]) & 0x3fff) != 0;  // MF or an offset
  if (header_size < kIpv4HeaderSize || header_size > packet.size() || fragment) {
    return std::nullopt;
  }
  return Transport{packet[9], header_size, header_size == kIpv4HeaderSize};
}

std::optional<Transport> FindIpv6Transport(Octets packet) {
  if (packet.size() < kIpv6HeaderSize) return std::nullopt;
  Transport found{packet[6], kIpv6HeaderSize, true};
  for (unsigned i = 0; i < kExtensionHeadersMax; ++i) {
    const uint8_t next = found.protocol;
    const bool fragment = next == kFragment;
    if (next != kHopByHop && next != kRouting && next != kDestinationOptions && !fragment) {
      return found;
    }
    if (packet.size() < found.offset + 8) return std::nullopt;
    const uint8_t* header = &packet[found.offset];
    // An atomic fragment (RFC 6946) is a whole packet; others are dropped by whoever gets them.
    if (fragment && (LoadBe16(header + 2) & 0xfff9) != 0) return std::nullopt;
    found.protocol = header[0];
    found.offset += fragment ? 8 : size_t{8} * (size_t{1} + header[1]);
    found.plain = false;
  }
  return std::nullopt;
}

std::optional<FlowTuple> ReadFlow(Octets packet, bool v4, const Transport& transport) {
  if (transport.protocol != kTcp || packet.size() < transport.offset + kPortsSize) {
    return std::nullopt;
  }
  FlowTuple flow;
  if (v4) {
    flow.source = IpAddress::V4(LoadBe32(&packet[12]));
    flow.destination = IpAddress::V4(LoadBe32(&packet[16]));
  } else {
    flow.source = IpAddress::FromV6Octets(&packet[8]);
    flow.destination = IpAddress::FromV6Octets(&packet[24]);
  }
  flow.source_port = LoadBe16(&packet[transport.offset]);
  flow.destination_port = LoadBe16(&packet[transport.offset + 2]);
  return flow;
}

// The flow that an ICMP error is about, as its segments arrive here: the quoted packet is one of
// ours, so its ends change places.
std::optional<FlowTuple> ReadQuotedFlow(Octets quoted, bool v4) {
  const auto transport = v4 ? FindIpv4Transport(quoted) : FindIpv6Transport(quoted);
  if (!transport) return std::nullopt;
  const std::optional<FlowTuple> sent = ReadFlow(quoted, v4, *transport);
  if (!sent) return std::nullopt;
  return FlowTuple{sent->destination, sent->source, sent->destination_port, sent->source_port};
}

bool IsIcmpError(uint8_t type) {
  return type == kUnreachable || type == kSourceQuench || type == kTimeExceeded ||
         type == kParameterProblem;
}

}  // namespace

FlowSteering::FlowSteering(std::span<const uint8_t> rss_key, unsigned workers) : hash_(rss_key) {
  WEIR_CHECK(workers >= 1 && workers <= 256);
  for (unsigned i = 0; i < kTableSize; ++i) table_[i] = static_cast<uint8_t>(i % workers);
}

Destination FlowSteering::Decide(Octets frame, bool queue_is_owner) const {
  size_t offset = wire::kEthernetHeaderSize;
  if (frame.size() < offset) return {};
  uint16_t type = LoadBe16(&frame[offset - 2]);
  for (int tags = 0; tags < 2 && (type == wire::kEtherTypeVlan || type == wire::kEtherTypeQinQ);
       ++tags) {
    offset += wire::kVlanTagSize;
    if (frame.size() < offset) return {};
    type = LoadBe16(&frame[offset - 2]);
  }
  const Octets packet = frame.subspan(offset);
  if (type == wire::kEtherTypeIpv4) return DecideIpv4(packet, queue_is_owner);
  if (type == wire::kEtherTypeIpv6) return DecideIpv6(packet, queue_is_owner);
  if (type == wire::kEtherTypeArp) return {Destination::Kind::kEveryone, 0};
  return {};
}

Destination FlowSteering::DecideIpv4(Octets packet, bool queue_is_owner) const {
  const std::optional<Transport> transport = FindIpv4Transport(packet);
  if (!transport) return {};
  if (transport->protocol == kTcp) {
    if (queue_is_owner) return {};
    return ToOwner(ReadFlow(packet, true, *transport));
  }
  const Octets message = packet.subspan(transport->offset);
  if (transport->protocol == kIcmp && message.size() > kIcmpHeaderSize && IsIcmpError(message[0])) {
    return ToOwner(ReadQuotedFlow(message.subspan(kIcmpHeaderSize), true));
  }
  return {};
}

Destination FlowSteering::DecideIpv6(Octets packet, bool queue_is_owner) const {
  const std::optional<Transport> transport = FindIpv6Transport(packet);
  if (!transport || transport->offset >= packet.size()) return {};
  if (transport->protocol == kTcp) {
    if (queue_is_owner && transport->plain) return {};
    return ToOwner(ReadFlow(packet, false, *transport));
  }
  if (transport->protocol != kIcmpv6) return {};
  const Octets message = packet.subspan(transport->offset);
  if (message[0] == kNeighborSolicitation || message[0] == kNeighborAdvertisement) {
    return {Destination::Kind::kEveryone, 0};
  }
  if (message[0] <= kIcmpv6ErrorMax && message.size() > kIcmpHeaderSize) {
    return ToOwner(ReadQuotedFlow(message.subspan(kIcmpHeaderSize), false));
  }
  return {};
}

Destination FlowSteering::ToOwner(const std::optional<FlowTuple>& flow) const {
  if (!flow) return {};
  return {Destination::Kind::kWorker, Owner(*flow)};
}

}  // namespace weir::runtime
