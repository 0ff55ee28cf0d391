// Mailbox over rte_ring.
#include "runtime/mailbox.h"

#include <rte_errno.h>
#include <rte_ring.h>

#include <utility>

namespace weir::runtime {

absl::StatusOr<std::unique_ptr<Mailbox>> Mailbox::Create(const std::string& name,
                                                         unsigned capacity) {
  rte_ring* ring = rte_ring_create(name.c_str(), capacity, SOCKET_ID_ANY, RING_F_SC_DEQ);
  if (ring == nullptr) {
    return absl::ResourceExhaustedError("mailbox \"" + name + "\": " + rte_strerror(rte_errno));
  }
  return std::unique_ptr<Mailbox>(new Mailbox(ring, capacity));
}

Mailbox::~Mailbox() {
  while (Take() != nullptr) {
  }
  rte_ring_free(ring_);
}

bool Mailbox::Post(Call call) {
  auto owned = std::make_unique<Call>(std::move(call));
  if (rte_ring_mp_enqueue(ring_, owned.get()) != 0) return false;
  (void)owned.release();  // the ring's
  return true;
}

size_t Mailbox::Run() {
  size_t count = 0;
  for (; count < capacity_; ++count) {
    const std::unique_ptr<Call> call = Take();
    if (call == nullptr) break;
    (*call)();
  }
  return count;
}

std::unique_ptr<Mailbox::Call> Mailbox::Take() {
  void* object = nullptr;
  if (rte_ring_sc_dequeue(ring_, &object) != 0) return nullptr;
  return std::unique_ptr<Call>(static_cast<Call*>(object));
}

}  // namespace weir::runtime
