// Admission: how many connections a listener takes, and how many of them from one source prefix.
// Only connections that are established count. SYNs may come from anywhere, but who has completed a
// handshake is where it says: nobody can use up another's share (requirement K7).
#include "tcp/engine.h"

namespace weir::tcp {

uint64_t Engine::PrefixOf(const Listener& l, const IpAddress& remote) const {
  const ListenParameters& p = l.parameters;
  return sources_->NameOf(static_cast<uint16_t>(&l - listeners_.data()), remote,
                          remote.is_v4() ? p.prefix_v4 : p.prefix_v6);
}

// What keeps one more connection with `remote` out.
Engine::Limit Engine::LimitMet(const Listener& l, const IpAddress& remote) const {
  const ListenParameters& p = l.parameters;
  if (p.max_connections != 0 && l.connections >= p.max_connections) return Limit::kListener;
  if (p.max_per_prefix != 0 && sources_->CountOf(PrefixOf(l, remote)) >= p.max_per_prefix) {
    return Limit::kPrefix;
  }
  return Limit::kNone;
}

// Before anything is done for the SYN.
bool Engine::AdmitsSyn(Listener& l, const Segment& segment) {
  if (shedding_.on) {
    ++l.counts.syns;
    return Drop(Counter::kDropTcpSynShed);
  }
  const Limit limit = LimitMet(l, segment.frame->source);
  if (limit == Limit::kNone) return true;
  ++l.counts.syns;
  ++l.counts.refused;
  return Drop(limit == Limit::kListener ? Counter::kDropTcpSynLimit : Counter::kDropTcpSynPrefix);
}

// Whether the handshake that this segment completes makes a connection now. While the application
// has not taken what is there already, or where a limit was met meanwhile, it stays half-open, and
// the peer's next segment or our next SYN-ACK tries again; or the peer is told, if the listener
// says so.
Engine::Admission Engine::AdmitHandshake(Listener& l, const Segment& segment) {
  if (l.unaccepted >= l.parameters.backlog) {
    ++l.counts.overflowed;
    Drop(Counter::kDropTcpAcceptFull);
  } else if (shedding_.on) {
    Drop(Counter::kDropTcpShed);
    return Admission::kLater;  // that will pass
  } else {
    const Limit limit = LimitMet(l, segment.frame->source);
    if (limit == Limit::kNone) return Admission::kNow;
    ++l.counts.refused;
    Drop(limit == Limit::kListener ? Counter::kDropTcpLimit : Counter::kDropTcpPrefix);
  }
  const bool refuses = l.parameters.accept_overflow == AcceptOverflow::kReset;
  return refuses && AnswerWithReset(segment) ? Admission::kNever : Admission::kLater;
}

// A listener has one connection more, which the application has not accepted yet. Its parameters do
// not change as long as it has any: whoever was counted in is counted out.
void Engine::CountIn(const Tcb& c) {
  Listener& l = listeners_[ProfileOf(c).listener];
  ++l.unaccepted;
  ++l.connections;
  ++l.counts.established;
  if (l.parameters.max_per_prefix != 0) sources_->Add(PrefixOf(l, c.remote));
}

void Engine::CountOut(const Tcb& c) {
  if (!c.has(kOpened) || c.has(kActiveOpen)) return;
  Listener& l = listeners_[ProfileOf(c).listener];
  --l.connections;
  if (l.parameters.max_per_prefix != 0) sources_->Remove(PrefixOf(l, c.remote));
}

}  // namespace weir::tcp
