// Interface: one port with its on-link prefixes and gateways.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ip/config.h"
#include "weir/address.h"
#include "wire/ethernet.h"

namespace weir::ip {

// Where there should be an index: the port has no interface.
inline constexpr uint16_t kNoInterface = 0xffff;

// The link-local address that follows from a hardware address (RFC 2464 4, RFC 4291 appendix A).
IpAddress LinkLocalAddress(const wire::MacAddress& mac);

// A set of addresses with a common beginning; one compare for both families, because IPv4 is held
// mapped.
class Network {
 public:
  Network(const IpAddress& address, uint8_t bits);

  bool Contains(const IpAddress& a) const {
    return (((a.high() ^ high_) & high_mask_) | ((a.low() ^ low_) & low_mask_)) == 0;
  }
  // The directed broadcast address of an IPv4 network that has one (RFC 922; not /31, RFC 3021).
  std::optional<uint32_t> broadcast() const {
    if (!has_broadcast_) return std::nullopt;
    return static_cast<uint32_t>(low_ | ~low_mask_);
  }
  friend bool operator==(const Network&, const Network&) = default;

 private:
  uint64_t high_, low_, high_mask_, low_mask_;
  bool has_broadcast_;
};

class Interface {
 public:
  explicit Interface(const InterfaceConfig& config);

  uint16_t port() const { return config_.port; }
  const wire::MacAddress& mac() const { return config_.mac; }
  uint16_t mtu() const { return config_.mtu; }
  uint16_t vlan() const { return config_.vlan; }
  bool dad() const { return config_.dad; }
  const InterfaceConfig& config() const { return config_; }
  bool has_v6() const { return has_v6_; }
  // Octets of the Ethernet header of what leaves here: 14, or 18 with a tag.
  uint16_t link_header_size() const { return link_header_size_; }

  // The configured addresses, and the link-local one that every interface with IPv6 has.
  const std::vector<Prefix>& addresses() const { return addresses_; }

  bool OnLink(const IpAddress& a) const {
    for (const Network& network : on_link_) {
      if (network.Contains(a)) return true;
    }
    return false;
  }
  // Whom to hand a packet for `remote`: `remote` itself, a gateway, or nobody (null).
  const IpAddress* NextHop(const IpAddress& remote) const {
    if (OnLink(remote)) return &remote;
    const auto& gateway = remote.is_v4() ? config_.gateway4 : config_.gateway6;
    return gateway ? &*gateway : nullptr;
  }
  bool IsGateway(const IpAddress& a) const {
    return config_.gateway4 == a || config_.gateway6 == a;
  }
  // A neighbour is whoever is on link, or a gateway wherever its address lies.
  bool IsNeighbour(const IpAddress& a) const { return OnLink(a) || IsGateway(a); }
  // The broadcast address of one of our networks.
  bool IsDirectedBroadcast(const IpAddress& a) const {
    if (!a.is_v4()) return false;
    for (const uint32_t broadcast : broadcasts_) {
      if (broadcast == a.v4()) return true;
    }
    return false;
  }
  // That or 255.255.255.255.
  bool IsBroadcast(const IpAddress& a) const {
    return a == IpAddress::V4(0xffffffffu) || IsDirectedBroadcast(a);
  }

 private:
  InterfaceConfig config_;
  std::vector<Prefix> addresses_;
  std::vector<Network> on_link_;
  std::vector<uint32_t> broadcasts_;
  bool has_v6_ = false;
  uint16_t link_header_size_;
};

}  // namespace weir::ip
