// Seg: one TCP segment as a test writes it - sent by the peer, or expected from the stack.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/seq.h"
#include "weir/address.h"
#include "wire/frame.h"
#include "wire/tcp.h"

namespace weir::segment {

// The octet at a position of a test's stream: a period of 251, so that text in the wrong place
// shows.
constexpr uint8_t PatternAt(uint32_t position) { return static_cast<uint8_t>(position % 251); }
std::vector<uint8_t> Pattern(uint32_t position, uint32_t size);

// Sequence and acknowledgement numbers are relative: the peer's to its ISN (so its SYN is 0 and its
// first octet of text 1), the stack's to the ISS that the rig learned from its SYN. What is not set
// is not compared in Out and left at a default in In.
struct Seg {
  uint8_t flags = 0;
  uint32_t seq = 0;
  std::optional<uint32_t> ack;
  std::optional<uint16_t> window;  // the field, before scaling
  std::vector<uint8_t> text;
  std::optional<uint16_t> urgent;
  wire::TcpOptions options;
  bool options_exact = false;           // Out: compare `present` too
  bool no_timestamps = false;           // Out: the option must be missing
  bool any_ts_value = false;            // Out: compare the echo only
  bool absolute = false;                // seq and ack are not relative
  std::vector<uint8_t> raw_options;     // In: instead of `options`; padded with zeros to four
  bool bad_checksum = false;            // In only
  std::optional<uint16_t> data_offset;  // In only: a wrong one, in words
  std::optional<uint16_t> source_port, destination_port;
  std::optional<IpAddress> source, destination;
  bool broadcast = false;  // In only: to the Ethernet broadcast address
  std::optional<bool> push;

  Seg& Acks(uint32_t number) {
    ack = number;
    flags |= wire::kTcpAck;
    return *this;
  }
  Seg& Win(uint16_t field) {
    window = field;
    return *this;
  }
  Seg& Mss(uint16_t mss) {
    options.mss = mss;
    options.present |= wire::TcpOptions::kMss;
    return *this;
  }
  Seg& Scale(uint8_t shift) {
    options.window_scale = shift;
    options.present |= wire::TcpOptions::kWindowScale;
    return *this;
  }
  Seg& SackOk() {
    options.present |= wire::TcpOptions::kSackPermitted;
    return *this;
  }
  Seg& Ts(uint32_t value, uint32_t echo) {
    options.ts_value = value;
    options.ts_echo = echo;
    options.present |= wire::TcpOptions::kTimestamps;
    return *this;
  }
  // The fast-open option; without octets it asks for a cookie.
  Seg& Cookie(const wire::FastOpenCookie& cookie = {}) {
    options.fast_open = cookie;
    options.present |= wire::TcpOptions::kFastOpen;
    return *this;
  }
  Seg& TsEcho(uint32_t echo) {
    any_ts_value = true;
    return Ts(0, echo);
  }
  Seg& NoTs() {
    no_timestamps = true;
    return *this;
  }
  // Out: no other options than those named.
  Seg& Exactly() {
    options_exact = true;
    return *this;
  }
  Seg& RawOptions(std::vector<uint8_t> octets) {
    raw_options = std::move(octets);
    return *this;
  }
  Seg& Text(std::string_view octets) {
    text.assign(octets.begin(), octets.end());
    return *this;
  }
  // The stream's own octets at this sequence number.
  Seg& Octets(uint32_t size) {
    text = Pattern(seq + (syn() ? 1 : 0), size);
    return *this;
  }
  Seg& Fin() { return Flag(wire::kTcpFin); }
  Seg& Push(bool on = true) {
    push = on;
    if (on) flags |= wire::kTcpPsh;
    return *this;
  }
  Seg& Urgent(uint16_t pointer) {
    urgent = pointer;
    return Flag(wire::kTcpUrg);
  }
  Seg& Flag(uint8_t bits) {
    flags = static_cast<uint8_t>(flags | bits);
    return *this;
  }
  Seg& Absolute() {
    absolute = true;
    return *this;
  }
  Seg& BadChecksum() {
    bad_checksum = true;
    return *this;
  }
  Seg& DataOffset(uint16_t words) {
    data_offset = words;
    return *this;
  }
  Seg& From(uint16_t port) {
    source_port = port;
    return *this;
  }
  Seg& From(const IpAddress& address) {
    source = address;
    return *this;
  }
  Seg& To(uint16_t port) {
    destination_port = port;
    return *this;
  }
  Seg& To(const IpAddress& address) {
    destination = address;
    return *this;
  }
  Seg& Broadcast() {
    broadcast = true;
    return *this;
  }

  bool syn() const { return (flags & wire::kTcpSyn) != 0; }
  bool fin() const { return (flags & wire::kTcpFin) != 0; }
  bool rst() const { return (flags & wire::kTcpRst) != 0; }
  // Sequence space used.
  uint32_t length() const {
    return static_cast<uint32_t>(text.size()) + (syn() ? 1 : 0) + (fin() ? 1 : 0);
  }
  std::string ToString() const;
};

inline Seg Syn(uint32_t seq) { return Seg{.flags = wire::kTcpSyn, .seq = seq}; }
inline Seg SynAck(uint32_t seq) { return Seg{.flags = wire::kTcpSyn | wire::kTcpAck, .seq = seq}; }
inline Seg Ack(uint32_t seq) { return Seg{.flags = wire::kTcpAck, .seq = seq}; }
// `size` octets of the stream.
inline Seg Data(uint32_t seq, uint32_t size) { return Ack(seq).Octets(size); }
inline Seg Fin(uint32_t seq) { return Seg{.flags = wire::kTcpFin | wire::kTcpAck, .seq = seq}; }
inline Seg Rst(uint32_t seq) { return Seg{.flags = wire::kTcpRst, .seq = seq}; }
inline Seg RstAck(uint32_t seq) { return Seg{.flags = wire::kTcpRst | wire::kTcpAck, .seq = seq}; }

// Where a frame goes from and to.
struct Path {
  wire::MacAddress source_mac, destination_mac;
  Endpoint source, destination;
  uint16_t vlan = 0;
};

// A whole frame of the segment on the path; numbers are taken as they stand.
std::vector<uint8_t> BuildFrame(const Path& path, const Seg& seg);

}  // namespace weir::segment
