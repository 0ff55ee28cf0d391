// LocalAddresses: finding our addresses, and choosing one to speak from.
#include "ip/local_addresses.h"

#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace weir::ip {

LocalAddresses::LocalAddresses(std::span<const Interface> interfaces) {
  // Derived addresses come last, so that the configured ones keep the configuration's numbers.
  for (const bool configured : {true, false}) {
    for (size_t i = 0; i < interfaces.size(); ++i) {
      const Interface& nic = interfaces[i];
      const size_t given = nic.config().addresses.size();
      const size_t begin = configured ? 0 : given;
      const size_t end = configured ? given : nic.addresses().size();
      for (size_t k = begin; k < end; ++k) {
        all_.push_back({.address = nic.addresses()[k].address,
                        .prefix_bits = nic.addresses()[k].bits,
                        .interface = static_cast<uint16_t>(i),
                        .port = nic.port(),
                        .mtu = nic.mtu()});
        LocalAddress& local = all_.back();
        const bool v4 = local.address.is_v4();
        local.link_header_size =
            wire::WriteEthernet(local.link_header.data(), {}, nic.mac(), nic.vlan(),
                                v4 ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6);
        local.ip_header_size = v4 ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize;
      }
    }
  }
}

int LocalAddresses::Search(const IpAddress& address, uint16_t port) const {
  for (size_t i = 0; i < all_.size(); ++i) {
    if (!Is(i, address, port)) continue;
    guess_ = i;
    return static_cast<int>(i);
  }
  return -1;
}

int LocalAddresses::SourceOn(uint16_t interface, const IpAddress& neighbour) const {
  int best = -1, best_score = -1;
  for (size_t i = 0; i < all_.size(); ++i) {
    const LocalAddress& local = all_[i];
    if (local.interface != interface || local.state != AddressState::kUsable) continue;
    if (local.address.is_v4() != neighbour.is_v4()) continue;
    int score = 0;
    if (local.address.is_link_local_v6() == neighbour.is_link_local_v6()) score += 1;
    if (neighbour.InPrefix(local.address, local.prefix_bits)) score += 2;
    if (score > best_score) {
      best = static_cast<int>(i);
      best_score = score;
    }
  }
  return best;
}

}  // namespace weir::ip
