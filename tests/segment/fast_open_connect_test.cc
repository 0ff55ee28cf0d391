// TCP Fast Open (RFC 7413), a client's part: what goes with the SYN, what comes of it, and what is
// remembered for the next time.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

using Bits = wire::TcpOptions;

constexpr uint16_t kOwnPort = 50000;
const wire::FastOpenCookie kCookie{.size = 6, .octets = {1, 2, 3, 4, 5, 6}};
const wire::FastOpenCookie kNewCookie{.size = 16, .octets = {9, 8, 7}};

class FastOpenConnect : public TransferTest {
 protected:
  Options On() const {
    Options options = Base();
    options.iss_near_wrap = false;  // that of a passive open's tuple
    options.listening = false;
    options.tcp.fast_open = true;
    options.tcp.timestamps = false;
    return options;
  }
  static bool AsksOrBrings(const Seg& syn) { return syn.options.has(Bits::kFastOpen); }
  // The server gives us a cookie on a connection that ends at once.
  static void LearnCookie(Rig& rig, uint16_t mss = 1460,
                          const wire::FastOpenCookie& cookie = kCookie) {
    const Seg syn = rig.Connect(kOwnPort - 1);
    EXPECT_TRUE(AsksOrBrings(syn) && syn.options.fast_open.requests());
    rig.In(SynAck(0).Acks(1).Mss(mss).Cookie(cookie));
    rig.Out(Ack(1).Acks(1));
    rig.In(Rst(1));
    rig.handler().closed.clear();
    rig.handler().opened.clear();
  }
  // A connection is opened, and its text comes back with the SYN.
  static Seg ConnectWith(Rig& rig, uint32_t size, uint16_t port = kOwnPort) {
    const Seg syn = rig.Connect(port, size);
    EXPECT_EQ(syn.flags & ~wire::kTcpPsh, wire::kTcpSyn);
    return syn;
  }
  static std::vector<uint8_t> Text(uint32_t size) { return Pattern(1, size); }
};

// RFC7413-4.1.3
TEST_P(FastOpenConnect, FirstSynAsksForACookieAndTheNextBringsIt) {
  Rig rig(On());
  LearnCookie(rig);
  const Seg syn = ConnectWith(rig, 0);
  EXPECT_EQ(syn.options.fast_open, kCookie);
  EXPECT_TRUE(syn.text.empty());
}

TEST_P(FastOpenConnect, IsOffUnlessAskedFor) {
  Options options = On();
  options.tcp.fast_open = false;
  Rig rig(options);
  const Seg syn = ConnectWith(rig, 100);
  EXPECT_FALSE(AsksOrBrings(syn));
  EXPECT_TRUE(syn.text.empty());
  rig.In(SynAck(0).Acks(1).Mss(1460).Cookie(kCookie));
  rig.Out(Data(1, 100).Acks(1));
  EXPECT_FALSE(AsksOrBrings(ConnectWith(rig, 100, kOwnPort + 1)));
}

TEST_P(FastOpenConnect, TextWaitsForTheHandshakeWhileNoCookieIsKnown) {
  Rig rig(On());
  const Seg syn = ConnectWith(rig, 100);
  EXPECT_TRUE(syn.options.fast_open.requests());
  EXPECT_TRUE(syn.text.empty());
  rig.In(SynAck(0).Acks(1).Mss(1460).Cookie(kCookie));
  rig.Out(Data(1, 100).Acks(1));
}

// RFC7413-4.2.1
TEST_P(FastOpenConnect, TextGoesWithTheSyn) {
  Rig rig(On());
  LearnCookie(rig);
  const Seg syn = ConnectWith(rig, 100);
  EXPECT_EQ(syn.options.fast_open, kCookie);
  EXPECT_EQ(syn.text, Text(100));
  EXPECT_EQ(rig.counter(Counter::kTcpFastOpenSyns), 1u);
  rig.Advance(Milliseconds(50));
  rig.In(SynAck(0).Acks(101).Mss(1460));
  rig.Out(Ack(101).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
  EXPECT_EQ(rig.c().Info().srtt_us, 50000u);
  EXPECT_EQ(rig.c().Info().unacknowledged, 0u);
  EXPECT_EQ(rig.counter(Counter::kTcpFastOpensTaken), 1u);
  EXPECT_EQ(rig.counter(Counter::kTcpTextOctetsOut), 100u);
  EXPECT_EQ(rig.engine().usage().flights, 0u);
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(101, 10));
}

TEST_P(FastOpenConnect, OwnedTextGoesWithTheSynToo) {
  Rig rig(On());
  LearnCookie(rig);
  static const std::vector<uint8_t> kText = Pattern(1, 100);
  bool released = false;
  const int local = rig.stack().ip().SourceFor(PeerAddress(GetParam()));
  auto c = rig.engine().Connect(static_cast<uint8_t>(local), kOwnPort,
                                {PeerAddress(GetParam()), kPeerPort}, rig.engine().config(),
                                &rig.handler());
  ASSERT_TRUE(c->SendOwned(
      kText, [](void* flag) { *static_cast<bool*>(flag) = true; }, &released));
  rig.Turn();
  EXPECT_EQ(rig.Any().text, kText);
  EXPECT_FALSE(released);
  c->Abort();
  rig.Turn();
  EXPECT_TRUE(released);
}

// The options take from the MSS, which is for text and options together (RFC 6691).
TEST_P(FastOpenConnect, AsMuchTextGoesAsFitsTheServersMss) {
  for (const uint16_t mss : {600, 1460}) {
    Options options = On();
    options.tcp.timestamps = true;
    Rig rig(options);
    LearnCookie(rig, mss, kNewCookie);
    const Seg syn = ConnectWith(rig, 4000);
    const uint32_t size = mss - 36u;  // MSS 4, timestamps 12, scale 4, cookie 20: 40 less no SACK
    EXPECT_GE(syn.text.size(), size - 4u);
    EXPECT_LE(syn.text.size(), size);
    const auto in_syn = static_cast<uint32_t>(syn.text.size());
    EXPECT_EQ(syn.text, Text(in_syn));
    rig.In(SynAck(0).Acks(1 + in_syn).Mss(1460));
    rig.Out(Data(1 + in_syn, kMss).Acks(1));
    rig.Discard();
  }
}

// RFC7413-4.1.3: the MSS is the last that the server announced, whether a cookie came with it or
// not.
TEST_P(FastOpenConnect, TheServersMssIsRememberedAnewWithEachSuccess) {
  Options options = On();
  Rig rig(options);
  LearnCookie(rig, 1400);
  Seg syn = ConnectWith(rig, 2000);
  EXPECT_GT(syn.text.size(), 1300u);
  rig.In(SynAck(0).Acks(1 + static_cast<uint32_t>(syn.text.size())).Mss(900));
  rig.Discard();
  syn = ConnectWith(rig, 2000, kOwnPort + 1);
  EXPECT_LT(syn.text.size(), 900u);
  EXPECT_GT(syn.text.size(), 800u);
}

// A server may answer before the handshake is over.
TEST_P(FastOpenConnect, TextInTheSynAckIsTaken) {
  Rig rig(On());
  LearnCookie(rig);
  ConnectWith(rig, 10);
  rig.In(SynAck(0).Acks(11).Mss(1460).Octets(1400));
  rig.Out(Ack(11).Acks(1401));
  rig.ExpectReceived(1400);
}

// RFC7413-4.2.1a: only the SYN is acknowledged, so the text is sent, and nothing was lost.
TEST_P(FastOpenConnect, TextThatWasNotTakenIsSentAfterTheHandshake) {
  Rig rig(On());
  LearnCookie(rig);
  ConnectWith(rig, 100);
  rig.In(SynAck(0).Acks(1).Mss(1460).Cookie(kNewCookie));
  rig.Out(Data(1, 100).Acks(1));
  EXPECT_EQ(rig.c().Info().congestion_window, 10 * kMss);
  EXPECT_EQ(rig.counter(Counter::kTcpRetransmits), 0u);
  rig.In(Ack(1).Acks(101));
  // A new cookie says that the old one was the trouble.
  EXPECT_EQ(ConnectWith(rig, 100, kOwnPort + 1).options.fast_open, kNewCookie);
}

TEST_P(FastOpenConnect, TextThatWasTakenInPartIsSentFromThere) {
  Rig rig(On());
  LearnCookie(rig);
  ConnectWith(rig, 100);
  rig.In(SynAck(0).Acks(41).Mss(1460));
  rig.Out(Data(41, 60).Acks(1));
  EXPECT_EQ(rig.counter(Counter::kTcpTextOctetsOut), 100u);
}

TEST_P(FastOpenConnect, ClosedWindowKeepsTextBackThatWasNotTaken) {
  Rig rig(On());
  LearnCookie(rig);
  ConnectWith(rig, 100);
  rig.In(SynAck(0).Acks(1).Mss(1460).Win(0));
  rig.Out(Ack(1).Acks(1));
  rig.Quiet();
  rig.In(Ack(1).Acks(1).Win(1000));
  rig.Out(Data(1, 100).Acks(1));
}

// RFC7413-4.1.3.1: the server does not take text now.
TEST_P(FastOpenConnect, ServerThatTakesNoTextIsLeftAloneForAWhile) {
  Rig rig(On());
  LearnCookie(rig);
  ConnectWith(rig, 100);
  rig.In(SynAck(0).Acks(1).Mss(1460));
  rig.Out(Data(1, 100).Acks(1));
  rig.In(Ack(1).Acks(101));
  EXPECT_EQ(rig.counter(Counter::kTcpFastOpensFailed), 1u);
  const Seg plain = ConnectWith(rig, 100, kOwnPort + 1);
  EXPECT_FALSE(AsksOrBrings(plain));
  EXPECT_TRUE(plain.text.empty());
  rig.In(SynAck(0).Acks(1).Mss(1460));
  rig.Out(Data(1, 100).Acks(1));
  rig.In(Ack(1).Acks(101));
  rig.Advance(Seconds(60));
  EXPECT_EQ(ConnectWith(rig, 100, kOwnPort + 2).text, Text(100));
}

// RFC7413-4.2.1r: again without text and cookie; RFC7413-4.1.3.1: and not so soon again.
TEST_P(FastOpenConnect, SynGoesAgainAlone) {
  Rig rig(On());
  LearnCookie(rig);
  ConnectWith(rig, 100);
  const Seg again = rig.OutAfter(Seconds(1), Syn(0).Mss(1460));
  EXPECT_FALSE(AsksOrBrings(again));
  rig.In(SynAck(0).Acks(1).Mss(1460));
  rig.Out(Data(1, 100).Acks(1));
  rig.In(Ack(1).Acks(101));
  EXPECT_EQ(rig.counter(Counter::kTcpFastOpensFailed), 1u);
  EXPECT_FALSE(AsksOrBrings(ConnectWith(rig, 100, kOwnPort + 1)));
}

TEST_P(FastOpenConnect, TextThatArrivedThoughTheSynWentAgainIsTaken) {
  Rig rig(On());
  LearnCookie(rig);
  ConnectWith(rig, 100);
  rig.OutAfter(Seconds(1), Syn(0).Mss(1460));
  rig.In(SynAck(0).Acks(101).Mss(1460));
  rig.Out(Ack(101).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
  EXPECT_EQ(rig.counter(Counter::kTcpFastOpensFailed), 0u);
}

TEST_P(FastOpenConnect, OptionThatSeemsToBeLostIsLeftOutForAWhile) {
  Rig rig(On());
  rig.Connect();
  EXPECT_FALSE(AsksOrBrings(rig.OutAfter(Seconds(1), Syn(0).Mss(1460))));
  rig.In(SynAck(0).Acks(1).Mss(1460));
  rig.Out(Ack(1).Acks(1));
  EXPECT_FALSE(AsksOrBrings(rig.Connect(kOwnPort + 1)));
}

// A server that is not there says nothing about fast opens.
TEST_P(FastOpenConnect, SynThatNobodyAnswersProvesNothing) {
  Options options = On();
  options.tcp.syn_retries = 1;
  Rig rig(options);
  LearnCookie(rig);
  ConnectWith(rig, 100);
  rig.OutAfter(Seconds(1), Syn(0));
  rig.Advance(Seconds(3));
  rig.ExpectClosed(CloseReason::kTimedOut);
  EXPECT_EQ(ConnectWith(rig, 100, kOwnPort + 1).text, Text(100));
}

TEST_P(FastOpenConnect, RefusalMayAcknowledgeTheText) {
  Rig rig(On());
  LearnCookie(rig);
  ConnectWith(rig, 100);
  rig.In(RstAck(0).Acks(101));
  rig.ExpectClosed(CloseReason::kRefused);
  rig.ExpectEmpty();
}

// RFC7413-4.1.3.1
TEST_P(FastOpenConnect, IcmpErrorAboutASynWithTextIsAFailure) {
  Rig rig(On());
  LearnCookie(rig);
  ConnectWith(rig, 100);
  const wire::IcmpHeader error =
      GetParam() ? wire::IcmpHeader{.type = 3, .code = 1} : wire::IcmpHeader{.type = 1, .code = 3};
  rig.InFrame(ErrorFrame(error, rig.path().destination, rig.path().source, rig.iss()));
  rig.In(SynAck(0).Acks(101).Mss(1460));
  rig.Out(Ack(101).Acks(1));
  EXPECT_FALSE(AsksOrBrings(ConnectWith(rig, 100, kOwnPort + 1)));
}

TEST_P(FastOpenConnect, TextOfSimultaneousOpensGoesAgain) {
  Rig rig(On());
  LearnCookie(rig);
  ConnectWith(rig, 100);
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(SynAck(0).Acks(1).Mss(1460));
  rig.Out(Data(1, 100).Acks(1));
  rig.ExpectState(TcpState::kEstablished);
  rig.In(Ack(1).Acks(101));
  rig.Quiet();
}

TEST_P(FastOpenConnect, SimultaneousOpenMayHaveTakenTheText) {
  Rig rig(On());
  LearnCookie(rig);
  ConnectWith(rig, 100);
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  rig.In(Ack(1).Acks(101));
  rig.ExpectState(TcpState::kEstablished);
  rig.Quiet();
  EXPECT_EQ(rig.c().Info().unacknowledged, 0u);
}

TEST_P(FastOpenConnect, CorkedTextWaits) {
  Rig rig(On());
  LearnCookie(rig);
  const int local = rig.stack().ip().SourceFor(PeerAddress(GetParam()));
  auto c = rig.engine().Connect(static_cast<uint8_t>(local), kOwnPort,
                                {PeerAddress(GetParam()), kPeerPort}, rig.engine().config(),
                                &rig.handler());
  EXPECT_TRUE(c->SetCork(true));
  EXPECT_EQ(c->Send(Text(100)), 100u);
  rig.Turn();
  EXPECT_TRUE(rig.Any().text.empty());
}

WEIR_BOTH_FAMILIES(FastOpenConnect);

}  // namespace
}  // namespace weir::segment
