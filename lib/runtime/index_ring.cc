// IndexRing over rte_ring.
#include "runtime/index_ring.h"

#include <rte_ring.h>

#include <cstdlib>

#include "base/check.h"

namespace weir::runtime {

IndexRing::IndexRing(Kind kind, uint32_t capacity) {
  uint32_t places = 2;
  while (places <= capacity) places *= 2;  // one stays empty
  const ssize_t octets = rte_ring_get_memsize_elem(sizeof(uint32_t), places);
  WEIR_CHECK(octets > 0);
  void* memory = std::aligned_alloc(RTE_CACHE_LINE_SIZE, static_cast<size_t>(octets));
  WEIR_CHECK(memory != nullptr);
  ring_.reset(static_cast<rte_ring*>(memory));
  const unsigned flags = kind == Kind::kFromWorker ? RING_F_SP_ENQ | RING_F_MC_RTS_DEQ
                                                   : RING_F_MP_RTS_ENQ | RING_F_SC_DEQ;
  WEIR_CHECK(rte_ring_init(ring_.get(), "weir_index", places, flags) == 0);
  // How far the fastest may run ahead of one that was taken off its processor: as far as can be.
  if (kind == Kind::kFromWorker) {
    WEIR_CHECK(rte_ring_set_cons_htd_max(ring_.get(), places - 1) == 0);
  } else {
    WEIR_CHECK(rte_ring_set_prod_htd_max(ring_.get(), places - 1) == 0);
  }
}

void IndexRing::Free::operator()(rte_ring* ring) const { std::free(ring); }

bool IndexRing::Push(uint32_t index) {
  return rte_ring_enqueue_elem(ring_.get(), &index, sizeof index) == 0;
}

std::optional<uint32_t> IndexRing::Pop() {
  uint32_t index = 0;
  if (rte_ring_dequeue_elem(ring_.get(), &index, sizeof index) != 0) return std::nullopt;
  return index;
}

size_t IndexRing::Pop(std::span<uint32_t> out) {
  return rte_ring_dequeue_burst_elem(ring_.get(), out.data(), sizeof(uint32_t),
                                     static_cast<unsigned>(out.size()), nullptr);
}

}  // namespace weir::runtime
