// Builds the sample frames with the same writers that the stack uses.
#include "unit/wire/sample_frames.h"

#include "base/bytes.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/mld.h"

namespace weir::wire {
namespace {

Octets EthernetHeader(uint16_t ether_type, const MacAddress& destination = kServerMac) {
  Octets header(kEthernetHeaderSize);
  WriteEthernet(header.data(), destination, kClientMac, 0, ether_type);
  return header;
}

const Octets kText = {'h', 'e', 'l', 'l', 'o'};

}  // namespace

IpAddress Address(const char* text) { return IpAddress::Parse(text).value(); }

Octets operator+(Octets a, std::span<const uint8_t> b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Octets TcpSegment(const IpAddress& source, const IpAddress& destination, const TcpHeader& header,
                  std::span<const uint8_t> text) {
  Octets segment(TcpHeaderLength(header.options));
  WriteTcp(header, segment.data());
  segment = std::move(segment) + text;
  StoreBe16(&segment[16], TransportChecksum(source, destination, kProtocolTcp, segment));
  return segment;
}

Octets WithIcmpChecksum(Octets message) {
  SetIcmpChecksum(message);
  return message;
}

Octets WithIcmpv6Checksum(Octets message, const IpAddress& source, const IpAddress& destination) {
  SetIcmpv6Checksum(message, source, destination);
  return message;
}

Octets Ipv4Frame(uint8_t protocol, std::span<const uint8_t> payload, const IpAddress& source,
                 const IpAddress& destination) {
  Ipv4Header ip{.source = source, .destination = destination, .protocol = protocol};
  ip.payload_size = static_cast<uint16_t>(payload.size());
  Octets header(kIpv4HeaderSize);
  WriteIpv4(header.data(), ip);
  return EthernetHeader(kEtherTypeIpv4) + header + payload;
}

Octets Ipv6Frame(uint8_t protocol, std::span<const uint8_t> payload, const IpAddress& source,
                 const IpAddress& destination, uint8_t hop_limit,
                 std::span<const uint8_t> extensions) {
  Ipv6Header ip{.source = source, .destination = destination, .protocol = protocol};
  ip.hop_limit = hop_limit;
  ip.payload_size = static_cast<uint16_t>(extensions.size() + payload.size());
  Octets header(kIpv6HeaderSize);
  WriteIpv6(header.data(), ip);
  const MacAddress mac = destination.is_multicast() ? MulticastMac(destination) : kServerMac;
  return EthernetHeader(kEtherTypeIpv6, mac) + header + extensions + payload;
}

TcpHeader SynHeader() {
  TcpHeader header;
  header.source_port = 4000;
  header.destination_port = 80;
  header.seq = Seq(0xffffffff);
  header.flags = kTcpSyn;
  header.window = 64240;
  header.options.present = TcpOptions::kMss | TcpOptions::kSackPermitted | TcpOptions::kTimestamps |
                           TcpOptions::kWindowScale;
  header.options.mss = 1460;
  header.options.ts_value = 1;
  header.options.window_scale = 7;
  return header;
}

TcpHeader DataHeader() {
  TcpHeader header;
  header.source_port = 4000;
  header.destination_port = 80;
  header.seq = Seq(0xfffffffe);
  header.ack = Seq(9);
  header.flags = kTcpAck | kTcpPsh;
  header.window = 502;
  header.options.present = TcpOptions::kTimestamps;
  header.options.ts_value = 0x80000001;
  header.options.ts_echo = 0xfffffff0;
  return header;
}

Octets TcpFrame(bool v4, const TcpHeader& header, std::span<const uint8_t> text) {
  return v4 ? Ipv4Frame(kProtocolTcp, TcpSegment(kClient4, kServer4, header, text))
            : Ipv6Frame(kProtocolTcp, TcpSegment(kClient6, kServer6, header, text));
}

Octets ArpFrame() {
  Octets arp(kArpSize);
  WriteArp(arp.data(), {.sender_mac = kClientMac, .sender = kClient4, .target = kServer4});
  return EthernetHeader(kEtherTypeArp, kBroadcastMac) + arp;
}

Octets EchoFrame(bool v4) {
  Octets message(kIcmpHeaderSize);
  WriteIcmp(message.data(),
            {.type = v4 ? kIcmpEcho : kIcmpv6Echo, .rest = IcmpHeader::EchoRest(7, 1)});
  message = std::move(message) + kText;
  return v4 ? Ipv4Frame(kProtocolIcmp, WithIcmpChecksum(std::move(message)))
            : Ipv6Frame(kProtocolIcmpv6,
                        WithIcmpv6Checksum(std::move(message), kClient6, kServer6));
}

Octets PacketTooBigMessage(bool v4, uint32_t mtu) {
  TcpHeader header = DataHeader();
  std::swap(header.source_port, header.destination_port);
  header.seq = Seq(0xfffffff0);
  const Octets sent = v4 ? Ipv4Frame(kProtocolTcp, TcpSegment(kServer4, kClient4, header, kText),
                                     kServer4, kClient4)
                         : Ipv6Frame(kProtocolTcp, TcpSegment(kServer6, kClient6, header, kText),
                                     kServer6, kClient6);
  Octets message(kIcmpHeaderSize);
  WriteIcmp(message.data(), {.type = v4 ? kIcmpUnreachable : kIcmpv6PacketTooBig,
                             .code = v4 ? kIcmpFragmentationNeeded : uint8_t{0},
                             .rest = mtu});
  message = std::move(message) + std::span(sent).subspan(kEthernetHeaderSize);
  return v4 ? WithIcmpChecksum(std::move(message))
            : WithIcmpv6Checksum(std::move(message), kClient6, kServer6);
}

Octets PacketTooBigFrame(bool v4, uint32_t mtu) {
  const Octets message = PacketTooBigMessage(v4, mtu);
  return v4 ? Ipv4Frame(kProtocolIcmp, message) : Ipv6Frame(kProtocolIcmpv6, message);
}

Octets NdFrame(const NdMessage& nd, const IpAddress& source, const IpAddress& destination,
               uint8_t hop_limit) {
  Octets message(kNdMessageSizeMax);
  message.resize(WriteNd(message.data(), nd, source, destination));
  return Ipv6Frame(kProtocolIcmpv6, message, source, destination, hop_limit);
}

Octets MldReportFrame() {
  const IpAddress groups[] = {SolicitedNodeAddress(kClient6), SolicitedNodeAddress(kServer6)};
  Octets packet(kMldReportOverhead + std::size(groups) * kMldRecordSize);
  packet.resize(WriteMldReport(packet.data(), kClientLinkLocal, kMldChangeToExclude, groups));
  return EthernetHeader(kEtherTypeIpv6, MulticastMac(MldRouters())) + packet;
}

std::vector<SampleFrame> SampleFrames() {
  const NdMessage solicitation{.type = kNdNeighborSolicitation,
                               .target = kServer6,
                               .has_source_mac = true,
                               .source_mac = kClientMac};
  const NdMessage advertisement{.type = kNdNeighborAdvertisement,
                                .solicited = true,
                                .target = kClient6,
                                .has_target_mac = true,
                                .target_mac = kClientMac};
  TcpHeader sack = DataHeader();
  sack.options.present |= TcpOptions::kSack;
  sack.options.sack_count = 3;
  for (uint32_t i = 0; i < 3; ++i) sack.options.sack[i] = {Seq(100 * i), Seq(100 * i + 50)};
  Octets tagged = TcpFrame(true, DataHeader(), kText);
  const uint8_t tags[] = {0x88, 0xa8, 0, 5, 0x81, 0, 0x20, 6};
  tagged.insert(tagged.begin() + 12, std::begin(tags), std::end(tags));
  const Octets short_segment = TcpSegment(kClient6, kServer6, DataHeader(), kText);
  const uint8_t extensions[] = {kHeaderDestinationOptions,
                                0,
                                1,
                                4,
                                0,
                                0,
                                0,
                                0,  // hop-by-hop
                                kHeaderFragment,
                                0,
                                0,
                                0,
                                1,
                                2,
                                0,
                                0,  // then options
                                kProtocolTcp,
                                0,
                                0,
                                0,
                                9,
                                9,
                                9,
                                9};  // atomic fragment
  return {
      {"IPv4 SYN", TcpFrame(true, SynHeader())},
      {"IPv6 SYN", TcpFrame(false, SynHeader())},
      {"IPv4 text", TcpFrame(true, DataHeader(), kText)},
      {"IPv6 text", TcpFrame(false, DataHeader(), kText)},
      {"IPv4 SACK", TcpFrame(true, sack)},
      {"QinQ text", tagged},
      {"IPv6 extension headers",
       Ipv6Frame(kHeaderHopByHop, short_segment, kClient6, kServer6, 64, extensions)},
      {"ARP request", ArpFrame()},
      {"ICMP echo", EchoFrame(true)},
      {"ICMPv6 echo", EchoFrame(false)},
      {"fragmentation needed", PacketTooBigFrame(true, 1400)},
      {"packet too big", PacketTooBigFrame(false, 1280)},
      {"neighbour solicitation", NdFrame(solicitation, kClient6, SolicitedNodeAddress(kServer6))},
      {"neighbour advertisement", NdFrame(advertisement, kClient6, kServer6)},
      {"listener report", MldReportFrame()},
  };
}

void FixIpv4Checksum(Octets& frame) {
  uint8_t* header = &frame[kEthernetHeaderSize];
  StoreBe16(header + 10, 0);
  StoreBe16(header + 10, ChecksumOf(SumOctets({header, size_t{header[0] & 0xfu} * 4})));
}

}  // namespace weir::wire
