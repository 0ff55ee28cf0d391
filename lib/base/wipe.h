// Wipe: secrets leave memory when they are no longer needed.
#pragma once

#include <cstddef>
#include <cstring>

namespace weir {

// Overwrites `size` octets with zeros. The compiler cannot leave it out, although nobody reads them
// again.
inline void Wipe(void* octets, size_t size) {
  std::memset(octets, 0, size);
  asm volatile("" : : "r"(octets) : "memory");
}

}  // namespace weir
