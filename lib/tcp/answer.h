// How an answer that belongs to no connection is put together.
#pragma once

#include <utility>

#include "tcp/engine.h"

namespace weir::tcp {

// Inline in each of its few callers: under a flood this is most of what is done, and what the
// header holds stays in registers. `segment` is as good as consumed: its packet leaves as the
// answer, its parsed values stay. `ts_offset` is that of the flow, 0 for RST, which has no other
// segments beside it.
[[gnu::always_inline]] inline void Engine::Answer(const Segment& segment, wire::TcpHeader& h,
                                                  uint16_t profile, uint32_t ts_offset) {
  if (out_.full()) [[unlikely]] {
    Drop(Counter::kDropTcpNoBuffer);
    return;
  }
  const wire::Frame& request = *segment.frame;
  h.source_port = request.tcp.destination_port;
  h.destination_port = request.tcp.source_port;
  Packet& packet = *segment.packet;
  const uint16_t size = wire::TcpHeaderLength(h.options);
  packet.SetData(static_cast<uint16_t>(Packet::kHeadroom - size), size);
  wire::WriteTcp(h, packet.data());
  const Settings& settings = profile == Profiles::kNone ? config_ : profiles_[profile].settings;
  OutSegment& out = out_.Add();
  out.packet = std::move(packet);
  out.remote = request.source;
  out.local = segment.local;
  out.header_size = static_cast<uint8_t>(size);
  out.ttl = settings.ttl;
  out.dscp = profile == Profiles::kNone ? uint8_t{0} : settings.dscp;
  out.flow_label = FlowLabel(ts_offset);
  out.request = &request;
  counters_.Add(Counter::kTcpSegmentsOut);
}

}  // namespace weir::tcp
