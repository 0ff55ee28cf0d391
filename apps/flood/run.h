// Run: the phases - learning the target, baseline, ceiling, capacity, sweep, recovery.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "flood/loop.h"
#include "flood/options.h"
#include "flood/results.h"

namespace weir::flood {

// On an open device. Thread: one.
class Run {
 public:
  // The device and the pool outlive this. No flood frame leaves once `stop` is true.
  Run(const Options& options, port::Device& device, PacketPool& pool, uint64_t seed,
      const std::atomic<bool>& stop);

  // All of it. An error: the target was not found, nothing was measured.
  absl::Status Execute(Results& results);

 private:
  absl::Status FindTarget();
  absl::Status OpenFlows();
  Scene SceneOf(const wire::MacAddress& target_mac) const;
  void MeasureCeiling();
  // How the target fares at a rate; kNotSent: we could not send it.
  enum class Pace : uint8_t { kKeepsUp, kStaysBehind, kNotSent };
  Pace PaceAt(double rate);
  void FindCapacity();
  void Sweep();
  void Finish();

  Options options_;
  port::Device& device_;
  PacketPool& pool_;
  uint64_t seed_;
  const std::atomic<bool>& stop_;
  Results* results_ = nullptr;
  TscTime time_;
  Counters counters_;
  Step probe_;  // of the connections by which the target is found
  // In this order: handlers outlive the stack.
  std::unique_ptr<LegitClient> legit_;
  std::unique_ptr<EstablishedFlows> flows_;
  std::unique_ptr<stack::Stack> stack_;
  std::unique_ptr<Flood> flood_;
  std::unique_ptr<Flood> ceiling_flood_;
  std::unique_ptr<Loop> loop_;
};

// Marks steps and the run as invalid where the method of measuring asks for it.
void JudgeValidity(const Options& options, Results& results);
// Fills in recovery_s.
void FindRecovery(Results& results);

}  // namespace weir::flood
