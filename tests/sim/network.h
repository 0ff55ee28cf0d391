// Network: what stands between the hosts - a switch, or a router with its ICMP - and the links to
// each of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/prng.h"
#include "sim/link.h"
#include "sim/scenario.h"
#include "wire/frame.h"

namespace weir::sim {

class Network {
 public:
  Network(const Scenario& scenario, EventQueue& events);

  // A host sends a frame.
  void Send(size_t host, const Octets& frame, Time now) { up_[host].Send(frame, now); }
  // A frame has come to the end of that host's cable.
  void Arrive(size_t host, Octets frame, Time now);

  void SetMtu(size_t host, uint16_t mtu) { mtu_[host] = mtu; }
  void SetDead(size_t host, bool dead) { dead_[host] = dead; }
  uint64_t errors_sent() const { return errors_sent_; }

 private:
  void Switch(size_t from, const Octets& frame, Time now);
  void Route(size_t from, Octets frame, Time now);
  void AnswerArp(size_t from, const Octets& frame, Time now);
  void AnswerSolicitation(size_t from, const Octets& frame, Time now);
  void Forward(size_t from, size_t to, Octets frame, Time now);
  bool FitsOrTell(size_t from, size_t to, const Octets& frame, Time now);
  void Forge(size_t from, const Octets& frame, Time now);
  // An ICMP error about `quoted`, an IP packet of that host's.
  void SendError(size_t to, std::span<const uint8_t> quoted, uint8_t type, uint8_t code,
                 uint32_t rest, Time now);
  std::optional<size_t> HostOf(const IpAddress& address) const;

  const Scenario& scenario_;
  Prng prng_;
  std::vector<Link> up_, down_;
  std::vector<uint16_t> mtu_;
  std::vector<bool> dead_;
  uint64_t errors_sent_ = 0;
};

}  // namespace weir::sim
