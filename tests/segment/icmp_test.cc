// ICMP errors about segments of ours: every type and code in every state (RFC 9293 3.9.2.2, RFC
// 5927).
#include <gtest/gtest.h>

#include "segment/rig.h"

namespace weir::segment {
namespace {

enum class Where {
  kSynSent,
  kSynReceived,       // by a passive open
  kSimultaneousOpen,  // SYN-RECEIVED by an active one
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
};
constexpr Where kEverywhere[] = {Where::kSynSent,     Where::kSynReceived, Where::kSimultaneousOpen,
                                 Where::kEstablished, Where::kFinWait1,    Where::kFinWait2,
                                 Where::kCloseWait,   Where::kClosing,     Where::kLastAck,
                                 Where::kTimeWait};

struct Error {
  bool v4;
  uint8_t type, code;
  SoftError means;
  bool hard = false;  // ends an attempt to connect
};

// RFC 792, RFC 1812 5.2.7, RFC 4443 3: everything that RFC 9293 3.9.2.2 speaks of, and the rest.
// MUST-56: what is not hard never ends anything.
constexpr Error kErrors[] = {
    {true, 3, 0, SoftError::kUnreachable},  // network
    {true, 3, 1, SoftError::kUnreachable},  // host
    {true, 3, 2, SoftError::kRefusedByHost, true},  {true, 3, 3, SoftError::kRefusedByHost, true},
    {true, 3, 5, SoftError::kUnreachable},  // source route failed
    {true, 3, 6, SoftError::kUnreachable},          {true, 3, 7, SoftError::kUnreachable},
    {true, 3, 8, SoftError::kUnreachable},          {true, 3, 9, SoftError::kProhibited, true},
    {true, 3, 10, SoftError::kProhibited, true},    {true, 3, 11, SoftError::kUnreachable},
    {true, 3, 12, SoftError::kUnreachable},         {true, 3, 13, SoftError::kProhibited, true},
    {true, 3, 14, SoftError::kUnreachable},         {true, 3, 15, SoftError::kUnreachable},
    {true, 3, 200, SoftError::kUnreachable},        {true, 11, 0, SoftError::kTimeExceeded},
    {true, 11, 1, SoftError::kTimeExceeded},        {true, 12, 0, SoftError::kParameterProblem},
    {true, 12, 1, SoftError::kParameterProblem},    {true, 12, 2, SoftError::kParameterProblem},
    {false, 1, 0, SoftError::kUnreachable},         {false, 1, 1, SoftError::kProhibited, true},
    {false, 1, 2, SoftError::kUnreachable},         {false, 1, 3, SoftError::kUnreachable},
    {false, 1, 4, SoftError::kRefusedByHost, true}, {false, 1, 5, SoftError::kProhibited, true},
    {false, 1, 6, SoftError::kProhibited, true},    {false, 1, 7, SoftError::kUnreachable},
    {false, 1, 200, SoftError::kUnreachable},       {false, 3, 0, SoftError::kTimeExceeded},
    {false, 3, 1, SoftError::kTimeExceeded},        {false, 4, 0, SoftError::kParameterProblem},
    {false, 4, 1, SoftError::kParameterProblem},    {false, 4, 2, SoftError::kParameterProblem},
};

// Types that quote a segment and mean nothing to TCP: source quench and redirects.
constexpr struct {
  bool v4;
  uint8_t type, code;
} kIgnored[] = {{true, 4, 0}, {true, 5, 0}, {true, 5, 1}, {true, 5, 2}, {true, 5, 3}};

bool IsActive(Where where) { return where == Where::kSynSent || where == Where::kSimultaneousOpen; }
// Where text or a FIN is on its way; it begins at 1.
bool HasTextInFlight(Where where) {
  return where == Where::kEstablished || where == Where::kFinWait1 || where == Where::kCloseWait ||
         where == Where::kClosing || where == Where::kLastAck;
}

Options OptionsFor(bool v4, Where where) {
  Options options;
  options.v4 = v4;
  options.pool = 64;  // hundreds of rigs
  options.iss_near_wrap = !v4 && !IsActive(where);
  return options;
}

// Brings a connection there, with a segment in flight where the state can have one.
void Go(Rig& rig, Where where) {
  switch (where) {
    case Where::kSynSent:
      rig.Connect();
      return;
    case Where::kSimultaneousOpen:
      rig.Connect();
      rig.In(Syn(0).Mss(1460));
      rig.Out(SynAck(0).Acks(1));
      return;
    case Where::kSynReceived:
      rig.In(Syn(0).Mss(1460));
      rig.Out(SynAck(0).Acks(1));
      return;
    default:
      break;
  }
  rig.Establish();
  if (where == Where::kCloseWait || where == Where::kLastAck) {
    rig.In(Fin(1).Acks(1));
    rig.Out(Ack(1).Acks(2));
  }
  if (HasTextInFlight(where)) {
    EXPECT_EQ(rig.Send(100), 100u);
    rig.Out(Data(1, 100));
  }
  if (where == Where::kEstablished || where == Where::kCloseWait) return;
  rig.c().Shutdown();
  rig.Turn();
  rig.Discard();
  if (where == Where::kFinWait2 || where == Where::kTimeWait) rig.In(Ack(1).Acks(2));
  if (where == Where::kClosing) rig.In(Fin(1).Acks(1));
  if (where == Where::kTimeWait) rig.In(Fin(1).Acks(2));
  rig.Discard();
}

void Receive(Rig& rig, uint8_t type, uint8_t code, uint32_t seq, uint32_t rest = 0) {
  rig.InFrame(ErrorFrame({.type = type, .code = code, .rest = rest}, rig.path().destination,
                         rig.path().source, rig.iss() + seq));
}

std::string Name(bool v4, uint8_t type, uint8_t code, Where where) {
  return std::string(v4 ? "ICMP" : "ICMPv6") + " type " + std::to_string(type) + " code " +
         std::to_string(code) + " in state " + std::to_string(static_cast<int>(where));
}

TcpState StateIn(const Rig& rig, Where where) {
  const Connection c = IsActive(where) ? rig.connecting() : rig.c();
  return c.alive() ? c.Info().state : TcpState::kClosed;
}
SoftError LastErrorIn(const Rig& rig, Where where) {
  return (IsActive(where) ? rig.connecting() : rig.c()).Info().last_error;
}

// What one error does in one state; `rig` is there already.
void Expect(Rig& rig, const Error& error, Where where) {
  const bool syn =
      where == Where::kSynSent || where == Where::kSynReceived || where == Where::kSimultaneousOpen;
  const bool in_flight = syn || HasTextInFlight(where);
  const TcpState before = StateIn(rig, where);
  std::vector<SoftError> told;
  rig.handler().on_soft_error = [&told](Connection, SoftError e) { told.push_back(e); };
  Receive(rig, error.type, error.code, syn ? 0 : 1);
  rig.Quiet();
  if (where == Where::kSynSent && error.hard) {
    rig.ExpectClosed(error.means == SoftError::kRefusedByHost ? CloseReason::kRefused
                                                              : CloseReason::kUnreachable);
    EXPECT_TRUE(rig.handler().opened.empty());
    rig.ExpectEmpty();
    return;
  }
  EXPECT_EQ(TcpStateName(StateIn(rig, where)), std::string(TcpStateName(before)));
  EXPECT_EQ(rig.engine().usage().connections, 1u);
  const bool heard = in_flight && where != Where::kSynReceived;
  const auto expected = heard ? std::vector{error.means} : std::vector<SoftError>{};
  EXPECT_EQ(told, expected);
  if (where != Where::kSynReceived) {
    EXPECT_EQ(LastErrorIn(rig, where), heard ? error.means : SoftError::kNone);
  }
  EXPECT_EQ(rig.counter(Counter::kDropIcmpHalfOpen), where == Where::kSynReceived ? 1u : 0u);
  EXPECT_EQ(rig.counter(Counter::kDropIcmpSequence), in_flight ? 0u : 1u);
  if (!in_flight) return;
  rig.UntilNext(Seconds(4));  // the timer goes on as if nothing had been heard
  EXPECT_EQ(rig.Any().seq, syn ? 0u : 1u);
  rig.Discard();
}

// MUST-54, MUST-56, SHLD-25, SHLD-26, MUST-47; RFC 5927 5.2
TEST(IcmpErrors, EndOnlyAttemptsToConnectAndOnlyWhenTheyAreHard) {
  for (const Error& error : kErrors) {
    for (const Where where : kEverywhere) {
      SCOPED_TRACE(Name(error.v4, error.type, error.code, where));
      Rig rig(OptionsFor(error.v4, where));
      Go(rig, where);
      if (HasFailure()) return;
      Expect(rig, error, where);
      if (HasFailure()) return;
    }
  }
}

// MUST-55, RFC5927-4.1q
TEST(IcmpErrors, ThatAreSourceQuenchOrRedirectAreIgnoredEverywhere) {
  for (const auto& error : kIgnored) {
    for (const Where where : kEverywhere) {
      SCOPED_TRACE(Name(error.v4, error.type, error.code, where));
      Rig rig(OptionsFor(error.v4, where));
      Go(rig, where);
      const TcpState before = StateIn(rig, where);
      const uint32_t cwnd = rig.c().Info().congestion_window;
      Receive(rig, error.type, error.code, HasTextInFlight(where) ? 1 : 0);
      EXPECT_EQ(TcpStateName(StateIn(rig, where)), std::string(TcpStateName(before)));
      EXPECT_EQ(rig.c().Info().congestion_window, cwnd);
      EXPECT_EQ(rig.counter(Counter::kIcmpErrorsForTcp), 0u);
      EXPECT_EQ(rig.counter(Counter::kTcpSoftErrors), 0u);
      rig.Discard();
    }
  }
}

class IcmpError : public TransferTest {
 protected:
  static uint8_t Unreachable() { return GetParam() ? 3 : 1; }
  static uint8_t PortCode() { return GetParam() ? 3 : 4; }
};

// RFC 5927 4.1
TEST_P(IcmpError, AboutWhatIsNotInFlightIsDropped) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(200), 200u);
  rig.Discard();
  rig.In(Ack(1).Acks(101));
  for (const uint32_t seq : {0u, 1u, 100u, 201u, 202u, 0x80000000u, 0x80000065u}) {
    Receive(rig, Unreachable(), PortCode(), seq);
  }
  EXPECT_EQ(rig.counter(Counter::kDropIcmpSequence), 7u);
  EXPECT_EQ(rig.c().Info().last_error, SoftError::kNone);
  for (const uint32_t seq : {101u, 200u}) Receive(rig, Unreachable(), PortCode(), seq);
  EXPECT_EQ(rig.counter(Counter::kTcpSoftErrors), 2u);
  EXPECT_EQ(rig.c().Info().last_error, SoftError::kRefusedByHost);
  rig.ExpectOpen();
}

TEST_P(IcmpError, WithAnotherSequenceNumberDoesNotEndAnAttemptToConnect) {
  Options options = Base();
  options.iss_near_wrap = false;
  Rig rig(options);
  rig.Connect();
  for (const uint32_t seq : {1u, 2u, 0xffffffffu, 0x80000000u}) {
    Receive(rig, Unreachable(), PortCode(), seq);
  }
  EXPECT_TRUE(rig.handler().closed.empty());
  EXPECT_EQ(rig.counter(Counter::kDropIcmpSequence), 4u);
}

TEST_P(IcmpError, AboutAnotherTupleIsDropped) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(100), 100u);
  rig.Discard();
  Endpoint ours = rig.path().destination, peer = rig.path().source;
  const wire::IcmpHeader error{.type = Unreachable(), .code = PortCode()};
  rig.InFrame(ErrorFrame(error, {ours.address, 81}, peer, rig.iss() + 1));
  rig.InFrame(ErrorFrame(error, ours, {peer.address, 40001}, rig.iss() + 1));
  rig.InFrame(ErrorFrame(error, {ours.address, 0}, {peer.address, 0}, rig.iss() + 1));
  EXPECT_EQ(rig.counter(Counter::kDropIcmpNoConnection), 3u);
  EXPECT_EQ(rig.c().Info().last_error, SoftError::kNone);
}

// SHLD-25: what is told is forgotten when the peer shows that it is there.
TEST_P(IcmpError, IsForgottenWhenTextIsAcknowledged) {
  Rig rig(Base());
  rig.Establish();
  EXPECT_EQ(rig.Send(100), 100u);
  rig.Discard();
  Receive(rig, Unreachable(), 0, 1);
  EXPECT_EQ(rig.c().Info().last_error, SoftError::kUnreachable);
  rig.In(Ack(1).Acks(101));
  EXPECT_EQ(rig.c().Info().last_error, SoftError::kNone);
}

// An error that comes in one burst with the SYN-ACK is about an attempt that has succeeded.
TEST_P(IcmpError, ThatComesAfterTheSynAckIsTooLate) {
  Options options = Base();
  options.iss_near_wrap = false;
  Rig rig(options);
  rig.Connect();
  rig.In(SynAck(0).Acks(1).Mss(1460));
  rig.Out(Ack(1).Acks(1));
  Receive(rig, Unreachable(), PortCode(), 0);
  rig.ExpectState(TcpState::kEstablished);
  EXPECT_EQ(rig.counter(Counter::kDropIcmpSequence), 1u);
}

WEIR_BOTH_FAMILIES(IcmpError);

}  // namespace
}  // namespace weir::segment
