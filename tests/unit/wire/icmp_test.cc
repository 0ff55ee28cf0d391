// ICMP and ICMPv6: echo, errors and what they quote.
#include "wire/icmp.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "unit/wire/sample_frames.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"

namespace weir::wire {
namespace {

constexpr size_t kQuote = kIcmpHeaderSize;  // where the quoted packet begins

Octets Message(const IcmpHeader& header) {
  Octets octets(kIcmpHeaderSize);
  WriteIcmp(octets.data(), header);
  return octets;
}

TEST(Icmp, ReadsWhatItWrote) {
  IcmpHeader out;
  ASSERT_TRUE(ParseIcmp(
      Message({.type = 8, .code = 3, .rest = IcmpHeader::EchoRest(0x1234, 0xabcd)}), out));
  EXPECT_EQ(out.type, 8);
  EXPECT_EQ(out.code, 3);
  EXPECT_EQ(out.echo_id(), 0x1234);
  EXPECT_EQ(out.echo_sequence(), 0xabcd);
  for (size_t size = 0; size < kIcmpHeaderSize; ++size) EXPECT_FALSE(ParseIcmp(Octets(size), out));
}

TEST(Icmp, ReplyMadeInPlaceHasTheRightChecksum) {
  for (int text_size = 0; text_size < 20; ++text_size) {
    const Octets text(static_cast<size_t>(text_size), static_cast<uint8_t>(0xff - text_size));
    Octets v4 = WithIcmpChecksum(Message({.type = kIcmpEcho, .rest = 0x70001}) + text);
    MakeEchoReply(v4, true);
    EXPECT_EQ(v4[0], kIcmpEchoReply);
    EXPECT_EQ(ChecksumOf(SumOctets(v4)), 0);
    Octets v6 = WithIcmpv6Checksum(Message({.type = kIcmpv6Echo, .rest = 0x70001}) + text, kClient6,
                                   kServer6);
    MakeEchoReply(v6, false);
    EXPECT_EQ(v6[0], kIcmpv6EchoReply);
    EXPECT_EQ(TransportChecksum(kServer6, kClient6, kProtocolIcmpv6, v6), 0);
  }
}

// Nothing but zeros has the sum 0, which an update of the request's checksum cannot tell from
// 0xffff.
TEST(Icmp, ReplyOfNothingButZerosHasTheRightChecksum) {
  Octets v4 = WithIcmpChecksum(Message({.type = kIcmpEcho}) + Octets(56));
  MakeEchoReply(v4, true);
  EXPECT_EQ(v4[0], kIcmpEchoReply);
  EXPECT_EQ(Fold(SumOctets(v4)), 0xffff);
}

TEST(QuotedSegment, NamesTheConnectionAndTheMtuForBothFamilies) {
  for (const bool v4 : {true, false}) {
    QuotedSegment quoted;
    ASSERT_TRUE(ParseQuoted(PacketTooBigMessage(v4, 1300), v4, quoted));
    EXPECT_EQ(quoted.kind, IcmpErrorKind::kPacketTooBig);
    EXPECT_EQ(quoted.protocol, kProtocolTcp);
    EXPECT_EQ(quoted.mtu, 1300u);
    EXPECT_EQ(quoted.packet_size, (v4 ? 20 : 40) + 32 + 5);
    EXPECT_EQ(quoted.source, v4 ? kServer4 : kServer6);
    EXPECT_EQ(quoted.destination, v4 ? kClient4 : kClient6);
    EXPECT_EQ(quoted.source_port, 80);
    EXPECT_EQ(quoted.destination_port, 4000);
    EXPECT_EQ(quoted.seq, Seq(0xfffffff0));
  }
}

TEST(QuotedSegment, TakesTheMtuFromItsOwnFieldOnly) {
  QuotedSegment quoted;
  // RFC 1191 4: the upper half of the word is unused.
  ASSERT_TRUE(ParseQuoted(PacketTooBigMessage(true, 0xdead0000), true, quoted));
  EXPECT_EQ(quoted.mtu, 0u);
  ASSERT_TRUE(ParseQuoted(PacketTooBigMessage(false, 0xffffffff), false, quoted));
  EXPECT_EQ(quoted.mtu, 0xffffffffu);
  Octets time_exceeded = PacketTooBigMessage(true, 1300);
  time_exceeded[0] = kIcmpTimeExceeded;
  ASSERT_TRUE(ParseQuoted(time_exceeded, true, quoted));
  EXPECT_EQ(quoted.mtu, 0u);
}

TEST(QuotedSegment, KnowsTheKindOfEveryType) {
  for (const bool v4 : {true, false}) {
    for (int type = 0; type < 256; ++type) {
      for (uint8_t code : {0, 3, 4}) {
        Octets message = PacketTooBigMessage(v4, 1300);
        message[0] = static_cast<uint8_t>(type);
        message[1] = code;
        QuotedSegment quoted;
        const bool is_error = ParseQuoted(message, v4, quoted);
        // MUST-55: neither source quench nor redirect is an error about a segment.
        const bool expected = v4 ? type == 3 || type == 11 || type == 12 : type >= 1 && type <= 4;
        ASSERT_EQ(is_error, expected) << type;
        if (!expected) continue;
        EXPECT_EQ(quoted.type, type);
        EXPECT_EQ(quoted.code, code);
        const bool too_big = v4 ? type == 3 && code == 4 : type == 2;
        EXPECT_EQ(quoted.kind == IcmpErrorKind::kPacketTooBig, too_big);
      }
    }
  }
}

TEST(QuotedSegment, NeedsEightOctetsOfTheSegmentAndNoMore) {
  for (const bool v4 : {true, false}) {
    const size_t needed = kQuote + (v4 ? 20 : 40) + 8;
    const Octets whole = PacketTooBigMessage(v4, 1300);
    for (size_t size = 0; size < whole.size(); ++size) {
      const Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      QuotedSegment quoted;
      EXPECT_EQ(ParseQuoted(cut, v4, quoted), size >= needed) << size;
    }
  }
}

TEST(QuotedSegment, IsFoundBehindIpv4Options) {
  Octets message = PacketTooBigMessage(true, 1300);
  message[kQuote] = 0x46;
  const uint8_t options[] = {1, 1, 1, 0};
  message.insert(message.begin() + kQuote + 20, std::begin(options), std::end(options));
  QuotedSegment quoted;
  ASSERT_TRUE(ParseQuoted(message, true, quoted));
  EXPECT_EQ(quoted.source_port, 80);
}

TEST(QuotedSegment, OfALaterFragmentOrAnotherVersionIsRefused) {
  QuotedSegment quoted;
  Octets message = PacketTooBigMessage(true, 1300);
  message[kQuote + 7] = 1;  // fragment offset
  EXPECT_FALSE(ParseQuoted(message, true, quoted));
  message = PacketTooBigMessage(true, 1300);
  message[kQuote] = 0x44;  // IHL 4
  EXPECT_FALSE(ParseQuoted(message, true, quoted));
  message[kQuote] = 0x65;
  EXPECT_FALSE(ParseQuoted(message, true, quoted));
  message = PacketTooBigMessage(false, 1300);
  message[kQuote] = 0x45;
  EXPECT_FALSE(ParseQuoted(message, false, quoted));
}

TEST(QuotedSegment, MayNotNameAnIpv4HostInAnIpv6Header) {
  // A mapped address would be taken for an IPv4 connection's.
  Octets message = PacketTooBigMessage(false, 1300);
  const auto mapped = kServer4.octets();
  std::copy(mapped.begin(), mapped.end(), message.begin() + kQuote + 8);
  QuotedSegment quoted;
  EXPECT_FALSE(ParseQuoted(message, false, quoted));
}

TEST(QuotedSegment, OfAnotherProtocolSaysSo) {
  Octets message = PacketTooBigMessage(true, 1300);
  message[kQuote + 9] = kProtocolUdp;
  QuotedSegment quoted;
  ASSERT_TRUE(ParseQuoted(message, true, quoted));
  EXPECT_EQ(quoted.protocol, kProtocolUdp);
}

}  // namespace
}  // namespace weir::wire
