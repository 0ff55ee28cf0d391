// The packet pool of programs: a DPDK mempool.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "packet/packet.h"

struct rte_mempool;

namespace weir {

// Owns one mempool of buffers with the scratch as private area. Freed packets go back to the pool
// they came from, on whatever worker that happens.
//
// Thread: allocation is meant for one worker; the pool itself takes any. Outlives its packets, and
// the devices that receive into it.
class PacketPool {
 public:
  // At most this many octets of cache per lcore, in buffers.
  static constexpr uint32_t kCacheSize = 256;

  // How buffers lie in memory.
  enum class Layout : uint8_t {
    kSpread,     // over the memory's channels, as mempools do by default
    kWholePages  // a power of two, at least a page each, without gaps: net_af_xdp in DPDK 22.11
                 // registers capacity * size octets, and what lies behind gaps would not be in it
  };

  // Reserves `capacity` buffers on the NUMA node `socket`; `name` is unique in the process and at
  // most 25 characters. Check ok() before use: false when the EAL had no memory.
  PacketPool(const std::string& name, uint32_t capacity, uint32_t room, int socket,
             Layout layout = Layout::kSpread);
  ~PacketPool();
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;

  bool ok() const { return pool_ != nullptr; }
  // Why not, by the EAL's own words.
  const std::string& error() const { return error_; }
  rte_mempool* raw() const { return pool_; }
  uint32_t capacity() const { return capacity_; }
  // At least what was asked for.
  uint32_t room() const { return room_; }

 private:
  rte_mempool* pool_ = nullptr;
  std::string error_;
  uint32_t capacity_;
  uint32_t room_;
};
using MempoolPool = PacketPool;

// Fills all of `out` (empty handles before), or none of it and returns false.
[[nodiscard]] bool AllocatePackets(PacketPool& pool, std::span<Packet> out);
// Frees every packet of the span; cheaper than one by one.
void FreePackets(std::span<Packet> packets);

}  // namespace weir
