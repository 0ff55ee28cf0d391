// Loop: one core that floods, answers as the honest clients' stack does, and measures.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/prng.h"
#include "flood/answers.h"
#include "flood/arrivals.h"
#include "flood/established_flows.h"
#include "flood/flood.h"
#include "flood/legit_client.h"
#include "flood/pacer.h"
#include "flood/results.h"
#include "flood/tsc_time.h"
#include "packet/packet.h"
#include "port/clock.h"
#include "port/device.h"
#include "stack/stack.h"

namespace weir::flood {

// Why nothing is sent any more.
enum class StopReason : uint8_t { kNone, kSignal, kLinkLost, kDuration };

// Thread: one.
class Loop {
 public:
  struct Options {
    double legit_rate = 0;
    bool poisson = false;
    double established_rate = 0;
    Pacer::Pulse pulse;
    double rate_cap = 0;
    int64_t end_ns = INT64_MAX;  // by `time`: then it stops
    uint64_t seed = 0;
  };
  static constexpr uint32_t kBurst = 32;  // frames of a flood at a time

  // All outlive the loop. `target` is whose hardware address is looked for; once `stop` is true
  // no flood frame leaves after the burst under way.
  Loop(const Options& options, port::Device& device, PacketPool& pool, stack::Stack& stack,
       LegitClient& legit, EstablishedFlows& flows, const TscTime& time, Results& results,
       const IpAddress& target, const std::atomic<bool>& stop);

  // The flood that Flood() sends; its sources' answers are counted from now on. Outlives its use.
  void Use(Flood* flood) { flood_ = flood; }

  // Turns without a flood, without honest load and without counting until `done()` or for so long;
  // returns what done() said last.
  template <typename Done>
  bool TurnUntil(Done done, double seconds);
  // Turns for so long although it was told to stop, to end what honest clients have begun.
  void Drain(double seconds);
  // One phase of the run: a step is added to the results and turned for. Rate 0 = no flood. Without
  // `load` no honest client comes and no flow asks.
  Step& Run(const char* phase, double rate, double percent, double seconds, bool load);

  // The hardware address that the target spoke from, once it did.
  std::optional<wire::MacAddress> target_mac() const { return target_mac_; }
  StopReason stopped() const { return stopped_; }
  int64_t now_ns() const { return now_ns_; }

 private:
  void Turn();
  size_t Sort(size_t count);
  bool TakeSynAck(Packet& packet);
  bool IsForFlood(const wire::Frame& frame, const Packet& packet);
  void TakeAnswer(const wire::Frame& frame, const Packet& packet);
  bool TakeNeighbourRequest(const wire::Frame& frame, const Packet& packet);
  void AnswerArp(const wire::Frame& frame, const Packet& packet);
  void AnswerSolicitation(const wire::Frame& frame, const IpAddress& target);
  void RunStack(size_t received);
  void BeginHonest();
  void SendFlood();
  bool TransmitFlood(std::vector<Packet>& frames, size_t own_first, size_t own_end);
  void SendOwn();
  uint32_t Transmit(std::span<Packet> frames);
  bool MayFlood();
  uint32_t IntervalOf(int64_t at_ns);
  void BeginStep(Step& step, double rate, bool load);
  void EndStep(Step& step);
  void NextInterval();

  Options options_;
  port::Device& device_;
  PacketPool& pool_;
  stack::Stack& stack_;
  LegitClient& legit_;
  EstablishedFlows& flows_;
  const TscTime& time_;
  Results& results_;
  IpAddress target_;
  Prng random_;
  port::Clock clock_;
  Flood* flood_ = nullptr;
  Answers answers_;
  std::optional<wire::MacAddress> target_mac_;

  Step nobody_;  // counts what no step wants
  Step* step_ = &nobody_;
  bool flooding_ = false;
  Pacer pacer_;
  Arrivals arrivals_;
  Arrivals requests_;

  std::vector<Packet> received_;
  std::vector<Packet> taken_;    // of them, those that are done with
  std::vector<Packet> own_;      // frames of the stack, to be sent
  std::vector<Packet> replies_;  // of the flood's hosts
  std::vector<Packet> burst_;    // of the flood, with own_ in its midst
  std::vector<uint16_t> sizes_;  // of frames under way to the device
  bool ring_was_full_ = false;
  int64_t burst_sent_ns_ = 0;
  uint32_t answers_seen_ = 0;

  Time now_;
  int64_t now_ns_ = 0;
  Time deadline_;  // the stack's
  bool worked_ = false;
  uint64_t turn_began_ = 0;  // cycles

  int64_t first_interval_ns_ = -1;
  int64_t interval_end_ns_ = INT64_MAX;
  FloodCounts interval_began_;
  uint64_t handshakes_began_ = 0;
  uint64_t replays_began_ = 0;

  const std::atomic<bool>& stop_;
  StopReason stopped_ = StopReason::kNone;
};

template <typename Done>
bool Loop::TurnUntil(Done done, double seconds) {
  now_ns_ = time_.Now();
  const int64_t end_ns = now_ns_ + static_cast<int64_t>(seconds * 1e9);
  while (!done()) {
    if (now_ns_ >= end_ns || stopped_ != StopReason::kNone) return false;
    if (now_ns_ >= options_.end_ns) stopped_ = StopReason::kDuration;
    if (stop_.load(std::memory_order_relaxed)) stopped_ = StopReason::kSignal;
    Turn();
  }
  return true;
}

}  // namespace weir::flood
