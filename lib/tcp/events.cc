// Phase 5 of the turn: the application's callbacks, here and nowhere else.
#include <algorithm>

#include "tcp/engine.h"

namespace weir::tcp {

namespace {

// Reasons of ours, after which the application hears nothing but OnClosed.
bool IsLocalEnd(CloseReason reason) {
  return reason == CloseReason::kAborted || reason == CloseReason::kShutdown;
}

}  // namespace

// The list may grow while it is walked: a callback may give other connections something to do. What
// is owed to a connection that has had its turn already waits for the next one.
void Engine::RunEvents() {
  uint32_t accepts = config_.accepts_per_turn;
  for (size_t i = 0; i < touched_.size(); ++i) {
    const uint32_t index = touched_[i];
    if (!tcbs_.InUse(index) || !tcbs_[index].owes(kAnyEvent)) continue;
    if (tcbs_[index].owes(kEventOpen)) {
      if (accepts == 0) continue;  // the next turn goes on
      --accepts;
    }
    RunEventsOf(tcbs_[index]);
  }
  spare_.Reset();
}

// In the order that handler.h promises. Each callback may change everything about the connection
// but its place: nothing is freed before the output phase.
void Engine::RunEventsOf(Tcb& c) {
  Handler& handler = *ProfileOf(c).handler;
  const Connection handle = Handle(c);
  if (c.owes(kEventOpen)) {
    c.settle(kEventOpen);
    // An active open has a handle before that, and whoever has closed it hears only OnClosed.
    const bool ended = c.state == TcpState::kClosed &&
                       (IsLocalEnd(c.reason) || c.reason == CloseReason::kNoResources);
    const bool opens = !c.has(kOrphan) && !ended;
    if (!c.has(kActiveOpen)) {
      const uint16_t listener = ProfileOf(c).listener;
      if (!listeners_[listener].parameters.pull || !opens) Accepted(listener);
    }
    if (opens) handler.OnOpen(handle);
  }
  if (c.owes(kEventWritable)) {
    // The flag goes first: a Send in the callback may set it again. OnOpen comes before this one;
    // until the handshake is over nothing is called.
    c.settle(kEventWritable);
    if (c.has(kWantsRoom) && c.has(kOpened) && !c.has(kOrphan) && SendRoom(c) != 0) {
      c.clear(kWantsRoom);
      handler.OnWritable(handle);
    }
  }
  if (c.owes(kEventUrgent)) {
    c.settle(kEventUrgent);
    if (!c.has(kOrphan)) handler.OnUrgent(handle);
  }
  if (c.owes(kEventData)) {
    c.settle(kEventData);
    DeliverText(c, handler, handle);
  }
  if (c.owes(kEventTimer)) {
    c.settle(kEventTimer);
    if (!c.has(kOrphan)) handler.OnTimer(handle);
  }
  if (c.owes(kEventSoftError)) {
    c.settle(kEventSoftError);
    if (!c.has(kOrphan)) handler.OnSoftError(handle, c.last_error);
  }
  const Flight* f = Borrowed(c);
  const bool all_read = f == nullptr || f->unread.empty();
  if (c.owes(kEventPeerClosed) && all_read) {
    c.settle(kEventPeerClosed);
    if (!c.has(kOrphan)) handler.OnPeerClosed(handle);
  }
  // A normal end waits until the application has read everything; any other end throws it away.
  if (c.owes(kEventClosed) && (all_read || c.reason != CloseReason::kNormal || c.has(kOrphan))) {
    // Owed until it has returned: a Connect in it must not take this very record from TIME-WAIT.
    c.settle(kAnyEvent & ~kEventClosed);
    handler.OnClosed(handle, c.reason);
    c.settle(kAnyEvent);
    c.clear(kAppTimer | kPaused | kWantsRoom);
    c.set(kOrphan);
    c.user = 0;
    c.generation += 2;  // still in use, but handles find nothing any more
    ReturnFlight(c);
  }
}

// Hands out what is unread, piece by piece, as far as the application can take it.
void Engine::DeliverText(Tcb& c, Handler& handler, Connection handle) {
  const bool coupled = !SettingsOf(c).deliver_when_full;
  for (;;) {
    Flight* f = Borrowed(c);
    if (f == nullptr || f->unread.empty() || c.has(kPaused | kOrphan)) return;
    if (c.state == TcpState::kClosed && IsLocalEnd(c.reason)) return;  // Abort in the last OnData
    Text& text = *f->unread.head;
    uint32_t n = text.size;
    if (coupled && !c.has(kCloseRequested) && c.state != TcpState::kClosed) {
      n = static_cast<uint32_t>(std::min<size_t>({n, SendRoom(c), c.mss}));
      if (n == 0) return;  // an ACK makes room, and TakeAcknowledged asks for us again
      // Send will take this text, whatever the pool and the limit on kept buffers say then.
      if (!spare_) spare_ = AllocatePacket(pool_);
      if (!spare_) {
        starved_ = true;
        c.owe(kEventData);
        return;
      }
    }
    // Read before the call: a Close in the callback must not take this text for unread.
    const Bytes part = text.bytes().first(n);
    f->unread_octets -= n;
    text.TrimFront(n);
    if (text.size == 0) (void)f->unread.PopFront();
    delivery_ = {&c, &text, n};
    handler.OnData(handle, part);
    const bool put_back = delivery_.c == nullptr;
    delivery_.c = nullptr;
    if (text.size == 0) Release(&text);
    if (WindowWorthAnAck(c)) c.owe(kAckNow);
    if (put_back) return;  // a Resume that followed is heard in the next turn
  }
}

}  // namespace weir::tcp
