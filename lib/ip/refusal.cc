// Ip: ICMP errors of our own - what was for us and speaks no protocol of ours is told so.
#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "ip/ip.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv6.h"

namespace weir::ip {
namespace {

// RFC 1812 4.3.2.3, RFC 4443 2.4 (c): an error with all that it quotes is no larger.
constexpr uint16_t kErrorMaxV4 = 576;
constexpr uint16_t kErrorMaxV6 = 1280;
constexpr uint16_t kUdpHeaderSize = 8;
constexpr uint32_t kProtocolOffsetV4 = 9, kNextHeaderOffsetV6 = 6;

// RFC 768, RFC 8200 8.1: whether the datagram would have been somebody's, had there been a port.
bool IsUdpDatagram(std::span<const uint8_t> payload, const wire::Frame& frame) {
  if (payload.size() < kUdpHeaderSize) return false;
  const uint16_t size = LoadBe16(&payload[4]);
  if (size < kUdpHeaderSize || size > payload.size()) return false;
  if (LoadBe16(&payload[6]) == 0) return frame.v4;  // sent without a checksum
  return wire::TransportChecksum(frame.source, frame.destination, wire::kProtocolUdp,
                                 payload.first(size)) == 0;
}

// Where the packet names the protocol that we do not speak (RFC 4443 3.4): in the last header
// before it. The chain has been walked before and is sound.
uint32_t NextHeaderOffset(std::span<const uint8_t> packet) {
  uint32_t field = kNextHeaderOffsetV6, header = wire::kIpv6HeaderSize;
  while (wire::IsExtensionHeader(packet[field])) {
    const bool fragment = packet[field] == wire::kHeaderFragment;
    field = header;
    header += fragment ? wire::kFragmentHeaderSize : (packet[header + 1] + 1u) * 8;
  }
  return field;
}

// What to say of an accepted packet, given from its IP header on; nothing when it deserves no
// answer.
std::optional<wire::IcmpHeader> AnswerTo(const wire::Frame& frame,
                                         std::span<const uint8_t> packet) {
  const uint32_t field = frame.v4 ? kProtocolOffsetV4 : NextHeaderOffset(packet);
  const uint8_t protocol = packet[field];
  if (protocol == wire::kProtocolUdp) {
    if (!IsUdpDatagram(packet.last(frame.l4_size), frame)) return std::nullopt;
    if (frame.v4) return wire::IcmpHeader{wire::kIcmpUnreachable, wire::kIcmpPortUnreachable};
    return wire::IcmpHeader{wire::kIcmpv6Unreachable, wire::kIcmpv6PortUnreachable};
  }
  if (frame.v4) return wire::IcmpHeader{wire::kIcmpUnreachable, wire::kIcmpProtocolUnreachable};
  if (protocol == wire::kNoNextHeader) return std::nullopt;  // RFC 8200 4.7: nothing was asked
  return wire::IcmpHeader{wire::kIcmpv6ParameterProblem, wire::kIcmpv6UnknownNextHeader, field};
}

}  // namespace

void Ip::Refuse(const wire::Frame& frame, const Packet& packet, Time now, FrameList& out) {
  if (!icmp_errors_ || Refusal(frame, packet.port()) != wire::kNoDrop) return;
  // RFC 1122 3.2.2, RFC 4443 2.4 (e): nothing about what went to a group, on whichever layer.
  const int local = locals_.Find(frame.destination, packet.port());
  if (local < 0 || frame.l2_multicast) return;
  const auto refused =
      packet.first().subspan(frame.l3_offset, frame.l4_offset - frame.l3_offset + frame.l4_size);
  const std::optional<wire::IcmpHeader> answer = AnswerTo(frame, refused);
  if (!answer) return;
  if (!limiter_.Take(now)) return counters_.Add(Counter::kIcmpErrorsLimited);
  SendError(frame, refused, *answer, static_cast<uint16_t>(local), out);
}

// The message quotes as much as its limit lets it.
void Ip::SendError(const wire::Frame& frame, std::span<const uint8_t> refused,
                   const wire::IcmpHeader& header, uint16_t local, FrameList& out) {
  const uint16_t room = frame.v4 ? kErrorMaxV4 - wire::kIpv4HeaderSize - wire::kIcmpHeaderSize
                                 : kErrorMaxV6 - wire::kIpv6HeaderSize - wire::kIcmpHeaderSize;
  const auto quote = refused.first(std::min<size_t>(refused.size(), room));
  Packet error = AllocatePacket(pool_);
  const auto size = static_cast<uint16_t>(wire::kIcmpHeaderSize + quote.size());
  uint8_t* message = error ? error.Append(size) : nullptr;
  if (message == nullptr) return counters_.Add(Counter::kDropIpNoBuffer);
  wire::WriteIcmp(message, header);
  std::memcpy(message + wire::kIcmpHeaderSize, quote.data(), quote.size());
  if (frame.v4) {
    wire::SetIcmpChecksum({message, size});
  } else {
    wire::SetIcmpv6Checksum({message, size}, frame.destination, frame.source);
  }
  const SendOptions options{.protocol = frame.v4 ? wire::kProtocolIcmp : wire::kProtocolIcmpv6};
  if (Reply(std::move(error), frame, local, options, out)) counters_.Add(Counter::kIcmpErrorsSent);
}

}  // namespace weir::ip
