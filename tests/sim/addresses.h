// Addresses of the simulated hosts and of the router between them.
#pragma once

#include <cstddef>

#include "weir/address.h"
#include "wire/ethernet.h"

namespace weir::sim {

inline constexpr uint16_t kStreamPort = 80;  // where hosts listen
inline constexpr uint16_t kEchoPort = 7;
inline constexpr uint16_t kClosedPort = 81;          // where they do not
inline constexpr uint16_t kClientPortFirst = 20000;  // connection i comes from this port + i

constexpr wire::MacAddress HostMac(size_t host) {
  return {{0x02, 0, 0, 0, 0, static_cast<uint8_t>(1 + host)}};
}
// The router's interface towards a host.
constexpr wire::MacAddress RouterMac(size_t host) {
  return {{0x02, 0, 0, 0, 1, static_cast<uint8_t>(1 + host)}};
}

// Behind a switch all hosts are in one network; a router has one for each.
IpAddress HostAddress(size_t host, bool v4, bool router);
IpAddress RouterAddress(size_t host, bool v4);

}  // namespace weir::sim
