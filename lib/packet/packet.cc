// Packet: what is not worth inlining - the ends of a chain, copies, owners, offloads.
#include "packet/packet.h"

#include <algorithm>

namespace weir {
namespace {

// Reference counts may be touched by two workers at once; this is what DPDK's own accessors do.
uint16_t Owners(const rte_mbuf* m) { return __atomic_load_n(&m->refcnt, __ATOMIC_ACQUIRE); }

const uint8_t* DataOf(const rte_mbuf* m) {
  return static_cast<const uint8_t*>(m->buf_addr) + m->data_off;
}

// The device's verdict from the two bits at `good` and `bad`; both set means that the checksum is
// not in the packet at all, which proves nothing.
ChecksumStatus StatusOf(uint64_t flags, uint64_t good, uint64_t bad) {
  const uint64_t bits = flags & (good | bad);
  if (bits == good) return ChecksumStatus::kGood;
  return bits == bad ? ChecksumStatus::kBad : ChecksumStatus::kUnknown;
}

}  // namespace

uint32_t Packet::pinned_size() const {
  uint32_t total = 0;
  for (const rte_mbuf* m = m_; m != nullptr; m = m->next) {
    total += static_cast<uint32_t>(sizeof(rte_mbuf)) + m->priv_size + m->buf_len;
  }
  return total;
}

uint8_t* Packet::Prepend(uint16_t n) {
  if (n > m_->data_off) return nullptr;
  m_->data_off = static_cast<uint16_t>(m_->data_off - n);
  m_->data_len = static_cast<uint16_t>(m_->data_len + n);
  m_->pkt_len += n;
  return data();
}

uint8_t* Packet::Append(uint16_t n) {
  WEIR_DCHECK(contiguous());
  if (n > tailroom()) return nullptr;
  uint8_t* fresh = data() + m_->data_len;
  m_->data_len = static_cast<uint16_t>(m_->data_len + n);
  m_->pkt_len += n;
  return fresh;
}

void Packet::TrimFront(uint16_t n) {
  WEIR_DCHECK(n <= m_->data_len);
  m_->data_off = static_cast<uint16_t>(m_->data_off + n);
  m_->data_len = static_cast<uint16_t>(m_->data_len - n);
  m_->pkt_len -= n;
}

void Packet::TrimBack(uint16_t n) {
  WEIR_DCHECK(contiguous() && n <= m_->data_len);
  m_->data_len = static_cast<uint16_t>(m_->data_len - n);
  m_->pkt_len -= n;
}

void Packet::Chain(Packet tail) {
  WEIR_DCHECK(tail.m_ != nullptr);
  rte_mbuf* last = m_;
  while (last->next != nullptr) last = last->next;
  rte_mbuf* added = tail.Release();
  last->next = added;
  m_->nb_segs = static_cast<uint16_t>(m_->nb_segs + added->nb_segs);
  m_->pkt_len += added->pkt_len;
  added->nb_segs = 1;  // only a chain's first buffer counts
  added->pkt_len = added->data_len;
}

size_t Packet::CopyOut(size_t offset, std::span<uint8_t> out) const {
  size_t copied = 0;
  for (const rte_mbuf* m = m_; m != nullptr && copied < out.size(); m = m->next) {
    if (offset >= m->data_len) {
      offset -= m->data_len;
      continue;
    }
    const size_t n = std::min(m->data_len - offset, out.size() - copied);
    std::memcpy(out.data() + copied, DataOf(m) + offset, n);
    copied += n;
    offset = 0;
  }
  return copied;
}

Packet Packet::Share() const {
  for (rte_mbuf* m = m_; m != nullptr; m = m->next) {
    __atomic_add_fetch(&m->refcnt, 1, __ATOMIC_RELAXED);  // an owner already holds it
  }
  return Packet(m_);
}

bool Packet::unique() const {
  for (const rte_mbuf* m = m_; m != nullptr; m = m->next) {
    if (Owners(m) != 1) return false;
    if ((m->ol_flags & RTE_MBUF_F_INDIRECT) != 0) return false;  // the octets are another buffer's
    if ((m->ol_flags & RTE_MBUF_F_EXTERNAL) != 0 &&
        __atomic_load_n(&m->shinfo->refcnt, __ATOMIC_ACQUIRE) != 1) {
      return false;
    }
  }
  return true;
}

ChecksumStatus Packet::ip_checksum() const {
  return StatusOf(m_->ol_flags, RTE_MBUF_F_RX_IP_CKSUM_GOOD, RTE_MBUF_F_RX_IP_CKSUM_BAD);
}

ChecksumStatus Packet::l4_checksum() const {
  return StatusOf(m_->ol_flags, RTE_MBUF_F_RX_L4_CKSUM_GOOD, RTE_MBUF_F_RX_L4_CKSUM_BAD);
}

void Packet::RequestTcpChecksum(bool v4, uint16_t l2_size, uint16_t l3_size, uint16_t l4_size) {
  m_->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM | (v4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6);
  m_->l2_len = l2_size & 0x7f;  // widths of DPDK's bit fields
  m_->l3_len = l3_size & 0x1ff;
  m_->l4_len = l4_size & 0xff;
}

}  // namespace weir
