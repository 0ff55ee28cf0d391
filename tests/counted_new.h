// operator new, counted: for tests that something allocates nothing.
#pragma once

#include <cstdint>

namespace weir::test {

// Whether what this thread allocates is counted.
extern thread_local bool counting;
// How often it was.
extern thread_local uint64_t allocations;

}  // namespace weir::test
