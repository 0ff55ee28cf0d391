// Segments to frames.
#include "segment/segment.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace weir::segment {
namespace {

constexpr uint16_t kChecksumOffset = 16;

std::vector<uint8_t> BuildTcp(const Path& path, const Seg& seg) {
  wire::TcpHeader header;
  header.source_port = path.source.port;
  header.destination_port = path.destination.port;
  header.seq = Seq(seg.seq);
  header.ack = Seq(seg.ack.value_or(0));
  header.flags = seg.flags;
  header.window = seg.window.value_or(65535);
  header.urgent = seg.urgent.value_or(0);
  header.options = seg.options;
  std::vector<uint8_t> tcp(wire::TcpHeaderLength(header.options));
  wire::WriteTcp(header, tcp.data());
  if (!seg.raw_options.empty()) {
    tcp.resize(wire::kTcpHeaderSize);
    tcp.insert(tcp.end(), seg.raw_options.begin(), seg.raw_options.end());
    tcp.resize((tcp.size() + 3) / 4 * 4);
    tcp[12] = static_cast<uint8_t>(tcp.size() / 4 << 4);
  }
  if (seg.data_offset) tcp[12] = static_cast<uint8_t>(*seg.data_offset << 4);
  tcp.insert(tcp.end(), seg.text.begin(), seg.text.end());
  const uint16_t checksum = wire::TransportChecksum(path.source.address, path.destination.address,
                                                    wire::kProtocolTcp, tcp);
  StoreBe16(&tcp[kChecksumOffset], static_cast<uint16_t>(checksum ^ (seg.bad_checksum ? 1 : 0)));
  return tcp;
}

uint16_t WriteIp(uint8_t* out, const Path& path, size_t payload_size) {
  if (path.source.address.is_v4()) {
    wire::Ipv4Header ip;
    ip.source = path.source.address;
    ip.destination = path.destination.address;
    ip.protocol = wire::kProtocolTcp;
    ip.payload_size = static_cast<uint16_t>(payload_size);
    return wire::WriteIpv4(out, ip);
  }
  wire::Ipv6Header ip;
  ip.source = path.source.address;
  ip.destination = path.destination.address;
  ip.protocol = wire::kProtocolTcp;
  ip.payload_size = static_cast<uint16_t>(payload_size);
  return wire::WriteIpv6(out, ip);
}

}  // namespace

std::vector<uint8_t> Pattern(uint32_t position, uint32_t size) {
  std::vector<uint8_t> octets(size);
  for (uint32_t i = 0; i < size; ++i) octets[i] = PatternAt(position + i);
  return octets;
}

std::string Seg::ToString() const {
  std::string s;
  const std::pair<uint8_t, const char*> names[] = {{wire::kTcpSyn, "SYN "},
                                                   {wire::kTcpFin, "FIN "},
                                                   {wire::kTcpRst, "RST "},
                                                   {wire::kTcpUrg, "URG "},
                                                   {wire::kTcpAck, "ACK "}};
  for (const auto& [bit, name] : names) {
    if ((flags & bit) != 0) s += name;
  }
  s += std::to_string(seq) + ":" + std::to_string(seq + text.size()) + "(" +
       std::to_string(text.size()) + ")";
  if (ack) s += " ack " + std::to_string(*ack);
  if (window) s += " win " + std::to_string(*window);
  if (urgent) s += " urg " + std::to_string(*urgent);
  if (options.has(wire::TcpOptions::kMss)) s += " mss " + std::to_string(options.mss);
  if (options.has(wire::TcpOptions::kWindowScale)) {
    s += " ws " + std::to_string(options.window_scale);
  }
  if (options.has(wire::TcpOptions::kSackPermitted)) s += " sackOK";
  if (options.has(wire::TcpOptions::kTimestamps)) {
    s += " TS " + (any_ts_value ? "*" : std::to_string(options.ts_value)) + " ecr " +
         std::to_string(options.ts_echo);
  }
  if (options.has(wire::TcpOptions::kFastOpen)) {
    s += options.fast_open.requests() ? " cookiereq" : " cookie";
  }
  return s;
}

std::vector<uint8_t> BuildFrame(const Path& path, const Seg& seg) {
  const std::vector<uint8_t> tcp = BuildTcp(path, seg);
  std::vector<uint8_t> frame(wire::kEthernetHeaderSize + wire::kVlanTagSize +
                             wire::kIpv6HeaderSize);
  const bool v4 = path.source.address.is_v4();
  size_t size = wire::WriteEthernet(
      frame.data(), seg.broadcast ? wire::kBroadcastMac : path.destination_mac, path.source_mac,
      path.vlan, v4 ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6);
  size += WriteIp(&frame[size], path, tcp.size());
  frame.resize(size);
  frame.insert(frame.end(), tcp.begin(), tcp.end());
  return frame;
}

}  // namespace weir::segment
