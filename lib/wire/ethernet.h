// Ethernet addresses and header constants.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/bytes.h"

namespace weir::wire {

inline constexpr uint8_t kGroupBit = 1;  // of an address's first octet

struct MacAddress {
  std::array<uint8_t, 6> octets{};

  static MacAddress FromOctets(const uint8_t* p) {
    MacAddress mac;
    std::memcpy(mac.octets.data(), p, 6);
    return mac;
  }
  // Group bit: multicast or broadcast.
  constexpr bool is_multicast() const { return (octets[0] & kGroupBit) != 0; }
  constexpr bool is_broadcast() const {
    for (uint8_t o : octets) {
      if (o != 0xff) return false;
    }
    return true;
  }
  bool is_zero() const { return *this == MacAddress{}; }
  std::string ToString() const;  // "02:00:00:00:00:01"
  // 48 bits as a number.
  constexpr uint64_t value() const {
    uint64_t v = 0;
    for (const uint8_t octet : octets) v = v << 8 | octet;
    return v;
  }
  friend bool operator==(const MacAddress& a, const MacAddress& b) {
    return std::memcmp(a.octets.data(), b.octets.data(), 6) == 0;
  }
};

inline constexpr uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr uint16_t kEtherTypeArp = 0x0806;
inline constexpr uint16_t kEtherTypeVlan = 0x8100;
inline constexpr uint16_t kEtherTypeQinQ = 0x88a8;
inline constexpr uint16_t kEtherTypeIpv6 = 0x86dd;

inline constexpr uint16_t kEthernetHeaderSize = 14;
inline constexpr uint16_t kVlanTagSize = 4;
inline constexpr uint16_t kVlanIdentifierMask = 0x0fff;  // the rest of a tag is priority

inline constexpr MacAddress kBroadcastMac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

// Writes a header with one 802.1Q tag when `vlan` is not 0; returns its size, 14 or 18 octets.
inline uint16_t WriteEthernet(uint8_t* out, const MacAddress& destination, const MacAddress& source,
                              uint16_t vlan, uint16_t ether_type) {
  std::memcpy(out, destination.octets.data(), 6);
  std::memcpy(out + 6, source.octets.data(), 6);
  uint16_t at = 12;
  if (vlan != 0) {
    StoreBe16(out + at, kEtherTypeVlan);
    StoreBe16(out + at + 2, vlan & kVlanIdentifierMask);
    at += kVlanTagSize;
  }
  StoreBe16(out + at, ether_type);
  return at + 2;
}

}  // namespace weir::wire
