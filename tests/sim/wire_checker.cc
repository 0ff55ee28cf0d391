// Checks of each segment against those before it.
#include "sim/wire_checker.h"

#include <algorithm>

#include "sim/stream.h"
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

void WireChecker::Sent(int host, std::span<const uint8_t> octets, Time now) {
  now_checked_ = octets;
  now_host_ = host;
  now_ = now;
  wire::Frame frame;
  wire::ParseFrame(octets, {}, frame);
  if (frame.kind == wire::FrameKind::kDropped) return Fail("sent a frame that makes no sense");
  if (octets.size() > size_t{frame.l3_offset} + mtu_) Fail("sent more than the MTU");
  if (frame.kind != wire::FrameKind::kTcp) return;
  const uint16_t client_port = host == 0 ? frame.tcp.source_port : frame.tcp.destination_port;
  const uint32_t connection = static_cast<uint32_t>(client_port - kClientPortFirst);
  Flow& flow = flows_[connection];
  Half& own = flow.halves[host];
  const Half& other = flow.halves[1 - host];
  if (flow.reborn) return;
  if (frame.tcp.rst()) {
    flow.reset = true;
    return;
  }
  if (frame.tcp.syn()) {
    CheckSyn(flow, own, frame);
    if (connection == 0 && !first_iss_[host]) first_iss_[host] = frame.tcp.seq;
  }
  if (flow.reborn) return;
  if (!own.syn_seen) return Fail("sent a segment before any SYN");
  CheckText(own, other, octets, frame, connection, host);
  if (frame.tcp.has_ack()) CheckAck(own, other, frame);
}

void WireChecker::CheckSyn(Flow& flow, Half& own, const wire::Frame& frame) {
  const wire::TcpHeader& h = frame.tcp;
  if (own.syn_seen) {
    if (own.iss == h.seq) return;
    flow.reborn = flow.reset || (flow.halves[0].fin && flow.halves[1].fin);
    if (!flow.reborn) Fail("changed its ISS");
    return;
  }
  own.syn_seen = true;
  own.iss = h.seq;
  own.sent_end = h.seq + 1;
  if (h.options.has(Options::kWindowScale)) own.scale = h.options.window_scale;
  own.mss = h.options.has(Options::kMss) ? h.options.mss : 0;
  own.timestamps = h.options.has(Options::kTimestamps);
}

void WireChecker::CheckText(Half& own, const Half& other, std::span<const uint8_t> octets,
                            const wire::Frame& frame, uint32_t connection, int host) {
  const wire::TcpHeader& h = frame.tcp;
  const Seq first = h.seq + (h.syn() ? 1 : 0);
  const Seq text_end = first + frame.text_size;
  const auto text = octets.subspan(frame.text_offset, frame.text_size);
  // A keep-alive or window probe may carry an octet that was acknowledged before, or none.
  for (uint32_t i = 0; i < text.size(); ++i) {
    const Seq seq = first + i;
    if (seq <= own.iss) continue;
    const uint32_t position = Distance(own.iss + 1, seq);
    if (text[i] != StreamOctet(connection, host == 0, position)) {
      return Fail("sent an octet that the application did not write there");
    }
  }
  if (own.fin && frame.text_size != 0 && text_end > *own.fin) Fail("sent text behind its FIN");
  if (h.fin()) {
    if (own.fin && *own.fin != text_end) Fail("moved its FIN");
    own.fin = text_end;
  }
  if (frame.text_size != 0 && other.syn_seen) {
    const uint16_t announced = other.mss != 0 ? other.mss : (frame.v4 ? 536 : 1220);
    const uint32_t with_options =
        frame.text_size + frame.text_offset - frame.l4_offset - wire::kTcpHeaderSize;
    if (with_options > std::max(announced, kMssFloor)) Fail("sent more than the peer's MSS");
  }
  const Seq end = text_end + (h.fin() ? 1 : 0);
  // A FIN may follow what fills the window; window probes carry no text here.
  if (frame.text_size != 0 && other.ack_seen && text_end > other.edge)
    Fail("sent beyond the peer's window");
  own.sent_end = Max(own.sent_end, end);
}

void WireChecker::CheckAck(Half& own, const Half& other, const wire::Frame& frame) {
  const wire::TcpHeader& h = frame.tcp;
  if (!other.syn_seen) return Fail("acknowledged what was never sent");
  if (h.ack > other.sent_end) Fail("acknowledged what was never sent");
  const uint8_t scale =
      !h.syn() && own.scale && other.scale ? std::min<uint8_t>(*own.scale, 14) : 0;
  const Seq edge = h.ack + (static_cast<uint32_t>(h.window) << scale);
  if (own.ack_seen) {
    if (h.ack < own.ack) Fail("took an acknowledgement back");
    // SHLD-14, MUST-34's cause: the window must not shrink.
    if (edge < own.edge) Fail("moved the right edge of its window left");
  }
  own.ack = own.ack_seen ? Max(own.ack, h.ack) : h.ack;
  own.edge = own.ack_seen ? Max(own.edge, edge) : edge;
  own.ack_seen = true;
}

}  // namespace weir::sim
