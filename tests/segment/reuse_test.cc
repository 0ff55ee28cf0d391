// One 4-tuple used again and again, and TIME-WAIT filled to its bound (F23, RFC 6191).
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

class Reuse : public RigTest {
 protected:
  // One connection on the rig's tuple, that either side closes first; at once, or after the text.
  struct Life {
    bool stack_closes = true;
    std::optional<uint32_t> ts;  // the peer's clock
    uint32_t text = 100;
  };
  static void Live(Rig& rig, const Life& life) {
    const auto with = [&](Seg seg, uint32_t echo) {
      return life.ts ? seg.Ts(*life.ts, echo) : seg;
    };
    rig.In(with(Syn(0).Mss(1460), 0));
    const Seg syn_ack = rig.Out(SynAck(0).Acks(1));
    const uint32_t echo = syn_ack.options.ts_value;
    rig.In(with(Data(1, life.text).Acks(1), echo));
    const uint32_t next = 1 + life.text;
    if (life.stack_closes) {
      rig.c().Close();
      rig.Turn();
      rig.Out(Fin(1).Acks(next));
      rig.In(with(Fin(next).Acks(2), echo));
      rig.Out(Ack(2).Acks(next + 1));
    } else {
      rig.In(with(Fin(next).Acks(1), echo));
      rig.Out(Fin(1).Acks(next + 1));
      rig.In(with(Ack(next + 1).Acks(2), echo));
    }
    rig.Quiet();
  }
  static void CloseWithThePeer(Rig& rig) {
    rig.handler().on_peer_closed = [](Connection c) { c.Close(); };
  }
};

// More than a thousand times in a second, with and without timestamps,
// whichever side closes first, with and without cookies.
TEST_P(Reuse, OfOneTupleTwoThousandTimesInASecond) {
  constexpr uint32_t kTimes = 2000;
  for (const SynCookies cookies : {SynCookies::kOff, SynCookies::kAuto, SynCookies::kAlways}) {
    for (const bool stack_closes : {false, true}) {
      for (const bool timestamps : {false, true}) {
        SCOPED_TRACE(testing::Message()
                     << "cookies " << static_cast<int>(cookies) << ", stack closes " << stack_closes
                     << ", timestamps " << timestamps);
        Options options = Base();
        options.iss_near_wrap = false;
        options.tcp.syn_cookies = cookies;
        Rig rig(options);
        CloseWithThePeer(rig);
        const Time start = rig.now();
        Seq peer_iss = kPeerIss;
        Seq last_own;
        for (uint32_t i = 0; i < kTimes; ++i) {
          rig.NewConnection(kPeerPort, peer_iss);
          Life life{.stack_closes = stack_closes};
          if (timestamps) life.ts = 0xffffff00u + i;  // a tick later at least, and over the wrap
          Live(rig, life);
          // Without timestamps only the number tells: it must be above the old FIN.
          peer_iss += timestamps ? 0u - 50u : 300u;
          if (i != 0 && stack_closes) {
            EXPECT_GT(Distance(last_own, rig.iss()), 65535u) << i;
          }
          last_own = rig.iss() + 2;
          if (HasFailure()) return;
          rig.Advance(Microseconds(500));
        }
        EXPECT_LE((rig.now() - start).us, Seconds(1).us);
        EXPECT_EQ(rig.handler().opened.size(), kTimes);
        EXPECT_EQ(rig.handler().closed.size(), kTimes);
        EXPECT_EQ(rig.handler().received.size(), kTimes * 100);
        EXPECT_EQ(rig.counter(Counter::kTcpTimeWaitReused), stack_closes ? kTimes - 1 : 0u);
        EXPECT_EQ(rig.engine().usage().time_wait, stack_closes ? 1u : 0u);
        EXPECT_EQ(rig.engine().table().size(), stack_closes ? 1u : 0u);
        rig.Advance(Seconds(61));
        rig.ExpectEmpty();
        EXPECT_EQ(rig.engine().table().size(), 0u);
      }
    }
  }
}

// The oldest gives way to each new one; connections and half-open ones lose no room by it.
TEST_P(Reuse, OfPlacesInTimeWaitWhenItIsFull) {
  constexpr uint32_t kPlaces = 64, kTimes = 1000;
  Options options = Base();
  options.iss_near_wrap = false;
  options.tcp.max_time_wait = kPlaces;
  options.tcp.max_connections = 2;
  options.tcp.max_half_open = 16;
  Rig rig(options);
  for (uint32_t i = 0; i < kTimes; ++i) {
    rig.NewConnection(static_cast<uint16_t>(2000 + i));
    Live(rig, {});
    ASSERT_LE(rig.engine().usage().time_wait, kPlaces);
    ASSERT_EQ(rig.engine().table().size(), std::min(i + 1, kPlaces));
    rig.Advance(Milliseconds(1));
  }
  EXPECT_EQ(rig.handler().opened.size(), kTimes);
  EXPECT_EQ(rig.counter(Counter::kTcpTimeWaitRecycled), kTimes - kPlaces);
  EXPECT_EQ(rig.counter(Counter::kTcpClosed), kTimes - kPlaces);
  // The oldest one that is left knows its old segments; the one before does not.
  rig.ReturnTo(static_cast<uint16_t>(2000 + kTimes - kPlaces), rig.iss());
  rig.In(Rst(102));
  rig.Quiet();
  rig.ReturnTo(static_cast<uint16_t>(2000 + kTimes - kPlaces - 1), rig.iss());
  rig.In(Fin(101).Acks(2));
  rig.Out(Rst(2));
  rig.Advance(Seconds(61));
  rig.ExpectEmpty();
  EXPECT_EQ(rig.counter(Counter::kTcpClosed), kTimes);
}

// F23: a flood of SYNs on tuples in TIME-WAIT opens half-open connections, up to their bound, and
// the tuples that found no room keep their TIME-WAIT.
TEST_P(Reuse, OfManyTuplesAtOnceIsBoundedByTheBacklog) {
  constexpr uint32_t kTuples = 100, kBacklog = 10;
  Options options = Base();
  options.iss_near_wrap = false;
  options.tcp.syn_cookies = SynCookies::kAuto;
  options.tcp.syn_backlog = kBacklog;
  Rig rig(options);
  for (uint32_t i = 0; i < kTuples; ++i) {
    rig.NewConnection(static_cast<uint16_t>(2000 + i));
    Live(rig, {});
  }
  EXPECT_EQ(rig.engine().usage().time_wait, kTuples);
  std::vector<Seg> burst;
  for (uint32_t i = 0; i < kTuples; ++i) {
    burst.push_back(Syn(1000).Mss(1460).From(static_cast<uint16_t>(2000 + i)));
  }
  rig.InBurst(burst);
  EXPECT_EQ(rig.pending(), kBacklog);
  rig.Discard();
  EXPECT_EQ(rig.engine().usage().time_wait, kTuples - kBacklog);
  EXPECT_EQ(rig.engine().usage().half_open, kBacklog);
  EXPECT_EQ(rig.counter(Counter::kDropTcpBacklogFull), kTuples - kBacklog);
  rig.Advance(Seconds(64));
  rig.Discard();
  rig.ExpectEmpty();
}

// A stranger's RSTs and old segments do not end it, nor keep it (RFC 1337).
TEST_P(Reuse, IsNotKeptFromTheTupleByAFloodOfItsOldSegments) {
  Options options = Base();
  options.iss_near_wrap = false;
  Rig rig(options);
  Live(rig, {});
  for (int i = 0; i < 1000; ++i) {
    rig.In(Rst(102));
    rig.In(Ack(102).Acks(2));
    rig.In(Data(1, 100).Acks(1));
    rig.In(Syn(0).Mss(1460));
  }
  EXPECT_LE(rig.pending(), 2001u) << "old text has its ACK, the rest is limited";
  rig.Discard();
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
  rig.NewConnection(kPeerPort, kPeerIss + 1000);
  Live(rig, {});
  EXPECT_EQ(rig.handler().opened.size(), 2u);
}

// A client that ends by RST and connects again at once: both may come in one burst.
TEST_P(Reuse, NeedNotWaitForTheEndOfTheTurnBehindAReset) {
  for (const SynCookies cookies : {SynCookies::kOff, SynCookies::kAuto, SynCookies::kAlways}) {
    SCOPED_TRACE(static_cast<int>(cookies));
    Options options = Base();
    options.iss_near_wrap = false;
    options.tcp.syn_cookies = cookies;
    Rig rig(options);
    rig.Establish();
    for (uint32_t i = 1; i <= 100; ++i) {
      const Seq old = kPeerIss + 1000 * (i - 1) + 1, next = kPeerIss + 1000 * i;
      rig.NewConnection(kPeerPort, next);
      rig.InBurst({Rst(old.value).Absolute(), Syn(next.value).Absolute().Mss(1460),
                   Syn(next.value).Absolute().Mss(1460)});
      rig.Out(SynAck(0).Acks(1));
      rig.Discard();  // the SYN again may have its answer, too
      rig.In(Ack(1).Acks(1));
      rig.Quiet();
      ASSERT_EQ(rig.handler().opened.size(), i + 1);
      ASSERT_EQ(rig.handler().closed.size(), i);
      ASSERT_EQ(rig.engine().table().size(), 1u);
    }
    rig.In(Rst(1));
    rig.ExpectEmpty();
    EXPECT_EQ(rig.engine().table().size(), 0u);
  }
}

// Nor for an application that takes its time with what the old connection has brought.
TEST_P(Reuse, NeedNotWaitForTheReaderOfTheOldConnection) {
  Options options = Base();
  options.iss_near_wrap = false;
  Rig rig(options);
  rig.Establish();
  Connection old = rig.c();
  old.Pause();
  rig.In(Fin(1).Acks(1).Octets(10));
  rig.Out(Ack(1).Acks(12));
  old.Shutdown();
  rig.Turn();
  rig.Out(Fin(1).Acks(12));
  rig.In(Ack(12).Acks(2));
  rig.Quiet();
  EXPECT_TRUE(rig.handler().closed.empty()) << "there is text to read";
  rig.NewConnection(kPeerPort, kPeerIss + 1000);
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1));
  EXPECT_EQ(rig.handler().opened.size(), 2u);
  old.Resume();
  rig.Turn();
  rig.ExpectReceived(10);
  rig.ExpectClosed(CloseReason::kNormal);
  rig.ExpectOpen();
  rig.In(Rst(1));
  rig.ExpectEmpty();
  EXPECT_EQ(rig.engine().table().size(), 0u);
}

WEIR_BOTH_FAMILIES(Reuse);

}  // namespace
}  // namespace weir::segment
