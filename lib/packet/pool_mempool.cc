// The packet pool over rte_mempool: DPDK's own allocation and free path.
#include "packet/pool_mempool.h"

#include <rte_errno.h>
#include <rte_mbuf.h>

namespace weir {

static_assert(Packet::kHeadroom == RTE_PKTMBUF_HEADROOM, "what drivers leave in front of a frame");

PacketPool::PacketPool(const std::string& name, uint32_t capacity, uint32_t room, int socket)
    : capacity_(capacity), room_(room) {
  // A cache may not hold more than two thirds of the pool, or allocation could starve beside it.
  const uint32_t cache = capacity / 3 < kCacheSize ? capacity / 3 : kCacheSize;
  pool_ = rte_pktmbuf_pool_create(name.c_str(), capacity, cache, Packet::kScratchSize,
                                  static_cast<uint16_t>(Packet::kHeadroom + room), socket);
  if (pool_ == nullptr) error_ = rte_strerror(rte_errno);
}

PacketPool::~PacketPool() { rte_mempool_free(pool_); }

void Packet::FreeBuffers(rte_mbuf* first) { rte_pktmbuf_free(first); }

Packet AllocatePacket(PacketPool& pool) { return Packet(rte_pktmbuf_alloc(pool.raw())); }
uint32_t PacketsInUse(const PacketPool& pool) { return rte_mempool_in_use_count(pool.raw()); }
uint32_t PacketCapacity(const PacketPool& pool) { return pool.capacity(); }
uint32_t PacketRoom(const PacketPool& pool) { return pool.room(); }

bool AllocatePackets(PacketPool& pool, std::span<Packet> out) {
  // A Packet is one pointer (static_assert in packet.h), so the span is an array of buffers.
  rte_mbuf** raw = reinterpret_cast<rte_mbuf**>(out.data());
  if (rte_pktmbuf_alloc_bulk(pool.raw(), raw, static_cast<unsigned>(out.size())) == 0) return true;
  // The mempool leaves pointers behind to buffers that it has not handed out.
  for (size_t i = 0; i < out.size(); ++i) raw[i] = nullptr;
  return false;
}

void FreePackets(std::span<Packet> packets) {
  rte_mbuf** raw = reinterpret_cast<rte_mbuf**>(packets.data());
  rte_pktmbuf_free_bulk(raw, static_cast<unsigned>(packets.size()));  // skips empty handles
  for (size_t i = 0; i < packets.size(); ++i) raw[i] = nullptr;
}

}  // namespace weir
