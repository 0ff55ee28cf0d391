// TscTime: nanoseconds of the TSC since a run began.
#pragma once

#include <cstdint>

#include "port/tsc.h"

namespace weir::flood {

// The EAL has been started before.
class TscTime {
 public:
  TscTime() : start_(port::TscCycles()), ns_per_cycle_(1e9 / static_cast<double>(port::TscHz())) {}

  int64_t Now() const { return At(port::TscCycles()); }
  int64_t At(uint64_t cycles) const {
    return static_cast<int64_t>(static_cast<double>(cycles - start_) * ns_per_cycle_);
  }

 private:
  uint64_t start_;
  double ns_per_cycle_;
};

}  // namespace weir::flood
