// ICMP errors about segments of ours (RFC 9293 3.9.2.2), believed as far as RFC 5927 lets them:
// anybody who guesses a 4-tuple can send one.
#include "tcp/engine.h"

namespace weir::tcp {
namespace {

// RFC 792, RFC 1812 5.2.7.1.
SoftError UnreachableV4(uint8_t code) {
  switch (code) {
    case 2:  // protocol
    case 3:  // port
      return SoftError::kRefusedByHost;
    case 9:
    case 10:
    case 13:  // administratively prohibited: network, host, communication
      return SoftError::kProhibited;
    default:
      return SoftError::kUnreachable;
  }
}

// RFC 4443 3.1.
SoftError UnreachableV6(uint8_t code) {
  switch (code) {
    case 4:  // port
      return SoftError::kRefusedByHost;
    case 1:  // administratively prohibited
    case 5:  // source address failed ingress or egress policy
    case 6:  // reject route
      return SoftError::kProhibited;
    default:
      return SoftError::kUnreachable;
  }
}

SoftError MeaningOf(const wire::QuotedSegment& quoted) {
  switch (quoted.kind) {
    case wire::IcmpErrorKind::kPacketTooBig:
      return SoftError::kPacketTooBig;
    case wire::IcmpErrorKind::kTimeExceeded:
      return SoftError::kTimeExceeded;
    case wire::IcmpErrorKind::kParameterProblem:
      return SoftError::kParameterProblem;
    case wire::IcmpErrorKind::kUnreachable:
      break;
  }
  return quoted.source.is_v4() ? UnreachableV4(quoted.code) : UnreachableV6(quoted.code);
}

}  // namespace

// MUST-54. Only what ends an attempt to connect ends anything: on a synchronized connection hard
// errors are soft ones (RFC 5927 5.2, ADR 6), and a soft one never ends anything (MUST-56).
void Engine::IcmpArrives(const wire::QuotedSegment& quoted, uint8_t local, uint16_t path_mtu,
                         Time now) {
  now_ = now;
  const FlowKey key{quoted.destination, quoted.destination_port, quoted.source_port, local};
  const uint32_t index = table_.Find(key, table_.Hash(key));
  if (KindOf(index) == FlowKind::kHalfOpen) {
    // The peer or the timer decides.
    const bool of_syn_ack = quoted.seq == half_open_[PlaceOf(index)].iss;
    Drop(of_syn_ack ? Counter::kDropIcmpHalfOpen : Counter::kDropIcmpSequence);
    return;
  }
  if (KindOf(index) == FlowKind::kTimeWait) {
    Drop(Counter::kDropIcmpSequence);  // nothing is on its way
    return;
  }
  if (index == FlowTable::kNone || tcbs_[index].state == TcpState::kClosed) {
    Drop(Counter::kDropIcmpNoConnection);
    return;
  }
  Tcb& c = tcbs_[index];
  // RFC 5927 4.1: it must be about something that is on its way. In SYN-SENT and SYN-RECEIVED that
  // is the SYN.
  if (quoted.seq < c.snd.una || quoted.seq >= c.snd.nxt) {
    Drop(Counter::kDropIcmpSequence);
    return;
  }
  const bool fast_open = c.state == TcpState::kSynSent && c.in_flight() > 1;
  if (fast_open) FastOpenFailed(c);
  const SoftError error = MeaningOf(quoted);
  if (error == SoftError::kPacketTooBig) {
    PacketTooBig(c, quoted.seq, path_mtu);
    return;
  }
  const bool hard = error == SoftError::kRefusedByHost || error == SoftError::kProhibited;
  if (hard && c.state == TcpState::kSynSent) {
    counters_.Add(Counter::kTcpUnreachable);
    Finish(c,
           error == SoftError::kRefusedByHost ? CloseReason::kRefused : CloseReason::kUnreachable);
    return;
  }
  counters_.Add(Counter::kTcpSoftErrors);
  ReportSoftError(c, error);
}

}  // namespace weir::tcp
