// Multicast listener reports and queries.
#include "wire/mld.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "unit/wire/sample_frames.h"
#include "wire/icmp.h"
#include "wire/ipv6.h"

namespace weir::wire {
namespace {

Octets Query(uint16_t max_response_code, const IpAddress& group) {
  Octets message(8);
  WriteIcmp(message.data(), {.type = kMldQuery, .rest = uint32_t{max_response_code} << 16});
  return std::move(message) + group.octets();
}

Frame Context() {
  Frame frame;
  frame.kind = FrameKind::kIcmpv6;
  frame.ttl = 1;
  frame.source = kClientLinkLocal;
  frame.destination = Address("ff02::1");
  return frame;
}

TEST(Mld, ReportsGroupsInAPacketThatParses) {
  const Octets octets = MldReportFrame();
  Frame frame;
  ParseFrame(octets, {}, frame);
  ASSERT_EQ(frame.kind, FrameKind::kIcmpv6);
  EXPECT_EQ(frame.ttl, 1);
  EXPECT_EQ(frame.destination, Address("ff02::16"));
  EXPECT_EQ(frame.l4_offset, 14 + 40 + 8);
  EXPECT_EQ(frame.l4_size, 8 + 2 * kMldRecordSize);
  EXPECT_EQ(octets.size(), 14u + kMldReportOverhead + 2 * kMldRecordSize);
  const uint8_t* report = &octets[frame.l4_offset];
  EXPECT_EQ(report[0], kMldv2Report);
  EXPECT_EQ(LoadBe16(report + 6), 2);  // records
  EXPECT_EQ(report[8], kMldChangeToExclude);
  EXPECT_EQ(IpAddress::FromV6Octets(report + 12), SolicitedNodeAddress(kClient6));
  EXPECT_EQ(report[28], kMldChangeToExclude);
  EXPECT_EQ(IpAddress::FromV6Octets(report + 32), SolicitedNodeAddress(kServer6));
}

TEST(Mld, CarriesARouterAlert) {
  const Octets octets = MldReportFrame();
  EXPECT_EQ(octets[14 + 6], kHeaderHopByHop);
  EXPECT_EQ(Octets(octets.begin() + 54, octets.begin() + 62), (Octets{58, 0, 5, 2, 0, 0, 1, 0}));
}

TEST(Mld, ReportsFromTheUnspecifiedAddressBeforeThereIsAnother) {
  const IpAddress groups[] = {SolicitedNodeAddress(kClientLinkLocal)};
  Octets packet(kMldReportOverhead + kMldRecordSize);
  ASSERT_EQ(WriteMldReport(packet.data(), IpAddress(), kMldChangeToExclude, groups), packet.size());
  Octets frame(kEthernetHeaderSize);
  WriteEthernet(frame.data(), MulticastMac(MldRouters()), kClientMac, 0, kEtherTypeIpv6);
  Frame parsed;
  ParseFrame(frame + packet, {}, parsed);
  EXPECT_EQ(parsed.kind, FrameKind::kIcmpv6);
  EXPECT_TRUE(parsed.source.is_unspecified());
}

TEST(Mld, ReadsAQuery) {
  MldQuery query;
  ASSERT_EQ(ParseMldQuery(Query(10000, IpAddress()), Context(), query), kNoDrop);
  EXPECT_TRUE(query.group.is_unspecified());
  EXPECT_EQ(query.max_response_ms, 10000u);
  ASSERT_EQ(ParseMldQuery(Query(0, Address("ff02::1:ff00:2")) + Octets(4), Context(), query),
            kNoDrop);
  EXPECT_EQ(query.group, Address("ff02::1:ff00:2"));
}

TEST(Mld, ReadsLongResponseTimesAsFloatingPoint) {
  MldQuery query;
  ASSERT_EQ(ParseMldQuery(Query(0x7fff, IpAddress()), Context(), query), kNoDrop);
  EXPECT_EQ(query.max_response_ms, 32767u);
  ASSERT_EQ(ParseMldQuery(Query(0x8000, IpAddress()), Context(), query), kNoDrop);
  EXPECT_EQ(query.max_response_ms, 32768u);
  ASSERT_EQ(ParseMldQuery(Query(0xffff, IpAddress()), Context(), query), kNoDrop);
  EXPECT_EQ(query.max_response_ms, 0x1fffu << 10);
}

TEST(Mld, RefusesQueriesThatBreakRfc3810) {
  MldQuery query;
  const auto parse = [&query](const Octets& message, const Frame& frame) {
    return ParseMldQuery(message, frame, query);
  };
  Frame forwarded = Context(), global = Context();
  forwarded.ttl = 2;
  global.source = kClient6;
  const Octets good = Query(1, IpAddress());
  EXPECT_EQ(parse(good, forwarded), Counter::kDropMldMalformed);
  EXPECT_EQ(parse(good, global), Counter::kDropMldMalformed);
  EXPECT_EQ(parse(Query(1, kServer6), Context()), Counter::kDropMldMalformed);
  EXPECT_EQ(parse(Query(1, Address("224.0.0.1")), Context()), Counter::kDropMldMalformed);
  for (size_t size = 0; size < good.size(); ++size) {
    const Octets cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(parse(cut, Context()), Counter::kDropMldMalformed) << size;
  }
}

}  // namespace
}  // namespace weir::wire
