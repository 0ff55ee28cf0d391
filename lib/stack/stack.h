// Stack: one shard of weir joined up - Ethernet, IP and TCP - as a value that frames and time are
// pushed into. It has no clock, no random source, no thread and does no I/O.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "base/counters.h"
#include "base/time.h"
#include "ip/ip.h"
#include "packet/frame_list.h"
#include "packet/packet.h"
#include "stack/handlers.h"
#include "tcp/config.h"
#include "tcp/engine.h"
#include "weir/worker.h"
#include "wire/frame.h"

namespace weir::stack {

// What a port's device does for us on transmit.
struct PortOffloads {
  bool tcp_checksum_v4 = false;
  bool tcp_checksum_v6 = false;
};

struct StackConfig {
  ip::IpConfig ip;
  tcp::TcpConfig tcp;                  // `addresses` is filled in by the stack from `ip`
  std::vector<PortOffloads> offloads;  // by port number; ports beyond the end have none
  uint32_t burst_max = 512;            // frames one turn may be given
  uint32_t frames_max = 2048;          // frames one turn may send
  unsigned worker_index = 0;           // what Worker::index() says
};

class Stack {
 public:
  // `now` is the time of the first turn or before it.
  Stack(const StackConfig& config, PacketPool& pool, Counters& counters, Time now);
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // Begins address configuration (DAD, MLD, announcements); the first Turn sends what that owes.
  void Start(Time now);

  // One turn: takes the frames away from `received` (at most burst_max; what is behind them is
  // dropped), moves every protocol on to `now`, calls the application back, and returns the frames
  // to send, each with its port set. The caller takes what it can send; what it leaves is freed by
  // the next turn. `now` must not go back. `pressed` tells that frames arrive faster than they are
  // taken, see tcp::Engine::Receive.
  [[nodiscard]] std::span<Packet> Turn(std::span<Packet> received, Time now, bool pressed = false);

  // --- what weir::Worker calls, and the worker that owns the stack ---
  // The next turn calls its OnStart; it outlives the stack's last turn.
  void AddHandler(Handler& handler) { handlers_.Add(handler); }
  // 0 cancels.
  void SetTimer(Handler& handler, uint32_t milliseconds);
  // weir/worker.h says how it fails.
  absl::StatusOr<Connection> Connect(const ConnectOptions& options, Handler& handler);
  // That part of Connect's refusals that only the options and the configuration decide.
  absl::Status CheckConnect(const ConnectOptions& options) const;
  // Accepts nothing new from here on.
  void Drain();
  // Ends every connection (CloseReason::kShutdown), and opens none from here on.
  void AbortAll();
  bool draining() const { return draining_; }
  unsigned worker_index() const { return config_.worker_index; }
  Time now() const { return now_; }

  // True when a turn without frames would do something at once.
  bool busy() const;
  // No later than this a turn is due even if nothing arrives.
  Time NextDeadline(Time now) const;

  tcp::Engine& tcp() { return tcp_; }
  ip::Ip& ip() { return ip_; }
  const Counters& counters() const { return counters_; }

 private:
  // What is done about the TCP checksum of segments from one of our addresses.
  struct ChecksumTask {
    bool by_device = false;
    bool v4 = false;
    uint64_t own_sum = 0;  // the pseudo-header's part that is always the same
    TcpChecksumRequest request;
  };

  std::span<Packet> BoundBurst(std::span<Packet> received);
  std::span<tcp::Segment> Classify(std::span<Packet> burst);
  bool Read(Packet& packet, wire::Frame& frame);
  bool ReadByHints(Packet& packet, wire::Frame& frame);
  bool MakeOwn(Packet& packet);
  void RunIp(const wire::Frame& frame, Packet& packet);
  void FinishSegments();
  void FillChecksum(tcp::OutSegment& segment) const;
  void CountSent();
  std::vector<ChecksumTask> ChecksumTasks() const;
  bool IsOurs(const IpAddress& address) const;

  StackConfig config_;
  PacketPool& pool_;
  Counters& counters_;
  Time now_;
  ip::Ip ip_;
  tcp::Engine tcp_;
  FrameList out_;
  std::vector<wire::Frame> frames_;      // what was read, index by index with the burst
  std::vector<tcp::Segment> segments_;   // the TCP segments among them
  std::vector<ChecksumTask> checksums_;  // by index of address
  Handlers handlers_;
  bool turned_ = false;
  bool draining_ = false;
  bool stopped_ = false;
};

}  // namespace weir::stack
