// What applications set for a listener or for one connection: user timeout, DSCP, TTL, MSS, cork,
// timers; and the news of soft errors and urgent text.
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

class ConnectionSettings : public TransferTest {
 protected:
  // TTL or hop limit, and DSCP, of the last frame.
  struct IpFields {
    unsigned ttl = 0, dscp = 0, ecn = 0;
  };
  void Watch(Rig& rig) {
    rig.on_frame = [this](const std::vector<uint8_t>& octets) {
      const uint8_t* ip = octets.data() + wire::kEthernetHeaderSize;
      const unsigned tos = GetParam() ? ip[1] : (ip[0] & 0x0fu) << 4 | ip[1] >> 4;
      last_ = {GetParam() ? ip[8] : ip[7], tos >> 2, tos & 3};
    };
  }
  IpFields last_;
};

// --- the IP header ---

// MUST-49, MUST-48, SHLD-22: from the first segment on, and ECN is left alone.
TEST_P(ConnectionSettings, TtlAndDscpOfTheListenerAreInEverySegment) {
  Options options = Base();
  options.listen.connection.ttl = 17;
  options.listen.connection.dscp = 46;
  Rig rig(options);
  Watch(rig);
  rig.In(Syn(0).Mss(1460));
  rig.Out(SynAck(0).Acks(1));
  EXPECT_EQ(last_.ttl, 17u);
  EXPECT_EQ(last_.dscp, 46u);
  rig.In(Ack(1).Acks(1));
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  EXPECT_EQ(last_.ttl, 17u);
  EXPECT_EQ(last_.dscp, 46u);
  EXPECT_EQ(last_.ecn, 0u);
}

// SHLD-21
TEST_P(ConnectionSettings, DscpCanChangeWhileTheConnectionLives) {
  Rig rig(Base());
  Watch(rig);
  rig.Establish();
  EXPECT_EQ(last_.dscp, 0u);
  EXPECT_EQ(last_.ttl, 64u);
  EXPECT_TRUE(rig.c().Configure({.dscp = 10}).ok());
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  EXPECT_EQ(last_.dscp, 10u);
  EXPECT_EQ(last_.ttl, 64u) << "what was not named stays";
}

TEST_P(ConnectionSettings, OfOneConnectionAreNotThoseOfAnother) {
  Rig rig(Base());
  Watch(rig);
  rig.Establish();
  const Connection first = rig.c();
  EXPECT_TRUE(first == rig.c());
  EXPECT_TRUE(rig.c().Configure({.dscp = 10}).ok());
  rig.NewConnection(kPeerPort + 1);
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  EXPECT_EQ(last_.dscp, 0u);
}

// --- refusals ---

TEST_P(ConnectionSettings, OutOfRangeAreRefusedAndChangeNothing) {
  Rig rig(Base());
  rig.Establish();
  Connection c = rig.c();
  const auto message = [&c](const ConnectionOptions& options) {
    const absl::Status status = c.Configure(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_EQ(message({.dscp = 64}), "dscp = 64: must be from 0 to 63");
  EXPECT_EQ(message({.ttl = 0}), "ttl = 0: must be from 1 to 255");
  EXPECT_EQ(message({.ttl = 256}), "ttl = 256: must be from 1 to 255");
  EXPECT_EQ(message({.delayed_ack_ms = 500}), "delayed_ack_ms = 500: must be from 1 to 499");
  EXPECT_EQ(message({.send_buffer = 2047}), "send_buffer = 2047: must be from 2048 to 1073741824");
  EXPECT_EQ(message({.mss = 87}), "mss = 87: must be 0 or from 88 to 65495");
  EXPECT_EQ(message({.close_wait_ms = 999}),
            "close_wait_ms = 999: must be 0 or from 1000 to 604800000");
  EXPECT_EQ(message({.retries2 = 0}), "retries2 = 0: must be from 1 to 255");
  EXPECT_EQ(message({.rto_min_ms = 5000, .rto_max_ms = 2000}),
            "rto_min_ms = 5000: above rto_max_ms, 2000");
  EXPECT_EQ(message({.rto_initial_ms = 5000, .rto_max_ms = 2000}),
            "rto_initial_ms = 5000: above rto_max_ms, 2000");
  EXPECT_EQ(c.Info().rto_us, 200000u);
}

TEST_P(ConnectionSettings, OfADeadConnectionAreNotFound) {
  Rig rig(Base());
  rig.Establish();
  Connection c = rig.c();
  c.Abort();
  rig.Turn();
  rig.Discard();
  EXPECT_EQ(c.Configure({.dscp = 1}).code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(c.SetCork(true));
}

// Connections share equal settings; a shard holds so many different ones, and gives them back.
TEST_P(ConnectionSettings, AreLimitedInNumberAndComeBack) {
  Rig rig(Base());
  rig.Establish();
  Connection c = rig.c();
  for (uint32_t i = 0; i < 3 * tcp::Profiles::kCapacity; ++i) {
    ASSERT_TRUE(c.Configure({.user_timeout_ms = 1000000 + i}).ok()) << i;
  }
  std::vector<Connection> others;
  for (uint16_t i = 0; i < 200; ++i) {
    rig.NewConnection(static_cast<uint16_t>(1000 + i));
    rig.Establish();
    others.push_back(rig.c());
  }
  for (size_t i = 0; i < others.size(); ++i) {
    ASSERT_TRUE(others[i].Configure({.user_timeout_ms = static_cast<uint32_t>(5000 + i)}).ok());
  }
  EXPECT_EQ(c.Info().state, TcpState::kEstablished);
}

// --- MSS ---

// MUST-16: what the option limits is announced and sent.
TEST_P(ConnectionSettings, MssOfTheListenerIsAnnouncedAndKept) {
  Options options = Base();
  options.listen.connection.mss = 700;
  Rig rig(options);
  rig.In(Syn(0).Mss(1460));
  EXPECT_EQ(rig.Out(SynAck(0).Acks(1)).options.mss, 700);
  rig.In(Ack(1).Acks(1));
  EXPECT_EQ(rig.Send(1000), 1000u);
  rig.Out(Data(1, 700));
  rig.Out(Data(701, 300));
}

// --- delayed ACK, TIME-WAIT, RTO: per listener ---

TEST_P(ConnectionSettings, DelayedAckOfOneConnection) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_TRUE(rig.c().Configure({.delayed_ack_ms = 300}).ok());
  rig.In(Data(1, 10).Acks(1));
  rig.Quiet();
  rig.OutAfter(Milliseconds(300), Ack(1).Acks(11));
}

TEST_P(ConnectionSettings, RetransmissionTimesOfTheListener) {
  Options options = Base();
  options.listen.connection.rto_min_ms = 50;
  options.listen.connection.rto_max_ms = 1000;
  options.listen.connection.retries2 = 6;
  Rig rig(options);
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  for (const int ms : {50, 100, 200, 400, 800, 1000}) {
    rig.OutAfter(Milliseconds(ms), Data(1, 10));
  }
  rig.OutAfter(Milliseconds(1000), RstAck(11));
  rig.ExpectClosed(CloseReason::kTimedOut);
  rig.ExpectEmpty();
}

TEST_P(ConnectionSettings, TimeWaitOfTheListener) {
  Options options = Base();
  options.listen.connection.time_wait_ms = 1500;
  Rig rig(options);
  rig.Establish();
  rig.c().Close();
  rig.Turn();
  rig.Out(Fin(1).Acks(1));
  rig.In(Fin(1).Acks(2));
  rig.Out(Ack(2).Acks(2));
  rig.Advance(Milliseconds(1490));
  EXPECT_EQ(rig.engine().usage().time_wait, 1u);
  rig.Advance(Milliseconds(20));
  rig.ExpectEmpty();
}

// --- user timeout ---

// MUST-21: 3 seconds, whatever R2 is; RTO 200, 400, 800 ms, and the rest cut short.
TEST_P(ConnectionSettings, UserTimeoutEndsTheConnectionAfterThatTime) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_TRUE(rig.c().Configure({.user_timeout_ms = 3000}).ok());
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  for (const int ms : {200, 400, 800}) rig.OutAfter(Milliseconds(ms), Data(1, 10));
  rig.OutAfter(Milliseconds(1600), RstAck(11).Acks(1));
  rig.ExpectClosed(CloseReason::kTimedOut);
  rig.ExpectEmpty();
}

TEST_P(ConnectionSettings, UserTimeoutCanBeLongerThanR2) {
  Options options = Base();
  options.tcp.retries2 = 2;
  options.tcp.rto_max_ms = 1000;
  Rig rig(options);
  rig.Establish();
  EXPECT_TRUE(rig.c().Configure({.user_timeout_ms = 600000}).ok());
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Advance(Seconds(590));
  rig.Discard();
  rig.ExpectOpen();
  rig.Advance(Seconds(11));
  rig.Discard();
  rig.ExpectClosed(CloseReason::kTimedOut);
}

TEST_P(ConnectionSettings, UserTimeoutCountsFromTheLastProgress) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_TRUE(rig.c().Configure({.user_timeout_ms = 3000}).ok());
  EXPECT_EQ(rig.Send(2920), 2920u);
  rig.Discard();
  rig.Advance(Milliseconds(2900));
  rig.Discard();
  rig.In(Ack(1).Acks(1461));
  rig.Discard();
  rig.Advance(Milliseconds(2900));
  rig.Discard();
  rig.ExpectOpen();
  rig.Advance(Milliseconds(150));
  rig.Discard();
  rig.ExpectClosed(CloseReason::kTimedOut);
}

TEST_P(ConnectionSettings, UserTimeoutDoesNotEndAnIdleConnection) {
  Options options = Base();
  options.listen.connection.user_timeout_ms = 1000;
  Rig rig(options);
  rig.Establish();
  rig.Advance(Seconds(100000));
  rig.Quiet();
  rig.ExpectOpen();
}

// A peer that answers probes of its closed window lives, but the application has said how long it
// will wait.
TEST_P(ConnectionSettings, UserTimeoutCountsBeforeAClosedWindow) {
  Options options = Base();
  options.listen.connection.user_timeout_ms = 5000;
  Rig rig(options);
  rig.Establish({.window = 100});
  EXPECT_EQ(rig.Send(600), 600u);
  rig.Out(Data(1, 100));
  rig.In(Ack(1).Acks(101).Win(0));
  Duration waited;
  for (int i = 0; i < 10 && rig.handler().closed.empty(); ++i) {
    waited = waited + rig.UntilNext(Seconds(10));
    if (rig.Any().rst()) break;
    rig.In(Ack(1).Acks(101).Win(0));
  }
  rig.ExpectClosed(CloseReason::kTimedOut);
  EXPECT_GE(waited, Milliseconds(4998));
  EXPECT_LE(waited, Milliseconds(5010));
  rig.ExpectEmpty();
}

TEST_P(ConnectionSettings, UserTimeoutEndsAnOpenThatIsNotAnswered) {
  Options options = Base();
  options.iss_near_wrap = false;
  options.listen.connection.user_timeout_ms = 2500;
  Rig rig(options);
  rig.Connect();
  rig.OutAfter(Seconds(1), Syn(0));
  rig.Advance(Milliseconds(1480));
  rig.Quiet();
  EXPECT_TRUE(rig.handler().closed.empty());
  rig.Advance(Milliseconds(30));
  rig.Quiet();
  EXPECT_EQ(rig.handler().closed, std::vector{CloseReason::kTimedOut});
  rig.ExpectEmpty();
}

// Instead of nine probes.
TEST_P(ConnectionSettings, UserTimeoutEndsAConnectionWhoseKeepAlivesAreNotAnswered) {
  Options options = Base();
  options.listen.connection = {.keep_alive = true,
                               .keepalive_idle_ms = 10000,
                               .keepalive_interval_ms = 5000,
                               .user_timeout_ms = 18000};
  Rig rig(options);
  rig.Establish();
  rig.OutAfter(Seconds(10), Ack(0).Acks(1));
  rig.OutAfter(Seconds(5), Ack(0).Acks(1));
  rig.OutAfter(Seconds(5), RstAck(1));
  rig.ExpectClosed(CloseReason::kTimedOut);
  rig.ExpectEmpty();
}

// More probes than a counter of eight bits holds must not make a storm of them.
TEST_P(ConnectionSettings, KeepAliveUnderALongUserTimeoutGoesOnAtItsInterval) {
  Options options = Base();
  options.listen.connection = {.keep_alive = true,
                               .keepalive_idle_ms = 1000,
                               .keepalive_interval_ms = 1000,
                               .user_timeout_ms = 600000};
  Rig rig(options);
  rig.Establish();
  rig.Advance(Seconds(599));
  EXPECT_EQ(rig.counter(Counter::kTcpKeepAlives), 255u);
  rig.Discard();
  rig.ExpectOpen();
  rig.Advance(Seconds(2));
  EXPECT_TRUE(rig.Any().rst());
  rig.ExpectClosed(CloseReason::kTimedOut);
}

// A cork is the application's own; the peer owes nothing.
TEST_P(ConnectionSettings, UserTimeoutDoesNotCountWhatACorkHoldsBack) {
  Options options = Base();
  options.listen.connection.user_timeout_ms = 100;
  Rig rig(options);
  rig.Establish();
  EXPECT_TRUE(rig.c().SetCork(true));
  EXPECT_EQ(rig.Send(100), 100u);
  rig.OutAfter(Milliseconds(200), Data(1, 100));
  rig.In(Ack(1).Acks(101));
  rig.ExpectOpen();
}

// The largest number is a number, not "never".
TEST_P(ConnectionSettings, TwoHundredAndFiftyFiveRetriesEnd) {
  Options options = Base();
  options.listen.connection = {.retries2 = 255, .rto_min_ms = 1, .rto_max_ms = 1000};
  Rig rig(options);
  rig.Establish();
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Advance(Seconds(300));
  rig.Discard();
  rig.ExpectClosed(CloseReason::kTimedOut);
  EXPECT_EQ(rig.counter(Counter::kTcpRetransmits), 255u);
  rig.ExpectEmpty();
}

// RFC 5681 4.1 also where the limit of CLOSE-WAIT watches the idle time.
TEST_P(ConnectionSettings, WindowIsTheInitialOneAgainAfterAnIdleCloseWait) {
  Options options = Base();
  options.listen.connection.close_wait_ms = 600000;
  Rig rig(options);
  rig.Establish();
  uint32_t sent = 1;
  for (int round = 0; round < 3; ++round) {  // slow start
    EXPECT_EQ(rig.Send(40 * kMss), 40u * kMss);
    while (rig.pending() != 0) {
      while (rig.pending() != 0) sent = std::max(sent, rig.Any().seq);
      rig.In(Ack(1).Acks(sent + kMss));
    }
  }
  EXPECT_GT(rig.c().Info().congestion_window, 20u * kMss);
  rig.In(Fin(1).Acks(sent + kMss));
  rig.Discard();
  rig.Advance(Seconds(60));
  EXPECT_EQ(rig.Send(40 * kMss), 40u * kMss);
  EXPECT_EQ(rig.pending(), 10u);
  rig.Discard();
}

// MUST-27: each connection its own times.
TEST_P(ConnectionSettings, KeepAliveTimesOfOneConnection) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_TRUE(rig.c()
                  .Configure({.keep_alive = true,
                              .keepalive_idle_ms = 20000,
                              .keepalive_interval_ms = 3000,
                              .keepalive_probes = 2})
                  .ok());
  rig.OutAfter(Seconds(20), Ack(0).Acks(1));
  rig.OutAfter(Seconds(3), Ack(0).Acks(1));
  rig.OutAfter(Seconds(3), RstAck(1));
  rig.ExpectClosed(CloseReason::kTimedOut);
  rig.ExpectEmpty();
}

// --- soft errors ---

// SHLD-9, SHLD-10, MUST-47, SHLD-25: between R1 and R2, and the connection lives on.
TEST_P(ConnectionSettings, UnansweredRetransmissionsAreReportedAtR1) {
  Rig rig(Base());
  rig.Establish();
  std::vector<SoftError> errors;
  rig.handler().on_soft_error = [&](Connection, SoftError e) { errors.push_back(e); };
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Out(Data(1, 10));
  for (const int ms : {200, 400}) rig.OutAfter(Milliseconds(ms), Data(1, 10));
  EXPECT_TRUE(errors.empty());
  rig.OutAfter(Milliseconds(800), Data(1, 10));
  EXPECT_EQ(errors, std::vector{SoftError::kNoAnswer});
  EXPECT_EQ(rig.c().Info().last_error, SoftError::kNoAnswer);
  rig.OutAfter(Milliseconds(1600), Data(1, 10));
  EXPECT_EQ(errors.size(), 1u);
  rig.In(Ack(1).Acks(11));
  EXPECT_EQ(rig.c().Info().last_error, SoftError::kNone);
  rig.ExpectOpen();
}

// SHLD-20
TEST_P(ConnectionSettings, SoftErrorsCanBeSwitchedOff) {
  Options options = Base();
  options.listen.connection.soft_errors = false;
  Rig rig(options);
  rig.Establish();
  unsigned errors = 0;
  rig.handler().on_soft_error = [&](Connection, SoftError) { ++errors; };
  EXPECT_EQ(rig.Send(10), 10u);
  rig.Advance(Seconds(10));
  rig.Discard();
  EXPECT_EQ(errors, 0u);
  EXPECT_EQ(rig.c().Info().last_error, SoftError::kNoAnswer) << "it can still be asked for";
}

// --- urgent text ---

// MUST-32, MUST-33, MUST-62: told at once, before the text; the pointer names the octet after it.
TEST_P(ConnectionSettings, UrgentTextIsAnnouncedAndMeasured) {
  Rig rig(Base());
  rig.Establish();
  std::vector<uint32_t> urgent;
  rig.handler().on_urgent = [&](Connection c) { urgent.push_back(c.Info().urgent); };
  rig.In(Data(1, 10).Acks(1).Urgent(15));
  EXPECT_EQ(urgent, std::vector<uint32_t>{15});
  rig.ExpectReceived(10);
  EXPECT_EQ(rig.c().Info().urgent, 5u) << "four more octets and the last";
  rig.In(Data(11, 10).Acks(1).Urgent(5));
  EXPECT_EQ(urgent.size(), 1u) << "the pointer has not moved";
  EXPECT_EQ(rig.c().Info().urgent, 0u);
  rig.Out(Ack(1).Acks(21));
  rig.In(Data(21, 10).Acks(1).Urgent(10));
  EXPECT_EQ(urgent.size(), 2u);
  rig.ExpectReceived(30);
  rig.Discard();
}

// A pointer without text, and one into the past.
TEST_P(ConnectionSettings, UrgentPointerAheadOfTheTextIsAnnounced) {
  Rig rig(Base());
  rig.Establish();
  std::vector<uint32_t> urgent;
  rig.handler().on_urgent = [&](Connection c) { urgent.push_back(c.Info().urgent); };
  rig.In(Ack(1).Acks(1).Urgent(100));
  EXPECT_EQ(urgent, std::vector<uint32_t>{100});
  EXPECT_EQ(rig.engine().usage().flights, 0u) << "it costs no memory";
  rig.In(Ack(1).Acks(1).Urgent(0));
  EXPECT_EQ(urgent.size(), 1u);
}

// --- cork ---

TEST_P(ConnectionSettings, CorkKeepsShortSegmentsUntilItIsPulled) {
  Options options = Base();
  options.listen.connection.no_delay = true;
  Rig rig(options);
  rig.Establish();
  EXPECT_TRUE(rig.c().SetCork(true));
  EXPECT_EQ(rig.Send(1000), 1000u);
  rig.Quiet();
  EXPECT_EQ(rig.Send(1000), 1000u);
  rig.Out(Data(1, 1460));
  rig.Quiet();
  EXPECT_TRUE(rig.c().SetCork(false));
  rig.Turn();
  rig.Out(Data(1461, 540).Push());
}

TEST_P(ConnectionSettings, CorkHoldsNothingBackForLong) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_TRUE(rig.c().SetCork(true));
  EXPECT_EQ(rig.Send(100), 100u);
  rig.OutAfter(Milliseconds(200), Data(1, 100));
}

TEST_P(ConnectionSettings, CorkDoesNotKeepTheEnd) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_TRUE(rig.c().SetCork(true));
  EXPECT_EQ(rig.Send(100), 100u);
  rig.Quiet();
  rig.c().Shutdown();
  rig.Turn();
  rig.Out(Fin(1).Octets(100));
}

WEIR_BOTH_FAMILIES(ConnectionSettings);

}  // namespace
}  // namespace weir::segment
