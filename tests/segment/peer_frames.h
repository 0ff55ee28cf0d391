// Frames of the peer that are not TCP: ARP, neighbour discovery, echo requests, ICMP errors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "weir/address.h"
#include "wire/ethernet.h"
#include "wire/nd.h"

namespace weir::segment {

inline constexpr wire::MacAddress kPeerMac{{0x02, 0, 0, 0, 0, 0x01}};
inline constexpr wire::MacAddress kStackMac{{0x02, 0, 0, 0, 0, 0x02}};

IpAddress PeerAddress(bool v4);
IpAddress StackAddress(bool v4);
IpAddress Address(const char* text);

std::vector<uint8_t> EthernetFrame(uint16_t ether_type, std::span<const uint8_t> payload,
                                   const wire::MacAddress& to = kStackMac);
// From the peer to the stack, with an IP header of the family in front.
std::vector<uint8_t> IpFrame(bool v4, uint8_t protocol, uint8_t ttl,
                             std::span<const uint8_t> payload);

// The peer asks for the stack's address, or answers for its own.
std::vector<uint8_t> ArpFrame(uint16_t operation);
std::vector<uint8_t> SolicitationFrame();
std::vector<uint8_t> AdvertisementFrame();
std::vector<uint8_t> EchoFrame(bool v4, uint16_t sequence);
// "Port unreachable" about a packet whose IP header and first octets are `quoted`.
std::vector<uint8_t> UnreachableFrame(bool v4, std::span<const uint8_t> quoted);

}  // namespace weir::segment
