// Ip: ICMP and ICMPv6 - echo, errors for TCP, and what is not acted upon.
#include <utility>

#include "ip/ip.h"
#include "wire/icmp.h"
#include "wire/ipv6.h"
#include "wire/mld.h"
#include "wire/nd.h"

namespace weir::ip {
namespace {

constexpr uint8_t kDscpMask = 0xfc;  // of the TOS octet or traffic class; the rest is ECN's

}  // namespace

std::optional<QuotedError> Ip::ReceiveIcmp(const wire::Frame& frame, Packet packet, Time now,
                                           FrameList& out) {
  // RFC 1122 3.2.2: nothing is answered that was sent to more than one host, and no error believed.
  const int local = locals_.Find(frame.destination, packet.port());
  if (local < 0 || frame.l2_multicast) {
    const bool group = frame.l2_multicast || frame.destination.is_multicast();
    counters_.Add(group ? Counter::kDropIcmpMulticast : Counter::kDropNotOurs);
    return std::nullopt;
  }
  switch (packet.data()[frame.l4_offset]) {
    case wire::kIcmpEcho:
      AnswerEcho(frame, local, std::move(packet), now, out);
      return std::nullopt;
    case wire::kIcmpUnreachable:
    case wire::kIcmpTimeExceeded:
    case wire::kIcmpParameterProblem:
      return ReadError(frame, packet);
    case wire::kIcmpRedirect:
      counters_.Add(Counter::kDropRedirect);
      return std::nullopt;
    default:  // source quench is ignored (MUST-55); masks and timestamps are nobody's business
      counters_.Add(Counter::kDropIcmpType);
      return std::nullopt;
  }
}

std::optional<QuotedError> Ip::ReceiveIcmpv6(const wire::Frame& frame, Packet packet, Time now,
                                             FrameList& out) {
  const uint8_t type = packet.data()[frame.l4_offset];
  const bool to_group = frame.destination.is_multicast();
  if (!to_group && locals_.FindInAnyState(frame.destination, packet.port()) < 0) {
    counters_.Add(Counter::kDropNotOurs);
    return std::nullopt;
  }
  if (wire::IsNd(type)) {
    ReceiveNd(frame, std::move(packet), now, out);
    return std::nullopt;
  }
  if (type == wire::kMldQuery) {
    ReceiveMldQuery(frame, packet, now);
    return std::nullopt;
  }
  if (type == wire::kMldReport || type == wire::kMldDone || type == wire::kMldv2Report) {
    counters_.Add(Counter::kDropIcmpType);  // for routers; arrives because groups are not filtered
    return std::nullopt;
  }
  const int local = locals_.Find(frame.destination, packet.port());
  if (local < 0 || frame.l2_multicast) {
    counters_.Add(to_group || frame.l2_multicast ? Counter::kDropIcmpMulticast
                                                 : Counter::kDropNotOurs);
    return std::nullopt;
  }
  if (type == wire::kIcmpv6Echo) {
    AnswerEcho(frame, local, std::move(packet), now, out);
    return std::nullopt;
  }
  if (type >= wire::kIcmpv6Unreachable && type <= wire::kIcmpv6ParameterProblem) {
    return ReadError(frame, packet);
  }
  counters_.Add(Counter::kDropIcmpType);
  return std::nullopt;
}

// RFC 1122 3.2.2.6, RFC 4443 4.2: the same data goes back. In the request's own buffer, unless
// somebody else looks at that.
void Ip::AnswerEcho(const wire::Frame& frame, int local, Packet packet, Time now, FrameList& out) {
  if (!echo_reply_) return counters_.Add(Counter::kDropIcmpEchoOff);
  if (!limiter_.Take(now)) return counters_.Add(Counter::kDropIcmpLimited);
  Packet reply;
  if (packet.contiguous() && packet.unique()) {
    const auto offset = static_cast<uint16_t>(packet.headroom() + frame.l4_offset);
    reply = std::move(packet);
    reply.ClearOffloads();
    reply.SetData(offset, frame.l4_size);  // the frame's padding stays behind
  } else {
    reply = AllocatePacket(pool_);
    uint8_t* copy = reply ? reply.Append(frame.l4_size) : nullptr;
    if (copy == nullptr) return counters_.Add(Counter::kDropIpNoBuffer);
    (void)packet.CopyOut(frame.l4_offset, {copy, frame.l4_size});
  }
  wire::MakeEchoReply({reply.data(), frame.l4_size}, frame.v4);
  const SendOptions options{
      .protocol = frame.v4 ? wire::kProtocolIcmp : wire::kProtocolIcmpv6,
      .dscp_ecn = static_cast<uint8_t>(frame.dscp_ecn & kDscpMask),
  };
  if (Reply(std::move(reply), frame, static_cast<uint16_t>(local), options, out)) {
    counters_.Add(Counter::kIcmpEchoReplies);
  }
}

// MUST-54: an error goes to the connection that it is about. RFC 5927: the quoted segment must be
// from us, as far as IP can tell.
std::optional<QuotedError> Ip::ReadError(const wire::Frame& frame, const Packet& packet) {
  QuotedError error;
  const bool parsed = wire::ParseQuoted(MessageOf(frame, packet), frame.v4, error.segment);
  int local = -1;
  if (parsed && error.segment.protocol == wire::kProtocolTcp) {
    local = locals_.Find(error.segment.source, packet.port());
  }
  if (local < 0) {
    counters_.Add(Counter::kDropIcmpQuote);
    return std::nullopt;
  }
  error.local = static_cast<uint16_t>(local);
  if (error.segment.kind == wire::IcmpErrorKind::kPacketTooBig) {
    error.path_mtu = ClaimedMtu(error.segment, mtu(error.local), path_mtu_floor_v4_);
    if (error.path_mtu == 0) {
      counters_.Add(Counter::kDropIcmpMtu);
      return std::nullopt;
    }
  }
  return error;
}

}  // namespace weir::ip
