// weir::Worker: each call goes to the stack of that worker.
#include "weir/worker.h"

#include "stack/stack.h"

namespace weir {

unsigned Worker::index() const { return stack_ == nullptr ? 0 : stack_->worker_index(); }

int64_t Worker::now_us() const { return stack_ == nullptr ? 0 : stack_->now().us; }

bool Worker::draining() const { return stack_ != nullptr && stack_->draining(); }

absl::StatusOr<Connection> Worker::Connect(const ConnectOptions& options, Handler& handler) {
  if (stack_ == nullptr) return absl::FailedPreconditionError("");
  return stack_->Connect(options, handler);
}

void Worker::SetTimer(Handler& handler, uint32_t milliseconds) {
  if (stack_ != nullptr) stack_->SetTimer(handler, milliseconds);
}

}  // namespace weir
