// Ethernet headers to octets, addresses to text.
#include "wire/ethernet.h"

#include <cstdio>

#include "base/bytes.h"

namespace weir::wire {

std::string MacAddress::ToString() const {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", octets[0], octets[1], octets[2],
                octets[3], octets[4], octets[5]);
  return text;
}

uint16_t WriteEthernet(uint8_t* out, const MacAddress& destination, const MacAddress& source,
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
