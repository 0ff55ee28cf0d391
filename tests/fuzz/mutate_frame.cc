// The mutator of fuzz_frame, in libFuzzer's build only: most mutants get their checksums mended, or
// nearly all would end at the checksum.
#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzz/mend_frame.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t size_max);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t size_max,
                                          unsigned seed) {
  constexpr size_t kHintsSize = 3;  // in front of the frame, see fuzz_frame.cc
  const size_t mutated = LLVMFuzzerMutate(data, size, size_max);
  if (mutated > kHintsSize && seed % 8 != 0) {
    weir::fuzz::MendChecksums(std::span(data, mutated).subspan(kHintsSize));
  }
  return mutated;
}
