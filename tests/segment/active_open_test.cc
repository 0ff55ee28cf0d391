// Opening from this side: SYN-SENT (RFC 9293 3.10.7.3), simultaneous open, and whom one may not
// connect to.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

constexpr uint16_t kOwnPort = 50000;

class ActiveOpen : public RigTest {
 protected:
  uint16_t FullMss() const { return GetParam() ? 1460 : 1440; }
  Options Base() const {
    Options options = RigTest::Base();
    options.iss_near_wrap = false;  // that of a passive open's tuple
    return options;
  }
  Connection ConnectTo(Rig& rig, const Endpoint& remote, uint16_t local_port = kOwnPort) {
    const int local = rig.stack().ip().SourceFor(PeerAddress(GetParam()));
    return rig.engine()
        .Connect(static_cast<uint8_t>(local), local_port, remote, rig.engine().config(),
                 &rig.handler())
        .value_or(Connection());
  }
  Endpoint Peer() const { return {PeerAddress(GetParam()), kPeerPort}; }
};

TEST_P(ActiveOpen, SynOffersEverythingWeSpeak) {  // RFC7323-3.2e
  Rig rig(Base());
  const Seg syn = rig.Connect();
  EXPECT_EQ(syn.flags, wire::kTcpSyn);
  EXPECT_EQ(syn.seq, 0u);
  using Bits = wire::TcpOptions;
  EXPECT_EQ(syn.options.present, Bits::kMss | Bits::kWindowScale | Bits::kTimestamps);
  EXPECT_EQ(syn.options.mss, FullMss());  // MUST-14
  EXPECT_EQ(syn.options.ts_echo, 0u);     // RFC 7323 3.2: zero without ACK
  EXPECT_EQ(syn.window, 65535);
}

TEST_P(ActiveOpen, SynAckOpensAndIsAcknowledged) {
  Rig rig(Base());
  rig.Connect();
  rig.Advance(Milliseconds(50));
  rig.In(SynAck(0).Acks(1).Mss(1460));
  rig.Out(Ack(1).Acks(1));
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  rig.ExpectState(TcpState::kEstablished);
  EXPECT_EQ(rig.c().Info().srtt_us, 50000u);
  EXPECT_EQ(rig.counter(Counter::kTcpSegmentsOut), 2u);
  EXPECT_EQ(rig.c().remote(), Peer());
  EXPECT_EQ(rig.c().local(), (Endpoint{StackAddress(GetParam()), kOwnPort}));  // MUST-44, MUST-45
}

// RFC 9293 3.10.7.3: other controls and text are processed on from the sixth step.
TEST_P(ActiveOpen, TextAndFinInTheSynAckAreTaken) {
  Rig rig(Base());
  rig.Connect();
  rig.In(SynAck(0).Acks(1).Mss(1460).Octets(100));
  rig.Out(Ack(1).Acks(101));
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  rig.ExpectReceived(100);
  rig.ExpectState(TcpState::kEstablished);
  rig.In(Data(101, 50).Acks(1));
  rig.ExpectReceived(150);
}

TEST_P(ActiveOpen, FinInTheSynAckEndsThePeersSide) {
  Rig rig(Base());
  rig.Connect();
  rig.In(SynAck(0).Acks(1).Mss(1460).Octets(10).Fin());
  rig.Out(Ack(1).Acks(12));
  rig.ExpectReceived(10);
  EXPECT_EQ(rig.handler().peer_closed, 1u);
  rig.ExpectState(TcpState::kCloseWait);
}

// No further than the window that our SYN announced, which has no scale.
TEST_P(ActiveOpen, TextInTheSynAckIsCutAtTheWindowOfTheSyn) {
  Options options = Base();
  options.tcp.receive_buffer = 1000;
  Rig rig(options);
  EXPECT_EQ(rig.Connect().window, 1000);
  rig.In(SynAck(0).Acks(1).Mss(1460).Octets(1200).Fin());
  rig.Out(Ack(1).Acks(1001));
  rig.ExpectReceived(1000);
  rig.ExpectState(TcpState::kEstablished);
}

TEST_P(ActiveOpen, OptionsAreUsedOnlyWhenTheSynAckHasThem) {
  Rig rig(Base());
  rig.Connect();
  rig.In(SynAck(0).Acks(1));
  rig.Out(Ack(1).Acks(1).Exactly());
  const ConnectionInfo info = rig.c().Info();
  EXPECT_FALSE(info.timestamps);
  EXPECT_EQ(info.send_window_scale, 0);
  EXPECT_EQ(info.receive_window_scale, 0);
  EXPECT_EQ(info.mss, GetParam() ? 536 : 1220);  // MUST-15
}

TEST_P(ActiveOpen, OptionsThatTheSynAckHasAreUsed) {
  Rig rig(Base());
  const Seg syn = rig.Connect();
  rig.In(SynAck(0).Acks(1).Mss(1000).Scale(4).Ts(77, syn.options.ts_value).Win(100));
  rig.Out(Ack(1).Acks(1).TsEcho(77));
  const ConnectionInfo info = rig.c().Info();
  EXPECT_TRUE(info.timestamps);
  EXPECT_EQ(info.send_window_scale, 4);
  EXPECT_EQ(info.receive_window_scale, 3);
  EXPECT_EQ(info.mss, 988);
  EXPECT_EQ(info.send_window, 100u);  // RFC 7323 2.2: not scaled on a SYN
}

TEST_P(ActiveOpen, TextSentInOnOpenRidesOnTheThirdSegment) {
  Rig rig(Base());
  rig.handler().on_open = [](Connection c) { EXPECT_EQ(c.Send(Pattern(1, 10)), 10u); };
  rig.Connect();
  rig.In(SynAck(0).Acks(1).Mss(1460));
  rig.Out(Data(1, 10).Acks(1));
  rig.Quiet();
}

TEST_P(ActiveOpen, TextSentBeforeTheHandshakeWaitsForIt) {
  Rig rig(Base());
  Connection c = ConnectTo(rig, Peer());
  EXPECT_EQ(c.Send(Pattern(1, 10)), 10u);
  rig.NewConnection(kPeerPort);
  rig.Turn();
  rig.Out(Syn(0));
  rig.In(SynAck(0).Acks(1).Mss(1460).To(kOwnPort));
  rig.Out(Data(1, 10).Acks(1));
  rig.In(Ack(1).Acks(11).To(kOwnPort));
  rig.Quiet();
}

// --- the order of callbacks ---

TEST_P(ActiveOpen, OnWritableWaitsForOnOpen) {
  Rig rig(Base());
  std::string order;
  rig.handler().on_open = [&](Connection) { order += "open "; };
  rig.handler().on_writable = [&](Connection) { order += "writable "; };
  rig.pool().set_exhausted(true);
  Connection c = ConnectTo(rig, Peer());
  EXPECT_EQ(c.Send(Pattern(1, 10)), 0u);
  rig.pool().set_exhausted(false);
  rig.NewConnection(kPeerPort);
  rig.Turn();
  rig.Out(Syn(0));
  rig.Advance(Milliseconds(100));
  EXPECT_EQ(order, "");
  rig.In(SynAck(0).Acks(1).Mss(1460).To(kOwnPort));
  rig.Out(Ack(1).Acks(1));
  EXPECT_EQ(order, "open writable ");
}

// Two handshakes end in one turn; the first OnOpen ends the other connection before its own.
void EndTheOther(Rig& rig, Connection first, Connection second, void (Connection::*end)()) {
  rig.NewConnection(kPeerPort);
  rig.Turn();
  const Seg syns[] = {rig.Any(), rig.Any()};
  rig.handler().on_open = [=](Connection c) {
    Connection other = c == first ? second : first;
    (other.*end)();
  };
  rig.InBurst({SynAck(0).Acks(syns[0].seq + 1).Mss(1460).To(kOwnPort),
               SynAck(0).Acks(syns[1].seq + 1).Mss(1460).To(kOwnPort + 1)});
  EXPECT_EQ(rig.pending(), 2u);
  rig.Discard();
}

TEST_P(ActiveOpen, OneThatIsAbortedBeforeItsOnOpenHearsOnlyOnClosed) {
  Rig rig(Base());
  const Connection first = ConnectTo(rig, Peer());
  EndTheOther(rig, first, ConnectTo(rig, Peer(), kOwnPort + 1), &Connection::Abort);
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  EXPECT_EQ(rig.handler().closed, std::vector{CloseReason::kAborted});
}

TEST_P(ActiveOpen, OneThatIsClosedBeforeItsOnOpenHearsOnlyOnClosed) {
  Rig rig(Base());
  const Connection first = ConnectTo(rig, Peer());
  EndTheOther(rig, first, ConnectTo(rig, Peer(), kOwnPort + 1), &Connection::Close);
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  EXPECT_TRUE(rig.handler().closed.empty());
}

TEST_P(ActiveOpen, SynIsSentAgainSixTimesAndGivenUpAfter127Seconds) {
  Rig rig(Base());
  rig.Connect();
  for (const int seconds : {1, 2, 4, 8, 16, 32}) rig.OutAfter(Seconds(seconds), Syn(0));  // MUST-22
  rig.Advance(Milliseconds(63980));
  EXPECT_TRUE(rig.handler().closed.empty());
  rig.Advance(Milliseconds(30));
  rig.Quiet();
  rig.ExpectClosed(CloseReason::kTimedOut);
  EXPECT_TRUE(rig.handler().opened.empty());
  rig.ExpectEmpty();
}

TEST_P(ActiveOpen, HandshakeIsNotTimedWhenItsSynWentOutTwice) {
  Rig rig(Base());
  rig.Connect();
  rig.OutAfter(Seconds(1), Syn(0));
  rig.In(SynAck(0).Acks(1).Mss(1460));
  rig.Out(Ack(1).Acks(1));
  EXPECT_EQ(rig.c().Info().srtt_us, 0u);       // MUST-18: Karn's algorithm
  EXPECT_EQ(rig.c().Info().rto_us, 3000000u);  // RFC 6298 5.7
}

// --- refusals ---

TEST_P(ActiveOpen, ResetWithAnAcceptableAckRefuses) {
  Rig rig(Base());
  rig.Connect();
  rig.In(RstAck(0).Acks(1));
  rig.Quiet();
  rig.ExpectClosed(CloseReason::kRefused);  // MUST-12
  EXPECT_TRUE(rig.handler().opened.empty());
  rig.ExpectEmpty();
}

TEST_P(ActiveOpen, ResetWithoutAnAcceptableAckIsIgnored) {  // RFC5961-3.2s
  Rig rig(Base());
  rig.Connect();
  rig.In(Rst(0));
  for (const uint32_t ack : {0u, 2u, 0x80000000u}) rig.In(RstAck(0).Acks(ack));  // RFC 5961 3.2
  rig.Quiet();
  EXPECT_TRUE(rig.handler().closed.empty());
  rig.In(SynAck(0).Acks(1).Mss(1460));
  rig.Out(Ack(1).Acks(1));
}

TEST_P(ActiveOpen, WrongAckIsResetAndTheSynStandsYet) {
  Rig rig(Base());
  rig.Connect();
  for (const uint32_t wrong : {0u, 2u, 0x80000000u}) {
    rig.In(SynAck(0).Acks(wrong).Mss(1460));
    rig.Out(Rst(wrong));
    rig.In(Ack(0).Acks(wrong));
    rig.Out(Rst(wrong));
  }
  EXPECT_TRUE(rig.handler().opened.empty());
  rig.In(SynAck(0).Acks(1).Mss(1460));
  rig.Out(Ack(1).Acks(1));
}

TEST_P(ActiveOpen, SegmentWithoutSynIsDropped) {
  Rig rig(Base());
  rig.Connect();
  rig.In(Ack(1).Acks(1));  // RFC 9293 3.10.7.3 fifth
  rig.In(Data(1, 10).Acks(1));
  rig.In(Fin(1).Acks(1));
  rig.In(Seg{.flags = wire::kTcpFin});
  rig.Quiet();
  EXPECT_TRUE(rig.handler().opened.empty());
  EXPECT_EQ(rig.counter(Counter::kDropTcpSynSent), 4u);
}

TEST_P(ActiveOpen, SynAckThatEchoesATimestampOfTheFutureIsDropped) {
  Rig rig(Base());
  const Seg syn = rig.Connect();
  rig.In(SynAck(0).Acks(1).Mss(1460).Ts(77, syn.options.ts_value + 1));
  rig.Quiet();
  EXPECT_TRUE(rig.handler().opened.empty());
}

TEST_P(ActiveOpen, SynAckThatComesAgainIsAcknowledgedAgain) {
  Rig rig(Base());
  rig.Connect();
  rig.In(SynAck(0).Acks(1).Mss(1460));
  rig.Out(Ack(1).Acks(1));
  rig.In(SynAck(0).Acks(1).Mss(1460));  // our ACK was lost
  rig.Out(Ack(1).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
}

// --- simultaneous open ---

TEST_P(ActiveOpen, SynInSynSentIsAnsweredBySynAck) {
  Rig rig(Base());
  rig.Connect();
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1).Mss(FullMss()));  // MUST-10
  EXPECT_TRUE(rig.handler().opened.empty());
  rig.In(Ack(1).Acks(1));
  rig.Quiet();
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  rig.ExpectState(TcpState::kEstablished);
}

TEST_P(ActiveOpen, SynAckCompletesTheSimultaneousOpen) {
  Rig rig(Base());
  rig.Connect();
  rig.In(Syn(0).Mss(1460).Scale(4).Win(100));
  rig.Out(SynAck(0).Acks(1));
  rig.In(SynAck(0).Acks(1).Mss(1460).Scale(4).Win(100));  // MUST-10, RFC 9293 figure 8
  EXPECT_EQ(rig.handler().opened.size(), 1u);
  rig.ExpectState(TcpState::kEstablished);
  EXPECT_EQ(rig.c().Info().send_window, 100u);  // RFC 7323 2.2: not scaled on a SYN
  rig.Discard();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10).Acks(1));
}

TEST_P(ActiveOpen, ResetInTheSimultaneousOpenRefuses) {
  Rig rig(Base());
  rig.Connect();
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Rst(1));
  rig.ExpectClosed(CloseReason::kRefused);  // MUST-11
  rig.ExpectEmpty();
}

TEST_P(ActiveOpen, SimultaneousOpenSendsItsSynAckAgain) {
  Rig rig(Base());
  rig.Connect();
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.OutAfter(Seconds(1), SynAck(0).Acks(1));
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
}

TEST_P(ActiveOpen, OtherSynInTheSimultaneousOpenIsChallenged) {
  Rig rig(Base());
  rig.Connect();
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Syn(100).Mss(1460));
  rig.Out(Ack(1).Acks(1));
  EXPECT_TRUE(rig.handler().closed.empty());
  rig.In(Ack(1).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
}

// --- the application changes its mind ---

TEST_P(ActiveOpen, AbortInSynSentSendsNothing) {
  Rig rig(Base());
  rig.Connect();
  Connection c = rig.connecting();
  c.Abort();
  rig.Turn();
  rig.Quiet();
  rig.ExpectClosed(CloseReason::kAborted);
  EXPECT_FALSE(c.alive());
  rig.ExpectEmpty();
}

TEST_P(ActiveOpen, CloseInSynSentDeletesTheConnection) {
  Rig rig(Base());
  rig.Connect();
  rig.connecting().Close();  // RFC 9293 3.10.4
  rig.Turn();
  rig.Quiet();
  rig.ExpectClosed(CloseReason::kAborted);
  rig.ExpectEmpty();
}

TEST_P(ActiveOpen, CloseInTheSimultaneousOpenSendsFinOnceItIsEstablished) {
  Rig rig(Base());
  rig.Connect();
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.connecting().Close();  // RFC 9293 3.10.4
  rig.Turn();
  rig.Quiet();
  rig.In(Ack(1).Acks(1));
  rig.Out(Fin(1).Acks(1));
}

// --- whom and from where ---

TEST_P(ActiveOpen, AddressesThatNobodyHasAreRefused) {
  Rig rig(Base());
  const char* const v4[] = {"0.0.0.0",   "0.1.2.3",   "255.255.255.255", "224.0.0.1",
                            "127.0.0.1", "240.0.0.1", "239.255.255.255"};
  const char* const v6[] = {"::", "::1", "ff02::1", "ff0e::1"};
  const auto all = GetParam() ? std::span<const char* const>(v4) : std::span<const char* const>(v6);
  for (const char* address : all) {
    SCOPED_TRACE(address);
    EXPECT_FALSE(ConnectTo(rig, {Address(address), kPeerPort}).alive());  // MUST-46
  }
  EXPECT_FALSE(ConnectTo(rig, {PeerAddress(!GetParam()), kPeerPort}).alive()) << "another family";
  EXPECT_FALSE(ConnectTo(rig, {PeerAddress(GetParam()), 0}).alive());
  rig.Turn();
  rig.Quiet();
  rig.ExpectEmpty();
  EXPECT_TRUE(rig.handler().closed.empty());
}

TEST_P(ActiveOpen, TupleThatIsTakenIsRefused) {
  Rig rig(Base());
  rig.Connect();
  EXPECT_FALSE(ConnectTo(rig, Peer()).alive());
  EXPECT_TRUE(ConnectTo(rig, Peer(), kOwnPort + 1).alive());
  rig.Turn();
  rig.Any();
}

TEST_P(ActiveOpen, PortIsChosenWhenNoneIsGiven) {
  Rig rig(Base());
  std::vector<uint16_t> ports;
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(ConnectTo(rig, Peer(), 0).alive());
    rig.Turn();
    const uint16_t port = *rig.Any().source_port;
    EXPECT_GE(port, 32768);
    EXPECT_EQ(std::count(ports.begin(), ports.end(), port), 0) << "twice: " << port;
    ports.push_back(port);
  }
}

TEST_P(ActiveOpen, ListenerAndActiveOpenShareAPort) {
  Rig rig(Base());
  rig.Connect(kStackPort);
  rig.In(Syn(0).Mss(1460).From(uint16_t{7}));  // MUST-42
  EXPECT_EQ(rig.Any().flags, wire::kTcpSyn | wire::kTcpAck);
  rig.In(SynAck(0).Acks(1).Mss(1460));
  rig.Out(Ack(1).Acks(1));
}

TEST_P(ActiveOpen, FullTableRefuses) {
  Options options = Base();
  options.tcp.max_connections = 2;
  Rig rig(options);
  EXPECT_TRUE(ConnectTo(rig, Peer(), 1).alive());
  EXPECT_TRUE(ConnectTo(rig, Peer(), 2).alive());
  EXPECT_FALSE(ConnectTo(rig, Peer(), 3).alive());
  rig.Turn();
  rig.Discard();
}

WEIR_BOTH_FAMILIES(ActiveOpen);

}  // namespace
}  // namespace weir::segment
