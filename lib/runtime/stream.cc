// weir::Stream: the application's side of a pull listener's connection.
#include "weir/stream.h"

#include <utility>

#include "runtime/pull_listener.h"
#include "runtime/pull_shard.h"
#include "runtime/pull_slot.h"

namespace weir {

using runtime::PullSlot;

namespace {

void Command(PullSlot& slot, uint32_t commands) { slot.shard->Command(slot, commands); }

// The worker stopped delivering when the buffer was full.
void AskForMore(PullSlot& slot) {
  if (!slot.blocked.load(std::memory_order_seq_cst) || !slot.received.half_empty()) return;
  if (slot.blocked.exchange(false, std::memory_order_seq_cst)) {
    Command(slot, runtime::kRoomToReceive);
  }
}

}  // namespace

Stream::Stream(Stream&& other) noexcept
    : listener_(std::move(other.listener_)), slot_(std::exchange(other.slot_, nullptr)) {}

Stream& Stream::operator=(Stream&& other) noexcept {
  if (this != &other) {
    Close();
    listener_ = std::move(other.listener_);
    slot_ = std::exchange(other.slot_, nullptr);
  }
  return *this;
}

size_t Stream::Send(Bytes text) {
  if (slot_ == nullptr || slot_->shut || slot_->closed()) return 0;
  const uint32_t taken = slot_->to_send.Write(text);
  if (taken > 0) Command(*slot_, runtime::kTextToSend);
  return taken;
}

bool Stream::WaitWritable(Timeout timeout) {
  if (slot_ == nullptr) return false;
  if (slot_->shut) return true;
  return slot_->changed.Await(timeout,
                              [this] { return slot_->closed() || slot_->to_send.half_empty(); });
}

absl::StatusOr<size_t> Stream::Receive(std::span<uint8_t> into, Timeout timeout) {
  if (slot_ == nullptr) return absl::FailedPreconditionError("not a stream");
  if (into.empty()) return absl::InvalidArgumentError("no room to receive into");
  uint32_t state = 0;
  size_t count = 0;
  // In this order: what came before the end is found.
  const bool done = slot_->changed.Await(timeout, [&] {
    state = slot_->state.load(std::memory_order_seq_cst);
    count = slot_->received.Read(into);
    return count > 0 || state != 0;
  });
  if (count > 0) AskForMore(*slot_);
  if (count > 0 || (state & runtime::kPeerClosed) != 0) return count;
  if (!done) return absl::DeadlineExceededError("");
  return absl::AbortedError(CloseReasonText(*slot_->closed()));
}

bool Stream::WaitReadable(Timeout timeout) {
  if (slot_ == nullptr) return false;
  return slot_->changed.Await(timeout, [this] {
    return slot_->state.load(std::memory_order_seq_cst) != 0 || !slot_->received.empty();
  });
}

bool Stream::peer_closed() const {
  return slot_ != nullptr &&
         (slot_->state.load(std::memory_order_seq_cst) & runtime::kPeerClosed) != 0;
}

std::optional<CloseReason> Stream::closed() const {
  return slot_ == nullptr ? std::nullopt : slot_->closed();
}

void Stream::Shutdown() {
  if (slot_ == nullptr || std::exchange(slot_->shut, true)) return;
  Command(*slot_, runtime::kShutdownWanted);
}

void Stream::GiveUp(uint32_t command) {
  if (slot_ == nullptr) return;
  Command(*std::exchange(slot_, nullptr), command);
  listener_.reset();
}

void Stream::Close() { GiveUp(runtime::kCloseWanted); }
void Stream::Abort() { GiveUp(runtime::kAbortWanted); }

Endpoint Stream::remote() const { return slot_ == nullptr ? Endpoint{} : slot_->remote; }
Endpoint Stream::local() const { return slot_ == nullptr ? Endpoint{} : slot_->local; }

}  // namespace weir
