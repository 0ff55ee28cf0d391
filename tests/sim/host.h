// Host: one whole stack with its application, device and clock.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/counters.h"
#include "base/prng.h"
#include "invariants/engine_checker.h"
#include "packet/pool_heap.h"
#include "sim/application.h"
#include "sim/ledger.h"
#include "sim/link.h"
#include "sim/network.h"
#include "sim/report.h"
#include "sim/scenario.h"
#include "sim/wire_checker.h"
#include "stack/stack.h"

namespace weir::sim {

// What all hosts of a run share.
struct World {
  const Scenario& scenario;
  Time now;
  EventQueue events;
  Report report;
  Ledger ledger;
  WireChecker wire;
  Network network;
  bool verbose = false;

  World(const Scenario& s, bool prints)
      : scenario(s),
        now(s.start),
        ledger(s),
        wire(s, report),
        network(s, events),
        verbose(prints) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  bool faults() const { return now < scenario.faults_end(); }
};

class Host {
 public:
  static constexpr Time kNever{INT64_MAX / 2};

  Host(size_t number, World& world);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // Begins a life: a stack without a past, listening.
  void Start();
  // Ends it: every connection, timer and key is gone.
  void Die();
  bool alive() const { return stack_ != nullptr; }
  // False when that is not possible yet.
  bool Connect(Side& side);
  // Which end of which connection has opened here.
  std::optional<Stream> Identify(Connection c);

  void Receive(Octets frame);
  // Asks for a turn not before `at`.
  void Wake(Time at);
  Time wake_at() const { return wake_at_; }
  // One turn, and everything that must hold after it.
  void Turn();

  bool idle() const;
  // When it last died, if it ever did.
  std::optional<Time> died_at() const { return died_at_; }
  void CheckEmpty();
  Application& application() { return application_; }
  uint64_t frames() const { return counters_[Counter::kTxFrames]; }
  uint64_t turns() const { return turns_; }

 private:
  // A frame that the device still reads.
  struct Held {
    Packet packet;
    const uint8_t* data;
    Octets octets;
    Time until;
  };

  stack::StackConfig Config() const;
  tcp::Engine& engine() { return stack_->tcp(); }
  Time Local(Time t) const { return t + clock_offset_; }
  std::vector<Packet> TakeInbox();
  void MakeMemoryShort();
  void Transmit(std::span<Packet> frames);
  Octets OnTheWire(const Packet& packet);
  void Hold(Packet packet);
  void LetGo(bool all);
  void CheckPackets(std::span<const Packet> refused);
  void Print(bool sends, const Octets& octets) const;
  void Fail(const std::string& what);

  size_t number_;
  World& world_;
  HostScenario scenario_;
  Duration clock_offset_;
  Prng prng_;
  HeapPool pool_;
  HeapPool device_pool_;  // of received frames
  Counters counters_;
  Application application_;
  std::unique_ptr<stack::Stack> stack_;
  std::optional<invariants::EngineChecker> checker_;
  std::vector<Octets> inbox_;
  std::deque<Held> held_;
  Time drought_until_;
  std::optional<Time> died_at_;
  Time wake_at_ = kNever;
  uint64_t turns_ = 0;
};

}  // namespace weir::sim
