// Multicast listener discovery messages, octets to values and back.
#include "wire/mld.h"

#include "base/bytes.h"
#include "wire/icmp.h"
#include "wire/ipv6.h"

namespace weir::wire {
namespace {

constexpr size_t kQuerySize = 24;

// Hop-by-hop header: next header ICMPv6, one unit, router alert (RFC 2711) for MLD, PadN of 0.
constexpr uint8_t kRouterAlert[8] = {kProtocolIcmpv6, 0, 5, 2, 0, 0, 1, 0};

// RFC 3810 5.1.3: above 32767 the code is a floating-point number.
uint32_t MaxResponse(uint16_t code) {
  if (code < 0x8000) return code;
  const uint32_t mantissa = code & 0xfffu, exponent = code >> 12 & 7u;
  return (mantissa | 0x1000u) << (exponent + 3);
}

}  // namespace

IpAddress MldRouters() {
  return IpAddress::V6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16});
}

uint16_t WriteMldReport(uint8_t* out, const IpAddress& source, uint8_t record_type,
                        std::span<const IpAddress> groups) {
  const auto report_size = static_cast<uint16_t>(kIcmpHeaderSize + kMldRecordSize * groups.size());
  Ipv6Header ip{.source = source, .destination = MldRouters()};
  ip.protocol = kHeaderHopByHop;
  ip.hop_limit = 1;
  ip.payload_size = static_cast<uint16_t>(sizeof kRouterAlert + report_size);
  uint8_t* p = out + WriteIpv6(out, ip);
  std::memcpy(p, kRouterAlert, sizeof kRouterAlert);
  p += sizeof kRouterAlert;
  WriteIcmp(p, {.type = kMldv2Report, .rest = static_cast<uint32_t>(groups.size())});
  uint8_t* record = p + kIcmpHeaderSize;
  for (const IpAddress& group : groups) {
    StoreBe32(record, uint32_t{record_type} << 24);  // no auxiliary data, no sources
    std::memcpy(record + 4, group.octets().data(), 16);
    record += kMldRecordSize;
  }
  SetIcmpv6Checksum({p, report_size}, ip.source, ip.destination);
  return static_cast<uint16_t>(kIpv6HeaderSize + ip.payload_size);
}

Counter ParseMldQuery(std::span<const uint8_t> message, const Frame& frame, MldQuery& query) {
  // RFC 3810 5.1.14 and 6.2.
  if (message.size() < kQuerySize || message[0] != kMldQuery || frame.ttl != 1 ||
      !frame.source.is_link_local_v6()) {
    return Counter::kDropMldMalformed;
  }
  query.max_response_ms = MaxResponse(LoadBe16(&message[4]));
  query.group = IpAddress::FromV6Octets(&message[8]);
  const bool good = query.group.is_unspecified() || query.group.is_multicast();
  return good && !query.group.is_v4() ? kNoDrop : Counter::kDropMldMalformed;
}

}  // namespace weir::wire
