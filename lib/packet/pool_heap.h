// The packet pool of tests, simulation and fuzzing: ordinary memory, no EAL, and it watches its
// users.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "packet/packet.h"

namespace weir {

// A fixed number of buffers in one block, handed out last in, first out. A buffer freed twice, or
// given to a driver and freed by nobody, is found: the first aborts, the second shows in
// PacketsInUse. Under AddressSanitizer the octets of a free buffer are poisoned.
//
//   HeapPool pool(1024);
//   Packet packet = AllocatePacket(pool);
//
// Thread: one, for the pool and all its packets. Outlives its packets.
class PacketPool {
 public:
  explicit PacketPool(uint32_t capacity, uint32_t room = 2048);
  ~PacketPool();
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;

  // Makes the `nth` allocation from now (1 = the next) find the pool empty; 0 takes that back.
  void FailAllocation(uint64_t nth) { fail_at_ = nth == 0 ? 0 : allocations_ + nth; }
  // From now on every allocation fails until set to false.
  void set_exhausted(bool exhausted) { exhausted_ = exhausted; }
  // Calls of AllocatePacket so far, failed ones included.
  uint64_t allocations() const { return allocations_; }

  uint32_t capacity() const { return capacity_; }
  uint32_t room() const { return room_; }
  uint32_t in_use() const { return capacity() - static_cast<uint32_t>(free_.size()); }

  // For AllocatePacket and for whoever frees.
  rte_mbuf* Take();
  void Give(rte_mbuf* m);

 private:
  rte_mbuf* At(uint32_t index) const;

  uint32_t room_;
  uint32_t capacity_;
  size_t stride_;  // octets from one buffer to the next
  std::unique_ptr<uint8_t[]> storage_;
  uint8_t* buffers_;             // the storage from its first cache line on
  std::vector<rte_mbuf*> free_;  // a free buffer has no owners, by which a second free is found
  uint64_t allocations_ = 0;
  uint64_t fail_at_ = 0;
  bool exhausted_ = false;
};
using HeapPool = PacketPool;

// A packet that holds a copy of the octets, or an empty handle when the pool is exhausted or the
// octets do not fit one buffer.
[[nodiscard]] Packet PacketOf(PacketPool& pool, std::span<const uint8_t> octets);

}  // namespace weir
