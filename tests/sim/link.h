// Link: one direction of a wire, with its faults, and the queue of events of a run.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "sim/scenario.h"

namespace weir::sim {

using Octets = std::vector<uint8_t>;

// Something that happens at a host at a time: a frame arrives, or the application acts.
struct Event {
  Time at;
  uint64_t sequence = 0;  // orders what happens at one time
  int host = 0;
  Octets frame;                  // when not empty
  std::function<void()> action;  // else
};

// By time, then by the order in which they were added.
class EventQueue {
 public:
  void Add(Time at, int host, Octets frame) { Push({at, next_++, host, std::move(frame), {}}); }
  void Add(Time at, int host, std::function<void()> action) {
    Push({at, next_++, host, {}, std::move(action)});
  }
  bool empty() const { return heap_.empty(); }
  Time next() const { return heap_.front().at; }
  Event Pop();

 private:
  void Push(Event event);

  std::vector<Event> heap_;
  uint64_t next_ = 0;
};

class Link {
 public:
  Link(const Faults& faults, Time faults_end, uint64_t seed, int to, EventQueue& events)
      : faults_(faults), faults_end_(faults_end), prng_(seed), to_(to), events_(events) {}

  void Send(const Octets& frame, Time now);
  uint64_t lost() const { return lost_; }
  uint64_t corrupted() const { return corrupted_; }

 private:
  bool Loses();
  void Deliver(Octets frame, Time at);

  Faults faults_;
  Time faults_end_;
  Prng prng_;
  int to_;
  EventQueue& events_;
  bool in_burst_ = false;
  Time busy_until_;
  Time last_arrival_;
  uint64_t lost_ = 0;
  uint64_t corrupted_ = 0;
};

}  // namespace weir::sim
