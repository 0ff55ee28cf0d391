// CHECK and DCHECK: for weir's own invariants, never for what arrived from the network.
#pragma once

namespace weir {

// Prints the place and the condition, then aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace weir

// Always on: start-up, tables, ownership.
#define WEIR_CHECK(condition)                   \
  (__builtin_expect(!!(condition), 1) ? (void)0 \
                                      : ::weir::CheckFailed(__FILE__, __LINE__, #condition))

// Debug builds only: per-packet invariants.
#ifdef NDEBUG
#define WEIR_DCHECK(condition) ((void)sizeof(!(condition)))
#else
#define WEIR_DCHECK(condition) WEIR_CHECK(condition)
#endif
