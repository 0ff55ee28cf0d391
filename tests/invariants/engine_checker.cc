// Invariants of control blocks, their queues and their timers.
#include "invariants/engine_checker.h"

#include <utility>

namespace weir::invariants {
namespace {

// How late a timer may run: a host may look at its frames and its clock only now and then.
constexpr int32_t kTimerSlackMs = 200;

}  // namespace

EngineChecker::EngineChecker(const tcp::Engine& engine, Complain complain)
    : engine_(engine), complain_(std::move(complain)) {}

void EngineChecker::Wrong(const tcp::Tcb& c, const char* what) const {
  complain_(std::string(TcpStateName(c.state)) + " of " + engine_.Local(c).ToString() + " and " +
            engine_.Remote(c).ToString() + ": " + what);
}

void EngineChecker::AfterTurn(Time now) {
  now_ = now.millis();
  flights_ = pieces_ = 0;
  engine_.ForEach([this](const tcp::Tcb& c) { CheckConnection(c); });
  const tcp::Usage usage = engine_.usage();
  if (usage.flights != flights_) complain_("a Flight is borrowed and no connection has it");
  if (usage.kept_buffers != pieces_) complain_("buffers are said to be kept that no queue holds");
}

void EngineChecker::CheckConnection(const tcp::Tcb& c) {
  CheckEdges(c, edges_[&c]);
  const tcp::Flight* flight = engine_.FlightOf(c);
  if (flight != nullptr) {
    ++flights_;
    CheckFlight(c, *flight);
  }
  // One that is still on the list is not settled: buffers or room for segments were short.
  if (c.has(tcp::kTouched)) return;
  if (c.state == TcpState::kClosed) {
    // Only for an application that has paused and still has something to read.
    if (flight == nullptr || flight->unread_octets == 0) Wrong(c, "closed and still there");
    return;
  }
  CheckTimers(c);
  if (flight != nullptr && flight->send.empty() && flight->unread.empty() &&
      flight->out_of_order.empty() && !flight->ack_pending && c.snd.una == c.snd.nxt) {
    Wrong(c, "has a Flight and needs none");
  }
}

// What never goes back while a connection lives (SHLD-14 for the right edge of the window).
void EngineChecker::CheckEdges(const tcp::Tcb& c, Edges& before) {
  if (c.snd.una > c.snd.nxt) Wrong(c, "SND.UNA is past SND.NXT");
  if (c.synchronized() && c.rcv.nxt > c.rcv.adv) Wrong(c, "RCV.NXT is past the window");
  if (before.generation == c.generation && before.synchronized) {
    if (c.snd.una < before.una) Wrong(c, "SND.UNA has gone back");
    if (c.rcv.adv < before.adv) Wrong(c, "the right edge of the window has moved left");
  }
  before = {c.generation, c.synchronized(), c.snd.una, c.rcv.adv};
}

// A timer runs if and only if something is outstanding.
void EngineChecker::CheckTimers(const tcp::Tcb& c) {
  const tcp::Flight* flight = engine_.FlightOf(c);
  const bool unsent = flight != nullptr && flight->send_octets > c.in_flight();
  const bool outstanding = c.snd.una != c.snd.nxt || unsent;
  const bool waits =
      c.state == TcpState::kTimeWait || (c.state == TcpState::kFinWait2 && c.has(tcp::kOrphan));
  const bool armed = c.has(tcp::kRetransmitArmed);
  if ((outstanding || waits) && !armed) Wrong(c, "something is outstanding and no timer runs");
  // In CLOSE-WAIT it may be the limit of close_wait_ms.
  const bool may_wait = c.state == TcpState::kCloseWait || c.has(tcp::kKeepAlive);
  if (!outstanding && !waits && armed && !may_wait) {
    Wrong(c, "a timer runs and nothing is outstanding");
  }
  const bool ack_pending = flight != nullptr && flight->ack_pending;
  if ((armed || ack_pending || c.has(tcp::kAppTimer)) && !engine_.timer_armed(c)) {
    Wrong(c, "not on the timing wheel");
  }
  if (armed && now_ - c.retransmit_at > kTimerSlackMs) Wrong(c, "a timer is long overdue");
  if (const auto look = engine_.PaceAt(c)) {
    if (!engine_.timer_armed(c)) Wrong(c, "has limits for slow peers and is not on the wheel");
    if (now_ - *look > kTimerSlackMs) Wrong(c, "the limits for slow peers are long overdue");
  }
  if (c.has(tcp::kAppTimer) && now_ - c.app_timer_at > kTimerSlackMs) {
    Wrong(c, "the application's timer is long overdue");
  }
}

void EngineChecker::CheckFlight(const tcp::Tcb& c, const tcp::Flight& f) {
  CheckSendQueue(c, f);
  CheckUnread(c, f);
  CheckOutOfOrder(c, f);
}

// Without gaps from SND.UNA on, behind a SYN that is still to be acknowledged.
void EngineChecker::CheckSendQueue(const tcp::Tcb& c, const tcp::Flight& f) {
  const bool syn = c.state == TcpState::kSynSent || c.state == TcpState::kSynReceived;
  Seq next = c.snd.una + (syn ? 1u : 0u);
  // One that has ended, perhaps in SYN-SENT, waits for its OnClosed.
  if (c.state == TcpState::kClosed && !f.send.empty()) next = f.send.head->seq;
  uint32_t octets = 0, copied = 0;
  for (const tcp::Text* t = f.send.head; t != nullptr; t = t->next) {
    ++pieces_;
    if (t->seq != next) Wrong(c, "the send queue has a gap");
    if (t->size == 0) Wrong(c, "the send queue has an empty piece");
    if (t->next == nullptr && t != f.send.tail) Wrong(c, "the send queue has lost its end");
    next = t->end();
    octets += t->size;
    if (!t->owned) copied += t->size;
  }
  if (octets != f.send_octets) Wrong(c, "the send queue's octets are miscounted");
  if (copied != f.copied_octets) Wrong(c, "the send buffer's octets are miscounted");
}

// Up to RCV.NXT, without gaps; only a FIN may stand behind it.
void EngineChecker::CheckUnread(const tcp::Tcb& c, const tcp::Flight& f) {
  uint32_t octets = 0;
  for (const tcp::Text* t = f.unread.head; t != nullptr; t = t->next) {
    ++pieces_;
    octets += t->size;
    if (t->size == 0) Wrong(c, "unread text has an empty piece");
    if (t->next != nullptr && t->next->seq != t->end()) Wrong(c, "unread text has a gap");
    const Seq end = t->end() + (c.has(tcp::kPeerFin) ? 1u : 0u);
    if (t->next == nullptr && end != c.rcv.nxt) Wrong(c, "unread text does not end at RCV.NXT");
  }
  if (octets != f.unread_octets) Wrong(c, "unread octets are miscounted");
}

// In order, without overlaps, and behind a gap.
void EngineChecker::CheckOutOfOrder(const tcp::Tcb& c, const tcp::Flight& f) {
  uint32_t octets = 0, count = 0;
  for (const tcp::Text* t = f.out_of_order.head; t != nullptr; t = t->next) {
    ++pieces_;
    ++count;
    octets += t->size;
    if (t->seq <= c.rcv.nxt) Wrong(c, "text out of order that is not behind a gap");
    if (t->end() > c.rcv.adv) Wrong(c, "text out of order beyond the window");
    if (t->next != nullptr && t->next->seq < t->end()) Wrong(c, "text out of order overlaps");
  }
  if (octets != f.out_of_order_octets) Wrong(c, "octets out of order are miscounted");
  if (count != f.out_of_order_pieces) Wrong(c, "pieces out of order are miscounted");
}

}  // namespace weir::invariants
