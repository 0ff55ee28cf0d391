// IndexRing: numbers that cross between a worker and the threads of the application.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

struct rte_ring;

namespace weir::runtime {

// A bounded lock-free rte_ring with one end at a worker. Its memory is not the EAL's, so that
// threads may still use it when the EAL has been stopped. Threads of the application are taken off
// their processor at any moment, also half-way through: relaxed tail synchronisation (RTS) lets the
// others go on meanwhile.
//
// Thread: the many-sided end any; the other the worker; the constructor anybody's before both.
class IndexRing {
 public:
  enum class Kind {
    kFromWorker,  // the worker pushes, any thread pops
    kToWorker,    // any thread pushes, the worker pops
  };
  // With room for `capacity` numbers at least.
  IndexRing(Kind kind, uint32_t capacity);
  IndexRing(const IndexRing&) = delete;
  IndexRing& operator=(const IndexRing&) = delete;

  // False when it is full - or a thread that pops is still in the middle of it.
  [[nodiscard]] bool Push(uint32_t index);
  [[nodiscard]] std::optional<uint32_t> Pop();
  // Fills the front of `out` and returns how many there were.
  [[nodiscard]] size_t Pop(std::span<uint32_t> out);

 private:
  struct Free {
    void operator()(rte_ring* ring) const;
  };
  std::unique_ptr<rte_ring, Free> ring_;
};

}  // namespace weir::runtime
