// Frames of the peer that are not TCP: ARP, neighbour discovery, echo requests, ICMP errors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/seq.h"
#include "weir/address.h"
#include "wire/ethernet.h"
#include "wire/icmp.h"
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

// An error about a TCP segment that the stack sent: between `from` and `to`, at `seq`, in a packet
// of `packet_size` octets. The peer sends it itself; a router's would differ in the IP source
// alone.
std::vector<uint8_t> ErrorFrame(const wire::IcmpHeader& error, const Endpoint& from,
                                const Endpoint& to, Seq seq, uint16_t packet_size = 1500);

}  // namespace weir::segment
