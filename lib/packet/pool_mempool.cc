// The packet pool over rte_mempool: DPDK's own allocation and free path.
#include "packet/pool_mempool.h"

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>

#include <algorithm>
#include <bit>

namespace weir {

static_assert(Packet::kHeadroom == RTE_PKTMBUF_HEADROOM, "what drivers leave in front of a frame");

namespace {

constexpr uint32_t kPage = 4096;

constexpr uint32_t ElementSize(uint32_t room) {
  return static_cast<uint32_t>(sizeof(rte_mbuf)) + Packet::kScratchSize + Packet::kHeadroom + room;
}

// Octets of room to add so that a buffer with the mempool's own header is a power of two.
uint32_t PageFill(uint32_t room) {
  const uint32_t size =
      rte_mempool_calc_obj_size(ElementSize(room), RTE_MEMPOOL_F_NO_SPREAD, nullptr);
  return std::bit_ceil(std::max(size, kPage)) - size;
}

rte_mempool* CreateInWholePages(const char* name, uint32_t capacity, uint32_t cache, uint32_t room,
                                int socket) {
  rte_mempool* pool =
      rte_mempool_create_empty(name, capacity, ElementSize(room), cache,
                               sizeof(rte_pktmbuf_pool_private), socket, RTE_MEMPOOL_F_NO_SPREAD);
  if (pool == nullptr) return nullptr;
  rte_pktmbuf_pool_private layout{};
  layout.mbuf_data_room_size = static_cast<uint16_t>(Packet::kHeadroom + room);
  layout.mbuf_priv_size = Packet::kScratchSize;
  rte_pktmbuf_pool_init(pool, &layout);
  if (rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), nullptr) != 0 ||
      rte_mempool_populate_default(pool) < 0) {
    rte_mempool_free(pool);
    rte_errno = ENOMEM;
    return nullptr;
  }
  rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
  return pool;
}

}  // namespace

PacketPool::PacketPool(const std::string& name, uint32_t capacity, uint32_t room, int socket,
                       Layout layout)
    : capacity_(capacity), room_(room) {
  // A cache may not hold more than two thirds of the pool, or allocation could starve beside it.
  const uint32_t cache = capacity / 3 < kCacheSize ? capacity / 3 : kCacheSize;
  if (layout == Layout::kSpread) {
    pool_ = rte_pktmbuf_pool_create(name.c_str(), capacity, cache, Packet::kScratchSize,
                                    static_cast<uint16_t>(Packet::kHeadroom + room), socket);
  } else {
    room_ += PageFill(room);
    pool_ = CreateInWholePages(name.c_str(), capacity, cache, room_, socket);
  }
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
