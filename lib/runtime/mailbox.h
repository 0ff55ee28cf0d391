// Mailbox: work that other threads want done on a worker.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

struct rte_ring;

namespace weir::runtime {

// A bounded lock-free queue of calls. For control - drain, statistics - not for packets: each call
// is allocated.
//
// Thread: Post any; Run and the destructor only the worker or whoever comes after it.
class Mailbox {
 public:
  using Call = std::function<void()>;

  // `name` is unique in the process; `capacity` is a power of two, of which one place stays empty.
  static absl::StatusOr<std::unique_ptr<Mailbox>> Create(const std::string& name,
                                                         unsigned capacity);
  ~Mailbox();  // forgets what was not run
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // False when the box is full; the call will then never run.
  [[nodiscard]] bool Post(Call call);
  // Runs what has been posted, oldest first, but no more than the box holds; returns how many ran.
  size_t Run();

 private:
  Mailbox(rte_ring* ring, unsigned capacity) : ring_(ring), capacity_(capacity) {}
  std::unique_ptr<Call> Take();

  rte_ring* ring_;
  unsigned capacity_;
};

}  // namespace weir::runtime
