// Engine: every TCP connection of one shard. It knows IP only as addresses: segments come in parsed,
// segments go out without IP header, and the stack joins both to the rest.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/counters.h"
#include "base/reserved_array.h"
#include "base/slab.h"
#include "base/time.h"
#include "base/timing_wheel.h"
#include "base/token_bucket.h"
#include "packet/packet.h"
#include "tcp/config.h"
#include "tcp/flight.h"
#include "tcp/flow_table.h"
#include "tcp/tcb.h"
#include "weir/handler.h"
#include "weir/listener.h"
#include "wire/frame.h"

namespace weir::tcp {

// One received segment: the parsed frame, its packet, and which of our addresses it is for. The
// engine may move the packet away; what it leaves the stack frees.
struct Segment {
  const wire::Frame* frame = nullptr;
  Packet* packet = nullptr;
  uint16_t local = 0;
};

// One segment to send: a packet that begins with the TCP header (checksum zero), to be finished by
// the stack. `request` is set for answers that belong to no connection: they go straight back to
// where the request came from.
struct OutSegment {
  Packet packet;
  IpAddress remote;
  uint16_t local = 0;
  uint16_t header_size = 0;
  uint32_t flow_label = 0;
  uint16_t* neighbour = nullptr;  // where ip may remember the next hop
  const wire::Frame* request = nullptr;
};

// A listener as the engine wants it; empty options have become values.
struct ListenParameters {
  uint16_t port = 0;
  std::optional<uint16_t> local;  // index of an address; empty = all
  uint32_t send_buffer = 0;
  uint32_t receive_buffer = 0;
  bool no_delay = false;
  bool keep_alive = false;
  bool deliver_when_full = false;
};

struct Listener {
  ListenParameters parameters;
  Handler* handler = nullptr;  // not owned; outlives the engine's last turn
  uint32_t half_open = 0;      // connections in SYN-RECEIVED
  uint16_t next = 0;           // next listener on the same port, 0 = none
  uint8_t window_scale = 0;
  bool open = false;  // a closed listener keeps its connections
};

// Memory in use, for leak checks and telemetry.
struct Usage {
  uint32_t connections = 0;  // control blocks
  uint32_t time_wait = 0;    // those of them in TIME-WAIT
  uint32_t flights = 0;
  uint32_t kept_buffers = 0;
};

// Thread: one. The phases are called in the order Receive, RunTimers, RunEvents, Output, once a turn;
// `now` never goes back.
class Engine {
 public:
  static constexpr uint32_t kNone = 0xffffffffu;

  Engine(const TcpConfig& config, PacketPool& pool, Counters& counters);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // --- listeners and active opens ---
  // Returns the listener's number, or nothing when the port (on that address) is taken or the table
  // of listeners is full.
  std::optional<uint16_t> Listen(const ListenParameters& parameters, Handler* handler);
  // Listen's parameters with the configuration's values where `options` has none.
  ListenParameters WithDefaults(const ListenOptions& options) const;
  // Stops accepting; connections live on.
  void CloseListener(uint16_t listener);
  void CloseAllListeners();
  // Opens to `remote` from address number `local`; a source port of 0 is chosen. A dead handle when
  // the address is not one to connect to (MUST-46), the tuple is taken, or memory is short.
  Connection Connect(uint16_t local, uint16_t local_port, const Endpoint& remote,
                     const ListenParameters& parameters, Handler* handler);

  // --- the phases of a turn ---
  void Receive(std::span<Segment> segments, Time now);
  void RunTimers(Time now);
  void RunEvents();
  // Appends to out_segments(); what does not fit waits for the next turn.
  void Output();
  std::vector<OutSegment>& out_segments() { return out_; }

  // True when the next turn has work even without segments.
  bool busy() const { return !touched_.empty(); }
  // When the next timer is due at the earliest; nothing when no timer runs.
  std::optional<Time> NextDeadline() const;
  Usage usage() const;
  // Aborts (RST) what is left, for the end of a drain. The next turn sends the RSTs.
  void AbortAll(CloseReason reason);
  // Connections other than TIME-WAIT: what a drain waits for.
  uint32_t live() const { return slab_.in_use() - time_wait_; }

  // --- what weir::Connection calls; each checks the generation ---
  Tcb* Find(uint32_t index, uint32_t generation);
  size_t Send(Tcb& c, Bytes text);
  bool SendOwned(Tcb& c, Bytes text, ReleaseFunction release, void* context);
  size_t SendRoom(const Tcb& c) const;
  void Pause(Tcb& c);
  void Resume(Tcb& c);
  void Shutdown(Tcb& c);
  void Close(Tcb& c);
  void Abort(Tcb& c, CloseReason reason);
  void SetTimer(Tcb& c, uint32_t milliseconds);
  void SetKeepAlive(Tcb& c, bool on);
  void SetNoDelay(Tcb& c, bool on);
  Endpoint Local(const Tcb& c) const;
  Endpoint Remote(const Tcb& c) const;
  ConnectionInfo Info(const Tcb& c) const;

  // For checkers in tests: visits every control block in use.
  template <class F>
  void ForEach(F f) const;
  const Flight* flight(const Tcb& c) const;

 private:
  // See the .cc files: segment_arrives, listen, syn_sent, send, output, events, timers.
  //
};

}  // namespace weir::tcp
