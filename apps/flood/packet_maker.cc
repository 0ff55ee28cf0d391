// Templates of each mode, and what varies in them.
#include "flood/packet_maker.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "flood/interlocks.h"
#include "flood/segment_maker.h"
#include "flood/segment_template.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/nd.h"
#include "wire/tcp.h"

namespace weir::flood {
namespace {

constexpr uint16_t kL3 = wire::kEthernetHeaderSize;
constexpr uint16_t kIpv4Id = kL3 + 4;
constexpr uint16_t kIpv4Fragment = kL3 + 6;
constexpr uint16_t kIpv4Checksum = kL3 + 10;
constexpr uint16_t kIpv4Source = kL3 + 12;
constexpr uint16_t kIpv6Source = kL3 + 8;
constexpr uint16_t kIpv6FragmentId = kL3 + wire::kIpv6HeaderSize + 4;
constexpr uint16_t kMoreFragmentsV4 = 0x2000;
constexpr uint16_t kFragmentUnit = 8;  // octets that offsets count
constexpr uint16_t kEndlessSize = 1400;
constexpr uint16_t kEndlessOffsetMax = 0x1fff - kEndlessSize / kFragmentUnit;
constexpr uint16_t kEtherTypeLldp = 0x88cc;
constexpr uint16_t kEtherTypePause = 0x8808;
constexpr size_t kRuntSize = 20;
constexpr uint16_t kQuotedPort = 40000;
constexpr uint8_t kUnreachableCodesV4 = 16;
constexpr uint8_t kUnreachableCodesV6 = 7;
constexpr uint16_t kRouterAdvertSize = 16;

void Append(std::vector<uint8_t>& to, std::span<const uint8_t> octets) {
  to.insert(to.end(), octets.begin(), octets.end());
}

wire::MacAddress RandomMac(Prng& random) {
  const uint64_t draw = random.Next();
  return {{0x02, static_cast<uint8_t>(draw), static_cast<uint8_t>(draw >> 8),
           static_cast<uint8_t>(draw >> 16), static_cast<uint8_t>(draw >> 24),
           static_cast<uint8_t>(draw >> 32)}};
}

}  // namespace

PacketMaker::PacketMaker(Mode mode, const Scene& scene, uint64_t seed)
    : mode_(mode),
      scene_(scene),
      v4_(scene.target.address.is_v4()),
      random_(seed),
      datagram_source_(scene.sources.Neighbour(1)) {
  Describe();
}

void PacketMaker::Describe() {
  switch (mode_) {
    case Mode::kFragmentsTiny:
      return AddTinyFragments();
    case Mode::kFragmentsOverlap:
      return AddOverlappingFragments();
    case Mode::kFragmentsEndless:
      return AddEndlessFragments();
    case Mode::kIcmpTooBig:
      for (const uint32_t mtu : {0u, 68u, 552u, 1280u}) {
        v4_ ? AddIcmp(wire::kIcmpUnreachable, wire::kIcmpFragmentationNeeded, mtu)
            : AddIcmp(wire::kIcmpv6PacketTooBig, 0, mtu);
      }
      return;
    case Mode::kIcmpUnreachable:
      for (uint8_t code = 0; code < (v4_ ? kUnreachableCodesV4 : kUnreachableCodesV6); ++code) {
        if (v4_ && code == wire::kIcmpFragmentationNeeded) continue;  // icmp-too-big
        AddIcmp(v4_ ? wire::kIcmpUnreachable : wire::kIcmpv6Unreachable, code, 0);
      }
      return;
    case Mode::kIcmpRedirect:
      return AddRedirect();
    case Mode::kIcmpQuench:
      return AddIcmp(wire::kIcmpSourceQuench, 0, 0);
    case Mode::kIcmpEcho:
      return AddEcho();
    case Mode::kArp:
      return AddArp(false);
    case Mode::kArpGratuitous:
      return AddArp(true);
    case Mode::kNdSolicit:
      return AddNeighbour(false);
    case Mode::kNdAdvert:
      return AddNeighbour(true);
    case Mode::kNdRouter:
      return AddRouterAdvert();
    default:
      return AddOddFrames();
  }
}

std::vector<uint8_t> PacketMaker::Frame(std::span<const uint8_t> packet) const {
  return EthernetFrame(scene_.own_mac, scene_.target_mac,
                       v4_ ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6, packet);
}

std::vector<uint8_t> PacketMaker::Fragment(std::span<const uint8_t> payload, uint16_t offset,
                                           bool more) const {
  std::vector<uint8_t> behind;
  if (!v4_) {
    behind = {wire::kProtocolTcp, 0, 0, 0, 0, 0, 0, 0};
    StoreBe16(&behind[2], static_cast<uint16_t>(offset | (more ? 1 : 0)));
  }
  Append(behind, payload);
  std::vector<uint8_t> frame =
      Frame(IpPacket(scene_.sources.Neighbour(1), scene_.target.address,
                     v4_ ? wire::kProtocolTcp : wire::kHeaderFragment, behind, kFloodTtl));
  if (v4_) {
    const uint16_t value =
        static_cast<uint16_t>(offset / kFragmentUnit | (more ? kMoreFragmentsV4 : 0));
    Replace16(frame.data(), kIpv4Fragment, value, std::array{kIpv4Checksum});
  }
  return frame;
}

void PacketMaker::AddTinyFragments() {
  const std::vector<uint8_t> segment = SegmentOctets({.source = scene_.sources.Neighbour(1),
                                                      .destination = scene_.target.address,
                                                      .source_port = kQuotedPort,
                                                      .destination_port = scene_.target.port,
                                                      .flags = wire::kTcpSyn,
                                                      .options = LinuxSynOptions()});
  const std::span<const uint8_t> all(segment);
  frames_.push_back(Fragment(all.first(kFragmentUnit), 0, true));
  frames_.push_back(Fragment(all.subspan(kFragmentUnit), kFragmentUnit, false));
}

// The second fragment begins inside the first and rewrites the TCP flags (RFC 1858 4).
void PacketMaker::AddOverlappingFragments() {
  const std::vector<uint8_t> segment = SegmentOctets({.source = scene_.sources.Neighbour(1),
                                                      .destination = scene_.target.address,
                                                      .source_port = kQuotedPort,
                                                      .destination_port = scene_.target.port,
                                                      .flags = wire::kTcpAck,
                                                      .options = LinuxSynOptions()});
  const std::span<const uint8_t> all(segment);
  std::vector<uint8_t> again(segment.begin() + kFragmentUnit, segment.end());
  again[13 - kFragmentUnit] = wire::kTcpSyn;
  frames_.push_back(Fragment(all.first(3 * kFragmentUnit), 0, true));
  frames_.push_back(Fragment(again, kFragmentUnit, false));
}

void PacketMaker::AddEndlessFragments() {
  const std::vector<uint8_t> text(kEndlessSize, 0x55);
  frames_.push_back(Fragment(text, 0, true));
}

std::vector<uint8_t> PacketMaker::Quoted() const {
  const std::vector<uint8_t> segment = SegmentOctets({.source = scene_.target.address,
                                                      .destination = scene_.sources.Neighbour(1),
                                                      .source_port = scene_.target.port,
                                                      .destination_port = kQuotedPort,
                                                      .flags = wire::kTcpAck});
  return IpPacket(scene_.target.address, scene_.sources.Neighbour(1), wire::kProtocolTcp, segment,
                  wire::kTtlDefault);
}

void PacketMaker::AddIcmp(uint8_t type, uint8_t code, uint32_t rest) {
  std::vector<uint8_t> message(wire::kIcmpHeaderSize);
  wire::WriteIcmp(message.data(), {type, code, rest});
  Append(message, Quoted());
  AddIcmpMessage(std::move(message));
}

void PacketMaker::AddEcho() {
  std::vector<uint8_t> message(64);
  wire::WriteIcmp(message.data(), {v4_ ? wire::kIcmpEcho : wire::kIcmpv6Echo, 0, 1});
  AddIcmpMessage(std::move(message));
}

void PacketMaker::AddIcmpMessage(std::vector<uint8_t> message) {
  const IpAddress source = scene_.sources.Neighbour(1);
  if (v4_) {
    wire::SetIcmpChecksum(message);
  } else {
    wire::SetIcmpv6Checksum(message, source, scene_.target.address);
  }
  frames_.push_back(
      Frame(IpPacket(source, scene_.target.address,
                     v4_ ? wire::kProtocolIcmp : wire::kProtocolIcmpv6, message, kFloodTtl)));
}

// IPv4: "use another gateway for this host". IPv6: RFC 4861 4.5, from an address of the link.
void PacketMaker::AddRedirect() {
  if (v4_) {
    for (uint8_t code = 0; code < 4; ++code) {
      AddIcmp(wire::kIcmpRedirect, code, scene_.sources.Neighbour(2).v4());
    }
    return;
  }
  std::vector<uint8_t> message(40);
  wire::WriteIcmp(message.data(), {wire::kNdRedirect, 0, 0});
  const IpAddress better = *IpAddress::Parse("fe80::bad");
  const IpAddress destination = scene_.sources.Neighbour(1);
  std::copy_n(better.octets().begin(), 16, message.begin() + 8);
  std::copy_n(destination.octets().begin(), 16, message.begin() + 24);
  const IpAddress source = *IpAddress::Parse("fe80::1");
  wire::SetIcmpv6Checksum(message, source, scene_.target.address);
  frames_.push_back(Frame(
      IpPacket(source, scene_.target.address, wire::kProtocolIcmpv6, message, wire::kNdHopLimit)));
}

void PacketMaker::AddArp(bool gratuitous) {
  std::vector<uint8_t> packet(wire::kArpSize);
  wire::ArpPacket arp;
  arp.sender_mac = scene_.own_mac;
  arp.sender = scene_.sources.Neighbour(1);
  arp.target = gratuitous ? arp.sender : scene_.target.address;
  wire::WriteArp(packet.data(), arp);
  frames_.push_back(
      EthernetFrame(scene_.own_mac, wire::kBroadcastMac, wire::kEtherTypeArp, packet));
}

void PacketMaker::AddNeighbour(bool advert) {
  const IpAddress source = scene_.sources.Neighbour(1);
  wire::NdMessage nd;
  nd.type = advert ? wire::kNdNeighborAdvertisement : wire::kNdNeighborSolicitation;
  nd.target = advert ? source : scene_.target.address;
  nd.override = advert;
  nd.has_source_mac = !advert;
  nd.has_target_mac = advert;
  nd.source_mac = nd.target_mac = scene_.own_mac;
  const IpAddress group =
      advert ? *IpAddress::Parse("ff02::1") : wire::SolicitedNodeAddress(scene_.target.address);
  std::vector<uint8_t> message(wire::kNdMessageSizeMax);
  message.resize(wire::WriteNd(message.data(), nd, source, group));
  frames_.push_back(
      EthernetFrame(scene_.own_mac, wire::MulticastMac(group), wire::kEtherTypeIpv6,
                    IpPacket(source, group, wire::kProtocolIcmpv6, message, wire::kNdHopLimit)));
}

void PacketMaker::AddRouterAdvert() {
  const IpAddress source = *IpAddress::Parse("fe80::1");
  const IpAddress group = *IpAddress::Parse("ff02::1");
  std::vector<uint8_t> message(kRouterAdvertSize);
  // Hop limit 1, a lifetime of 9000 s: a host that believes it is cut off.
  wire::WriteIcmp(message.data(), {wire::kNdRouterAdvertisement, 0, 1u << 24 | 9000u});
  wire::SetIcmpv6Checksum(message, source, group);
  frames_.push_back(
      EthernetFrame(scene_.own_mac, wire::MulticastMac(group), wire::kEtherTypeIpv6,
                    IpPacket(source, group, wire::kProtocolIcmpv6, message, wire::kNdHopLimit)));
}

// Whatever is dropped before layer 4, and the SYN inside each could be answered.
void PacketMaker::AddOddFrames() {
  const std::vector<uint8_t> syn = SegmentFrame(scene_.own_mac, scene_.target_mac,
                                                {.source = scene_.sources.Neighbour(1),
                                                 .destination = scene_.target.address,
                                                 .source_port = kQuotedPort,
                                                 .destination_port = scene_.target.port,
                                                 .flags = wire::kTcpSyn});
  const auto to = [&syn](const wire::MacAddress& destination) {
    std::vector<uint8_t> frame = syn;
    std::copy(destination.octets.begin(), destination.octets.end(), frame.begin());
    return frame;
  };
  wire::MacAddress other = scene_.target_mac;
  other.octets[5] ^= 0x5a;
  frames_.push_back(to(other));
  frames_.push_back(to(wire::kBroadcastMac));
  frames_.push_back(to({{0x01, 0x00, 0x5e, 0x00, 0x00, 0x01}}));
  const auto tagged = [&syn](int tags) {  // identifiers that are nobody's
    std::vector<uint8_t> frame(syn.begin(), syn.begin() + 12);
    for (int i = 0; i < tags; ++i) {
      const bool outer = i + 1 < tags;
      Append(frame, std::array<uint8_t, 4>{static_cast<uint8_t>(outer ? 0x88 : 0x81),
                                           static_cast<uint8_t>(outer ? 0xa8 : 0x00), 0x0f,
                                           static_cast<uint8_t>(0xa0 + i)});
    }
    Append(frame, std::span(syn).subspan(12));
    return frame;
  };
  for (const int tags : {1, 2, 3, 8}) frames_.push_back(tagged(tags));
  const auto typed = [&syn](uint16_t ether_type) {
    std::vector<uint8_t> frame = syn;
    StoreBe16(&frame[12], ether_type);
    return frame;
  };
  for (const uint16_t type : {kEtherTypeLldp, kEtherTypePause, uint16_t{46}, uint16_t{0x0600}}) {
    frames_.push_back(typed(type));
  }
  frames_.push_back({syn.begin(), syn.begin() + kRuntSize});  // cut inside the IP header
  frames_.push_back({syn.begin(), syn.begin() + kL3});        // nothing behind Ethernet
  std::vector<uint8_t> longer = syn;                          // claims more than there is
  if (v4_) {
    Replace16(longer.data(), kL3 + 2, 1500, std::array{kIpv4Checksum});
  } else {
    StoreBe16(&longer[kL3 + 4], 1400);
  }
  frames_.push_back(longer);
}

// Both fragments of a pair belong to one datagram.
void PacketMaker::VaryFragment(uint8_t* frame) {
  if (next_ == 0) {
    datagram_ = static_cast<uint32_t>(random_.Next());
    datagram_source_ = scene_.sources.Random(random_);
  }
  if (v4_) {
    Replace32(frame, kIpv4Source, datagram_source_.v4(), std::array{kIpv4Checksum});
    Replace16(frame, kIpv4Id, static_cast<uint16_t>(datagram_), std::array{kIpv4Checksum});
  } else {
    std::copy_n(datagram_source_.octets().begin(), 16, frame + kIpv6Source);
    StoreBe32(frame + kIpv6FragmentId, datagram_);
  }
  if (mode_ != Mode::kFragmentsEndless) return;
  const uint16_t offset = static_cast<uint16_t>(random_.Below(kEndlessOffsetMax + 1));
  if (v4_) {
    Replace16(frame, kIpv4Fragment, static_cast<uint16_t>(offset | kMoreFragmentsV4),
              std::array{kIpv4Checksum});
  } else {
    StoreBe16(frame + kL3 + wire::kIpv6HeaderSize + 2, static_cast<uint16_t>(offset << 3 | 1));
  }
}

// `transport_checksum` covers an IPv6 source, by the pseudo-header; of IPv4 it must not be TCP's.
void PacketMaker::VarySource(uint8_t* frame, uint16_t transport_checksum) {
  const IpAddress source = scene_.sources.Random(random_);
  if (v4_) return Replace32(frame, kIpv4Source, source.v4(), std::array{kIpv4Checksum});
  for (uint16_t i = 0; i < 16; i = static_cast<uint16_t>(i + 4)) {
    Replace32(frame, static_cast<uint16_t>(kIpv6Source + i), LoadBe32(&source.octets()[i]),
              std::array{transport_checksum});
  }
}

// The quoted packet goes to a live flow of ours, if there is one, with a wrong sequence number. The
// checksum of what is quoted stays as it was: nobody can check a segment by a quarter of it.
void PacketMaker::VaryQuoted(uint8_t* frame) {
  const uint16_t header = v4_ ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize;
  const uint16_t checksum = static_cast<uint16_t>(kL3 + header + 2);
  const uint16_t quoted = static_cast<uint16_t>(kL3 + header + wire::kIcmpHeaderSize);
  const uint16_t tcp = static_cast<uint16_t>(quoted + header);
  Endpoint to{scene_.sources.Random(random_), static_cast<uint16_t>(random_.Next())};
  if (!scene_.live.empty()) to = scene_.live[random_.Below(scene_.live.size())];
  if (v4_) {
    Replace32(frame, static_cast<uint16_t>(quoted + 16), to.address.v4(),
              std::array{static_cast<uint16_t>(quoted + 10)});
    Replace16(frame, static_cast<uint16_t>(tcp + 2), to.port, {});
    Replace32(frame, static_cast<uint16_t>(tcp + 4), static_cast<uint32_t>(random_.Next()), {});
    const uint16_t size = static_cast<uint16_t>(LoadBe16(frame + kL3 + 2) - header);
    wire::SetIcmpChecksum({frame + kL3 + header, size});
  } else {
    for (uint16_t i = 0; i < 16; i = static_cast<uint16_t>(i + 4)) {
      Replace32(frame, static_cast<uint16_t>(quoted + 24 + i), LoadBe32(&to.address.octets()[i]),
                std::array{checksum});
    }
    Replace16(frame, static_cast<uint16_t>(tcp + 2), to.port, std::array{checksum});
    Replace32(frame, static_cast<uint16_t>(tcp + 4), static_cast<uint32_t>(random_.Next()),
              std::array{checksum});
  }
  VarySource(frame, checksum);
}

void PacketMaker::VaryArp(uint8_t* frame) {
  const wire::MacAddress mac = RandomMac(random_);
  const IpAddress sender = scene_.sources.Random(random_);
  std::copy(mac.octets.begin(), mac.octets.end(), frame + 6);  // Ethernet's source
  std::copy(mac.octets.begin(), mac.octets.end(), frame + kL3 + 8);
  StoreBe32(frame + kL3 + 14, sender.v4());
  if (mode_ == Mode::kArpGratuitous) StoreBe32(frame + kL3 + 24, sender.v4());
}

void PacketMaker::VaryNeighbour(uint8_t* frame) {
  constexpr uint16_t kMessage = kL3 + wire::kIpv6HeaderSize;
  constexpr std::array kChecksum = {static_cast<uint16_t>(kMessage + 2)};
  const wire::MacAddress mac = RandomMac(random_);
  std::copy(mac.octets.begin(), mac.octets.end(), frame + 6);
  IpAddress source = scene_.sources.Random(random_);
  if (mode_ == Mode::kNdRouter) {
    const uint64_t words[2] = {__builtin_bswap64(0xfe80ull << 48), random_.Next()};
    source = IpAddress::FromV6Octets(reinterpret_cast<const uint8_t*>(words));
  }
  const auto write = [&](uint16_t at) {
    for (uint16_t i = 0; i < 16; i = static_cast<uint16_t>(i + 4)) {
      Replace32(frame, static_cast<uint16_t>(at + i), LoadBe32(&source.octets()[i]), kChecksum);
    }
  };
  write(kIpv6Source);
  if (mode_ == Mode::kNdRouter) return;
  if (mode_ == Mode::kNdAdvert) write(kMessage + 8);
  constexpr uint16_t kOptionMac = kMessage + wire::kNdNeighborSize + 2;
  Replace16(frame, kOptionMac, LoadBe16(&mac.octets[0]), kChecksum);
  Replace32(frame, kOptionMac + 2, LoadBe32(&mac.octets[2]), kChecksum);
}

uint16_t PacketMaker::Make(uint8_t* out) {
  const std::vector<uint8_t>& frame = frames_[next_];
  std::copy(frame.begin(), frame.end(), out);
  switch (mode_) {
    case Mode::kFragmentsTiny:
    case Mode::kFragmentsOverlap:
    case Mode::kFragmentsEndless:
      VaryFragment(out);
      break;
    case Mode::kIcmpTooBig:
    case Mode::kIcmpUnreachable:
    case Mode::kIcmpQuench:
      VaryQuoted(out);
      break;
    case Mode::kIcmpRedirect:
      if (v4_) VaryQuoted(out);
      break;
    case Mode::kIcmpEcho:
      VarySource(out, kL3 + (v4_ ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize) + 2);
      break;
    case Mode::kArp:
    case Mode::kArpGratuitous:
      VaryArp(out);
      break;
    case Mode::kNdSolicit:
    case Mode::kNdAdvert:
    case Mode::kNdRouter:
      VaryNeighbour(out);
      break;
    default:
      break;
  }
  if (++next_ == frames_.size()) next_ = 0;
  return static_cast<uint16_t>(frame.size());
}

}  // namespace weir::flood
