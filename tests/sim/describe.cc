// A scenario in a few lines for people; what is switched off is not mentioned.
#include <string>

#include "sim/scenario.h"

namespace weir::sim {
namespace {

using Kind = ConnectionScenario::Kind;

template <class T>
void Add(std::string& text, const char* name, T value, const char* unit = "") {
  if (value != 0) text += std::string(" ") + name + " " + std::to_string(value) + unit;
}

void Add(std::string& text, bool on, const char* word) {
  if (on) text += std::string(" ") + word;
}

std::string TextOf(const Faults& f) {
  std::string text = " [";
  Add(text, "delay", f.delay.us, "us");
  Add(text, "jitter", f.jitter.us, "us");
  Add(text, "loss", f.loss);
  Add(text, "burst", f.burst_begin);
  Add(text, "reorder", f.reorder);
  Add(text, "duplicate", f.duplicate);
  Add(text, "corrupt", f.corrupt);
  Add(text, "rate", f.octets_per_s);
  return text + " ]";
}

std::string TextOf(const HostScenario& h) {
  std::string text = " up" + TextOf(h.up) + " down" + TextOf(h.down);
  Add(text, "mtu", h.mtu);
  Add(text, "rcvbuf", h.tcp.receive_buffer);
  Add(text, "sndbuf", h.tcp.send_buffer);
  Add(text, "mss", h.tcp.mss);
  Add(text, h.tcp.timestamps, "ts");
  Add(text, h.tcp.no_delay, "nodelay");
  Add(text, h.tcp.keep_alive, "keepalive");
  Add(text, h.tcp.fast_open, "fastopen");
  Add(text, h.tx_offload, "txo");
  Add(text, h.rx_offload, "rxo");
  Add(text, "poll", h.poll.us, "us");
  Add(text, "stall", h.stall);
  Add(text, "bad-allocation", h.bad_allocation);
  Add(text, "drought", h.drought);
  Add(text, "ring", h.receive_ring);
  Add(text, "refuse", h.refuse);
  Add(text, "hold", h.driver_holds.us, "us");
  if (h.death) {
    text += " dies at " + std::to_string(h.death->at.us) + "us";
    text +=
        h.death->down_for ? " for " + std::to_string(h.death->down_for->us) + "us" : " for ever";
  }
  return text;
}

std::string TextOf(const SideScenario& s) {
  std::string text = std::to_string(s.octets) + "/" + std::to_string(s.chunk);
  Add(text, s.owned, "owned");
  Add(text, "pause", s.pause);
  Add(text, s.stops_reading_after.has_value(), "stops reading");
  Add(text, s.end == SideScenario::End::kClose, "closes early");
  Add(text, s.end == SideScenario::End::kAbort, "aborts");
  Add(text, "meddle", s.meddle);
  return text;
}

const char* TextOf(Kind kind) {
  switch (kind) {
    case Kind::kStreams:
      return "streams";
    case Kind::kEcho:
      return "echo";
    case Kind::kSimultaneous:
      return "simultaneous";
    case Kind::kClosedPort:
      return "closed port";
  }
  return "?";
}

std::string TextOf(const ConnectionScenario& c) {
  std::string text = " " + std::to_string(c.from) + " to " + std::to_string(c.to) + " " +
                     TextOf(c.kind) + (c.v4 ? " v4" : " v6") + " at " +
                     std::to_string(c.opens_at.us / 1000) + "ms";
  if (c.reuses) text += " reuses " + std::to_string(*c.reuses);
  Add(text, c.spare, "spare");
  return text + " (" + TextOf(c.sides[0]) + " <> " + TextOf(c.sides[1]) + ")";
}

}  // namespace

std::string Scenario::ToString() const {
  std::string text = "seed " + std::to_string(seed) + (network.router ? " router" : " switch") +
                     " faults for " + std::to_string(faults_last.us / 1000) + " ms";
  Add(text, iss_near_wrap, "wrap");
  Add(text, "forged", network.forged_errors);
  Add(text, network.unreachable, "unreachable");
  for (const MtuChange& m : network.mtu_changes) {
    text += " mtu of " + std::to_string(m.host) + " " + std::to_string(m.mtu) + " at " +
            std::to_string(m.at.us / 1000) + "ms";
  }
  for (size_t h = 0; h < hosts.size(); ++h) {
    if (!hosts[h].absent) text += "\n  host " + std::to_string(h) + TextOf(hosts[h]);
  }
  for (size_t i = 0; i < connections.size(); ++i) {
    if (!connections[i].absent) {
      text += "\n  connection " + std::to_string(i) + TextOf(connections[i]);
    }
  }
  return text;
}

}  // namespace weir::sim
