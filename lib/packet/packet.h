// Packet: the sole owner of one chain of packet buffers (a DPDK mbuf chain).
#pragma once

#include <rte_mbuf_core.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "base/check.h"
#include "weir/address.h"

namespace weir {

// What the device said about the checksums of a received packet. Only kGood may be trusted;
// anything else is verified in software.
enum class ChecksumStatus : uint8_t { kUnknown, kGood, kBad };

// What a device is told to fill in the TCP checksum of a packet: the same for all that leave from
// one address. `l2_size` and `l3_size` are octets of the headers in front of TCP's.
struct TcpChecksumRequest {
  TcpChecksumRequest() = default;
  TcpChecksumRequest(bool v4, uint16_t l2_size, uint16_t l3_size)
      : flags(RTE_MBUF_F_TX_TCP_CKSUM | (v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6)),
        lengths(uint64_t{l2_size} << RTE_MBUF_L2_LEN_OFS | uint64_t{l3_size}
                                                               << RTE_MBUF_L3_LEN_OFS) {}

  uint64_t flags = 0;
  uint64_t lengths = 0;
};

// Per-buffer scratch of whoever owns the buffer (the TCP send queue, mainly); lives in the private
// area of the buffer, is not cleared on allocation, and is lost when the packet leaves the stack.
struct PacketScratch {
  uint32_t words[16];
};

// Owns a buffer chain; moving transfers it, destroying frees it. Two owners of one buffer exist
// only through Share(); octets may be written only while unique(). Same size as a pointer, so that
// an array of packets can be handed to a driver as an array of buffers.
//
// Thread: a packet belongs to one thread at a time; buffers may be freed on another worker.
class Packet {
 public:
  // Octets of private area in every buffer: the scratch.
  static constexpr uint16_t kScratchSize = sizeof(PacketScratch);
  // Room that every fresh packet has in front of its data.
  static constexpr uint16_t kHeadroom = 128;

  Packet() = default;
  explicit Packet(rte_mbuf* owned) : m_(owned) {}
  Packet(Packet&& other) noexcept : m_(std::exchange(other.m_, nullptr)) {}
  Packet& operator=(Packet&& other) noexcept {
    if (this != &other) {
      Reset();
      m_ = std::exchange(other.m_, nullptr);
    }
    return *this;
  }
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
  ~Packet() { Reset(); }

  explicit operator bool() const { return m_ != nullptr; }
  // Frees the chain, if any. Buffers that have another owner stay with it.
  void Reset() {
    if (m_ != nullptr) FreeBuffers(std::exchange(m_, nullptr));
  }
  // For drivers: gives the chain away, or looks at it.
  [[nodiscard]] rte_mbuf* Release() { return std::exchange(m_, nullptr); }
  rte_mbuf* raw() const { return m_; }

  // The first buffer's octets; a chain's other buffers are reached through CopyOut or Flatten.
  uint8_t* data() const { return static_cast<uint8_t*>(m_->buf_addr) + m_->data_off; }
  uint32_t size() const { return m_->pkt_len; }         // octets in the whole chain
  uint16_t first_size() const { return m_->data_len; }  // octets in the first buffer
  bool contiguous() const { return m_->nb_segs == 1; }
  uint16_t headroom() const { return m_->data_off; }
  uint16_t tailroom() const {
    return static_cast<uint16_t>(m_->buf_len - m_->data_off - m_->data_len);
  }
  // Octets of memory pinned by the chain, whatever it carries.
  uint32_t pinned_size() const;
  std::span<const uint8_t> first() const { return {data(), first_size()}; }

  // Grow or shrink at either end. Prepend and Append return the new octets, or nullptr when there
  // is no room; Append and TrimBack want a contiguous packet. TrimFront wants n <= first_size(),
  // TrimBack n <= size(). The first buffer's room in front may be written by the one owner who
  // sends.
  uint8_t* Prepend(uint16_t n);
  uint8_t* Append(uint16_t n);
  void TrimFront(uint16_t n);
  void TrimBack(uint16_t n);
  // Sets the data to `length` octets beginning `offset` octets into the buffer.
  void SetData(uint16_t offset, uint16_t length) {
    WEIR_DCHECK(static_cast<uint32_t>(offset) + length <= m_->buf_len);
    m_->data_off = offset;
    m_->data_len = length;
    m_->pkt_len = length;
  }
  // Hooks `tail` behind this packet's last buffer.
  void Chain(Packet tail);
  // Copies [offset, offset + out.size()) of the chain; returns the octets copied (less at its end).
  size_t CopyOut(size_t offset, std::span<uint8_t> out) const;

  // A second owner of the same buffers. Both may read; neither may write the octets that both look
  // at until one is gone. Where the data begins and ends is common to both: the one who keeps a
  // buffer while the other travels sets it again with SetData.
  [[nodiscard]] Packet Share() const;
  bool unique() const;

  // Receive side.
  uint16_t port() const { return m_->port; }
  void set_port(uint16_t port) { m_->port = port; }
  ChecksumStatus ip_checksum() const;
  ChecksumStatus l4_checksum() const;
  // The device has found both good, and took no tag off: what nearly all frames are where it looks.
  bool vouched_for() const {
    constexpr uint64_t kGood = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    return (m_->ol_flags & (kGood | RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_BAD |
                            RTE_MBUF_F_RX_VLAN_STRIPPED)) == kGood;
  }
  uint32_t rss_hash() const { return m_->hash.rss; }
  // True when the device took an 802.1Q tag off; vlan_tci() is then its value.
  bool vlan_stripped() const { return (m_->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0; }
  uint16_t vlan_tci() const { return m_->vlan_tci; }

  // Forgets everything received or requested, before a received buffer is sent back.
  void ClearOffloads() { SetOffloads(0, 0); }
  // Does that, and asks the device to fill in the TCP checksum. The header's checksum field must
  // hold the pseudo-header sum; `l4_size` is the header's size in octets.
  void RequestTcpChecksum(const TcpChecksumRequest& request, uint16_t l4_size) {
    SetOffloads(request.flags, request.lengths | uint64_t{l4_size} << RTE_MBUF_L4_LEN_OFS);
  }

  // The scratch area, and the way back from it: FromScratch(p.scratch()) owns what p owned once p
  // was released.
  PacketScratch& scratch() const { return *reinterpret_cast<PacketScratch*>(m_ + 1); }
  static Packet FromScratch(PacketScratch& scratch) {
    return Packet(reinterpret_cast<rte_mbuf*>(&scratch) - 1);
  }

 private:
  void SetOffloads(uint64_t flags, uint64_t lengths) {
    constexpr uint64_t kKept = RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;  // where the octets lie
    m_->ol_flags = (m_->ol_flags & kKept) | flags;
    m_->tx_offload = lengths;
  }
  bool AllUnique() const;
  // Gives every buffer of the chain back to the pool it came from, as far as it has no other owner.
  // The pool that is linked implements it.
  static void FreeBuffers(rte_mbuf* first);

  rte_mbuf* m_ = nullptr;
};
static_assert(sizeof(Packet) == sizeof(rte_mbuf*));

namespace packet_detail {

// The device's verdict from the two bits at `good` and `bad`; both set means that the checksum is
// not in the packet at all, which proves nothing.
inline ChecksumStatus StatusOf(uint64_t flags, uint64_t good, uint64_t bad) {
  const uint64_t bits = flags & (good | bad);
  if (bits == good) return ChecksumStatus::kGood;
  return bits == bad ? ChecksumStatus::kBad : ChecksumStatus::kUnknown;
}

}  // namespace packet_detail

inline uint8_t* Packet::Prepend(uint16_t n) {
  if (n > m_->data_off) return nullptr;
  m_->data_off = static_cast<uint16_t>(m_->data_off - n);
  m_->data_len = static_cast<uint16_t>(m_->data_len + n);
  m_->pkt_len += n;
  return data();
}

inline uint8_t* Packet::Append(uint16_t n) {
  WEIR_DCHECK(contiguous());
  if (n > tailroom()) return nullptr;
  uint8_t* fresh = data() + m_->data_len;
  m_->data_len = static_cast<uint16_t>(m_->data_len + n);
  m_->pkt_len += n;
  return fresh;
}

inline Packet Packet::Share() const {
  for (rte_mbuf* m = m_; m != nullptr; m = m->next) {
    __atomic_add_fetch(&m->refcnt, 1, __ATOMIC_RELAXED);  // an owner already holds it
  }
  return Packet(m_);
}

inline bool Packet::unique() const {
  // One buffer of its own shows in its first cache line.
  if (m_->nb_segs == 1 && (m_->ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL)) == 0) {
    return __atomic_load_n(&m_->refcnt, __ATOMIC_ACQUIRE) == 1;
  }
  return AllUnique();
}

inline ChecksumStatus Packet::ip_checksum() const {
  return packet_detail::StatusOf(m_->ol_flags, RTE_MBUF_F_RX_IP_CKSUM_GOOD,
                                 RTE_MBUF_F_RX_IP_CKSUM_BAD);
}

inline ChecksumStatus Packet::l4_checksum() const {
  return packet_detail::StatusOf(m_->ol_flags, RTE_MBUF_F_RX_L4_CKSUM_GOOD,
                                 RTE_MBUF_F_RX_L4_CKSUM_BAD);
}

// Where packets come from. The implementation is chosen by linking: pool_mempool.cc over
// rte_mempool, pool_heap.cc over ordinary memory for tests, simulation and fuzzing.
//
// Thread: one worker; packets may be freed anywhere (mempool) or on the same thread (heap).
class PacketPool;

// An empty packet with kHeadroom octets in front, or an empty handle when the pool is exhausted.
[[nodiscard]] Packet AllocatePacket(PacketPool& pool);
// Buffers of the pool that are in use now.
uint32_t PacketsInUse(const PacketPool& pool);
uint32_t PacketCapacity(const PacketPool& pool);
// Octets of data room behind the headroom of a fresh packet.
uint32_t PacketRoom(const PacketPool& pool);

}  // namespace weir
