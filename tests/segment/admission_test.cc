// Limits on how many connections a listener takes, and how many from one source prefix.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

class Admission : public TransferTest {
 protected:
  // The SYN of a peer at `host` of the peer's network, and the third segment if it was answered.
  // True when the connection is open.
  static bool Open(Rig& rig, uint16_t port, const IpAddress& from) {
    const size_t before = rig.handler().opened.size();
    rig.NewConnection(port);
    rig.In(Syn(0).Mss(1460).From(from));
    if (rig.pending() != 0) {
      rig.Out(SynAck(0).Acks(1));
      rig.In(Ack(1).Acks(1).From(from));
    }
    rig.Quiet();
    return rig.handler().opened.size() == before + 1;
  }
  // The peer ends what Open began.
  static void End(Rig& rig, uint16_t port, const IpAddress& from) {
    rig.NewConnection(port);
    rig.In(Rst(1).From(from));
  }
  // A host of a prefix; prefixes differ in the last bit of a /24 or /64.
  IpAddress Host(int prefix, int host) const {
    const std::string p = std::to_string(prefix), h = std::to_string(host);
    return Address((GetParam() ? "198.18." + p + "." + h : "2001:2:0:" + p + "::" + h).c_str());
  }
};

// --- of a listener ---

TEST_P(Admission, WithoutLimitsNobodyIsRefused) {
  Rig rig(Base());
  for (uint16_t port = 1; port <= 100; ++port) EXPECT_TRUE(Open(rig, port, Host(0, 1)));
  EXPECT_EQ(rig.engine().listener(rig.listener()).connections, 100u);
}

TEST_P(Admission, SynBeyondTheLimitOfItsListenerIsDroppedInSilence) {
  Options options = Base();
  options.listen.max_connections = 3;
  Rig rig(options);
  for (uint16_t port = 1; port <= 3; ++port) EXPECT_TRUE(Open(rig, port, Host(0, 1)));
  EXPECT_FALSE(Open(rig, 4, Host(0, 1)));
  EXPECT_EQ(rig.counter(Counter::kDropTcpSynLimit), 1u);
  EXPECT_EQ(rig.engine().usage().half_open, 0u);
  EXPECT_EQ(rig.counter(Counter::kTcpPassiveOpens), 3u);
  End(rig, 2, Host(0, 1));
  EXPECT_TRUE(Open(rig, 4, Host(0, 1))) << "there is room again";
}

TEST_P(Admission, LimitIsThatOfEachListener) {
  Options options = Base();
  options.tcp.max_per_listener = 1;
  Rig rig(options);
  ASSERT_TRUE(
      rig.engine().Listen(*rig.engine().WithDefaults({.port = 81}), &rig.handler()).has_value());
  EXPECT_TRUE(Open(rig, 1, Host(0, 1)));
  EXPECT_FALSE(Open(rig, 2, Host(0, 1)));
  rig.NewConnection(3);
  rig.In(Syn(0).Mss(1460).To(81));
  rig.Out(SynAck(0).Acks(1));
}

// Two handshakes were under way when there was room for one.
TEST_P(Admission, HandshakeThatCompletesBeyondTheLimitStaysHalfOpen) {
  Options options = Base();
  options.listen.max_connections = 1;
  Rig rig(options);
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  const Seq iss = rig.iss();
  EXPECT_TRUE(Open(rig, 1, Host(0, 1)));
  rig.In(Ack(rig.irs().value + 1).Acks(iss.value + 1).Absolute().From(kPeerPort));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kDropTcpLimit), 1u);
  EXPECT_EQ(rig.engine().usage().half_open, 1u);
  End(rig, 1, Host(0, 1));
  rig.In(Ack(rig.irs().value + 1).Acks(iss.value + 1).Absolute().From(kPeerPort));
  EXPECT_EQ(rig.handler().opened.size(), 2u) << "the peer's next segment finds room";
}

TEST_P(Admission, HandshakeThatCompletesBeyondTheLimitIsResetWhereTheListenerSaysSo) {
  Options options = Base();
  options.listen.max_connections = 1;
  options.listen.accept_overflow = AcceptOverflow::kReset;
  Rig rig(options);
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  const Seq iss = rig.iss();
  EXPECT_TRUE(Open(rig, 1, Host(0, 1)));
  rig.In(Ack(rig.irs().value + 1).Acks(iss.value + 1).Absolute().From(kPeerPort));
  rig.Out(Rst(iss.value + 1).Absolute());
  EXPECT_EQ(rig.engine().usage().half_open, 0u);
}

TEST_P(Admission, CookieThatComesBackBeyondTheLimitIsRefused) {
  Options options = Base();
  options.iss_near_wrap = false;
  options.tcp.syn_cookies = SynCookies::kAlways;
  options.listen.max_connections = 1;
  Rig rig(options);
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  const Seq iss = rig.iss();
  EXPECT_TRUE(Open(rig, 1, Host(0, 1)));
  const Seg ack = Ack(rig.irs().value + 1).Acks(iss.value + 1).Absolute().From(kPeerPort);
  rig.In(ack);
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kDropTcpLimit), 1u);
  EXPECT_EQ(rig.engine().usage().connections, 1u);
  End(rig, 1, Host(0, 1));
  rig.In(ack);
  EXPECT_EQ(rig.handler().opened.size(), 2u) << "the cookie is still good";
}

TEST_P(Admission, TimeWaitDoesNotCount) {
  Options options = Base();
  options.listen.max_connections = 1;
  Rig rig(options);
  EXPECT_TRUE(Open(rig, 1, PeerAddress(GetParam())));
  rig.c().Close();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  EXPECT_EQ(rig.engine().listener(rig.listener()).connections, 1u) << "still closing";
  rig.In(Fin(1).Acks(2));
  rig.Out(Ack(2).Acks(2));
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
  EXPECT_EQ(rig.engine().listener(rig.listener()).connections, 0u);
  EXPECT_TRUE(Open(rig, 2, PeerAddress(GetParam())));
  // The tuple in TIME-WAIT may be used again only when there is room.
  rig.NewConnection(1);
  rig.In(Syn(100000).Mss(1460));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kDropTcpSynLimit), 1u);
  EXPECT_EQ(rig.engine().usage().time_wait, 1u) << "and stays there until then";
  End(rig, 2, PeerAddress(GetParam()));
  rig.NewConnection(1);
  rig.In(Syn(100000).Mss(1460));
  rig.Out(SynAck(0).Acks(100001));
}

TEST_P(Admission, ActiveOpensDoNotCount) {
  Options options = Base();
  options.listen.max_connections = 1;
  Rig rig(options);
  rig.NewConnection(7);
  rig.Connect();
  rig.In(SynAck(0).Acks(1).Mss(1460));
  rig.Discard();
  rig.ExpectOpen();
  EXPECT_EQ(rig.engine().listener(rig.listener()).connections, 0u);
  rig.connecting().Abort();
  rig.Turn();
  rig.Discard();
  EXPECT_EQ(rig.engine().listener(rig.listener()).connections, 0u);
}

// --- of a prefix ---

TEST_P(Admission, PrefixWithItsShareLeavesRoomForOthers) {
  Options options = Base();
  options.listen.max_per_prefix = 2;
  Rig rig(options);
  EXPECT_TRUE(Open(rig, 1, Host(7, 1)));
  EXPECT_TRUE(Open(rig, 1, Host(7, 2)));
  EXPECT_FALSE(Open(rig, 1, Host(7, 3)));
  EXPECT_EQ(rig.counter(Counter::kDropTcpSynPrefix), 1u);
  EXPECT_TRUE(Open(rig, 1, Host(8, 1)));
  End(rig, 1, Host(7, 1));
  EXPECT_TRUE(Open(rig, 1, Host(7, 3)));
}

TEST_P(Admission, PrefixIsAsLongAsTheListenerSays) {
  Options options = Base();
  options.listen.max_per_prefix = 1;
  options.listen.prefix_v4 = 16;
  options.listen.prefix_v6 = 48;
  Rig rig(options);
  EXPECT_TRUE(Open(rig, 1, Host(7, 1)));
  EXPECT_FALSE(Open(rig, 1, Host(8, 1)));
}

// Requirement K7: nobody can be kept out by SYNs in their name.
TEST_P(Admission, SynsThatAreNeverCompletedUseUpNobodysShare) {
  Options options = Base();
  options.listen.max_per_prefix = 1;
  options.listen.max_connections = 1;
  options.listen.syn_backlog = 200;
  Rig rig(options);
  for (uint16_t port = 1; port <= 100; ++port) {
    rig.In(Syn(0).Mss(1460).From(port).From(Host(7, 1)));
  }
  rig.Discard();
  EXPECT_TRUE(Open(rig, 200, Host(7, 1)));
}

TEST_P(Admission, HandshakeBeyondTheSharedOfItsPrefixStaysHalfOpen) {
  Options options = Base();
  options.listen.max_per_prefix = 1;
  Rig rig(options);
  rig.In(Syn(0).Mss(1460).From(Host(7, 1)));
  rig.Out(SynAck(0).Acks(1));
  const Seq iss = rig.iss();
  EXPECT_TRUE(Open(rig, 1, Host(7, 2)));
  rig.In(Ack(rig.irs().value + 1).Acks(iss.value + 1).Absolute().From(kPeerPort).From(Host(7, 1)));
  rig.Quiet();
  EXPECT_EQ(rig.counter(Counter::kDropTcpPrefix), 1u);
  EXPECT_EQ(rig.engine().usage().half_open, 1u);
}

// A listener that is gone and comes back begins at nothing, though connections of it live on.
TEST_P(Admission, ListenerThatComesBackCountsAnew) {
  Options options = Base();
  options.listen.max_connections = 1;
  options.listen.max_per_prefix = 1;
  Rig rig(options);
  EXPECT_TRUE(Open(rig, 1, Host(7, 1)));
  rig.engine().CloseListener(rig.listener());
  const auto again =
      rig.engine().Listen(*rig.engine().WithDefaults(options.listen), &rig.handler());
  ASSERT_TRUE(again.has_value());
  EXPECT_TRUE(Open(rig, 2, Host(7, 1)));
  EXPECT_FALSE(Open(rig, 3, Host(7, 1)));
  End(rig, 1, Host(7, 1));
  EXPECT_FALSE(Open(rig, 3, Host(7, 1))) << "that was another listener's";
  End(rig, 2, Host(7, 1));
  EXPECT_EQ(rig.engine().listener(*again).connections, 0u);
  EXPECT_TRUE(Open(rig, 3, Host(7, 1)));
}

// F19: real handshakes from a few prefixes, more than everything may hold. Each prefix gets its
// share and no more, those that have connections keep them, and a newcomer is served at once.
TEST_P(Admission, F19ConnectionFloodLeavesOtherPrefixesTheirService) {
  Options options = Base();
  options.tcp.max_connections = 64;
  options.listen.max_per_prefix = 8;
  options.listen.max_connections = 48;
  Rig rig(options);
  EXPECT_TRUE(Open(rig, 1, PeerAddress(GetParam())));
  const Connection served = rig.c();
  int opened = 0;
  for (uint16_t port = 1; port <= 100; ++port) {
    for (int prefix = 10; prefix < 14; ++prefix) opened += Open(rig, port, Host(prefix, 1)) ? 1 : 0;
  }
  EXPECT_EQ(opened, 4 * 8);
  EXPECT_EQ(rig.counter(Counter::kDropTcpSynPrefix), 400u - 4 * 8);
  EXPECT_EQ(rig.counter(Counter::kDropTcpNoTcb), 0u);
  for (int prefix = 20; prefix < 35; ++prefix) EXPECT_TRUE(Open(rig, 1, Host(prefix, 1)));
  EXPECT_FALSE(Open(rig, 1, Host(35, 1))) << "the listener has its 48";
  EXPECT_TRUE(served.alive());
  EXPECT_EQ(rig.engine().usage().connections, 48u);
}

WEIR_BOTH_FAMILIES(Admission);

}  // namespace
}  // namespace weir::segment
