// ARP packets, octets to values and back.
#include "wire/arp.h"

#include "base/bytes.h"
#include "wire/ipv4.h"

namespace weir::wire {
namespace {

// Hardware type Ethernet, protocol type IPv4, address sizes 6 and 4.
constexpr uint16_t kHardwareEthernet = 1;
constexpr uint16_t kAddressSizes = 0x0604;

}  // namespace

bool ParseArp(std::span<const uint8_t> octets, ArpPacket& arp) {
  if (octets.size() < kArpSize) return false;
  const uint8_t* p = octets.data();
  if (LoadBe16(p) != kHardwareEthernet || LoadBe16(p + 2) != kEtherTypeIpv4 ||
      LoadBe16(p + 4) != kAddressSizes) {
    return false;
  }
  arp.operation = LoadBe16(p + 6);
  arp.sender_mac = MacAddress::FromOctets(p + 8);
  arp.sender = LoadIpv4Address(p + 14);
  arp.target_mac = MacAddress::FromOctets(p + 18);
  arp.target = LoadIpv4Address(p + 24);
  if (arp.operation != kArpRequest && arp.operation != kArpReply) return false;
  return !arp.sender_mac.is_multicast() && !arp.sender_mac.is_zero();
}

void WriteArp(uint8_t* out, const ArpPacket& arp) {
  StoreBe16(out, kHardwareEthernet);
  StoreBe16(out + 2, kEtherTypeIpv4);
  StoreBe16(out + 4, kAddressSizes);
  StoreBe16(out + 6, arp.operation);
  std::memcpy(out + 8, arp.sender_mac.octets.data(), 6);
  StoreBe32(out + 14, arp.sender.v4());
  std::memcpy(out + 18, arp.target_mac.octets.data(), 6);
  StoreBe32(out + 24, arp.target.v4());
}

}  // namespace weir::wire
