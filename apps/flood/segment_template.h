// A TCP segment as octets, and stamping out variations of it fast.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "weir/address.h"
#include "wire/ethernet.h"

namespace weir::flood {

// Options are padded to four octets; nothing is checked, so that segments may be absurd.
struct SegmentSpec {
  IpAddress source;
  IpAddress destination;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint32_t seq = 0;
  uint32_t ack = 0;
  uint8_t flags = 0;
  uint8_t reserved = 0;  // the four bits behind the data offset
  uint16_t window = 64240;
  uint16_t urgent = 0;
  std::span<const uint8_t> options = {};
  std::span<const uint8_t> text = {};
};

// The TCP segment alone, checksum included.
std::vector<uint8_t> SegmentOctets(const SegmentSpec& spec);
// An IP header in front, with the TTL of floods and, for IPv4, this identification; no fragment.
std::vector<uint8_t> IpPacket(const IpAddress& source, const IpAddress& destination,
                              uint8_t protocol, std::span<const uint8_t> payload, uint8_t ttl);
// An Ethernet header in front, padding behind.
std::vector<uint8_t> EthernetFrame(const wire::MacAddress& source,
                                   const wire::MacAddress& destination, uint16_t ether_type,
                                   std::span<const uint8_t> payload);
// All three.
std::vector<uint8_t> SegmentFrame(const wire::MacAddress& source,
                                  const wire::MacAddress& destination, const SegmentSpec& spec);

// A whole frame with one TCP segment, whose varying fields are replaced while it is copied: the
// checksums are sums of which only those fields are taken anew.
class SegmentTemplate {
 public:
  struct Fields {
    IpAddress source;
    uint16_t source_port = 0;
    uint16_t destination_port = 0;
    uint32_t seq = 0;
    uint32_t ack = 0;
    uint16_t window = 0;
    uint16_t urgent = 0;
    uint32_t ts_value = 0;  // ts_value and ts_echo only where the options hold timestamps
    uint32_t ts_echo = 0;
  };

  // A frame of SegmentFrame. Timestamps are varied if `ts_offset`, from the TCP header to TSval,
  // is not 0; it is even.
  explicit SegmentTemplate(std::vector<uint8_t> frame, uint16_t ts_offset = 0);

  // As the frame has them.
  const Fields& fields() const { return fields_; }
  uint16_t size() const { return static_cast<uint16_t>(octets_.size()); }
  // Offset of the TCP header in the frame.
  uint16_t tcp_offset() const { return tcp_; }
  // Writes the frame with these fields and right checksums; returns size().
  uint16_t Stamp(const Fields& fields, uint8_t* out) const;

 private:
  std::vector<uint8_t> octets_;
  bool v4_;
  uint16_t tcp_;
  uint16_t ts_ = 0;       // of TSval in the frame, 0 = none
  uint64_t ip_sum_ = 0;   // of the header without source and checksum
  uint64_t tcp_sum_ = 0;  // of pseudo-header and segment without the fields
  Fields fields_;
};

// Replaces an aligned number in a frame and corrects the checksums at these offsets (RFC 1624).
void Replace16(uint8_t* frame, uint16_t at, uint16_t value, std::span<const uint16_t> checksums);
void Replace32(uint8_t* frame, uint16_t at, uint32_t value, std::span<const uint16_t> checksums);

}  // namespace weir::flood
