// Packet: what is not worth inlining - trimming, chains, copies.
#include "packet/packet.h"

#include <algorithm>

namespace weir {
namespace {

const uint8_t* DataOf(const rte_mbuf* m) {
  return static_cast<const uint8_t*>(m->buf_addr) + m->data_off;
}

}  // namespace

uint32_t Packet::pinned_size() const {
  uint32_t total = 0;
  for (const rte_mbuf* m = m_; m != nullptr; m = m->next) {
    total += static_cast<uint32_t>(sizeof(rte_mbuf)) + m->priv_size + m->buf_len;
  }
  return total;
}

bool Packet::AllUnique() const {
  for (const rte_mbuf* m = m_; m != nullptr; m = m->next) {
    if (__atomic_load_n(&m->refcnt, __ATOMIC_ACQUIRE) != 1) return false;
    if ((m->ol_flags & RTE_MBUF_F_INDIRECT) != 0) return false;  // the octets are another buffer's
    if ((m->ol_flags & RTE_MBUF_F_EXTERNAL) != 0 &&
        __atomic_load_n(&m->shinfo->refcnt, __ATOMIC_ACQUIRE) != 1) {
      return false;
    }
  }
  return true;
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

}  // namespace weir
