// PullHandler: events of connections into slots, commands from slots to connections.
#include "runtime/pull_handler.h"

#include <array>
#include <utility>

#include "base/check.h"

namespace weir::runtime {

PullHandler::PullHandler(std::shared_ptr<PullListener> listener, unsigned worker,
                         Counters& counters)
    : listener_(std::move(listener)), shard_(listener_->shard(worker)), counters_(counters) {}

// --- slots ---

// Connection::user is 0 at first.
PullSlot* PullHandler::SlotOf(Connection c) {
  const uint64_t user = c.user();
  return user == 0 ? nullptr : &shard_.slot(static_cast<uint32_t>(user - 1));
}

// The one that was used last: its memory is warm, and what was never used is never touched.
PullSlot* PullHandler::Allocate() {
  if (free_ == kNone && fresh_ == shard_.capacity()) return nullptr;
  PullSlot& slot = shard_.slot(free_ != kNone ? free_ : fresh_);
  if (free_ != kNone) {
    free_ = slot.next;
  } else {
    ++fresh_;
  }
  shard_.Prepare(slot);
  slot.handler = this;
  return &slot;
}

void PullHandler::FreeIfDone(PullSlot& slot) {
  if (!slot.given_up || slot.connection != Connection() || slot.pieces > 0) return;
  if (slot.offered) --offered_;
  slot.given_up = false;
  slot.next = std::exchange(free_, slot.index);
}

// --- events ---

void PullHandler::OnOpen(Connection c) {
  PullSlot* slot = Allocate();
  WEIR_CHECK(slot != nullptr);  // the engine opens no more than `backlog`
  ++unaccepted_;
  slot->connection = c;
  slot->remote = c.remote();
  slot->local = c.local();
  c.set_user(slot->index + 1);
  slot->next = kNone;
  if (waiting_.last == kNone) {
    waiting_.first = slot->index;
  } else {
    shard_.slot(waiting_.last).next = slot->index;
  }
  waiting_.last = slot->index;
  OfferWaiting();
}

void PullHandler::OnData(Connection c, Bytes text) {
  PullSlot* slot = SlotOf(c);
  if (slot == nullptr) return;
  if (slot->given_up) return Abort(*slot);  // SHLD-3: nobody will read it
  const uint32_t taken = slot->received.Write(text);
  if (taken < text.size()) {
    c.Pause(text.size() - taken);
    slot->blocked.store(true, std::memory_order_seq_cst);
    // The application may have read meanwhile, and not seen that more waits.
    if (slot->received.half_empty() && slot->blocked.exchange(false, std::memory_order_seq_cst)) {
      c.Resume();
    }
  }
  slot->changed.Notify(1);
}

void PullHandler::OnWritable(Connection c) {
  PullSlot* slot = SlotOf(c);
  if (slot == nullptr) return;
  if (slot->given_up) {
    FinishClose(*slot);
  } else {
    SendText(*slot);
  }
}

void PullHandler::OnPeerClosed(Connection c) {
  PullSlot* slot = SlotOf(c);
  if (slot == nullptr) return;
  slot->state.fetch_or(kPeerClosed, std::memory_order_seq_cst);
  slot->changed.Notify(1);
}

void PullHandler::OnClosed(Connection c, CloseReason reason) {
  PullSlot* slot = SlotOf(c);
  if (slot == nullptr) return;
  slot->connection = Connection();
  slot->SetGone(reason);
  slot->changed.Notify(1);
  FreeIfDone(*slot);
}

// --- the accept queue ---

// As many as the application may hold: what is beyond waits here, not in its ring, so that the
// limit needs no counter that threads share.
void PullHandler::OfferWaiting() {
  while (waiting_.first != kNone) {
    PullSlot& slot = shard_.slot(waiting_.first);
    const bool ended = slot.connection == Connection() && slot.received.empty();
    if (!ended && offered_ == shard_.sizes().max_streams) return;
    const uint32_t next = slot.next;
    if (ended) {
      slot.given_up = true;
      LeaveQueue();
      FreeIfDone(slot);
    } else {
      if (!shard_.Offer(slot)) return;
      slot.offered = true;
      ++offered_;
    }
    waiting_.first = next;
    if (next == kNone) waiting_.last = kNone;
  }
}

void PullHandler::LeaveQueue() {
  --unaccepted_;
  engine_->Accepted(number_);
}

// --- commands ---

size_t PullHandler::RunCommands() {
  size_t count = 0;
  for (size_t burst = 0; burst < kBurstsPerTurn; ++burst) {
    std::array<uint32_t, kBurst> slots;
    const size_t n = shard_.TakeCommands(slots);
    for (size_t i = 0; i < n; ++i) Run(shard_.slot(slots[i]));
    count += n;
    if (n < kBurst) break;
  }
  OfferWaiting();
  // All that are open have been offered, and the engine keeps none back for the next turn.
  if (draining_ && waiting_.first == kNone && !shard_.ended() &&
      engine_->listener(number_).unaccepted == unaccepted_) {
    shard_.End();
  }
  return count;
}

void PullHandler::Run(PullSlot& slot) {
  const uint32_t commands = slot.commands.exchange(0, std::memory_order_acq_rel);
  if ((commands & kTaken) != 0) {
    counters_.Add(Counter::kPullAccepted);
    LeaveQueue();
  }
  if ((commands & kShutdownWanted) != 0) slot.shutdown_wanted = true;
  if ((commands & (kTextToSend | kShutdownWanted)) != 0) SendText(slot);
  if ((commands & kRoomToReceive) != 0) slot.connection.Resume();
  if ((commands & (kCloseWanted | kAbortWanted)) != 0) {
    TakeBack(slot, (commands & kAbortWanted) != 0);
  }
}

// What TCP does not take waits for OnWritable.
void PullHandler::SendText(PullSlot& slot) {
  for (;;) {
    const Bytes text = slot.to_send.At(0);
    const size_t taken = slot.connection.Send(text);
    if (taken == 0) break;
    slot.to_send.Consume(static_cast<uint32_t>(taken));
    if (taken < text.size()) break;
  }
  if (slot.to_send.half_empty()) slot.changed.Notify(1);
  if (slot.shutdown_wanted && slot.to_send.empty()) slot.connection.Shutdown();
}

void PullHandler::TakeBack(PullSlot& slot, bool abort) {
  slot.given_up = true;
  if (slot.connection == Connection()) return FreeIfDone(slot);
  // SHLD-3: the peer must know that text was lost.
  if (abort || !slot.received.empty()) return Abort(slot);
  SendText(slot);
  FinishClose(slot);
}

// The rest of the text is TCP's where it lies, until it is acknowledged: so the connection can be
// closed at once, and be bounded as all those that nobody holds any more.
void PullHandler::FinishClose(PullSlot& slot) {
  Connection c = slot.connection;
  while (slot.handed_over < slot.to_send.size()) {
    const Bytes text = slot.to_send.At(slot.handed_over);
    if (c.SendOwned(text, Released, &slot)) {
      ++slot.pieces;
      slot.handed_over += static_cast<uint32_t>(text.size());
      continue;
    }
    const size_t taken = c.Send(text);
    slot.handed_over += static_cast<uint32_t>(taken);
    if (taken < text.size()) return;  // OnWritable or OnClosed comes
  }
  c.set_user(0);
  c.Close();
  slot.connection = Connection();
  FreeIfDone(slot);
}

void PullHandler::Abort(PullSlot& slot) {
  slot.connection.set_user(0);
  slot.connection.Abort();
  slot.connection = Connection();
  FreeIfDone(slot);
}

void PullHandler::Released(void* slot) {
  auto* released = static_cast<PullSlot*>(slot);
  --released->pieces;
  released->handler->FreeIfDone(*released);
}

}  // namespace weir::runtime
