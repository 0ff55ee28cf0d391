// Host: one whole stack with its application, device and clock.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/counters.h"
#include "base/prng.h"
#include "invariants/engine_checker.h"
#include "packet/pool_heap.h"
#include "sim/application.h"
#include "sim/link.h"
#include "sim/report.h"
#include "sim/scenario.h"
#include "sim/wire_checker.h"
#include "stack/stack.h"

namespace weir::sim {

IpAddress HostAddress(int host, bool v4);

class Host {
 public:
  static constexpr Time kNever{INT64_MAX / 2};

  Host(int number, const Scenario& scenario, const Time& now, EventQueue& events, Report& report,
       WireChecker& wire, bool verbose);
  // The checker points back here.
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void Start();
  void Listen();
  // False when that is not possible yet.
  bool Connect(size_t connection);

  void Receive(Octets frame) { inbox_.push_back(std::move(frame)); }
  // Asks for a turn not before `at`.
  void Wake(Time at);
  Time wake_at() const { return wake_at_; }
  // One turn, and everything that must hold after it.
  void Turn(Link& out);

  bool idle() const { return engine().usage().connections == 0 && inbox_.empty(); }
  void CheckEmpty();
  const Application& application() const { return application_; }
  const tcp::Engine& engine() const { return const_cast<Host*>(this)->stack_->tcp(); }
  const Counters& counters() const { return counters_; }
  uint64_t turns() const { return turns_; }

 private:
  Time Local(Time t) const { return t + scenario_.clock_offset; }
  std::vector<Packet> TakeInbox();
  Octets Transmit(Packet& packet);
  void Print(const char* arrow, const Octets& octets) const;
  void Fail(const std::string& what);

  int number_;
  HostScenario scenario_;
  bool v4_;
  const Time& now_;
  Time faults_end_;
  Report& report_;
  WireChecker& wire_;
  bool verbose_;
  Prng prng_;
  HeapPool pool_;
  HeapPool device_pool_;  // of received frames
  Counters counters_;
  Application application_;
  std::unique_ptr<stack::Stack> stack_;
  invariants::EngineChecker checker_;
  std::vector<Octets> inbox_;
  Time wake_at_ = kNever;
  uint64_t turns_ = 0;
};

}  // namespace weir::sim
