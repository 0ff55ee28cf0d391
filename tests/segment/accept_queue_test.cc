// The accept queue: connections that are open and that the application has not taken. What is over
// stays half-open or is told, SYNs are not answered meanwhile, and nothing is lost for good.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

constexpr uint32_t kQueue = 8;

class AcceptQueue : public RigTest {
 protected:
  // Nobody listens yet: ListenPulling does.
  Options Pulling(SynCookies cookies) const {
    Options options = Base();
    options.iss_near_wrap = false;
    options.listening = false;
    options.tcp.syn_cookies = cookies;
    return options;
  }
  // A queue of eight, and an application that does not accept before it is told to.
  static uint16_t ListenPulling(Rig& rig, AcceptOverflow overflow) {
    tcp::ListenParameters parameters = *rig.engine().WithDefaults({.port = kStackPort});
    parameters.backlog = kQueue;
    parameters.accept_overflow = overflow;
    parameters.pull = true;
    const auto listener = rig.engine().Listen(parameters, &rig.handler());
    EXPECT_TRUE(listener);
    return listener.value_or(0);
  }
  // SYN and SYN-ACK; returns our ISS.
  static Seq Begin(Rig& rig, uint16_t port) {
    rig.NewConnection(port);
    rig.In(Syn(0).Mss(1460));
    rig.Out(SynAck(0).Acks(1));
    return rig.iss();
  }
  static void Fill(Rig& rig) {
    for (uint16_t i = 0; i < kQueue; ++i) {
      Begin(rig, static_cast<uint16_t>(1000 + i));
      rig.In(Ack(1).Acks(1));
      rig.Quiet();
    }
    EXPECT_EQ(rig.handler().opened.size(), kQueue);
  }
};

constexpr SynCookies kModes[] = {SynCookies::kOff, SynCookies::kAuto, SynCookies::kAlways};

TEST_P(AcceptQueue, ThatIsFullDropsTheFinalAckAndTakesItWhenThereIsRoom) {
  for (const SynCookies cookies : kModes) {
    SCOPED_TRACE(static_cast<int>(cookies));
    Rig rig(Pulling(cookies));
    const uint16_t listener = ListenPulling(rig, AcceptOverflow::kDrop);
    const Seq iss = Begin(rig, 2000);
    Fill(rig);
    rig.ReturnTo(2000, iss);
    for (int i = 0; i < 3; ++i) rig.In(Ack(1).Acks(1));
    rig.In(Data(1, 10).Acks(1));
    rig.Quiet();
    EXPECT_EQ(rig.handler().opened.size(), kQueue);
    EXPECT_EQ(rig.counter(Counter::kDropTcpAcceptFull), 4u);
    EXPECT_EQ(rig.engine().usage().half_open, cookies == SynCookies::kAlways ? 0u : 1u);
    rig.engine().Accepted(listener);
    rig.In(Data(1, 10).Acks(1));  // the peer sends again what was not acknowledged
    EXPECT_EQ(rig.handler().opened.size(), kQueue + 1);
    rig.ExpectReceived(10);
    rig.Discard();
  }
}

// Requirement K5: the SYN-ACK that is sent again asks for the ACK once more.
TEST_P(AcceptQueue, ThatIsFullKeepsTheHandshakeAlive) {
  Rig rig(Pulling(SynCookies::kAuto));
  const uint16_t listener = ListenPulling(rig, AcceptOverflow::kDrop);
  const Seq iss = Begin(rig, 2000);
  Fill(rig);
  rig.ReturnTo(2000, iss);
  rig.In(Ack(1).Acks(1));
  for (const int64_t wait : {1, 2, 4}) {
    rig.OutAfter(Seconds(wait), SynAck(0).Acks(1));
    rig.In(Ack(1).Acks(1));
    rig.Quiet();
  }
  rig.engine().Accepted(listener);
  rig.OutAfter(Seconds(8), SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1));
  EXPECT_EQ(rig.handler().opened.size(), kQueue + 1);
}

TEST_P(AcceptQueue, ThatIsFullResetsWhereTheListenerWantsIt) {
  for (const SynCookies cookies : kModes) {
    SCOPED_TRACE(static_cast<int>(cookies));
    Rig rig(Pulling(cookies));
    ListenPulling(rig, AcceptOverflow::kReset);
    const Seq iss = Begin(rig, 2000);
    Fill(rig);
    rig.ReturnTo(2000, iss);
    rig.In(Ack(1).Acks(1));
    rig.Out(Rst(1));
    rig.Quiet();
    EXPECT_EQ(rig.counter(Counter::kDropTcpAcceptFull), 1u);
    EXPECT_EQ(rig.engine().usage().half_open, 0u);
    EXPECT_EQ(rig.handler().opened.size(), kQueue);
    EXPECT_TRUE(rig.handler().closed.empty());
  }
}

// Requirement K5: even where they would cost no memory.
TEST_P(AcceptQueue, ThatIsFullAnswersNoSyn) {
  for (const SynCookies cookies : kModes) {
    SCOPED_TRACE(static_cast<int>(cookies));
    Rig rig(Pulling(cookies));
    const uint16_t listener = ListenPulling(rig, AcceptOverflow::kDrop);
    Fill(rig);
    rig.NewConnection(2000);
    for (int i = 0; i < 5; ++i) rig.In(Syn(0).Mss(1460));
    rig.Quiet();
    EXPECT_EQ(rig.counter(Counter::kDropTcpSynAcceptFull), 5u);
    EXPECT_EQ(rig.engine().usage().half_open, 0u);
    rig.engine().Accepted(listener);
    Begin(rig, 2000);
    rig.In(Ack(1).Acks(1));
    EXPECT_EQ(rig.handler().opened.size(), kQueue + 1);
  }
}

TEST_P(AcceptQueue, ThatIsFullHarmsNoConnection) {
  Rig rig(Pulling(SynCookies::kAuto));
  ListenPulling(rig, AcceptOverflow::kReset);
  Fill(rig);
  rig.NewConnection(2000);
  rig.In(Syn(0).Mss(1460));
  rig.ReturnTo(1007, rig.iss());
  rig.Quiet();
  EXPECT_TRUE(rig.c().alive());
  EXPECT_EQ(rig.engine().listener(0).unaccepted, kQueue);
}

TEST_P(AcceptQueue, OfOnePortSaysNothingAboutAnother) {
  Rig rig(Pulling(SynCookies::kAuto));
  ListenPulling(rig, AcceptOverflow::kDrop);
  Fill(rig);
  ASSERT_TRUE(rig.engine().Listen(*rig.engine().WithDefaults({.port = 81}), &rig.handler()));
  rig.NewConnection(2000);
  rig.In(Syn(0).Mss(1460).To(uint16_t{81}));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(1).To(uint16_t{81}));
  EXPECT_EQ(rig.handler().opened.size(), kQueue + 1);
}

// Without an application that waits, OnOpen itself is the accept, and there are so many in a turn.
TEST_P(AcceptQueue, OfAnInlineListenerIsDrainedTurnByTurn) {
  constexpr uint16_t kClients = 40;
  Options options = Base();
  options.iss_near_wrap = false;
  options.tcp.syn_cookies = SynCookies::kAuto;
  options.tcp.accepts_per_turn = 3;
  size_t opened = 0, most = 0;
  const Rig* of = nullptr;
  options.around_turn = [&](bool begins) {
    if (of == nullptr) return;
    const size_t now = const_cast<Rig*>(of)->handler().opened.size();
    if (!begins) most = std::max(most, now - opened);
    opened = now;
  };
  Rig rig(options);
  std::vector<Seg> burst;
  for (uint16_t i = 0; i < kClients; ++i) {
    const Seq iss = Begin(rig, static_cast<uint16_t>(1000 + i));
    const Seq peer = kPeerIss + 1, own = iss + 1;
    burst.push_back(
        Ack(peer.value).Acks(own.value).From(static_cast<uint16_t>(1000 + i)).Absolute());
  }
  of = &rig;
  rig.InBurst(burst);
  rig.Advance(Milliseconds(kClients));  // with nothing to send, the rig leaves it at a few turns
  rig.Quiet();
  EXPECT_EQ(rig.handler().opened.size(), kClients);
  EXPECT_EQ(most, 3u);
  EXPECT_EQ(rig.engine().listener(rig.listener()).unaccepted, 0u);
}

// More handshakes end in a burst than the queue holds: the rest end a little later.
TEST_P(AcceptQueue, OfAnInlineListenerLosesNobodyOfABurst) {
  constexpr uint16_t kClients = 40;
  Options options = Base();
  options.iss_near_wrap = false;
  options.tcp.syn_cookies = SynCookies::kAuto;
  options.listen.backlog = kQueue;
  Rig rig(options);
  std::vector<Seg> burst;
  for (uint16_t i = 0; i < kClients; ++i) {
    const Seq iss = Begin(rig, static_cast<uint16_t>(1000 + i));
    const Seq peer = kPeerIss + 1, own = iss + 1;
    burst.push_back(
        Ack(peer.value).Acks(own.value).From(static_cast<uint16_t>(1000 + i)).Absolute());
  }
  rig.InBurst(burst);
  EXPECT_EQ(rig.handler().opened.size(), kQueue);
  EXPECT_EQ(rig.counter(Counter::kDropTcpAcceptFull), kClients - kQueue);
  // Those that are open do not hear it; the others answer the SYN-ACK that comes again.
  for (int i = 0; i < 20 && rig.handler().opened.size() < kClients; ++i) {
    rig.Advance(Seconds(1));
    burst.clear();
    while (rig.pending() != 0) {
      const Seg again = rig.Any();
      const Seq peer = kPeerIss + 1, own = rig.iss() + again.seq + 1;
      burst.push_back(Ack(peer.value).Acks(own.value).From(*again.destination_port).Absolute());
    }
    rig.InBurst(burst);
  }
  EXPECT_EQ(rig.handler().opened.size(), kClients);
}

// Its place in the queue is not kept for ever by who has gone again.
TEST_P(AcceptQueue, ForgetsAConnectionOfAnInlineListenerThatEndedBeforeItsOnOpen) {
  Options options = Base();
  options.iss_near_wrap = false;
  options.listen.backlog = kQueue;
  options.tcp.accepts_per_turn = 1;
  Rig rig(options);
  for (uint16_t i = 0; i < 3 * kQueue; ++i) {
    rig.NewConnection(static_cast<uint16_t>(1000 + i));
    rig.In(Syn(0).Mss(1460));
    rig.Out(SynAck(0).Acks(1));
    rig.InBurst({Ack(1).Acks(1), Rst(1)});
  }
  EXPECT_EQ(rig.engine().listener(rig.listener()).unaccepted, 0u);
  EXPECT_EQ(rig.handler().opened.size(), 3 * kQueue);
  EXPECT_EQ(rig.handler().closed.size(), 3 * kQueue);
  rig.ExpectEmpty();
}

WEIR_BOTH_FAMILIES(AcceptQueue);

}  // namespace
}  // namespace weir::segment
