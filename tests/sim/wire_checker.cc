// Checks of each segment against those before it.
#include "sim/wire_checker.h"

#include <algorithm>

#include "wire/printer.h"

namespace weir::sim {
namespace {

using Options = wire::TcpOptions;

constexpr uint16_t kMssFloor = 88;  // below this a peer's MSS is not honoured

}  // namespace

void WireChecker::Fail(const char* what) {
  report_.Fail(std::to_string(now_.us) + " us, host " + std::to_string(now_host_) + ": " + what +
               ": " + wire::PrintFrame(now_checked_));
}

void WireChecker::Died(size_t host) {
  for (auto& [tuple, halves] : halves_) {
    for (Half& half : halves) half.gone = half.gone || half.host == host;
  }
}

std::optional<Stream> WireChecker::StreamOf(const Tuple& sender, Seq iss) const {
  const auto found = halves_.find(sender);
  if (found == halves_.end()) return std::nullopt;
  for (const Half& half : found->second) {
    if (half.iss == iss) return half.stream;
  }
  return std::nullopt;
}

std::optional<Seq> WireChecker::iss(Stream stream) const {
  for (const auto& [tuple, halves] : halves_) {
    for (const Half& half : halves) {
      if (half.stream.connection == stream.connection && half.stream.end == stream.end) {
        return half.iss;
      }
    }
  }
  return std::nullopt;
}

void WireChecker::Sent(size_t host, std::span<const uint8_t> octets, Time now) {
  now_checked_ = octets;
  now_host_ = host;
  now_ = now;
  wire::Frame frame;
  wire::ParseFrame(octets, {}, frame);
  if (frame.kind == wire::FrameKind::kDropped) return Fail("sent a frame that makes no sense");
  if (octets.size() > size_t{frame.l3_offset} + scenario_.hosts[host].mtu) {
    Fail("sent more than the MTU");
  }
  if (frame.kind != wire::FrameKind::kTcp) return;
  const Tuple tuple{{frame.source, frame.tcp.source_port},
                    {frame.destination, frame.tcp.destination_port}};
  Halves& halves = halves_[tuple];
  Halves& others = halves_[tuple.reversed()];
  if (frame.tcp.rst()) {
    if (!halves.empty()) halves.back().reset = true;
    if (!others.empty()) others.back().reset = true;
    return;
  }
  if (frame.tcp.syn() && !TakeSyn(tuple, halves, others, frame)) return;
  if (halves.empty() || halves.back().gone) {
    // Behind a fast open's SYN-ACK that has found no place among what waits for a neighbour.
    if (!scenario_.hosts[host].tcp.fast_open) Fail("sent a segment before any SYN");
    return;
  }
  Half& own = halves.back();
  own.opened = own.opened || !frame.tcp.syn();
  if (frame.tcp.has_ack() && !own.peer && !FindPeer(own, others, frame)) return;
  CheckText(own, own.peer ? &others[*own.peer] : nullptr, frame);
  if (frame.tcp.has_ack()) CheckAck(own, others[*own.peer], frame);
}

// A SYN that is new begins a connection; its host must have done with the one before it.
bool WireChecker::TakeSyn(const Tuple& tuple, Halves& halves, const Halves& others,
                          const wire::Frame& frame) {
  const wire::TcpHeader& h = frame.tcp;
  if (!halves.empty() && !halves.back().gone && halves.back().iss == h.seq) {
    const Half& own = halves.back();
    if (!h.has_ack() || !own.peer) return true;
    const Half& other = others[*own.peer];
    // The SYN of a connection that both have done with, late: its cookie is the same again.
    const bool over = own.fin && other.fin && other.ack > *own.fin && own.ack > *other.fin;
    if (own.opened && !over) return true;
    if (!own.opened && h.ack > other.iss && h.ack <= other.sent_end) return true;
  }
  if (!halves.empty()) {
    const Half& old = halves.back();
    if (old.opened && !old.reset && !old.gone && !old.fin) Fail("changed its ISS");
  }
  Half half;
  half.host = now_host_;
  half.iss = h.seq;
  half.sent_end = h.seq + 1;
  if (h.options.has(Options::kWindowScale)) half.scale = h.options.window_scale;
  half.mss = h.options.has(Options::kMss) ? h.options.mss : 0;
  if (!h.has_ack()) {
    const auto open = opens_.find(tuple);
    if (open == opens_.end()) return Fail("sent a SYN that nobody asked for"), false;
    half.stream = open->second;
  } else {
    if (!FindPeer(half, others, frame)) return false;
    const Stream theirs = others[*half.peer].stream;
    half.stream = {theirs.connection, 1 - theirs.end};
  }
  halves.push_back(half);
  return true;
}

// Which of the other side's connections with these ports the first ACK is about.
bool WireChecker::FindPeer(Half& own, const Halves& others, const wire::Frame& frame) {
  for (size_t i = others.size(); i-- > 0;) {
    if (frame.tcp.ack > others[i].iss && frame.tcp.ack <= others[i].sent_end) {
      own.peer = i;
      return true;
    }
  }
  Fail("acknowledged what was never sent");
  return false;
}

void WireChecker::CheckText(Half& own, const Half* other, const wire::Frame& frame) {
  const wire::TcpHeader& h = frame.tcp;
  const Seq first = h.seq + (h.syn() ? 1 : 0);
  const Seq text_end = first + frame.text_size;
  CheckOctets(own, first, now_checked_.subspan(frame.text_offset, frame.text_size));
  if (own.fin && frame.text_size != 0 && text_end > *own.fin) Fail("sent text behind its FIN");
  if (h.fin()) {
    if (own.fin && *own.fin != text_end) Fail("moved its FIN");
    own.fin = text_end;
  }
  if (frame.text_size != 0 && other != nullptr) {
    const uint16_t announced = other->mss != 0 ? other->mss : (frame.v4 ? 536 : 1220);
    const uint32_t with_options =
        frame.text_size + frame.text_offset - frame.l4_offset - wire::kTcpHeaderSize;
    if (with_options > std::max(announced, kMssFloor)) Fail("sent more than the peer's MSS");
    // A FIN may follow what fills the window; window probes carry no text here.
    if (other->ack_seen && text_end > other->edge) Fail("sent beyond the peer's window");
  }
  own.sent_end = Max(own.sent_end, text_end + (h.fin() ? 1 : 0));
}

// A keep-alive or window probe may carry an octet that was acknowledged before, or none.
void WireChecker::CheckOctets(const Half& own, Seq first, std::span<const uint8_t> text) {
  const bool echo =
      scenario_.connections[own.stream.connection].kind == ConnectionScenario::Kind::kEcho;
  const Stream content{own.stream.connection, echo ? 0 : own.stream.end};
  for (uint32_t i = 0; i < text.size(); ++i) {
    const Seq seq = first + i;
    if (seq <= own.iss) continue;
    if (text[i] != StreamOctet(content, Distance(own.iss + 1, seq))) {
      return Fail("sent an octet that the application did not write there");
    }
  }
}

void WireChecker::CheckAck(Half& own, const Half& other, const wire::Frame& frame) {
  const wire::TcpHeader& h = frame.tcp;
  if (h.ack > other.sent_end) Fail("acknowledged what was never sent");
  const uint8_t scale =
      !h.syn() && own.scale && other.scale ? std::min<uint8_t>(*own.scale, 14) : 0;
  const Seq edge = h.ack + (static_cast<uint32_t>(h.window) << scale);
  if (own.ack_seen) {
    if (h.ack < own.ack) Fail("took an acknowledgement back");
    // SHLD-14, MUST-34's cause: the window must not shrink. A fast open's SYN-ACK that goes again
    // behind text has a window without scale (RFC 7323 2.2).
    if (edge < own.edge && !(h.syn() && own.opened))
      Fail("moved the right edge of its window left");
  }
  own.ack = own.ack_seen ? Max(own.ack, h.ack) : h.ack;
  own.edge = own.ack_seen ? Max(own.edge, edge) : edge;
  own.ack_seen = true;
}

}  // namespace weir::sim
