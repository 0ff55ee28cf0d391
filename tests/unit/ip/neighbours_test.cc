// Neighbours: every transition of RFC 4861 7.3.2 in virtual time, for ARP and ND alike.
#include "ip/neighbours.h"

#include <gtest/gtest.h>

#include "unit/ip/link_rig.h"

namespace weir::ip {
namespace {

using State = NeighbourState;
using Text = LinkRig::SentText;

class ANeighbour : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { rig.StartUp(); }

  IpAddress Host(int n) const {
    if (GetParam()) return IpAddress::V4(kOurs4.v4() + static_cast<uint32_t>(n));
    auto octets = kOurs6.octets();
    octets[14] = static_cast<uint8_t>(n >> 8);
    octets[15] = static_cast<uint8_t>(octets[15] + n);
    return IpAddress::V6(octets);
  }
  // Resolves `whom` the ordinary way: a packet, a question, an answer.
  void Resolve(const IpAddress& whom, const wire::MacAddress& mac) {
    ASSERT_TRUE(rig.Send(whom));
    rig.Advertise(whom, mac);
    ASSERT_EQ(rig.StateOf(whom), State::kReachable);
    rig.Sent();
  }
  Duration reachable() const { return rig.ip->neighbours().reachable_time(); }
  // Until a confirmation of now has run out, and somewhat more.
  void PassReachableTime() { rig.Advance(reachable() + Milliseconds(10)); }

  LinkRig rig;
  IpAddress host;
};

TEST_P(ANeighbour, IsAskedForWhenAPacketIsForIt) {
  host = Host(5);
  ASSERT_TRUE(rig.Send(host));
  EXPECT_EQ(rig.StateOf(host), State::kIncomplete);
  const auto sent = rig.Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].AsksFor(host));
  EXPECT_TRUE(sent[0].frame.l2_multicast);
  EXPECT_EQ(sent[0].frame.source, GetParam() ? kOurs4 : kOurs6);
  EXPECT_EQ(rig[Counter::kNeighbourRequests], 3u);  // two of them probed our own IPv6 addresses
}

TEST_P(ANeighbour, GetsWhatWaitedWhenItAnswers) {
  host = Host(5);
  ASSERT_TRUE(rig.Send(host, "one"));
  ASSERT_TRUE(rig.Send(host, "two"));
  rig.Sent();
  rig.Advertise(host, HostMac(5));
  EXPECT_EQ(rig.StateOf(host), State::kReachable);
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"one", HostMac(5)}, {"two", HostMac(5)}}));
  EXPECT_EQ(rig.ip->neighbours().waiting(), 0u);
}

// RFC 1122 2.3.2.2: the latest packets are kept; RFC 4861 7.2.2 allows more than one.
TEST_P(ANeighbour, KeepsTheSixteenLatestPacketsWhileSilent) {  // RFC1122-2.3.2.2, RFC4861-7.2.2
  host = Host(5);
  std::vector<Text> kept;
  for (int i = 1; i <= 18; ++i) {
    const std::string text = std::to_string(i);
    ASSERT_TRUE(rig.Send(host, text));
    if (i > 2) kept.push_back({text, HostMac(5)});
  }
  EXPECT_EQ(rig[Counter::kDropNeighbourWaiting], 2u);
  rig.Sent();
  rig.Advertise(host, HostMac(5));
  EXPECT_EQ(rig.SentTexts(), kept);
}

// RFC 1122 2.3.2.1: no more than one request a second, however many packets come.
TEST_P(ANeighbour, IsAskedOnceASecondThreeTimesAndGivenUp) {  // RFC1122-2.3.2.1, RFC4861-7.2.2
  host = Host(5);
  int requests = 0;
  for (int ms = 0; ms < 2990; ms += 10) {
    ASSERT_TRUE(rig.Send(host));
    rig.Advance(Milliseconds(10));
    requests += rig.CountRequests(host);
    EXPECT_LE(requests, ms / 1000 + 2);
  }
  EXPECT_EQ(requests, 3);
  EXPECT_EQ(rig[Counter::kNeighbourFailures], 0u);
  rig.Advance(Milliseconds(20));
  EXPECT_EQ(rig[Counter::kNeighbourFailures], 1u);
  EXPECT_EQ(rig[Counter::kDropNeighbourUnreachable], 16u);
  EXPECT_EQ(rig.StateOf(host), State::kFree);
  EXPECT_EQ(rig.ip->neighbours().waiting(), 0u);
}

TEST_P(ANeighbour, IsAskedForAgainAfterItWasGivenUp) {
  host = Host(5);
  ASSERT_TRUE(rig.Send(host));
  rig.Advance(Seconds(4));
  rig.Sent();
  ASSERT_TRUE(rig.Send(host, "again"));
  EXPECT_EQ(rig.CountRequests(host), 1);
  rig.Advertise(host, HostMac(5));
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"again", HostMac(5)}}));
}

TEST_P(ANeighbour, ThatIsReachableGetsPacketsAtOnce) {
  host = Host(5);
  Resolve(host, HostMac(5));
  ASSERT_TRUE(rig.Send(host, "now"));
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"now", HostMac(5)}}));
}

TEST_P(ANeighbour, BecomesStaleWhenNobodyUsesIt) {
  host = Host(5);
  Resolve(host, HostMac(5));
  rig.Advance(reachable() - Seconds(2));  // the use that resolved it earns one refresh
  ASSERT_EQ(rig.StateOf(host), State::kProbe);
  rig.Advertise(host, HostMac(5));
  ASSERT_EQ(rig.StateOf(host), State::kReachable);
  rig.Sent();
  PassReachableTime();
  EXPECT_EQ(rig.StateOf(host), State::kStale);
  EXPECT_EQ(rig.CountRequests(host), 0);
}

TEST_P(ANeighbour, ThatIsStaleIsForgottenInTheEnd) {  // RFC1122-2.3.2.1
  host = Host(5);
  rig.AskForUs(host, HostMac(5));
  ASSERT_EQ(rig.StateOf(host), State::kStale);
  rig.Advance(reachable() * 20 - Seconds(1));
  ASSERT_EQ(rig.StateOf(host), State::kStale);
  rig.Advance(Seconds(2));
  EXPECT_EQ(rig.StateOf(host), State::kFree);
}

// RFC 4861 7.3.3: STALE, a packet, DELAY, five seconds, PROBE.
TEST_P(ANeighbour, ThatIsStaleIsUsedAtOnceAndProbedLater) {  // RFC4861-7.3.3
  host = Host(5);
  rig.AskForUs(host, HostMac(5));
  rig.Sent();
  ASSERT_EQ(rig.StateOf(host), State::kStale);
  ASSERT_TRUE(rig.Send(host, "now"));
  EXPECT_EQ(rig.StateOf(host), State::kDelay);
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"now", HostMac(5)}}));
  rig.Advance(Milliseconds(4999));
  EXPECT_EQ(rig.StateOf(host), State::kDelay);
  rig.Advance(Milliseconds(2));
  EXPECT_EQ(rig.StateOf(host), State::kProbe);
  const auto sent = rig.Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].AsksFor(host));
  EXPECT_EQ(sent[0].frame.destination_mac, HostMac(5));  // not the whole link
  rig.Advertise(host, HostMac(5));
  EXPECT_EQ(rig.StateOf(host), State::kReachable);
}

TEST_P(ANeighbour, ThatDoesNotAnswerProbesIsGivenUp) {
  host = Host(5);
  rig.AskForUs(host, HostMac(5));
  ASSERT_TRUE(rig.Send(host));
  rig.Sent();
  rig.Advance(Seconds(5) + Milliseconds(1));
  ASSERT_EQ(rig.StateOf(host), State::kProbe);
  ASSERT_TRUE(rig.Send(host, "meanwhile"));  // traffic goes on
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"meanwhile", HostMac(5)}}));
  rig.Advance(Milliseconds(2990));
  EXPECT_EQ(rig.CountRequests(host), 2);
  rig.Advance(Milliseconds(20));
  EXPECT_EQ(rig.StateOf(host), State::kFree);
  EXPECT_EQ(rig[Counter::kNeighbourFailures], 1u);
}

// RFC 1122 2.3.2.1: polled alone; the last question goes to all, in case the address has moved.
TEST_P(ANeighbour, IsProbedAloneTwiceAndThenBeforeAll) {
  host = Host(5);
  rig.AskForUs(host, HostMac(5));
  ASSERT_TRUE(rig.Send(host));
  rig.Sent();
  rig.Advance(Seconds(5) + Milliseconds(2001));
  std::vector<bool> to_all;
  for (const SentFrame& one : rig.Sent()) {
    if (one.AsksFor(host)) to_all.push_back(one.frame.l2_multicast);
  }
  EXPECT_EQ(to_all, (std::vector<bool>{false, false, true}));
  rig.Advertise(host, HostMac(6));
  EXPECT_EQ(rig.StateOf(host), State::kReachable);
  ASSERT_TRUE(rig.Send(host, "there"));
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"there", HostMac(6)}}));
}

// MUST-20: R1 passes on that the neighbour may be gone.
TEST_P(ANeighbour, ThatIsSuspectedIsAskedAtOnce) {
  host = Host(5);
  uint16_t hint = kNoNeighbour;
  Resolve(host, HostMac(5));
  ASSERT_TRUE(rig.Send(host, hint));
  rig.Sent();
  rig.Advance(Milliseconds(1100));
  rig.ip->Suspect(hint, rig.now, rig.out);
  EXPECT_EQ(rig.StateOf(host), State::kProbe);
  const auto sent = rig.Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_TRUE(sent[0].AsksFor(host));
  EXPECT_EQ(sent[0].frame.destination_mac, HostMac(5));
  ASSERT_TRUE(rig.Send(host, hint, "meanwhile"));  // traffic goes on
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"meanwhile", HostMac(5)}}));
  rig.ip->Suspect(hint, rig.now, rig.out);  // is being asked
  rig.Advertise(host, HostMac(5));
  EXPECT_EQ(rig.StateOf(host), State::kReachable);
  EXPECT_EQ(rig.CountRequests(host), 0);
  EXPECT_EQ(rig[Counter::kNeighbourSuspicions], 1u);
}

TEST_P(ANeighbour, HeardOfAMomentAgoIsNotSuspected) {
  host = Host(5);
  uint16_t hint = kNoNeighbour;
  Resolve(host, HostMac(5));
  ASSERT_TRUE(rig.Send(host, hint));
  rig.Sent();
  for (int i = 0; i < 9; ++i) {
    rig.Advance(Milliseconds(100));
    rig.ip->Suspect(hint, rig.now, rig.out);
  }
  EXPECT_EQ(rig.StateOf(host), State::kReachable);
  EXPECT_EQ(rig.CountRequests(host), 0);
}

TEST_P(ANeighbour, WithoutAnAddressYetIsNotSuspected) {
  host = Host(5);
  uint16_t hint = kNoNeighbour;
  ASSERT_TRUE(rig.Send(host, hint));
  rig.Sent();
  rig.Advance(Milliseconds(1500));
  const int asked = rig.CountRequests(host);
  rig.ip->Suspect(hint, rig.now, rig.out);
  rig.ip->Suspect(kNoNeighbour, rig.now, rig.out);
  rig.ip->Suspect(1000, rig.now, rig.out);  // nobody's
  EXPECT_EQ(rig.StateOf(host), State::kIncomplete);
  EXPECT_EQ(rig.CountRequests(host), 0) << "asked before: " << asked;
}

TEST_P(ANeighbour, ThatMovedSilentlyIsFoundWithinTheProbes) {
  host = Host(5);
  uint16_t hint = kNoNeighbour;
  Resolve(host, HostMac(5));
  ASSERT_TRUE(rig.Send(host, hint));
  rig.Sent();
  rig.Advance(Milliseconds(1400));
  rig.ip->Suspect(hint, rig.now, rig.out);  // the third timeout, RTO 200 ms
  rig.Sent();
  rig.Advance(Milliseconds(2001));
  const auto sent = rig.Sent();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[1].frame.l2_multicast);
  rig.Advertise(host, HostMac(9));
  ASSERT_TRUE(rig.Send(host, hint, "there"));
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"there", HostMac(9)}}));
}

// RFC 4861 7.3.1: the layer above has heard from it.
TEST_P(ANeighbour, IsConfirmedByTheLayerAboveInsteadOfAProbe) {  // RFC4861-7.3.1
  host = Host(5);
  uint16_t hint = kNoNeighbour;
  rig.AskForUs(host, HostMac(5));
  ASSERT_TRUE(rig.Send(host, hint));
  ASSERT_EQ(rig.StateOf(host), State::kDelay);
  rig.ip->Confirm(hint, rig.now);
  EXPECT_EQ(rig.StateOf(host), State::kReachable);
  rig.Sent();
  // As long as there is progress nobody asks.
  for (int i = 0; i < 200; ++i) {
    rig.Advance(Seconds(1));
    ASSERT_TRUE(rig.Send(host, hint));
    rig.ip->Confirm(hint, rig.now);
  }
  EXPECT_EQ(rig.StateOf(host), State::kReachable);
  EXPECT_EQ(rig.CountRequests(host), 0);
}

TEST_P(ANeighbour, IsNotConfirmedByAHintThatWasNeverUsedForIt) {
  host = Host(5);
  rig.AskForUs(host, HostMac(5));
  const NeighbourTable& table = rig.ip->neighbours().table();
  rig.ip->Confirm(table.Find(host, 0), rig.now);
  EXPECT_EQ(rig.StateOf(host), State::kStale);
  ASSERT_TRUE(rig.Send(Host(6)));
  rig.ip->Confirm(table.Find(Host(6), 0), rig.now);
  EXPECT_EQ(rig.StateOf(Host(6)), State::kIncomplete);
  rig.ip->Confirm(kNoNeighbour, rig.now);
  rig.ip->Confirm(1000, rig.now);  // nobody's
}

// A neighbour in use is asked before its confirmation runs out: no packet ever waits or is lost.
TEST_P(ANeighbour, InUseIsRefreshedWithoutLosingAPacket) {
  host = Host(5);
  Resolve(host, HostMac(5));
  int sent = 0, delivered = 0, probes = 0;
  for (int i = 0; i < 2000; ++i) {  // 200 s
    rig.Advance(Milliseconds(100));
    ASSERT_TRUE(rig.Send(host));
    ++sent;
    bool asked = false;
    for (const SentFrame& one : rig.Sent()) {
      if (one.frame.drop == Counter::kDropIpProtocol) ++delivered;
      if (!one.AsksFor(host)) continue;
      asked = true;
      EXPECT_EQ(one.frame.destination_mac, HostMac(5));
    }
    probes += asked;
    if (asked) rig.Advertise(host, HostMac(5));
    EXPECT_NE(rig.StateOf(host), State::kStale);
  }
  EXPECT_EQ(delivered, sent);
  EXPECT_GE(probes, 200 / 45);  // a reachable time is at most 45 s
  EXPECT_LE(probes, 200 / 7);
  EXPECT_EQ(rig[Counter::kNeighbourWaits], 1u);  // the very first
}

TEST_P(ANeighbour, IsNotLearnedFromAnAnswerThatNobodyAskedFor) {  // RFC4861-7.2.5
  host = Host(5);
  rig.Advertise(host, HostMac(5));
  rig.Advertise(host, HostMac(5), false);
  EXPECT_EQ(rig.Find(host), nullptr);
}

TEST_P(ANeighbour, IsLearnedWhenItAsksForUs) {  // RFC4861-7.2.3
  host = Host(5);
  rig.AskForUs(host, HostMac(5));
  EXPECT_EQ(rig.StateOf(host), State::kStale);
  EXPECT_EQ(rig[Counter::kNeighbourLearned], 1u);
  ASSERT_TRUE(rig.Send(host, "back"));
  const auto texts = rig.SentTexts();
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_EQ(texts[0].to, HostMac(5));
}

TEST_P(ANeighbour, ThatAsksForUsWhileWeAskForItGetsWhatWaited) {
  host = Host(5);
  ASSERT_TRUE(rig.Send(host, "waited"));
  rig.Sent();
  rig.AskForUs(host, HostMac(5));
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"waited", HostMac(5)}}));
  EXPECT_EQ(rig.StateOf(host), State::kDelay);  // the way back is not proved yet
}

TEST_P(ANeighbour, OutsideOurPrefixesIsNotLearned) {
  host = GetParam() ? Address("203.0.113.5") : Address("2001:db8::5");
  rig.AskForUs(host, HostMac(5));
  EXPECT_EQ(rig.Find(host), nullptr);
}

// RFC 826's merge, RFC 4861 7.2.5: an announcement moves an entry, which must then prove itself.
TEST_P(ANeighbour, ThatMovesIsFollowedAndProbed) {
  host = Host(5);
  Resolve(host, HostMac(5));
  rig.Advance(Seconds(2));
  rig.Advertise(host, HostMac(6), false);
  EXPECT_EQ(rig.StateOf(host), State::kStale);
  EXPECT_EQ(rig[Counter::kNeighbourChanges], 1u);
  ASSERT_TRUE(rig.Send(host, "there"));
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"there", HostMac(6)}}));
  EXPECT_EQ(rig.StateOf(host), State::kDelay);
}

TEST_P(ANeighbour, HeardOfAMomentAgoIsNotTakenOverByALie) {
  host = Host(5);
  uint16_t hint = kNoNeighbour;
  ASSERT_TRUE(rig.Send(host, hint));
  rig.Advertise(host, HostMac(5));
  for (int i = 0; i < 100; ++i) {
    rig.Advance(Milliseconds(500));
    ASSERT_TRUE(rig.Send(host, hint));
    rig.ip->Confirm(hint, rig.now);  // the connection makes progress
    rig.Advertise(host, HostMac(66), false);
    rig.Advertise(host, HostMac(66), true);
    rig.AskForUs(host, HostMac(66));
  }
  EXPECT_EQ(rig[Counter::kNeighbourChangesRefused], 300u);
  rig.Sent();
  ASSERT_TRUE(rig.Send(host, hint, "still"));
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"still", HostMac(5)}}));
}

TEST_P(ANeighbour, ThatRepeatsItselfChangesNothing) {
  host = Host(5);
  Resolve(host, HostMac(5));
  rig.Advertise(host, HostMac(5), false);
  rig.AskForUs(host, HostMac(5));
  EXPECT_EQ(rig.StateOf(host), State::kReachable);
  EXPECT_EQ(rig[Counter::kNeighbourChanges], 0u);
}

TEST_P(ANeighbour, FarAwayIsReachedThroughTheGateway) {
  host = GetParam() ? Address("203.0.113.5") : Address("2001:db8::5");
  const IpAddress gateway = GetParam() ? kGateway4 : kGateway6;
  ASSERT_TRUE(rig.Send(host, "far"));
  EXPECT_EQ(rig.CountRequests(gateway), 1);
  rig.Advertise(gateway, HostMac(1));
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"far", HostMac(1)}}));
}

TEST_P(ANeighbour, ThatIsTheGatewayKeepsItsPlaceWhenItFails) {
  const IpAddress gateway = GetParam() ? kGateway4 : kGateway6;
  ASSERT_EQ(rig.StateOf(gateway), State::kIdle);
  ASSERT_TRUE(rig.Send(gateway));
  rig.Advance(Seconds(4));
  EXPECT_EQ(rig.StateOf(gateway), State::kIdle);
  EXPECT_EQ(rig[Counter::kDropNeighbourUnreachable], 1u);
  rig.Sent();
  ASSERT_TRUE(rig.Send(gateway, "again"));
  rig.Sent();
  rig.Advertise(gateway, HostMac(1));
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"again", HostMac(1)}}));
}

TEST_P(ANeighbour, KeptByAHintIsFoundWithoutASearch) {
  host = Host(5);
  Resolve(host, HostMac(5));
  uint16_t hint = kNoNeighbour;
  ASSERT_TRUE(rig.Send(host, hint));
  EXPECT_EQ(hint, rig.ip->neighbours().table().Find(host, 0));
  const uint16_t kept = hint;
  ASSERT_TRUE(rig.Send(host, hint));
  EXPECT_EQ(hint, kept);
}

TEST_P(ANeighbour, WrongHintsSendToNobodyElse) {
  for (int n = 5; n < 8; ++n) Resolve(Host(n), HostMac(static_cast<uint8_t>(n)));
  for (uint32_t wrong = 0; wrong <= 0xffff; wrong += 7) {
    uint16_t hint = static_cast<uint16_t>(wrong);
    ASSERT_TRUE(rig.Send(Host(6), hint, "six"));
    ASSERT_EQ(rig.SentTexts(), (std::vector<Text>{{"six", HostMac(6)}}));
  }
}

TEST_P(ANeighbour, WithoutBufferForTheQuestionIsAskedASecondLater) {
  host = Host(5);
  // The packet itself is allocated first, the request second.
  rig.pool.FailAllocation(2);
  ASSERT_TRUE(rig.Send(host, "text"));
  EXPECT_EQ(rig.CountRequests(host), 0);
  EXPECT_EQ(rig[Counter::kDropIpNoBuffer], 1u);
  rig.Advance(Milliseconds(1001));
  EXPECT_EQ(rig.CountRequests(host), 1);
  rig.Advertise(host, HostMac(5));
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"text", HostMac(5)}}));
}

// Two shards hear the same frames; hearing them twice must change nothing.
TEST_P(ANeighbour, MayBeHeardTwice) {
  host = Host(5);
  ASSERT_TRUE(rig.Send(host, "once"));
  rig.Sent();
  rig.Advertise(host, HostMac(5));
  rig.Advertise(host, HostMac(5));
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"once", HostMac(5)}}));
  EXPECT_EQ(rig.StateOf(host), State::kReachable);
}

INSTANTIATE_TEST_SUITE_P(Family, ANeighbour, testing::Values(true, false),
                         [](const auto& family) { return family.param ? "v4" : "v6"; });

// RFC 4861 7.2.5: what an advertisement without O may do.
TEST(NeighbourAdvertisement, WithoutOverrideOnlyCastsDoubt) {  // RFC4861-7.2.5
  LinkRig rig;
  rig.StartUp();
  const IpAddress host = Address("2001:2::5");
  ASSERT_TRUE(rig.Send(host));
  rig.Advertise(host, HostMac(5));
  rig.Sent();
  rig.Advertise(host, HostMac(6), false, false);
  EXPECT_EQ(rig.StateOf(host), State::kStale);
  ASSERT_TRUE(rig.Send(host, "old"));
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"old", HostMac(5)}}));
  rig.Advertise(host, HostMac(6), true, false);
  EXPECT_EQ(rig.StateOf(host), State::kDelay);
  rig.Advertise(host, HostMac(5), true, false);  // the same address confirms all the same
  EXPECT_EQ(rig.StateOf(host), State::kReachable);
}

TEST(NeighbourAdvertisement, WithoutAddressResolvesNothingButConfirms) {  // RFC4861-7.2.5
  LinkRig rig;
  rig.StartUp();
  const IpAddress host = Address("2001:2::5");
  const wire::NdMessage nd{
      .type = wire::kNdNeighborAdvertisement, .solicited = true, .target = host};
  ASSERT_TRUE(rig.Send(host));
  rig.ReceiveNd(nd, host, kOurs6, HostMac(5));
  EXPECT_EQ(rig.StateOf(host), State::kIncomplete);
  rig.AskForUs(host, HostMac(5));
  ASSERT_EQ(rig.StateOf(host), State::kDelay);
  rig.ReceiveNd(nd, host, kOurs6, HostMac(5));
  EXPECT_EQ(rig.StateOf(host), State::kReachable);
}

TEST(NeighbourAdvertisement, UnsolicitedResolvesButDoesNotConfirm) {
  LinkRig rig;
  rig.StartUp();
  const IpAddress host = Address("2001:2::5");
  ASSERT_TRUE(rig.Send(host, "waited"));
  rig.Sent();
  rig.Advertise(host, HostMac(5), false);
  EXPECT_EQ(rig.SentTexts(), (std::vector<Text>{{"waited", HostMac(5)}}));
  EXPECT_EQ(rig.StateOf(host), State::kDelay);
}

}  // namespace
}  // namespace weir::ip
