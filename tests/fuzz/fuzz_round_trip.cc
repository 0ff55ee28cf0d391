// Fuzz target: values to octets and back. What the writers write the parsers read as the same
// values, whole and not cut short; sums come out the same however the octets are divided.
//
// The first octet chooses the format; the values follow.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "fuzz/input.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/frame.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/mld.h"
#include "wire/nd.h"
#include "wire/printer.h"
#include "wire/tcp.h"

namespace weir::wire {
namespace {

using fuzz::Input;
using Octets = std::vector<uint8_t>;

template <size_t N>
std::array<uint8_t, N> Array(Input& input) {
  std::array<uint8_t, N> octets{};
  const auto taken = input.Take(N);
  std::copy(taken.begin(), taken.end(), octets.begin());
  return octets;
}

IpAddress Ipv4Of(Input& input) { return IpAddress::V4(input.Long()); }
IpAddress Ipv6Of(Input& input) { return IpAddress::V6(Array<16>(input)); }

TcpOptions OptionsOf(Input& input) {
  TcpOptions o;
  o.present =
      input.Octet() & (TcpOptions::kMss | TcpOptions::kWindowScale | TcpOptions::kSackPermitted |
                       TcpOptions::kTimestamps | TcpOptions::kSack);
  if (o.has(TcpOptions::kMss)) o.mss = input.Word();
  if (o.has(TcpOptions::kWindowScale)) o.window_scale = input.Octet();
  if (o.has(TcpOptions::kTimestamps)) {
    o.ts_value = input.Long();
    o.ts_echo = input.Long();
  }
  if (o.has(TcpOptions::kSack)) {
    o.sack_count = 1 + input.Octet() % 4;
    for (uint8_t i = 0; i < o.sack_count; ++i) o.sack[i] = {Seq(input.Long()), Seq(input.Long())};
  }
  return o;
}

TcpHeader TcpOf(Input& input) {
  TcpHeader h;
  h.options = OptionsOf(input);
  h.source_port = input.Word();
  h.destination_port = input.Word();
  h.seq = Seq(input.Long());
  h.ack = Seq(input.Long());
  h.flags = input.Octet();
  h.window = input.Word();
  h.urgent = input.Word();
  return h;
}

// `fit` is how many SACK blocks there was room for.
bool Same(const TcpOptions& a, const TcpOptions& b, uint8_t fit) {
  const uint8_t without_sack = static_cast<uint8_t>(~TcpOptions::kSack);
  return (a.present & without_sack) == (b.present & without_sack) && a.mss == b.mss &&
         a.window_scale == b.window_scale && a.ts_value == b.ts_value && a.ts_echo == b.ts_echo &&
         b.sack_count == fit && b.has(TcpOptions::kSack) == (fit != 0) &&
         std::equal(a.sack, a.sack + fit, b.sack);
}

void CheckTcp(Input& input) {
  const TcpHeader h = TcpOf(input);
  const uint16_t size = TcpHeaderLength(h.options);
  WEIR_CHECK(size >= kTcpHeaderSize && size <= kTcpHeaderSizeMax && size % 4 == 0);
  Octets octets(size);
  WriteTcp(h, octets.data());
  TcpHeader again;
  WEIR_CHECK(ParseTcp(octets, again) == size);
  WEIR_CHECK(again.source_port == h.source_port && again.destination_port == h.destination_port);
  WEIR_CHECK(again.seq == h.seq && again.ack == h.ack && again.flags == h.flags);
  WEIR_CHECK(again.window == h.window && again.urgent == h.urgent);
  TcpOptions alone = h.options;
  alone.present &= static_cast<uint8_t>(~TcpOptions::kSack);
  alone.sack_count = 0;
  const int room = (kTcpHeaderSizeMax - TcpHeaderLength(alone) - 4) / 8;
  const auto fit = static_cast<uint8_t>(std::clamp<int>(room, 0, h.options.sack_count));
  WEIR_CHECK(Same(h.options, again.options, fit));
  (void)PrintTcpOptions(std::span(octets).subspan(kTcpHeaderSize));
  octets.pop_back();
  WEIR_CHECK(ParseTcp(octets, again) == 0);
}

TcpOptions ParseOptionOctets(std::span<const uint8_t> options) {
  Octets octets(kTcpHeaderSize);
  octets[12] = static_cast<uint8_t>((kTcpHeaderSize + options.size()) / 4 << 4);
  octets.insert(octets.end(), options.begin(), options.end());
  TcpHeader h;
  WEIR_CHECK(ParseTcp(octets, h) == octets.size());
  return h.options;
}

bool Same(const TcpOptions& a, const TcpOptions& b) {
  return a.present == b.present && Same(a, b, a.sack_count);
}

// Any octets as options: four NOPs in front of them change nothing (MUST-64), nor does what stands
// behind the end of the list.
void CheckTcpOptions(Input& input) {
  const auto taken = input.Take(36);
  Octets options(taken.begin(), taken.end());
  options.resize((options.size() + 3) / 4 * 4);
  const TcpOptions plain = ParseOptionOctets(options);
  (void)PrintTcpOptions(options);
  Octets shifted(4, 1);
  shifted.insert(shifted.end(), options.begin(), options.end());
  WEIR_CHECK(Same(plain, ParseOptionOctets(shifted)));
  if (plain.has(TcpOptions::kMalformed)) return;
  options.insert(options.end(), {0, 2, 4, 9});
  WEIR_CHECK(Same(plain, ParseOptionOctets(options)));
}

void CheckIpv4(Input& input) {
  Ipv4Header h{.source = Ipv4Of(input), .destination = Ipv4Of(input)};
  h.protocol = input.Octet();
  h.ttl = input.Octet();
  h.dscp_ecn = input.Octet();
  h.id = input.Word();
  h.df = input.Bit();
  h.payload_size = input.Octet();
  Octets packet(size_t{kIpv4HeaderSize} + h.payload_size);
  WEIR_CHECK(WriteIpv4(packet.data(), h) == kIpv4HeaderSize);
  Ipv4Header again;
  WEIR_CHECK(ParseIpv4(packet, false, again) == kNoDrop);
  WEIR_CHECK(again.source == h.source && again.destination == h.destination);
  WEIR_CHECK(again.protocol == h.protocol && again.ttl == h.ttl && again.dscp_ecn == h.dscp_ecn);
  WEIR_CHECK(again.id == h.id && again.df == h.df && again.payload_size == h.payload_size);
  WEIR_CHECK(again.header_size == kIpv4HeaderSize);
  packet.pop_back();
  WEIR_CHECK(ParseIpv4(packet, true, again) != kNoDrop);
}

// With a chain of extension headers in front of the payload; what the walk accepts it accounts for
// to the octet.
void CheckIpv6(Input& input) {
  Ipv6Header h{.source = Ipv6Of(input), .destination = Ipv6Of(input)};
  h.protocol = input.Octet();
  h.hop_limit = input.Octet();
  h.dscp_ecn = input.Octet();
  h.flow_label = input.Long() & 0xfffff;
  const auto payload = input.Take(400);
  h.payload_size = static_cast<uint16_t>(payload.size());
  Octets packet(kIpv6HeaderSize);
  WEIR_CHECK(WriteIpv6(packet.data(), h) == kIpv6HeaderSize);
  packet.insert(packet.end(), payload.begin(), payload.end());
  Ipv6Header again;
  if (ParseIpv6(packet, again) != kNoDrop) {
    WEIR_CHECK(IsExtensionHeader(h.protocol));
    return;
  }
  WEIR_CHECK(again.source == h.source && again.destination == h.destination);
  WEIR_CHECK(again.hop_limit == h.hop_limit && again.dscp_ecn == h.dscp_ecn);
  WEIR_CHECK(again.flow_label == h.flow_label && !IsExtensionHeader(again.protocol));
  WEIR_CHECK(again.header_size + again.payload_size == packet.size());
  WEIR_CHECK(again.header_size <= kIpv6HeaderSize + kExtensionOctetsMax);
  WEIR_CHECK(IsExtensionHeader(h.protocol) || again.protocol == h.protocol);
  packet.pop_back();
  WEIR_CHECK(ParseIpv6(packet, again) != kNoDrop);
}

void CheckArp(Input& input) {
  ArpPacket arp;
  arp.operation = input.Bit() ? kArpReply : kArpRequest;
  arp.sender_mac.octets = Array<6>(input);
  arp.target_mac.octets = Array<6>(input);
  arp.sender = Ipv4Of(input);
  arp.target = Ipv4Of(input);
  Octets octets(kArpSize);
  WriteArp(octets.data(), arp);
  ArpPacket again;
  const bool usable = !arp.sender_mac.is_multicast() && !arp.sender_mac.is_zero();
  WEIR_CHECK(ParseArp(octets, again) == usable);
  if (!usable) return;
  WEIR_CHECK(again.operation == arp.operation && again.sender == arp.sender);
  WEIR_CHECK(again.target == arp.target && again.sender_mac == arp.sender_mac);
  WEIR_CHECK(again.target_mac == arp.target_mac);
  octets.pop_back();
  WEIR_CHECK(!ParseArp(octets, again));
}

void CheckNd(Input& input) {
  NdMessage nd;
  constexpr uint8_t kTypes[] = {kNdRouterSolicitation, kNdNeighborSolicitation,
                                kNdNeighborAdvertisement};
  nd.type = kTypes[input.Octet() % 3];
  const bool advertisement = nd.type == kNdNeighborAdvertisement;
  const uint8_t bits = input.Octet();
  nd.router = advertisement && (bits & 1) != 0;
  nd.solicited = advertisement && (bits & 2) != 0;
  nd.override = advertisement && (bits & 4) != 0;
  nd.target = Ipv6Of(input);
  (advertisement ? nd.has_target_mac : nd.has_source_mac) = (bits & 8) != 0;
  (advertisement ? nd.target_mac : nd.source_mac).octets = Array<6>(input);
  Frame frame{.ttl = kNdHopLimit};
  frame.source = Ipv6Of(input);
  frame.destination = Ipv6Of(input);
  Octets octets(kNdMessageSizeMax);
  octets.resize(WriteNd(octets.data(), nd, frame.source, frame.destination));
  WEIR_CHECK(TransportChecksum(frame.source, frame.destination, kProtocolIcmpv6, octets) == 0);
  NdMessage again;
  if (ParseNd(octets, frame, again) != kNoDrop) return;
  WEIR_CHECK(again.type == nd.type && again.router == nd.router);
  WEIR_CHECK(again.solicited == nd.solicited && again.override == nd.override);
  WEIR_CHECK(nd.type == kNdRouterSolicitation || again.target == nd.target);
  WEIR_CHECK(again.has_source_mac == nd.has_source_mac);
  WEIR_CHECK(again.has_target_mac == nd.has_target_mac);
  WEIR_CHECK(!nd.has_source_mac || again.source_mac == nd.source_mac);
  WEIR_CHECK(!nd.has_target_mac || again.target_mac == nd.target_mac);
  octets.pop_back();
  WEIR_CHECK(ParseNd(octets, frame, again) != kNoDrop);
}

// A report is a whole packet; the frame around it must be acceptable to any host.
void CheckMld(Input& input) {
  const IpAddress source = Ipv6Of(input);
  const uint8_t type = input.Octet();
  std::vector<IpAddress> groups(input.Octet() % 8);
  for (IpAddress& group : groups) group = Ipv6Of(input);
  Octets octets(kEthernetHeaderSize + kMldReportOverhead + kMldRecordSize * groups.size());
  WriteEthernet(octets.data(), MulticastMac(MldRouters()), {{2, 0, 0, 0, 0, 1}}, 0, kEtherTypeIpv6);
  const uint16_t size = WriteMldReport(&octets[kEthernetHeaderSize], source, type, groups);
  WEIR_CHECK(size_t{size} + kEthernetHeaderSize == octets.size());
  Frame frame;
  ParseFrame(octets, {}, frame);
  const Counter bad_source = CheckIpv6Source(source);
  if (bad_source != kNoDrop && bad_source != Counter::kDropSourceUnspecified) {
    WEIR_CHECK(frame.drop == bad_source);
    return;
  }
  WEIR_CHECK(frame.kind == FrameKind::kIcmpv6 && frame.ttl == 1 && frame.source == source);
  WEIR_CHECK(frame.l4_size == kIcmpHeaderSize + kMldRecordSize * groups.size());
}

// An error that quotes a segment of ours, cut somewhere.
void CheckQuoted(Input& input) {
  const bool v4 = input.Bit();
  const IpAddress source = v4 ? Ipv4Of(input) : Ipv6Of(input);
  const IpAddress destination = v4 ? Ipv4Of(input) : Ipv6Of(input);
  if (!v4 && (source.is_v4() || destination.is_v4())) return;
  const uint32_t rest = input.Long();
  const TcpHeader tcp = TcpOf(input);
  const uint16_t tcp_size = TcpHeaderLength(tcp.options);
  Octets message(kIcmpHeaderSize + kIpv6HeaderSize + kTcpHeaderSizeMax);
  IcmpHeader icmp{.type = v4 ? kIcmpUnreachable : kIcmpv6PacketTooBig};
  icmp.code = v4 ? kIcmpFragmentationNeeded : uint8_t{0};
  icmp.rest = rest;
  WriteIcmp(message.data(), icmp);
  size_t at = kIcmpHeaderSize;
  if (v4) {
    at += WriteIpv4(&message[at], {.source = source,
                                   .destination = destination,
                                   .protocol = kProtocolTcp,
                                   .payload_size = tcp_size});
  } else {
    at += WriteIpv6(&message[at], {.source = source,
                                   .destination = destination,
                                   .protocol = kProtocolTcp,
                                   .payload_size = tcp_size});
  }
  WriteTcp(tcp, &message[at]);
  message.resize(at + std::min<size_t>(tcp_size, input.Octet()));
  QuotedSegment quoted;
  const bool enough = message.size() >= at + 8;
  WEIR_CHECK(ParseQuoted(message, v4, quoted) == enough);
  if (!enough) return;
  WEIR_CHECK(quoted.kind == IcmpErrorKind::kPacketTooBig && quoted.protocol == kProtocolTcp);
  WEIR_CHECK(quoted.mtu == (v4 ? rest & 0xffff : rest));
  WEIR_CHECK(quoted.source == source && quoted.destination == destination);
  WEIR_CHECK(quoted.source_port == tcp.source_port && quoted.seq == tcp.seq);
  WEIR_CHECK(quoted.destination_port == tcp.destination_port);
  WEIR_CHECK(quoted.packet_size == at - kIcmpHeaderSize + tcp_size);
}

// The sum by its definition, octet by octet (RFC 1071).
uint16_t PlainSum(std::span<const uint8_t> octets) {
  uint64_t sum = 0;
  for (size_t i = 0; i < octets.size(); ++i) sum += uint64_t{octets[i]} << (i % 2 == 0 ? 8 : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

void CheckChecksum(Input& input) {
  const size_t first = input.Octet(), second = input.Octet();
  const uint16_t word = input.Word();
  const auto rest = input.Rest();
  Octets octets(rest.begin(), rest.end());
  WEIR_CHECK(SumOctets(octets) == PlainSum(octets));
  ChainSum chain;
  const std::span all(octets);
  const size_t a = std::min(first, octets.size()), b = std::min(second, octets.size() - a);
  chain.Add(all.first(a));
  chain.Add(all.subspan(a, b));
  chain.Add(all.subspan(a + b));
  WEIR_CHECK(Fold(chain.sum()) == PlainSum(octets));
  if (octets.size() < 2) return;
  const size_t at = first % (octets.size() / 2) * 2;
  const uint16_t checksum = ChecksumOf(SumOctets(octets)), before = LoadBe16(&octets[at]);
  StoreBe16(&octets[at], word);
  if (PlainSum(octets) == 0) return;  // what UpdateChecksum cannot know
  const uint16_t updated = UpdateChecksum(checksum, before, word);
  WEIR_CHECK(Fold(uint64_t{updated} + SumOctets(octets)) == 0xffff);
}

// An echo request becomes its reply in place.
void CheckEcho(Input& input) {
  const bool v4 = input.Bit();
  const IpAddress source = Ipv6Of(input), destination = Ipv6Of(input);
  if (source.is_v4() || destination.is_v4()) return;  // never on the wire
  Octets message(kIcmpHeaderSize);
  IcmpHeader header{.type = v4 ? kIcmpEcho : kIcmpv6Echo, .rest = input.Long()};
  WriteIcmp(message.data(), header);
  const auto data = input.Rest();
  message.insert(message.end(), data.begin(), data.end());
  if (v4) {
    SetIcmpChecksum(message);
  } else {
    SetIcmpv6Checksum(message, source, destination);
  }
  const Octets request = message;
  MakeEchoReply(message, v4);
  const uint32_t size = static_cast<uint32_t>(message.size());
  const uint64_t pseudo = v4 ? 0 : PseudoHeaderSum(destination, source, kProtocolIcmpv6, size);
  WEIR_CHECK(Fold(pseudo + SumOctets(message)) == 0xffff);
  WEIR_CHECK(ParseIcmp(message, header));
  WEIR_CHECK(header.type == (v4 ? kIcmpEchoReply : kIcmpv6EchoReply));
  WEIR_CHECK(std::equal(request.begin() + 4, request.end(), message.begin() + 4, message.end()));
}

void Check(Input input) {
  switch (input.Octet() % 10) {
    case 0:
      return CheckTcp(input);
    case 1:
      return CheckTcpOptions(input);
    case 2:
      return CheckIpv4(input);
    case 3:
      return CheckIpv6(input);
    case 4:
      return CheckArp(input);
    case 5:
      return CheckNd(input);
    case 6:
      return CheckMld(input);
    case 7:
      return CheckQuoted(input);
    case 8:
      return CheckEcho(input);
    default:
      return CheckChecksum(input);
  }
}

}  // namespace
}  // namespace weir::wire

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::wire::Check(weir::fuzz::Input({data, size}));
  return 0;
}
