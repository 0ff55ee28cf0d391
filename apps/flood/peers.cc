// What peers do when it is their turn, and when something arrives.
#include "flood/peers.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/check.h"
#include "wire/tcp.h"

namespace weir::flood {
namespace {

using wire::kTcpAck;
using wire::kTcpFin;
using wire::kTcpPsh;
using wire::kTcpRst;
using wire::kTcpSyn;
using wire::kTcpUrg;

constexpr uint16_t kPortFirst = 1024;
constexpr Duration kPatience = Seconds(1);  // with a SYN that nobody answers
constexpr uint32_t kLookedAt = 8;           // hosts, to find one that has something to send
constexpr uint16_t kStepsMax = 0xffff;
constexpr size_t kRequestSize = 1000;  // of those who want a long answer
constexpr size_t kAskSize = 8;
constexpr uint32_t kGapsMax = 16000;  // octets that out-of-order leaves out
constexpr uint32_t kOptimism = 100000;
constexpr uint16_t kSlowWindow = 64;
constexpr uint16_t kWindow = 64240;
constexpr uint16_t kTsOffset = wire::kTcpHeaderSize + 4;  // behind NOP NOP kind length
constexpr uint16_t kSackFirst = wire::kTcpHeaderSize + 4;
constexpr int kSackBlocks = 4;

constexpr std::array<uint8_t, 8> kSynOptions = {2, 4, 5, 180, 4, 2, 1, 1};
// NOP NOP timestamps first, so that TSval lies where it does in other segments.
constexpr std::array<uint8_t, 20> kSynTsOptions = {1, 1, 8, 10, 0, 0,   0, 0, 0, 0,
                                                   0, 0, 2, 4,  5, 180, 4, 2, 1, 1};
constexpr std::array<uint8_t, 12> kTsOptions = {1, 1, 8, 10};
constexpr std::array<uint8_t, 36> kSackOptions = {1, 1, 5, 34};

bool WithTimestamps(Mode mode) { return mode == Mode::kTimestamps; }

}  // namespace

SegmentTemplate Peers::Template(uint8_t flags, std::span<const uint8_t> options, size_t text_size,
                                uint16_t ts_offset) const {
  const std::vector<uint8_t> text(text_size, 'w');
  return SegmentTemplate(SegmentFrame(scene_.own_mac, scene_.target_mac,
                                      {.source = scene_.sources.Peer(0),
                                       .destination = scene_.target.address,
                                       .source_port = kPortFirst,
                                       .destination_port = scene_.target.port,
                                       .flags = flags,
                                       .options = options,
                                       .text = text}),
                         ts_offset);
}

Peers::Peers(Mode mode, const Scene& scene, uint32_t count, uint32_t group, uint32_t groups,
             uint64_t seed)
    : mode_(mode),
      scene_(scene),
      random_(seed),
      group_(group),
      groups_(groups),
      window_(mode == Mode::kSlowRead ? kSlowWindow : kWindow),
      syn_(WithTimestamps(mode) ? Template(kTcpSyn, kSynTsOptions, 0, kTsOffset)
                                : Template(kTcpSyn, kSynOptions, 0, 0)),
      ack_(WithTimestamps(mode) ? Template(kTcpAck, kTsOptions, 0, kTsOffset)
                                : Template(kTcpAck, {}, 0, 0)),
      fin_(Template(kTcpFin | kTcpAck, {}, 0, 0)),
      rst_(Template(kTcpRst | kTcpAck, {}, 0, 0)),
      octet_(mode == Mode::kTimestamps ? Template(kTcpAck | kTcpPsh, kTsOptions, 1, kTsOffset)
             : mode == Mode::kUrgent   ? Template(kTcpAck | kTcpPsh | kTcpUrg, {}, 1, 0)
                                       : Template(kTcpAck | kTcpPsh, {}, 1, 0)),
      request_(Template(kTcpAck | kTcpPsh, {}, kRequestSize, 0)),
      ask_(Template(kTcpAck | kTcpPsh, {}, kAskSize, 0)),
      sack_(Template(kTcpAck, kSackOptions, 0, 0)),
      peers_(count) {
  WEIR_CHECK(count > 0 && AddressIndex(count - 1) < scene.sources.peers_max());
}

SegmentTemplate::Fields Peers::FieldsOf(uint32_t i, const Peer& peer,
                                        const SegmentTemplate& segment) const {
  SegmentTemplate::Fields fields = segment.fields();
  fields.source = scene_.sources.Peer(AddressIndex(i));
  fields.source_port = peer.port;
  fields.seq = peer.sent;
  fields.ack = peer.received;
  fields.window = window_;
  fields.ts_value = peer.iss + peer.steps;  // goes up
  fields.ts_echo = peer.ts_recent;
  return fields;
}

SegmentTemplate::Fields Peers::OctetBefore(uint32_t i, const Peer& peer) const {
  SegmentTemplate::Fields fields = FieldsOf(i, peer, octet_);
  fields.seq = peer.sent - 1;
  return fields;
}

uint16_t Peers::Open(uint32_t i, Peer& peer, uint8_t* out, Time now) {
  const bool again = mode_ == Mode::kReuse && peer.port != 0;
  if (!again) {
    peer.port = static_cast<uint16_t>(kPortFirst + random_.Below(65536 - kPortFirst));
    peer.iss = static_cast<uint32_t>(random_.Next());
  } else {
    peer.iss = peer.sent + 0x10000;  // RFC 9293 3.10.7.4: beyond what the old one used
  }
  peer.state = State::kSynSent;
  peer.sent = peer.iss;
  peer.received = 0;
  peer.steps = 0;
  peer.ts_recent = 0;
  peer.asked_us = now.us;
  const uint16_t size = syn_.Stamp(FieldsOf(i, peer, syn_), out);
  peer.sent = peer.iss + 1;
  return size;
}

uint16_t Peers::Make(uint8_t* out, Time now) {
  for (uint32_t looked = 0; looked < kLookedAt; ++looked) {
    const uint32_t i = next_;
    if (++next_ == peers_.size()) next_ = 0;
    Peer& peer = peers_[i];
    switch (peer.state) {
      case State::kSynSent:
        if (now.us - peer.asked_us < kPatience.us) continue;
        return Open(i, peer, out, now);
      case State::kIdle:
        return Open(i, peer, out, now);
      case State::kOpen:
      case State::kReplay:
        if (const uint16_t size = Attack(i, peer, out, now); size != 0) return size;
        break;
    }
  }
  return 0;
}

uint16_t Peers::SendSack(uint32_t i, Peer& peer, uint8_t* out) {
  const uint16_t size = sack_.Stamp(FieldsOf(i, peer, sack_), out);
  const std::array checksum = {static_cast<uint16_t>(sack_.tcp_offset() + 16)};
  for (int block = 0; block < kSackBlocks; ++block) {
    // Some lie in what was sent, some before, some beyond, some end before they begin.
    const uint64_t draw = random_.Next();
    const uint32_t left = peer.received - 2000 + static_cast<uint32_t>(draw % 6000);
    const uint32_t right = left + static_cast<uint32_t>(draw >> 32) % 3000 - 500;
    const uint16_t at = static_cast<uint16_t>(sack_.tcp_offset() + kSackFirst + 8 * block);
    Replace32(out, at, left, checksum);
    Replace32(out, static_cast<uint16_t>(at + 4), right, checksum);
  }
  return size;
}

// Asks for a long answer first; then acknowledges it wrongly.
uint16_t Peers::Misacknowledge(uint32_t i, Peer& peer, uint8_t* out) {
  if (peer.steps == 1 || mode_ == Mode::kNeverAck) {
    SegmentTemplate::Fields fields = FieldsOf(i, peer, request_);
    // Beyond this the target's window has no room, if it keeps what it cannot send.
    if (peer.sent - peer.iss < kWindow) peer.sent += kRequestSize;
    if (mode_ == Mode::kNeverAck) fields.ack = peer.acked;
    return request_.Stamp(fields, out);
  }
  SegmentTemplate::Fields fields = FieldsOf(i, peer, ack_);
  switch (mode_) {
    case Mode::kSack:
      return SendSack(i, peer, out);
    case Mode::kOptimisticAck:
      fields.ack = peer.received + static_cast<uint32_t>(random_.Below(kOptimism));
      break;
    case Mode::kSlowRead:
      fields.window = 1;
      break;
    default:  // ack-division
      if (peer.acked != peer.received) ++peer.acked;
      fields.ack = peer.acked;
      break;
  }
  return ack_.Stamp(fields, out);
}

uint16_t Peers::Attack(uint32_t i, Peer& peer, uint8_t* out, Time now) {
  if (peer.steps < kStepsMax) ++peer.steps;
  switch (mode_) {
    case Mode::kZeroWindow: {
      const bool first = peer.steps == 1;
      const SegmentTemplate& segment = first ? ask_ : ack_;
      SegmentTemplate::Fields fields = FieldsOf(i, peer, segment);
      fields.window = 0;
      if (first) peer.sent += kAskSize;
      return segment.Stamp(fields, out);
    }
    case Mode::kSlowloris:
      ++peer.sent;
      return octet_.Stamp(OctetBefore(i, peer), out);
    case Mode::kUrgent: {
      ++peer.sent;
      SegmentTemplate::Fields fields = OctetBefore(i, peer);
      fields.urgent = static_cast<uint16_t>(random_.Next());
      return octet_.Stamp(fields, out);
    }
    case Mode::kTimestamps: {
      SegmentTemplate::Fields fields = FieldsOf(i, peer, octet_);
      fields.ts_value = static_cast<uint32_t>(random_.Next());
      fields.ts_echo = static_cast<uint32_t>(random_.Next());
      return octet_.Stamp(fields, out);
    }
    case Mode::kOutOfOrder: {
      SegmentTemplate::Fields fields = FieldsOf(i, peer, octet_);
      fields.seq = peer.sent + 1 + 2 * static_cast<uint32_t>(random_.Below(kGapsMax));
      return octet_.Stamp(fields, out);
    }
    case Mode::kHalfClose:
      if (peer.steps == 1) {
        const uint16_t size = fin_.Stamp(FieldsOf(i, peer, fin_), out);
        ++peer.sent;
        return size;
      }
      return Open(i, peer, out, now);  // and forgets the one before
    case Mode::kReuse:
      if (peer.steps > 1) {
        if (now.us - peer.asked_us < kPatience.us) return 0;
        return Open(i, peer, out, now);
      } else {
        const uint16_t size = fin_.Stamp(FieldsOf(i, peer, fin_), out);
        ++peer.sent;
        return size;
      }
    case Mode::kReplay:
      if (peer.state == State::kOpen) {  // it was real; it ends, and its ACK is kept
        peer.state = State::kReplay;
        return rst_.Stamp(FieldsOf(i, peer, rst_), out);
      }
      return ask_.Stamp(FieldsOf(i, peer, ask_), out);
    case Mode::kConnect:
      return Open(i, peer, out, now);
    default:
      return Misacknowledge(i, peer, out);
  }
}

uint16_t Peers::Take(uint32_t i, Peer& peer, const wire::Frame& frame, uint8_t* out) {
  const uint32_t octets = frame.text_size + (frame.tcp.fin() ? 1u : 0u);
  if (peer.state == State::kReplay) {
    if (frame.text_size > 0 && !peer.retaken) ++replays_taken_;
    peer.retaken = peer.retaken || frame.text_size > 0;
    return 0;
  }
  if (frame.tcp.options.has(wire::TcpOptions::kTimestamps)) {
    peer.ts_recent = frame.tcp.options.ts_value;
  }
  if (frame.tcp.seq.value != peer.received || octets == 0) return 0;
  if (mode_ == Mode::kHalfClose || mode_ == Mode::kNeverAck) return 0;
  peer.received += octets;
  if (mode_ == Mode::kReuse && frame.tcp.fin()) {
    peer.state = State::kIdle;
    return ack_.Stamp(FieldsOf(i, peer, ack_), out);
  }
  return 0;
}

std::optional<uint16_t> Peers::Receive(uint32_t n, const wire::Frame& frame, uint8_t* out,
                                       Time now) {
  if (n % groups_ != group_ || n / groups_ >= peers_.size()) return std::nullopt;
  const uint32_t i = n / groups_;
  Peer& peer = peers_[i];
  if (peer.port == 0 || frame.tcp.destination_port != peer.port) return std::nullopt;
  if (frame.tcp.rst()) {
    if (peer.state == State::kIdle || peer.state == State::kReplay) return uint16_t{0};
    ++resets_;
    peer.state = State::kIdle;
    return uint16_t{0};
  }
  if (frame.tcp.syn()) {
    if (peer.state != State::kSynSent || frame.tcp.ack.value != peer.sent) return uint16_t{0};
    peer.state = State::kOpen;
    peer.received = peer.acked = frame.tcp.seq.value + 1;
    if (frame.tcp.options.has(wire::TcpOptions::kTimestamps)) {
      peer.ts_recent = frame.tcp.options.ts_value;
    }
    peer.asked_us = now.us;
    ++handshakes_;
    return ack_.Stamp(FieldsOf(i, peer, ack_), out);
  }
  if (peer.state == State::kIdle || peer.state == State::kSynSent) return std::nullopt;
  return Take(i, peer, frame, out);
}

}  // namespace weir::flood
