// The peer's frames below and beside TCP.
#include "segment/peer_frames.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "wire/arp.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace weir::segment {
namespace {

std::vector<uint8_t> NdFrame(const wire::NdMessage& nd) {
  std::array<uint8_t, wire::kNdMessageSizeMax> octets;
  const uint16_t size = wire::WriteNd(octets.data(), nd, PeerAddress(false), StackAddress(false));
  return IpFrame(false, wire::kProtocolIcmpv6, wire::kNdHopLimit, std::span(octets).first(size));
}

std::vector<uint8_t> IcmpFrame(bool v4, const wire::IcmpHeader& header,
                               std::span<const uint8_t> body) {
  std::vector<uint8_t> message(wire::kIcmpHeaderSize);
  wire::WriteIcmp(message.data(), header);
  message.insert(message.end(), body.begin(), body.end());
  if (v4) {
    wire::SetIcmpChecksum(message);
  } else {
    wire::SetIcmpv6Checksum(message, PeerAddress(false), StackAddress(false));
  }
  return IpFrame(v4, v4 ? wire::kProtocolIcmp : wire::kProtocolIcmpv6, wire::kTtlDefault, message);
}

}  // namespace

IpAddress Address(const char* text) { return *IpAddress::Parse(text); }
IpAddress PeerAddress(bool v4) { return v4 ? Address("198.18.0.1") : Address("2001:2::1"); }
IpAddress StackAddress(bool v4) { return v4 ? Address("198.18.0.2") : Address("2001:2::2"); }

std::vector<uint8_t> EthernetFrame(uint16_t ether_type, std::span<const uint8_t> payload,
                                   const wire::MacAddress& to) {
  std::vector<uint8_t> frame(wire::kEthernetHeaderSize + payload.size());
  wire::WriteEthernet(frame.data(), to, kPeerMac, 0, ether_type);
  std::copy(payload.begin(), payload.end(), frame.begin() + wire::kEthernetHeaderSize);
  return frame;
}

std::vector<uint8_t> IpFrame(bool v4, uint8_t protocol, uint8_t ttl,
                             std::span<const uint8_t> payload) {
  std::vector<uint8_t> packet(v4 ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize);
  if (v4) {
    wire::Ipv4Header ip;
    ip.source = PeerAddress(true);
    ip.destination = StackAddress(true);
    ip.protocol = protocol;
    ip.ttl = ttl;
    ip.payload_size = static_cast<uint16_t>(payload.size());
    wire::WriteIpv4(packet.data(), ip);
  } else {
    wire::Ipv6Header ip;
    ip.source = PeerAddress(false);
    ip.destination = StackAddress(false);
    ip.protocol = protocol;
    ip.hop_limit = ttl;
    ip.payload_size = static_cast<uint16_t>(payload.size());
    wire::WriteIpv6(packet.data(), ip);
  }
  packet.insert(packet.end(), payload.begin(), payload.end());
  return EthernetFrame(v4 ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6, packet);
}

std::vector<uint8_t> ArpFrame(uint16_t operation) {
  wire::ArpPacket arp;
  arp.operation = operation;
  arp.sender_mac = kPeerMac;
  arp.sender = PeerAddress(true);
  arp.target_mac = operation == wire::kArpReply ? kStackMac : wire::MacAddress{};
  arp.target = StackAddress(true);
  std::array<uint8_t, wire::kArpSize> octets;
  wire::WriteArp(octets.data(), arp);
  return EthernetFrame(wire::kEtherTypeArp, octets);
}

std::vector<uint8_t> SolicitationFrame() {
  wire::NdMessage nd;
  nd.type = wire::kNdNeighborSolicitation;
  nd.target = StackAddress(false);
  nd.has_source_mac = true;
  nd.source_mac = kPeerMac;
  return NdFrame(nd);
}

std::vector<uint8_t> AdvertisementFrame() {
  wire::NdMessage nd;
  nd.type = wire::kNdNeighborAdvertisement;
  nd.solicited = true;
  nd.override = true;
  nd.target = PeerAddress(false);
  nd.has_target_mac = true;
  nd.target_mac = kPeerMac;
  return NdFrame(nd);
}

std::vector<uint8_t> EchoFrame(bool v4, uint16_t sequence) {
  wire::IcmpHeader header;
  header.type = v4 ? wire::kIcmpEcho : wire::kIcmpv6Echo;
  header.rest = wire::IcmpHeader::EchoRest(7, sequence);
  return IcmpFrame(v4, header, std::array<uint8_t, 5>{'h', 'e', 'l', 'l', 'o'});
}

std::vector<uint8_t> UnreachableFrame(bool v4, std::span<const uint8_t> quoted) {
  wire::IcmpHeader header;
  header.type = v4 ? wire::kIcmpUnreachable : wire::kIcmpv6Unreachable;
  header.code = v4 ? 3 : 4;
  return IcmpFrame(v4, header, quoted.first(std::min<size_t>(quoted.size(), 64)));
}

std::vector<uint8_t> ErrorFrame(const wire::IcmpHeader& error, const Endpoint& from,
                                const Endpoint& to, Seq seq, uint16_t packet_size) {
  const bool v4 = from.address.is_v4();
  const uint16_t header_size = v4 ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize;
  constexpr uint16_t kQuotedText = 8;  // ports and sequence number: all that RFC 792 asks for
  std::vector<uint8_t> quoted(header_size + kQuotedText);
  const auto payload_size = static_cast<uint16_t>(packet_size - header_size);
  if (v4) {
    wire::WriteIpv4(quoted.data(), {.source = from.address,
                                    .destination = to.address,
                                    .protocol = wire::kProtocolTcp,
                                    .payload_size = payload_size});
  } else {
    wire::WriteIpv6(quoted.data(), {.source = from.address,
                                    .destination = to.address,
                                    .protocol = wire::kProtocolTcp,
                                    .payload_size = payload_size});
  }
  uint8_t* tcp = &quoted[header_size];
  StoreBe16(tcp, from.port);
  StoreBe16(tcp + 2, to.port);
  StoreBe32(tcp + 4, seq.value);
  return IcmpFrame(v4, error, quoted);
}

}  // namespace weir::segment
