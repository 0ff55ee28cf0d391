// Path MTUs: what a claim is worth, and the table's rules: age, lowering, bounds.
#include "ip/path_mtu.h"

#include <gtest/gtest.h>

#include "unit/ip/link_rig.h"

namespace weir::ip {
namespace {

constexpr Duration kLifetime = Seconds(600);
constexpr Time kNow{(int64_t{1} << 32) - 500000};

wire::QuotedSegment Claim(bool v4, uint32_t mtu, uint16_t packet_size = 1500) {
  wire::QuotedSegment quoted;
  quoted.kind = wire::IcmpErrorKind::kPacketTooBig;
  quoted.source = v4 ? kOurs4 : kOurs6;
  quoted.mtu = mtu;
  quoted.packet_size = packet_size;
  return quoted;
}

TEST(ClaimedMtu, IsTakenAsItStands) {
  EXPECT_EQ(ClaimedMtu(Claim(true, 1400), 1500, 552), 1400);
  EXPECT_EQ(ClaimedMtu(Claim(false, 1400), 1500, 552), 1400);
  EXPECT_EQ(ClaimedMtu(Claim(true, 65535), 1500, 552),
            65535);  // whether it helps is TCP's question
}

TEST(ClaimedMtu, OfIpv4IsNeverBelowTheFloor) {
  for (const uint32_t mtu : {1u, 68u, 551u, 552u}) {
    EXPECT_EQ(ClaimedMtu(Claim(true, mtu), 1500, 552), 552) << mtu;
  }
  EXPECT_EQ(ClaimedMtu(Claim(true, 68), 1500, 296), 296);
}

// RFC 8201 4: such a message MUST be discarded.
TEST(ClaimedMtu, OfIpv6Below1280IsNoClaim) {
  for (const uint32_t mtu : {0u, 1u, 552u, 1279u, 65536u, 0xffffffffu}) {
    EXPECT_EQ(ClaimedMtu(Claim(false, mtu), 1500, 552), 0) << mtu;
  }
  EXPECT_EQ(ClaimedMtu(Claim(false, 1280), 1500, 552), 1280);
}

// RFC 1191 5 and table 7-1
TEST(ClaimedMtu, OfARouterThatNamesNoneIsThePlateauBelowThePacket) {
  const struct {
    uint16_t packet, plateau;
  } rows[] = {{65535, 32000}, {32000, 17914}, {17914, 8166}, {9000, 8166}, {8166, 4352},
              {4352, 2002},   {2002, 1492},   {1500, 1492},  {1492, 1006}, {1006, 508},
              {508, 296},     {296, 68},      {68, 68},      {20, 68},     {0, 68}};
  for (const auto& row : rows) {
    EXPECT_EQ(ClaimedMtu(Claim(true, 0, row.packet), 65535, 1), row.plateau) << row.packet;
  }
}

TEST(ClaimedMtu, OfAPacketThatWeCannotHaveSentCountsFromTheInterface) {
  EXPECT_EQ(ClaimedMtu(Claim(true, 0, 65535), 1500, 552), 1492);
}

class PathMtus : public testing::TestWithParam<bool> {
 protected:
  static IpAddress Host(uint32_t n) {
    if (GetParam()) return IpAddress::V4(0xc6120000 + n);
    auto octets = kOurs6.octets();
    octets[12] = static_cast<uint8_t>(n >> 24);
    octets[13] = static_cast<uint8_t>(n >> 16);
    octets[14] = static_cast<uint8_t>(n >> 8);
    octets[15] = static_cast<uint8_t>(n);
    return IpAddress::V6(octets);
  }
  PathMtuTable table{64, kLifetime, 7};
};

TEST_P(PathMtus, AreUnknownAtFirst) {
  EXPECT_EQ(table.Find(Host(1), kNow), 0);
  EXPECT_EQ(table.Find(IpAddress(), Time{0}), 0);
  EXPECT_EQ(table.Find(IpAddress(), kNow), 0);
}

TEST_P(PathMtus, AreRememberedByDestination) {
  table.Lower(Host(1), 1400, kNow);
  table.Lower(Host(2), 1300, kNow);
  EXPECT_EQ(table.Find(Host(1), kNow), 1400);
  EXPECT_EQ(table.Find(Host(2), kNow), 1300);
  EXPECT_EQ(table.Find(Host(3), kNow), 0);
}

// RFC 1191 6.3, RFC 8201 5.3
TEST_P(PathMtus, AgeOut) {
  table.Lower(Host(1), 1400, kNow);
  EXPECT_EQ(table.Find(Host(1), kNow + kLifetime - Microseconds(1)), 1400);
  EXPECT_EQ(table.Find(Host(1), kNow + kLifetime), 0);
  table.Lower(Host(1), 1450, kNow + kLifetime);  // whatever it was, it is over
  EXPECT_EQ(table.Find(Host(1), kNow + kLifetime), 1450);
}

TEST_P(PathMtus, AreOnlyLoweredByMessages) {
  table.Lower(Host(1), 1400, kNow);
  const Time later = kNow + Seconds(300);
  table.Lower(Host(1), 1450, later);
  EXPECT_EQ(table.Find(Host(1), later), 1400);
  EXPECT_EQ(table.Find(Host(1), kNow + kLifetime), 0) << "the larger claim made it live longer";
  table.Lower(Host(1), 1400, later);
  table.Lower(Host(1), 1200, later);
  EXPECT_EQ(table.Find(Host(1), later), 1200);
}

TEST_P(PathMtus, LiveOnWhenTheSameIsSaidAgain) {
  table.Lower(Host(1), 1400, kNow);
  table.Lower(Host(1), 1400, kNow + Seconds(300));
  EXPECT_EQ(table.Find(Host(1), kNow + Seconds(800)), 1400);
  EXPECT_EQ(table.Find(Host(1), kNow + Seconds(900)), 0);
}

TEST_P(PathMtus, AreRaisedByWhatWasMeasured) {
  table.Lower(Host(1), 1076, kNow);
  table.Set(Host(1), 1400, kNow + Seconds(10));
  EXPECT_EQ(table.Find(Host(1), kNow + Seconds(609)), 1400);
}

TEST_P(PathMtus, AreBoundedAndTheOldestGivesWay) {
  const uint32_t capacity = table.capacity();
  EXPECT_EQ(capacity, 64u);
  for (uint32_t n = 0; n < 2000; ++n) table.Lower(Host(n), 1400, kNow + Microseconds(n));
  const Time now = kNow + Seconds(1);
  uint32_t kept = 0;
  for (uint32_t n = 0; n < 2000; ++n) kept += table.Find(Host(n), now) != 0 ? 1 : 0;
  EXPECT_LE(kept, capacity);
  EXPECT_GT(kept, capacity / 2);
  EXPECT_EQ(table.Find(Host(1999), now), 1400);
  EXPECT_EQ(table.Find(Host(0), now), 0);
}

TEST_P(PathMtus, ThatStillLiveStayWhileOthersHaveAgedOut) {
  for (uint32_t n = 0; n < 1000; ++n) table.Lower(Host(n), 1400, kNow);
  const Time later = kNow + kLifetime;
  table.Lower(Host(5000), 1300, later);
  for (uint32_t n = 0; n < 3; ++n) table.Lower(Host(6000 + n), 1400, later + Seconds(1));
  // A bucket has four places: three newcomers find three that are over, at worst.
  EXPECT_EQ(table.Find(Host(5000), later + Seconds(1)), 1300);
}

TEST(PathMtuTable, HasAtLeastOneBucket) {
  EXPECT_EQ(PathMtuTable(0, kLifetime, 1).capacity(), 4u);
  EXPECT_EQ(PathMtuTable(5, kLifetime, 1).capacity(), 8u);
  EXPECT_EQ(PathMtuTable(1024, kLifetime, 1).capacity(), 1024u);
}

INSTANTIATE_TEST_SUITE_P(Family, PathMtus, testing::Values(true, false),
                         [](const auto& family) { return family.param ? "v4" : "v6"; });

}  // namespace
}  // namespace weir::ip
