// The packet pool over ordinary memory: allocation, and the free path with all that DPDK's has to
// do.
#include "packet/pool_heap.h"

#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define WEIR_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEIR_POISON 1
#endif
#endif
#ifdef WEIR_POISON
#include <sanitizer/asan_interface.h>
#endif

namespace weir {
namespace {

constexpr size_t kCacheLine = 64;

// A buffer is: the mbuf, the scratch, the headroom, the room.
constexpr size_t kBufferOffset = sizeof(rte_mbuf) + Packet::kScratchSize;

void Poison([[maybe_unused]] void* p, [[maybe_unused]] size_t n) {
#ifdef WEIR_POISON
  __asan_poison_memory_region(p, n);
#endif
}
void Unpoison([[maybe_unused]] void* p, [[maybe_unused]] size_t n) {
#ifdef WEIR_POISON
  __asan_unpoison_memory_region(p, n);
#endif
}

// The pool that a buffer came from stands where DPDK keeps its own.
PacketPool* PoolOf(const rte_mbuf* m) { return reinterpret_cast<PacketPool*>(m->pool); }

// One owner less; true when it was the last.
bool LastOwner(uint16_t& owners) {
  WEIR_CHECK(owners != 0);  // freed twice
  return --owners == 0;
}

void FreeBuffer(rte_mbuf* m);

// Lets go of octets that lie elsewhere: in another buffer, or in memory that has its own release.
void Detach(rte_mbuf* m) {
  if ((m->ol_flags & RTE_MBUF_F_EXTERNAL) != 0) {
    if (LastOwner(m->shinfo->refcnt)) m->shinfo->free_cb(m->buf_addr, m->shinfo->fcb_opaque);
  } else {
    // An indirect buffer carries the direct one's address and private size
    // (rte_mbuf_from_indirect).
    FreeBuffer(reinterpret_cast<rte_mbuf*>(static_cast<uint8_t*>(m->buf_addr) - m->priv_size -
                                           sizeof(rte_mbuf)));
  }
}

void FreeBuffer(rte_mbuf* m) {
  if (!LastOwner(m->refcnt)) return;
  if ((m->ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL)) != 0) Detach(m);
  PoolOf(m)->Give(m);
}

}  // namespace

PacketPool::PacketPool(uint32_t capacity, uint32_t room) : room_(room), capacity_(capacity) {
  WEIR_CHECK(room_ + Packet::kHeadroom <= UINT16_MAX);
  const size_t size = kBufferOffset + Packet::kHeadroom + room_;
  stride_ = (size + kCacheLine - 1) / kCacheLine * kCacheLine;
  storage_.reset(new uint8_t[stride_ * capacity + kCacheLine]);
  const size_t misfit = reinterpret_cast<uintptr_t>(storage_.get()) % kCacheLine;
  buffers_ = storage_.get() + (misfit == 0 ? 0 : kCacheLine - misfit);
  free_.reserve(capacity);
  for (uint32_t i = capacity; i-- > 0;) {
    free_.push_back(new (At(i)) rte_mbuf{});
    Poison(At(i) + 1, stride_ - sizeof(rte_mbuf));
  }
}

PacketPool::~PacketPool() { Unpoison(buffers_, stride_ * capacity_); }

rte_mbuf* PacketPool::At(uint32_t index) const {
  return reinterpret_cast<rte_mbuf*>(buffers_ + index * stride_);
}

rte_mbuf* PacketPool::Take() {
  ++allocations_;
  if (exhausted_ || allocations_ == fail_at_ || free_.empty()) return nullptr;
  rte_mbuf* m = free_.back();
  free_.pop_back();
  *m = rte_mbuf{};
  Unpoison(m + 1, stride_ - sizeof(rte_mbuf));
  m->buf_addr = reinterpret_cast<uint8_t*>(m) + kBufferOffset;
  m->buf_len = static_cast<uint16_t>(Packet::kHeadroom + room_);
  m->data_off = Packet::kHeadroom;
  m->priv_size = Packet::kScratchSize;
  m->refcnt = 1;
  m->nb_segs = 1;
  m->pool = reinterpret_cast<decltype(m->pool)>(this);
  return m;
}

void PacketPool::Give(rte_mbuf* m) {
  const auto offset = static_cast<size_t>(reinterpret_cast<uint8_t*>(m) - buffers_);
  WEIR_CHECK(offset < stride_ * capacity_);  // of this pool
  WEIR_DCHECK(offset % stride_ == 0);
  free_.push_back(m);
  Poison(m + 1, stride_ - sizeof(rte_mbuf));
}

void Packet::FreeBuffers(rte_mbuf* first) {
  while (first != nullptr) {
    rte_mbuf* next = first->next;  // read before the buffer may be somebody else's
    FreeBuffer(first);
    first = next;
  }
}

Packet AllocatePacket(PacketPool& pool) { return Packet(pool.Take()); }
uint32_t PacketsInUse(const PacketPool& pool) { return pool.in_use(); }
uint32_t PacketCapacity(const PacketPool& pool) { return pool.capacity(); }
uint32_t PacketRoom(const PacketPool& pool) { return pool.room(); }

Packet PacketOf(PacketPool& pool, std::span<const uint8_t> octets) {
  if (octets.size() > pool.room()) return Packet();
  Packet packet = AllocatePacket(pool);
  if (!packet || octets.empty()) return packet;
  std::memcpy(packet.Append(static_cast<uint16_t>(octets.size())), octets.data(), octets.size());
  return packet;
}

}  // namespace weir
