// The IPv4 header: round trip, checks, options.
#include "wire/ipv4.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "unit/wire/sample_frames.h"
#include "wire/checksum.h"

namespace weir::wire {
namespace {

Octets Packet(const Ipv4Header& header) {
  Octets packet(kIpv4HeaderSize + header.payload_size);
  EXPECT_EQ(WriteIpv4(packet.data(), header), kIpv4HeaderSize);
  return packet;
}

Ipv4Header Sample() {
  return {.source = kClient4,
          .destination = kServer4,
          .protocol = kProtocolTcp,
          .ttl = 63,
          .dscp_ecn = 0xb9,
          .payload_size = 24};
}

// A packet with these options (a multiple of four octets) and a right checksum.
Octets PacketWithOptions(const Octets& options) {
  Octets packet = Packet(Sample());
  packet.insert(packet.begin() + kIpv4HeaderSize, options.begin(), options.end());
  packet[0] = static_cast<uint8_t>(0x40 | (kIpv4HeaderSize + options.size()) / 4);
  StoreBe16(&packet[2], static_cast<uint16_t>(packet.size()));
  StoreBe16(&packet[10], 0);
  StoreBe16(&packet[10],
            ChecksumOf(SumOctets(std::span(packet).first(kIpv4HeaderSize + options.size()))));
  return packet;
}

Counter Parse(const Octets& packet) {
  Ipv4Header header;
  return ParseIpv4(packet, false, header);
}

TEST(Ipv4, ReadsWhatItWrote) {
  for (const bool df : {true, false}) {
    for (uint32_t octet = 0; octet < 256; ++octet) {
      Ipv4Header in = Sample(), out;
      in.df = df;
      in.ttl = in.dscp_ecn = in.protocol = static_cast<uint8_t>(octet);
      in.id = static_cast<uint16_t>(octet * 257);
      in.source = IpAddress::V4(octet << 24 | 0xffff00);
      in.payload_size = static_cast<uint16_t>(octet);
      ASSERT_EQ(ParseIpv4(Packet(in), false, out), kNoDrop);
      EXPECT_EQ(out.source, in.source);
      EXPECT_EQ(out.destination, in.destination);
      EXPECT_EQ(out.protocol, in.protocol);
      EXPECT_EQ(out.ttl, in.ttl);
      EXPECT_EQ(out.dscp_ecn, in.dscp_ecn);
      EXPECT_EQ(out.payload_size, in.payload_size);
      EXPECT_EQ(out.df, df);
      EXPECT_EQ(out.id, in.id);
      EXPECT_EQ(out.header_size, 20);
    }
  }
}

TEST(Ipv4, WritesAnAtomicDatagramByDefault) {  // RFC6864-4.1
  // RFC 6864 4.1: DF set, the identification means nothing.
  const Octets packet = Packet(Sample());
  EXPECT_EQ(LoadBe16(&packet[4]), 0);
  EXPECT_EQ(LoadBe16(&packet[6]), 0x4000);
}

TEST(Ipv4, CountsTrailingPaddingAsNoPayload) {
  Ipv4Header header;
  ASSERT_EQ(ParseIpv4(Packet(Sample()) + Octets(13, 0xff), false, header), kNoDrop);
  EXPECT_EQ(header.payload_size, 24);
}

TEST(Ipv4, VerifiesTheChecksumUnlessTheDeviceHas) {  // RFC1122-3.2.1.2
  Octets packet = Packet(Sample());
  packet[8] ^= 1;
  Ipv4Header header;
  EXPECT_EQ(ParseIpv4(packet, false, header), Counter::kDropIpv4Checksum);
  EXPECT_EQ(ParseIpv4(packet, true, header), kNoDrop);
}

TEST(Ipv4, RefusesImpossibleHeaders) {  // RFC1122-3.2.1.1
  Ipv4Header header;
  for (size_t size = 0; size < kIpv4HeaderSize; ++size) {
    Octets packet = Packet(Sample());
    packet.resize(size);
    packet.shrink_to_fit();
    EXPECT_EQ(ParseIpv4(packet, true, header), Counter::kDropIpv4Header) << size;
  }
  const struct {
    size_t at;
    uint8_t value;
    Counter reason;
  } kCases[] = {
      {0, 0x55, Counter::kDropIpv4Header},  // version 5
      {0, 0x05, Counter::kDropIpv4Header},  // version 0
      {0, 0x44, Counter::kDropIpv4Header},  // IHL 4
      {0, 0x40, Counter::kDropIpv4Header},  // IHL 0
      {0, 0x4f, Counter::kDropIpv4Header},  // header longer than the packet
      {3, 19, Counter::kDropIpv4Length},    // total length within the header
      {3, 0, Counter::kDropIpv4Length},     // a length that LRO left empty
      {3, 45, Counter::kDropIpv4Length},    // one octet more than there is
      {2, 0xff, Counter::kDropIpv4Length},
      {6, 0x20, Counter::kDropIpv4Fragment},  // more fragments
      {6, 0x1f, Counter::kDropIpv4Fragment},  // offset, upper part
      {7, 0x01, Counter::kDropIpv4Fragment},  // offset, lower part
  };
  for (const auto& [at, value, reason] : kCases) {
    Octets packet = Packet(Sample());
    packet[at] = value;
    EXPECT_EQ(ParseIpv4(packet, true, header), reason) << "octet " << at << " = " << int{value};
  }
}

// MUST-50: options that mean nothing to us neither stop the packet nor shift its payload.
TEST(Ipv4, SkipsOptionsItDoesNotKnow) {
  const Octets kOptions[] = {
      {1, 1, 1, 0},               // no operation, end of list
      {7, 7, 4, 0, 0, 0, 0, 0},   // record route
      {68, 8, 5, 0, 0, 0, 0, 0},  // time stamp
      {148, 4, 0, 0},             // router alert
      {1, 255, 2, 1},             // unknown
      {0, 131, 3, 4},             // nothing counts behind the end
      Octets(40, 1),
  };
  for (const Octets& options : kOptions) {
    Ipv4Header header;
    ASSERT_EQ(ParseIpv4(PacketWithOptions(options), false, header), kNoDrop) << int{options[0]};
    EXPECT_EQ(header.header_size, kIpv4HeaderSize + options.size());
    EXPECT_EQ(header.payload_size, 24);
  }
}

TEST(Ipv4, RefusesSourceRoutesWhereverTheyStand) {
  EXPECT_EQ(Parse(PacketWithOptions({131, 7, 4, 1, 2, 3, 4, 0})), Counter::kDropIpv4SourceRoute);
  EXPECT_EQ(Parse(PacketWithOptions({137, 7, 4, 1, 2, 3, 4, 0})), Counter::kDropIpv4SourceRoute);
  EXPECT_EQ(Parse(PacketWithOptions({1, 148, 4, 0, 0, 131, 3, 4})), Counter::kDropIpv4SourceRoute);
}

TEST(Ipv4, RefusesOptionsOfImpossibleLength) {
  EXPECT_EQ(Parse(PacketWithOptions({7, 0, 0, 0})), Counter::kDropIpv4Options);
  EXPECT_EQ(Parse(PacketWithOptions({7, 1, 0, 0})), Counter::kDropIpv4Options);
  EXPECT_EQ(Parse(PacketWithOptions({7, 5, 0, 0})), Counter::kDropIpv4Options);
  EXPECT_EQ(Parse(PacketWithOptions({1, 1, 1, 7})), Counter::kDropIpv4Options);
}

// MUST-63.
TEST(Ipv4, NamesTheReasonWhyASourceMustNotBeAnswered) {  // RFC1122-3.2.1.3s
  const struct {
    const char* address;
    Counter reason;
  } kCases[] = {
      {"0.0.0.0", Counter::kDropSourceUnspecified},
      {"0.1.2.3", Counter::kDropSourceUnspecified},
      {"1.0.0.0", kNoDrop},
      {"126.255.255.255", kNoDrop},
      {"127.0.0.1", Counter::kDropSourceLoopback},
      {"128.0.0.0", kNoDrop},
      {"223.255.255.255", kNoDrop},
      {"224.0.0.1", Counter::kDropSourceMulticast},
      {"239.255.255.255", Counter::kDropSourceMulticast},
      {"240.0.0.1", Counter::kDropSourceReserved},
      {"255.255.255.254", Counter::kDropSourceReserved},
      {"255.255.255.255", Counter::kDropSourceBroadcast},
  };
  for (const auto& [address, reason] : kCases) {
    EXPECT_EQ(CheckIpv4Source(Address(address).v4()), reason) << address;
  }
}

}  // namespace
}  // namespace weir::wire
