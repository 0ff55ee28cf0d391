// The SYN cache in floods: which SYNs are looked at, and the way back.
#include <gtest/gtest.h>

#include "segment/syn_cache.h"

namespace weir::segment {
namespace {

// --- the way back ---

// `per_second` SYNs of a flood, spread over `seconds`.
void Flood(Rig& rig, uint32_t per_second, uint32_t seconds) {
  constexpr uint32_t kBursts = 50;  // in a second
  uint32_t n = 0;
  for (uint32_t i = 0; i < seconds * kBursts; ++i) {
    std::vector<Seg> burst;
    for (uint32_t k = 0; k < per_second / kBursts; ++k) {
      burst.push_back(Syn(n * 7919u).Mss(1460).From(static_cast<uint16_t>(1024 + n % 60000)));
      ++n;
    }
    rig.InBurst(burst);
    rig.Advance(Milliseconds(1000 / kBursts));
    rig.Discard();
  }
}

// Requirement G6: whoever knocks two seconds after the flood has ended is remembered again.
TEST_P(SynCache, ListenerIsBackToNormalTwoSecondsAfterAFlood) {
  for (const int64_t after_ms : {100, 500, 990, 2000, 2100, 10000}) {
    SCOPED_TRACE(after_ms);
    Rig rig(Remembering(64));
    Flood(rig, 1000, 3);
    EXPECT_EQ(StateOf(rig), SynState::kCookie);
    rig.Advance(Milliseconds(after_ms));
    rig.Discard();
    const uint64_t cookies = rig.counter(Counter::kTcpCookiesSent);
    Begin(rig, kPeerPort);
    if (after_ms < 1000) continue;  // still by cookie, or not: both serve
    EXPECT_EQ(StateOf(rig), SynState::kNormal);
    EXPECT_EQ(rig.counter(Counter::kTcpCookiesSent), cookies);
    EXPECT_EQ(HalfOpen(rig), 1u);
  }
}

// The same while clients keep coming, fewer in a second than a quarter of the backlog.
TEST_P(SynCache, ListenerIsBackToNormalTwoSecondsAfterAFloodThoughClientsKeepComing) {
  Rig rig(Remembering(64));
  Flood(rig, 1000, 3);
  std::optional<int> back_ms;
  for (int ms = 0; ms < 5000; ms += 100) {
    rig.NewConnection(static_cast<uint16_t>(2000 + ms));
    rig.Establish();
    if (!back_ms && StateOf(rig) == SynState::kNormal) back_ms = ms;
    EXPECT_TRUE(!back_ms || StateOf(rig) == SynState::kNormal) << "and stays";
    rig.Advance(Milliseconds(100));
    rig.Discard();
  }
  ASSERT_TRUE(back_ms);
  EXPECT_LE(*back_ms, 2000);
}

// F32: pulses at every interval that could hit windows, timers or the rotation of keys.
TEST_P(SynCache, PulsedFloodsKeepNobodyOut) {
  for (const int64_t period_ms : {20, 300, 1000, 1500, 2500, 15000, 30000}) {
    SCOPED_TRACE(period_ms);
    Rig rig(Remembering(64));
    uint16_t port = 2000;
    for (int pulse = 0; pulse < 12; ++pulse) {
      std::vector<Seg> burst;
      for (uint16_t i = 0; i < 200; ++i) {
        burst.push_back(Syn(0).Mss(1460).From(static_cast<uint16_t>(10000 + 200 * pulse + i)));
      }
      rig.InBurst(burst);
      rig.Discard();
      for (const int64_t part : {1, 2}) {
        const Begun begun = Begin(rig, ++port);
        rig.Advance(Milliseconds(period_ms * part / 3));
        rig.Discard();
        Return(rig, begun);
        rig.In(Ack(1).Acks(1));
        rig.Quiet();
        ASSERT_EQ(rig.handler().opened.size(), port - 2000u) << pulse;
        rig.In(Rst(1));
      }
    }
  }
}

// --- under pressure of frames ---

// Requirement K8: three quarters of the burst are for connections, if any has a segment in it.
TEST_P(SynCache, SynsGetAQuarterOfABurstWhileThePortIsOverrun) {
  Rig rig(Remembering(1024));
  rig.Establish();
  std::vector<Seg> burst;
  for (uint16_t i = 0; i < 31; ++i) {
    burst.push_back(Syn(0).Mss(1460).From(static_cast<uint16_t>(1000 + i)));
  }
  rig.InBurst(burst);
  EXPECT_EQ(rig.pending(), 31u);
  rig.Discard();
  for (Seg& syn : burst) syn.From(static_cast<uint16_t>(*syn.source_port + 1000));
  rig.Press(true);
  rig.InBurst(burst);
  EXPECT_EQ(rig.pending(), 31u) << "nobody else waits";
  rig.Discard();
  for (Seg& syn : burst) syn.From(static_cast<uint16_t>(*syn.source_port + 1000));
  burst.push_back(Data(1, 100).Acks(1));
  rig.InBurst(burst);
  rig.ExpectReceived(100);
  EXPECT_EQ(rig.pending(), 8u);
  EXPECT_EQ(rig.counter(Counter::kDropTcpSynShare), 23u);
  rig.Discard();
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(101));
}

// The first ones get it, whichever listeners they are for.
TEST_P(SynCache, ListenersWithLimitsHaveTheirPartOfThatQuarter) {
  Rig rig(Remembering(1024));
  rig.Establish();
  ListenOptions limited{.port = 82, .max_connections = 1000};
  ASSERT_TRUE(rig.engine().Listen(*rig.engine().WithDefaults(limited), &rig.handler()));
  std::vector<Seg> burst;
  for (uint16_t i = 0; i < 31; ++i) {
    Seg syn = Syn(0).Mss(1460).From(static_cast<uint16_t>(1000 + i));
    burst.push_back(i < 5 ? syn.To(82) : syn);
  }
  burst.push_back(Data(1, 100).Acks(1));
  rig.Press(true);
  rig.InBurst(burst);
  rig.ExpectReceived(100);
  unsigned from_limited = 0;
  EXPECT_EQ(rig.pending(), 8u);
  while (rig.pending() != 0) from_limited += rig.Any().source_port == 82;
  EXPECT_EQ(from_limited, 5u);
  rig.OutAfter(Milliseconds(40), Ack(1).Acks(101));
}

TEST_P(SynCache, HandshakesThatAreOpenAreNoSyns) {
  Rig rig(Remembering(1024));
  rig.Establish();
  const auto all = BeginMany(rig, 1000, 30);
  rig.Press(true);
  std::vector<Seg> burst;
  for (const Begun& begun : all) {
    const Seq peer = kPeerIss + 1, own = begun.iss + 1;
    burst.push_back(Ack(peer.value).Acks(own.value).From(begun.port).Absolute());
  }
  burst.push_back(Syn(0).Mss(1460).From(uint16_t{5000}));
  rig.InBurst(burst);
  EXPECT_EQ(rig.handler().opened.size(), 31u);
  EXPECT_EQ(rig.counter(Counter::kDropTcpSynShare), 0u);
  rig.Discard();
}

}  // namespace
}  // namespace weir::segment
