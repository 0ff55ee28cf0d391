// Two net_ring devices over two sets of rings, crossed.
#include "port/ring_pair.h"

#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_ring.h>

#include <vector>

namespace weir::port {
namespace {

absl::StatusOr<std::vector<rte_ring*>> CreateRings(const std::string& name, unsigned count,
                                                   uint32_t places) {
  std::vector<rte_ring*> rings;
  for (unsigned i = 0; i < count; ++i) {
    const std::string ring_name = name + std::to_string(i);
    rte_ring* ring =
        rte_ring_create(ring_name.c_str(), places, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    if (ring == nullptr) {
      return absl::ResourceExhaustedError("ring \"" + ring_name + "\": " + rte_strerror(rte_errno));
    }
    rings.push_back(ring);
  }
  return rings;
}

absl::StatusOr<std::string> CreateDevice(const std::string& name, std::vector<rte_ring*>& rx,
                                         std::vector<rte_ring*>& tx) {
  const int port = rte_eth_from_rings(name.c_str(), rx.data(), static_cast<unsigned>(rx.size()),
                                      tx.data(), static_cast<unsigned>(tx.size()), 0);
  char device[RTE_ETH_NAME_MAX_LEN];
  if (port < 0 || rte_eth_dev_get_name_by_port(static_cast<uint16_t>(port), device) != 0) {
    return absl::InternalError("net_ring \"" + name + "\": " + rte_strerror(rte_errno));
  }
  return std::string(device);
}

}  // namespace

absl::StatusOr<std::pair<std::string, std::string>> CreateRingPair(const std::string& name,
                                                                   unsigned queues,
                                                                   uint32_t places) {
  auto forth = CreateRings(name + "_ab", queues, places);
  if (!forth.ok()) return forth.status();
  auto back = CreateRings(name + "_ba", queues, places);
  if (!back.ok()) return back.status();
  auto a = CreateDevice(name + "_a", *back, *forth);
  if (!a.ok()) return a.status();
  auto b = CreateDevice(name + "_b", *forth, *back);
  if (!b.ok()) return b.status();
  return std::make_pair(*a, *b);
}

}  // namespace weir::port
