// How an answer that belongs to no connection is put together.
#pragma once

#include <utility>

#include "tcp/engine.h"

namespace weir::tcp {

// Inline in each of its few callers: under a flood this is most of what is done, and what the
// header holds stays in registers. `segment` is as good as consumed: its packet leaves as the
// answer, its parsed values stay. `settings` are null and `ts_offset`, that of the flow, is 0 for
// RST, which has no other segments beside it.
[[gnu::always_inline]] inline void Engine::Answer(const Segment& segment, wire::TcpHeader& h,
                                                  const Settings* settings, uint32_t ts_offset) {
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
  OutSegment& out = out_.AddOld();
  out.packet = std::move(packet);
  out.remote = request.source;
  out.local = segment.local;
  out.header_size = static_cast<uint8_t>(size);
  out.ttl = settings == nullptr ? config_.ttl : settings->ttl;
  out.dscp = settings == nullptr ? uint8_t{0} : settings->dscp;
  out.flow_label = request.v4 ? 0 : FlowLabel(ts_offset);
  out.neighbour = nullptr;
  out.suspect = false;
  out.request = &request;
}

}  // namespace weir::tcp
