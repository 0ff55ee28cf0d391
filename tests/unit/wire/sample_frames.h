// Whole frames for the tests of parsers: one of each kind that weir speaks, with right checksums.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "weir/address.h"
#include "wire/ethernet.h"
#include "wire/nd.h"
#include "wire/tcp.h"

namespace weir::wire {

using Octets = std::vector<uint8_t>;

inline constexpr MacAddress kClientMac{{0x02, 0, 0, 0, 0, 1}};
inline constexpr MacAddress kServerMac{{0x02, 0, 0, 0, 0, 2}};
inline constexpr IpAddress kClient4 = IpAddress::V4(0xc6120001);  // 198.18.0.1
inline constexpr IpAddress kServer4 = IpAddress::V4(0xc6120002);
inline constexpr IpAddress kClient6 =
    IpAddress::V6({0x20, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});  // 2001:2::1
inline constexpr IpAddress kServer6 =
    IpAddress::V6({0x20, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
inline constexpr IpAddress kClientLinkLocal =
    IpAddress::V6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});

// An address from text that is known to be right.
IpAddress Address(const char* text);

// Concatenation, for building headers piece by piece.
Octets operator+(Octets a, std::span<const uint8_t> b);

// A segment from the client's port 4000 to the server's port 80, checksum filled in.
Octets TcpSegment(const IpAddress& source, const IpAddress& destination, const TcpHeader& header,
                  std::span<const uint8_t> text = {});
// The same for an ICMP or ICMPv6 message without its checksum.
Octets WithIcmpChecksum(Octets message);
Octets WithIcmpv6Checksum(Octets message, const IpAddress& source, const IpAddress& destination);

// A frame from client to server around a transport payload.
Octets Ipv4Frame(uint8_t protocol, std::span<const uint8_t> payload,
                 const IpAddress& source = kClient4, const IpAddress& destination = kServer4);
// `extensions` stand between the IPv6 header and the payload; `protocol` is the first next header.
Octets Ipv6Frame(uint8_t protocol, std::span<const uint8_t> payload,
                 const IpAddress& source = kClient6, const IpAddress& destination = kServer6,
                 uint8_t hop_limit = 64, std::span<const uint8_t> extensions = {});

// The header of a SYN as Linux sends it, and of a segment with text and timestamps.
TcpHeader SynHeader();
TcpHeader DataHeader();

Octets TcpFrame(bool v4, const TcpHeader& header, std::span<const uint8_t> text = {});
Octets ArpFrame();
Octets EchoFrame(bool v4);
// An error that quotes a segment from the server's port 80 to the client's port 4000.
Octets PacketTooBigMessage(bool v4, uint32_t mtu);
Octets PacketTooBigFrame(bool v4, uint32_t mtu);
Octets NdFrame(const NdMessage& nd, const IpAddress& source, const IpAddress& destination,
               uint8_t hop_limit = kNdHopLimit);
Octets MldReportFrame();

// One of everything, with a name for messages.
struct SampleFrame {
  std::string name;
  Octets octets;
};
std::vector<SampleFrame> SampleFrames();

// Corrects the IPv4 header checksum of an untagged frame after a test has changed the header.
void FixIpv4Checksum(Octets& frame);

}  // namespace weir::wire
