// Ip: construction, source selection and the way out.
#include "ip/ip.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace weir::ip {
namespace {

std::vector<Interface> MakeInterfaces(const IpConfig& config) {
  return {config.interfaces.begin(), config.interfaces.end()};
}

std::vector<uint16_t> IndexByPort(std::span<const Interface> interfaces) {
  std::vector<uint16_t> by_port;
  for (size_t i = 0; i < interfaces.size(); ++i) {
    const size_t port = interfaces[i].port();
    if (by_port.size() <= port) by_port.resize(port + 1, kNoInterface);
    WEIR_CHECK(by_port[port] == kNoInterface);  // two interfaces on one port
    by_port[port] = static_cast<uint16_t>(i);
  }
  return by_port;
}

// A group of either family, or anything from IPv4's class E; inline, since every packet is asked.
bool IsGroup(const IpAddress& a) {
  return a.is_v4() ? a.v4() >= 0xe0000000u : a.octets()[0] == 0xff;
}

}  // namespace

Ip::Ip(const IpConfig& config, PacketPool& pool, Counters& counters)
    : pool_(pool),
      counters_(counters),
      owner_(config.owner),
      echo_reply_(config.echo_reply),
      icmp_errors_(config.icmp_errors),
      interfaces_(MakeInterfaces(config)),
      interface_of_port_(IndexByPort(interfaces_)),
      locals_(interfaces_),
      messages_(pool, counters),
      neighbours_(config, interfaces_, locals_, messages_, counters),
      setup_(config, interfaces_, locals_, messages_, counters),
      path_mtus_(config.path_mtus, config.path_mtu_lifetime, config.seed),
      path_mtu_floor_v4_(config.path_mtu_floor_v4),
      limiter_(config.icmp_rate_per_s, config.seed) {}

void Ip::Start(Time now, FrameList& out) { setup_.Start(now, out); }

// Usable, of the family and scope of the other end, and on an interface that knows a way.
bool Ip::CanSpeak(const LocalAddress& local, const IpAddress& remote) const {
  return local.state == AddressState::kUsable && local.address.is_v4() == remote.is_v4() &&
         local.address.is_link_local_v6() == remote.is_link_local_v6() &&
         interfaces_[local.interface].NextHop(remote) != nullptr;
}

int Ip::IndexFrom(const IpAddress& source, const IpAddress& remote) const {
  for (size_t i = 0; i < locals_.size(); ++i) {
    if (locals_[i].address == source && CanSpeak(locals_[i], remote)) return static_cast<int>(i);
  }
  return -1;
}

bool Ip::IsBroadcast(const IpAddress& address) const {
  return std::any_of(interfaces_.begin(), interfaces_.end(),
                     [&](const Interface& nic) { return nic.IsBroadcast(address); });
}

// What is left of RFC 6724 for one shard's few addresses: a way, the scope, the longest prefix.
int Ip::SourceFor(const IpAddress& remote) const {
  int best = -1, best_score = -1;
  for (size_t i = 0; i < locals_.size(); ++i) {
    const LocalAddress& local = locals_[i];
    if (!CanSpeak(local, remote)) continue;
    int score = interfaces_[local.interface].OnLink(remote) ? 1 : 0;
    if (remote.InPrefix(local.address, local.prefix_bits)) score = 2 + local.prefix_bits;
    if (score > best_score) {
      best = static_cast<int>(i);
      best_score = score;
    }
  }
  return best;
}

bool Ip::Send(Packet&& l4, uint16_t local_index, const IpAddress& remote,
              const SendOptions& options, uint16_t& neighbour_hint, Time now, FrameList& out) {
  const LocalAddress& local = locals_[local_index];
  const Interface& nic = interfaces_[local.interface];
  if (IsGroup(remote)) return Drop(Counter::kDropIpDestination);
  const IpAddress* next_hop = nic.NextHop(remote);
  if (next_hop == nullptr) return Drop(Counter::kDropIpNoRoute);
  if (!neighbours_.Is(neighbour_hint, *next_hop, local.interface)) [[unlikely]] {
    // Nothing of ours goes to more than one host (MUST-46).
    if (remote.is_unspecified() || nic.IsBroadcast(remote)) {
      return Drop(Counter::kDropIpDestination);
    }
    neighbour_hint = neighbours_.Obtain(*next_hop, local.interface, local_index);
    if (neighbour_hint == kNoNeighbour) return Drop(Counter::kDropNeighbourTableFull);
  }
  if (PrependHeaders(l4, local, remote, options) == nullptr) {
    return Drop(Counter::kDropIpHeadroom);
  }
  return neighbours_.Send(neighbour_hint, std::move(l4), now, out);
}

}  // namespace weir::ip
