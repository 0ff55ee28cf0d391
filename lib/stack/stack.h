// Stack: one shard of weir joined up - Ethernet, IP and TCP - as a value that frames and time are
// pushed into. It has no clock, no random source, no thread and does no I/O.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/counters.h"
#include "base/time.h"
#include "ip/ip.h"
#include "packet/frame_list.h"
#include "packet/packet.h"
#include "tcp/config.h"
#include "tcp/engine.h"
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
};

class Stack {
 public:
  // `now` is the time of the first turn or before it.
  Stack(const StackConfig& config, PacketPool& pool, Counters& counters, Time now);
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // Begins address configuration (DAD, MLD, announcements); the first Turn sends what that owes.
  void Start(Time now);

  // One turn: takes the frames away from `received` (at most burst_max), moves every protocol on to
  // `now`, calls the application back, and returns the frames to send, each with its port set. The
  // caller takes what it can send; what it leaves is freed by the next turn. `now` must not go
  // back.
  [[nodiscard]] std::span<Packet> Turn(std::span<Packet> received, Time now);

  // True when a turn without frames would do something at once.
  bool busy() const;
  // No later than this a turn is due even if nothing arrives.
  Time NextDeadline(Time now) const;

  tcp::Engine& tcp() { return tcp_; }
  ip::Ip& ip() { return ip_; }
  const Counters& counters() const { return counters_; }

 private:
  void Classify(std::span<Packet> received);
  bool MakeOwn(Packet& packet);
  void RunIp();
  void TakeTcp(const wire::Frame& frame, Packet& packet);
  void FinishSegments();
  void FillChecksum(tcp::OutSegment& segment);
  const PortOffloads& OffloadsOf(uint16_t port) const;

  StackConfig config_;
  PacketPool& pool_;
  Counters& counters_;
  Time now_;
  ip::Ip ip_;
  tcp::Engine tcp_;
  FrameList out_;
  std::vector<Packet> burst_;
  std::vector<wire::Frame> frames_;     // what Classify found, index by index with burst_
  std::vector<tcp::Segment> segments_;  // the TCP segments among them
  bool turned_ = false;
};

}  // namespace weir::stack
