// ICMP (RFC 792) and what ICMPv6 (RFC 4443) has in common with it: echo, errors, the quoted
// segment.
#pragma once

#include <cstdint>
#include <span>

#include "base/seq.h"
#include "weir/address.h"

namespace weir::wire {

inline constexpr uint16_t kIcmpHeaderSize = 8;  // type, code, checksum, four octets by type

// ICMP types and codes.
inline constexpr uint8_t kIcmpEchoReply = 0;
inline constexpr uint8_t kIcmpUnreachable = 3;
inline constexpr uint8_t kIcmpProtocolUnreachable = 2;  // codes of kIcmpUnreachable
inline constexpr uint8_t kIcmpPortUnreachable = 3;
inline constexpr uint8_t kIcmpFragmentationNeeded = 4;
inline constexpr uint8_t kIcmpSourceQuench = 4;
inline constexpr uint8_t kIcmpRedirect = 5;
inline constexpr uint8_t kIcmpEcho = 8;
inline constexpr uint8_t kIcmpTimeExceeded = 11;
inline constexpr uint8_t kIcmpParameterProblem = 12;

// ICMPv6 types; nd.h and mld.h have the others.
inline constexpr uint8_t kIcmpv6Unreachable = 1;
inline constexpr uint8_t kIcmpv6PortUnreachable = 4;  // a code of kIcmpv6Unreachable
inline constexpr uint8_t kIcmpv6PacketTooBig = 2;
inline constexpr uint8_t kIcmpv6TimeExceeded = 3;
inline constexpr uint8_t kIcmpv6ParameterProblem = 4;
inline constexpr uint8_t kIcmpv6UnknownNextHeader = 1;  // a code of kIcmpv6ParameterProblem
inline constexpr uint8_t kIcmpv6Echo = 128;
inline constexpr uint8_t kIcmpv6EchoReply = 129;

// The fixed part of every message. `rest` holds octets 4..7: identifier and sequence number of an
// echo, the next-hop MTU of a fragmentation-needed or packet-too-big message.
struct IcmpHeader {
  uint8_t type = 0;
  uint8_t code = 0;
  uint32_t rest = 0;

  static constexpr uint32_t EchoRest(uint16_t id, uint16_t sequence) {
    return uint32_t{id} << 16 | sequence;
  }
  constexpr uint16_t echo_id() const { return static_cast<uint16_t>(rest >> 16); }
  constexpr uint16_t echo_sequence() const { return static_cast<uint16_t>(rest); }
};

// False when `message` is shorter than kIcmpHeaderSize. Does not look at the checksum (ParseFrame
// has).
[[nodiscard]] bool ParseIcmp(std::span<const uint8_t> message, IcmpHeader& header);

// Writes kIcmpHeaderSize octets with a zero checksum.
void WriteIcmp(uint8_t* out, const IcmpHeader& header);

// Fills in the checksum of a whole message, whatever its checksum field holds now.
void SetIcmpChecksum(std::span<uint8_t> message);
void SetIcmpv6Checksum(std::span<uint8_t> message, const IpAddress& source,
                       const IpAddress& destination);

// Turns a whole echo request into its reply in place and corrects the checksum (RFC 1624). ICMPv6:
// right only if the reply's addresses are the request's, swapped; otherwise SetIcmpv6Checksum must
// follow.
void MakeEchoReply(std::span<uint8_t> message, bool v4);

enum class IcmpErrorKind : uint8_t {
  kUnreachable,
  kPacketTooBig,  // IPv4: unreachable, fragmentation needed
  kTimeExceeded,
  kParameterProblem,
};

// An ICMP error about a packet that we are said to have sent: `source` and `source_port` are ours.
struct QuotedSegment {
  IcmpErrorKind kind = IcmpErrorKind::kUnreachable;
  uint8_t type = 0;
  uint8_t code = 0;
  uint8_t protocol = 0;  // kProtocolTcp: ports and seq are meaningful; else they are not
  uint32_t mtu = 0;      // kPacketTooBig: as the message has it, 0 from an old router (RFC 1191 5)
  uint16_t packet_size =
      0;  // of the quoted packet by its own IP header; RFC 1191's plateaus need it
  IpAddress source;
  IpAddress destination;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  Seq seq;
};

// Reads an ICMP (`v4`) or ICMPv6 error message with the packet that it quotes. False when it is no
// error of these kinds (source quench, redirect: MUST-55), or what it quotes is no first fragment
// of an IP packet with at least eight octets of transport header.
[[nodiscard]] bool ParseQuoted(std::span<const uint8_t> message, bool v4, QuotedSegment& quoted);

}  // namespace weir::wire
