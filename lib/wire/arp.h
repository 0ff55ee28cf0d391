// ARP packets for IPv4 over Ethernet (RFC 826).
#pragma once

#include <cstdint>
#include <span>

#include "weir/address.h"
#include "wire/ethernet.h"

namespace weir::wire {

inline constexpr uint16_t kArpSize = 28;
inline constexpr uint16_t kArpRequest = 1;
inline constexpr uint16_t kArpReply = 2;

struct ArpPacket {
  uint16_t operation = kArpRequest;
  MacAddress sender_mac;
  IpAddress sender;  // 0.0.0.0 in a probe (RFC 5227)
  MacAddress target_mac;
  IpAddress target;
};

// False for anything but a request or reply about IPv4 over Ethernet, and for a sender whose
// hardware address is a group's or zero: nobody may be told to send unicast there (RFC 1812 3.3.2).
[[nodiscard]] bool ParseArp(std::span<const uint8_t> octets, ArpPacket& arp);

// Writes kArpSize octets.
void WriteArp(uint8_t* out, const ArpPacket& arp);

}  // namespace weir::wire
