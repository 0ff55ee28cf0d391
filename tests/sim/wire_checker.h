// WireChecker: what anybody can demand of a TCP by looking at its wire.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/seq.h"
#include "base/time.h"
#include "sim/report.h"
#include "sim/scenario.h"
#include "sim/stream.h"
#include "wire/frame.h"

namespace weir::sim {

class WireChecker {
 public:
  WireChecker(const Scenario& scenario, Report& report) : scenario_(scenario), report_(report) {}

  // The SYN that leaves next with this tuple is for that end of that connection.
  void Opens(const Tuple& tuple, Stream stream) { opens_[tuple] = stream; }
  // All that this host has shown so far was another life's.
  void Died(size_t host);
  // A host sends this frame, before any link does anything to it.
  void Sent(size_t host, std::span<const uint8_t> octets, Time now);

  // What a SYN with this sequence number from there was sent for.
  std::optional<Stream> StreamOf(const Tuple& sender, Seq iss) const;
  // The first SYN's sequence number on this side of a connection.
  std::optional<Seq> iss(Stream stream) const;

 private:
  // One direction of one connection, as its sender has shown it.
  struct Half {
    Stream stream;
    size_t host = 0;
    Seq iss;
    std::optional<size_t> peer;  // position among the halves of the other direction
    std::optional<uint8_t> scale;
    uint16_t mss = 0;     // announced, 0 = none
    bool opened = false;  // sent more than SYNs
    bool reset = false;   // somebody sent RST
    bool gone = false;    // its host has died
    Seq sent_end;         // one past the highest sequence number sent
    bool ack_seen = false;
    Seq ack;                 // highest acknowledged
    Seq edge;                // highest right edge announced
    std::optional<Seq> fin;  // sequence number of the FIN
  };
  using Halves = std::vector<Half>;  // of one tuple, latest last

  bool TakeSyn(const Tuple& tuple, Halves& halves, const Halves& others, const wire::Frame& frame);
  bool FindPeer(Half& own, const Halves& others, const wire::Frame& frame);
  void CheckText(Half& own, const Half* other, const wire::Frame& frame);
  void CheckOctets(const Half& own, Seq first, std::span<const uint8_t> text);
  void CheckAck(Half& own, const Half& other, const wire::Frame& frame);
  void Fail(const char* what);

  const Scenario& scenario_;
  Report& report_;
  std::map<Tuple, Stream> opens_;
  std::map<Tuple, Halves> halves_;  // by the sender's tuple
  std::span<const uint8_t> now_checked_;
  size_t now_host_ = 0;
  Time now_;
};

}  // namespace weir::sim
