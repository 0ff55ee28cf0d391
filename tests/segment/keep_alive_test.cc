// Keep-alive: off by default, two hours, then nine probes of 75 seconds.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

// A probe names the octet before the next one: SEG.SEQ = SND.NXT - 1.
const Seg kProbe = Ack(0).Acks(1);

class KeepAlive : public TransferTest {
 protected:
  Options On() const {
    Options options = Base();
    options.listen.connection.keep_alive = true;
    return options;
  }
};

// MUST-25
TEST_P(KeepAlive, IsOffByDefault) {
  Rig rig(Base());
  rig.Establish();
  rig.Advance(Seconds(10 * 86400));
  rig.Quiet();
  rig.ExpectOpen();
  EXPECT_EQ(rig.counter(Counter::kTcpKeepAlives), 0u);
}

// MAY-5, MUST-28, SHLD-12: two hours; no text in the probe.
TEST_P(KeepAlive, ProbesAfterTwoHours) {
  Rig rig(On());
  rig.Establish();
  rig.OutAfter(Seconds(7200), kProbe);
  rig.In(Ack(1).Acks(1));
  rig.OutAfter(Seconds(7200), kProbe);
}

// MUST-24
TEST_P(KeepAlive, IsSwitchedForEachConnection) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_TRUE(rig.c().SetKeepAlive(true));
  rig.OutAfter(Seconds(7200), kProbe);
  rig.In(Ack(1).Acks(1));
  EXPECT_TRUE(rig.c().SetKeepAlive(false));
  rig.Advance(Seconds(86400));
  rig.Quiet();
}

// MUST-27
TEST_P(KeepAlive, TimesAreTheConfiguration) {
  Options options = On();
  options.tcp.keepalive_idle_ms = 10000;
  options.tcp.keepalive_interval_ms = 3000;
  options.tcp.keepalive_probes = 2;
  Rig rig(options);
  rig.Establish();
  rig.OutAfter(Seconds(10), kProbe);
  rig.OutAfter(Seconds(3), kProbe);
  rig.OutAfter(Seconds(3), RstAck(1));
  rig.ExpectClosed(CloseReason::kTimedOut);
  rig.ExpectEmpty();
}

// MUST-29: one lost probe, or eight, do not mean a dead connection.
TEST_P(KeepAlive, GivesUpAfterNineUnansweredProbes) {
  Rig rig(On());
  rig.Establish();
  rig.OutAfter(Seconds(7200), kProbe);
  for (int i = 0; i < 8; ++i) rig.OutAfter(Seconds(75), kProbe);
  rig.ExpectOpen();
  rig.OutAfter(Seconds(75), RstAck(1));
  rig.ExpectClosed(CloseReason::kTimedOut);
  rig.ExpectEmpty();
}

// MUST-29
TEST_P(KeepAlive, CountsUnansweredProbesAnewAfterAnAnswer) {
  Rig rig(On());
  rig.Establish();
  rig.OutAfter(Seconds(7200), kProbe);
  for (int i = 0; i < 8; ++i) rig.OutAfter(Seconds(75), kProbe);
  rig.In(Ack(1).Acks(1));
  rig.OutAfter(Seconds(7200), kProbe);
  for (int i = 0; i < 8; ++i) rig.OutAfter(Seconds(75), kProbe);
  rig.ExpectOpen();
}

// MUST-26: anything from the peer counts as a sign of life.
TEST_P(KeepAlive, WaitsTwoHoursFromWhateverArrivedLast) {
  for (const bool text : {true, false}) {
    SCOPED_TRACE(text ? "text" : "an ACK");
    Rig rig(On());
    rig.Establish();
    rig.Advance(Seconds(7000));
    rig.In(text ? Data(1, 10).Acks(1) : Ack(1).Acks(1));
    if (text) rig.OutAfter(Milliseconds(40), Ack(1).Acks(11));
    const Duration waited = rig.UntilNext(Seconds(7201));
    EXPECT_GE(waited, Seconds(7199));
    rig.Out(Ack(0).Acks(text ? 11 : 1));
  }
}

// MUST-26: with text outstanding it is the retransmission timer's business.
TEST_P(KeepAlive, IsSilentWhileTextIsOutstanding) {
  Options options = On();
  options.tcp.keepalive_idle_ms = 1000;
  Rig rig(options);
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  rig.Advance(Seconds(60));
  while (rig.pending() != 0) EXPECT_EQ(rig.Any().text.size(), 10u);
  EXPECT_EQ(rig.counter(Counter::kTcpKeepAlives), 0u);
  rig.In(Ack(1).Acks(11));
  rig.OutAfter(Seconds(1), Ack(10).Acks(1));
}

TEST_P(KeepAlive, WatchesAHalfClosedConnectionToo) {
  Rig rig(On());
  rig.Establish();
  rig.In(Fin(1).Acks(1));
  rig.Out(Ack(1).Acks(2));
  rig.OutAfter(Seconds(7200), Ack(0).Acks(2));
}

// The other side of it: the peer's probe gets its answer, as often as it comes.
TEST_P(KeepAlive, ProbeOfThePeerIsAnswered) {
  Rig rig(Base());
  rig.Establish();
  for (int i = 0; i < 3; ++i) {
    rig.Advance(Seconds(75));
    rig.In(Ack(0).Acks(1));
    rig.Out(Ack(1).Acks(1));
  }
}

// An old implementation sends an octet along.
TEST_P(KeepAlive, ProbeOfThePeerWithAnOctetIsAnswered) {
  Rig rig(Base());
  rig.Establish();
  rig.In(Data(0, 1).Acks(1));
  rig.Out(Ack(1).Acks(1));
  rig.ExpectReceived(0);
}

WEIR_BOTH_FAMILIES(KeepAlive);

}  // namespace
}  // namespace weir::segment
