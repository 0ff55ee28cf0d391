// WireChecker: what anybody can demand of a TCP by looking at its wire.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "base/seq.h"
#include "base/time.h"
#include "sim/report.h"
#include "wire/frame.h"

namespace weir::sim {

class WireChecker {
 public:
  WireChecker(Report& report, uint16_t mtu) : report_(report), mtu_(mtu) {}

  // A host (0 is the client) sends this frame, before the link does anything to it.
  void Sent(int host, std::span<const uint8_t> octets, Time now);
  // The first SYN's sequence number of a host for the first connection.
  std::optional<Seq> iss(int host) const { return first_iss_[host]; }

 private:
  // One direction of one connection, as its sender has shown it.
  struct Half {
    bool syn_seen = false;
    Seq iss;
    std::optional<uint8_t> scale;
    uint16_t mss = 0;  // announced, 0 = none
    Seq sent_end;      // highest sequence number sent
    bool ack_seen = false;
    Seq ack;   // highest acknowledged
    Seq edge;  // highest right edge announced
    bool timestamps = false;
    std::optional<Seq> fin;  // sequence number of the FIN
  };
  struct Flow {
    Half halves[2];
    bool reset = false;   // somebody sent RST
    bool reborn = false;  // an old SYN came again after the end: nothing more is known
  };

  void CheckSyn(Flow& flow, Half& own, const wire::Frame& frame);
  void CheckText(Half& own, const Half& other, std::span<const uint8_t> octets,
                 const wire::Frame& frame, uint32_t connection, int host);
  void CheckAck(Half& own, const Half& other, const wire::Frame& frame);
  void Fail(const char* what);

  Report& report_;
  uint16_t mtu_;
  std::map<uint32_t, Flow> flows_;  // by connection number; only looked up, order does not matter
  std::optional<Seq> first_iss_[2];
  std::span<const uint8_t> now_checked_;
  int now_host_ = 0;
  Time now_;
};

}  // namespace weir::sim
