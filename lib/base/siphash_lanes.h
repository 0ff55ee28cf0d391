// SipHash-2-4 of many messages at once: one message to each lane of a vector register.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "base/siphash.h"

namespace weir {

// How it is computed; all give the same hashes. What the processor has is found out at run time,
// whatever instruction set the rest is compiled for.
enum class SipLanes : uint8_t {
  kScalar,  // one message after another
  kAvx2,    // four at once
  kAvx512,  // eight at once
};

// Whether this processor and its system can do it.
bool HasSipLanes(SipLanes lanes);
// The widest of those; found out at the first call.
SipLanes WidestSipLanes();

// Messages of `length` words each, stored word by word: word w of message i is
// words[w * stride + i]. A view; it owns nothing.
struct SipMessages {
  const uint64_t* words = nullptr;
  size_t length = 0;
  size_t stride = 0;  // at least the number of messages

  const uint64_t* Word(size_t w) const { return words + w * stride; }
};

// hashes[i] becomes SipHash24 of message i, for all of `hashes`. Messages beyond are not read, and
// no alignment is asked for. `lanes` must be one that HasSipLanes.
void SipHash24(const SipKey& key, const SipMessages& messages, std::span<uint64_t> hashes,
               SipLanes lanes = WidestSipLanes());

// Messages of `kLength` words that are collected one by one and hashed together. Holds no memory
// but its own 32 messages: it lives on the stack.
template <size_t kLength>
class SipBatch {
 public:
  static constexpr size_t kRoom = 32;

  // Not more than kRoom of them. `index` comes back with the hash.
  void Add(size_t index, const std::array<uint64_t, kLength>& message) {
    WEIR_DCHECK(size_ < kRoom);
    for (size_t w = 0; w < kLength; ++w) words_[w * kRoom + size_] = message[w];
    indices_[size_++] = index;
  }
  // Calls done(index, hash) for each message, in the order they came in, and forgets them.
  template <class Done>
  void HashAll(const SipKey& key, Done done) {
    std::array<uint64_t, kRoom> hashes;
    SipHash24(key, {words_.data(), kLength, kRoom}, {hashes.data(), size_});
    for (size_t i = 0; i < size_; ++i) done(indices_[i], hashes[i]);
    size_ = 0;
  }

 private:
  size_t size_ = 0;
  std::array<uint64_t, kLength * kRoom> words_;
  std::array<size_t, kRoom> indices_;
};

}  // namespace weir
