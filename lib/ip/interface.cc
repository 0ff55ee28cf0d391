// Interface: prefixes and gateways of one port, and its link-local address.
#include "ip/interface.h"

#include <algorithm>

namespace weir::ip {
namespace {

// Leading bits of the 128 that an IPv4 address in mapped form has in common with all others.
constexpr unsigned kMappedBits = 96;
// fe80::/10 is on every link (RFC 4861 5.1).
constexpr uint8_t kLinkLocalBits = 10;

// A mask of `bits` leading ones, 0..64.
constexpr uint64_t LeadingOnes(unsigned bits) {
  return bits == 0 ? 0 : ~uint64_t{0} << (64 - bits);
}

}  // namespace

IpAddress LinkLocalAddress(const wire::MacAddress& mac) {
  const auto& m = mac.octets;
  constexpr uint8_t kUniversalBit = 2;  // turned over in a modified EUI-64
  return IpAddress::V6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, static_cast<uint8_t>(m[0] ^ kUniversalBit),
                        m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]});
}

Network::Network(const IpAddress& address, uint8_t bits) {
  const unsigned leading = std::min(128u, bits + (address.is_v4() ? kMappedBits : 0));
  high_mask_ = LeadingOnes(std::min(leading, 64u));
  low_mask_ = LeadingOnes(leading > 64 ? leading - 64 : 0);
  high_ = address.high() & high_mask_;
  low_ = address.low() & low_mask_;
  has_broadcast_ = address.is_v4() && bits <= 30;
}

Interface::Interface(const InterfaceConfig& config)
    : config_(config), addresses_(config.addresses) {
  bool has_link_local = false;
  for (const Prefix& prefix : addresses_) {
    if (prefix.address.is_v4()) continue;
    has_v6_ = true;
    has_link_local = has_link_local || prefix.address.is_link_local_v6();
  }
  if (has_v6_) {
    const IpAddress link_local = LinkLocalAddress(config_.mac);
    if (!has_link_local) addresses_.push_back({link_local, kLinkLocalBits});
    on_link_.emplace_back(link_local, kLinkLocalBits);
  }
  for (const Prefix& prefix : addresses_) {
    const Network network(prefix.address, prefix.bits);
    if (std::find(on_link_.begin(), on_link_.end(), network) == on_link_.end()) {
      on_link_.push_back(network);
    }
  }
  for (const Network& network : on_link_) {
    if (const auto broadcast = network.broadcast()) broadcasts_.push_back(*broadcast);
  }
  link_header_size_ = wire::kEthernetHeaderSize;
  if (config_.vlan != 0) link_header_size_ += wire::kVlanTagSize;
}

}  // namespace weir::ip
