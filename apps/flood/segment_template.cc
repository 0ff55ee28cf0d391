// Building frames, and stamping them.
#include "flood/segment_template.h"

#include <algorithm>

#include "base/check.h"
#include "base/seq.h"
#include "flood/interlocks.h"
#include "flood/scene.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"

namespace weir::flood {
namespace {

constexpr uint16_t kTcpSourcePort = 0;
constexpr uint16_t kTcpDestinationPort = 2;
constexpr uint16_t kTcpSeq = 4;
constexpr uint16_t kTcpAckNumber = 8;
constexpr uint16_t kTcpOffsetAndReserved = 12;
constexpr uint16_t kTcpWindow = 14;
constexpr uint16_t kTcpChecksum = 16;
constexpr uint16_t kTcpUrgentPointer = 18;
constexpr uint16_t kIpv4Checksum = 10;
constexpr uint16_t kIpv4Source = 12;
constexpr uint16_t kIpv6Source = 8;

uint64_t SumOf(const IpAddress& address) {
  if (address.is_v4()) return address.v4();
  return (address.high() >> 32) + (address.high() & 0xffffffffu) + (address.low() >> 32) +
         (address.low() & 0xffffffffu);
}

uint64_t SumOf(const SegmentTemplate::Fields& f, bool timestamps) {
  uint64_t sum =
      SumOf(f.source) + f.source_port + f.destination_port + f.seq + f.ack + f.window + f.urgent;
  if (timestamps) sum += uint64_t{f.ts_value} + f.ts_echo;
  return sum;
}

}  // namespace

std::vector<uint8_t> SegmentOctets(const SegmentSpec& spec) {
  const size_t options_size = (spec.options.size() + 3) / 4 * 4;
  WEIR_CHECK(options_size <= wire::kTcpHeaderSizeMax - wire::kTcpHeaderSize);
  std::vector<uint8_t> octets(wire::kTcpHeaderSize + options_size);
  wire::TcpHeader header;
  header.source_port = spec.source_port;
  header.destination_port = spec.destination_port;
  header.seq = Seq{spec.seq};
  header.ack = Seq{spec.ack};
  header.flags = spec.flags;
  header.window = spec.window;
  header.urgent = spec.urgent;
  wire::WriteTcp(header, octets.data());
  octets[kTcpOffsetAndReserved] =
      static_cast<uint8_t>(octets.size() / 4 << 4 | (spec.reserved & 0x0f));
  std::copy(spec.options.begin(), spec.options.end(), octets.begin() + wire::kTcpHeaderSize);
  octets.insert(octets.end(), spec.text.begin(), spec.text.end());
  StoreBe16(&octets[kTcpChecksum],
            wire::TransportChecksum(spec.source, spec.destination, wire::kProtocolTcp, octets));
  return octets;
}

std::vector<uint8_t> IpPacket(const IpAddress& source, const IpAddress& destination,
                              uint8_t protocol, std::span<const uint8_t> payload, uint8_t ttl) {
  std::vector<uint8_t> packet;
  if (destination.is_v4()) {
    packet.resize(wire::kIpv4HeaderSize);
    wire::WriteIpv4(packet.data(), {.source = source,
                                    .destination = destination,
                                    .protocol = protocol,
                                    .ttl = ttl,
                                    .payload_size = static_cast<uint16_t>(payload.size())});
  } else {
    packet.resize(wire::kIpv6HeaderSize);
    wire::WriteIpv6(packet.data(), {.source = source,
                                    .destination = destination,
                                    .protocol = protocol,
                                    .hop_limit = ttl,
                                    .payload_size = static_cast<uint16_t>(payload.size())});
  }
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

std::vector<uint8_t> EthernetFrame(const wire::MacAddress& source,
                                   const wire::MacAddress& destination, uint16_t ether_type,
                                   std::span<const uint8_t> payload) {
  std::vector<uint8_t> frame(
      std::max<size_t>(wire::kEthernetHeaderSize + payload.size(), kFrameMin));
  wire::WriteEthernet(frame.data(), destination, source, 0, ether_type);
  std::copy(payload.begin(), payload.end(), frame.begin() + wire::kEthernetHeaderSize);
  WEIR_CHECK(frame.size() <= kFrameMax);
  return frame;
}

std::vector<uint8_t> SegmentFrame(const wire::MacAddress& source,
                                  const wire::MacAddress& destination, const SegmentSpec& spec) {
  const bool v4 = spec.destination.is_v4();
  return EthernetFrame(
      source, destination, v4 ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6,
      IpPacket(spec.source, spec.destination, wire::kProtocolTcp, SegmentOctets(spec), kFloodTtl));
}

SegmentTemplate::SegmentTemplate(std::vector<uint8_t> frame, uint16_t ts_offset)
    : octets_(std::move(frame)) {
  const uint8_t* ip = octets_.data() + wire::kEthernetHeaderSize;
  v4_ = *ip >> 4 == 4;
  tcp_ = static_cast<uint16_t>(wire::kEthernetHeaderSize +
                               (v4_ ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize));
  if (ts_offset != 0) ts_ = static_cast<uint16_t>(tcp_ + ts_offset);
  WEIR_CHECK(ts_offset % 2 == 0);
  const uint8_t* tcp = &octets_[tcp_];
  fields_.source =
      v4_ ? wire::LoadIpv4Address(ip + kIpv4Source) : IpAddress::FromV6Octets(ip + kIpv6Source);
  fields_.source_port = LoadBe16(tcp + kTcpSourcePort);
  fields_.destination_port = LoadBe16(tcp + kTcpDestinationPort);
  fields_.seq = LoadBe32(tcp + kTcpSeq);
  fields_.ack = LoadBe32(tcp + kTcpAckNumber);
  fields_.window = LoadBe16(tcp + kTcpWindow);
  fields_.urgent = LoadBe16(tcp + kTcpUrgentPointer);
  if (ts_ != 0) {
    fields_.ts_value = LoadBe32(&octets_[ts_]);
    fields_.ts_echo = LoadBe32(&octets_[ts_ + 4u]);
  }
  // A ones-complement sum without the fields: the whole one and what cancels them.
  const auto without = [](uint16_t checksum, uint64_t fields) {
    return uint64_t{static_cast<uint16_t>(~checksum)} + static_cast<uint16_t>(~wire::Fold(fields));
  };
  tcp_sum_ = without(LoadBe16(tcp + kTcpChecksum), SumOf(fields_, ts_ != 0));
  if (v4_) ip_sum_ = without(LoadBe16(ip + kIpv4Checksum), SumOf(fields_.source));
}

uint16_t SegmentTemplate::Stamp(const Fields& fields, uint8_t* out) const {
  std::memcpy(out, octets_.data(), octets_.size());
  uint8_t* ip = out + wire::kEthernetHeaderSize;
  if (v4_) {
    StoreBe32(ip + kIpv4Source, fields.source.v4());
    StoreBe16(ip + kIpv4Checksum, wire::ChecksumOf(ip_sum_ + fields.source.v4()));
  } else {
    std::memcpy(ip + kIpv6Source, fields.source.octets().data(), 16);
  }
  uint8_t* tcp = out + tcp_;
  StoreBe16(tcp + kTcpSourcePort, fields.source_port);
  StoreBe16(tcp + kTcpDestinationPort, fields.destination_port);
  StoreBe32(tcp + kTcpSeq, fields.seq);
  StoreBe32(tcp + kTcpAckNumber, fields.ack);
  StoreBe16(tcp + kTcpWindow, fields.window);
  StoreBe16(tcp + kTcpUrgentPointer, fields.urgent);
  if (ts_ != 0) {
    StoreBe32(out + ts_, fields.ts_value);
    StoreBe32(out + ts_ + 4, fields.ts_echo);
  }
  StoreBe16(tcp + kTcpChecksum, wire::ChecksumOf(tcp_sum_ + SumOf(fields, ts_ != 0)));
  return size();
}

void Replace16(uint8_t* frame, uint16_t at, uint16_t value, std::span<const uint16_t> checksums) {
  const uint16_t before = LoadBe16(frame + at);
  StoreBe16(frame + at, value);
  for (const uint16_t checksum : checksums) {
    StoreBe16(frame + checksum, wire::UpdateChecksum(LoadBe16(frame + checksum), before, value));
  }
}

void Replace32(uint8_t* frame, uint16_t at, uint32_t value, std::span<const uint16_t> checksums) {
  const uint32_t before = LoadBe32(frame + at);
  StoreBe32(frame + at, value);
  for (const uint16_t checksum : checksums) {
    StoreBe16(frame + checksum, wire::UpdateChecksum32(LoadBe16(frame + checksum), before, value));
  }
}

}  // namespace weir::flood
