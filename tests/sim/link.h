// Link: one direction of a wire, with its faults, and the queue of events of a run.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "sim/scenario.h"

namespace weir::sim {

using Octets = std::vector<uint8_t>;

// Where a frame arrives: at a host, or at what stands between the hosts.
struct Place {
  size_t host = 0;
  bool network = false;  // at the end of that host's cable
};

// Something that happens at a time: a frame arrives, or a host's application acts.
struct Event {
  Time at;
  uint64_t sequence = 0;  // orders what happens at one time
  Place place;
  Octets frame;                  // when not empty
  std::function<void()> action;  // else
};

// By time, then by the order in which they were added.
class EventQueue {
 public:
  void Add(Time at, Place place, Octets frame) { Push({at, next_++, place, std::move(frame), {}}); }
  void Add(Time at, size_t host, std::function<void()> action) {
    Push({at, next_++, {host}, {}, std::move(action)});
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
  Link(const Faults& faults, Time faults_end, uint64_t seed, Place to, EventQueue& events)
      : faults_(faults), faults_end_(faults_end), prng_(seed), to_(to), events_(events) {}

  void Send(const Octets& frame, Time now);

 private:
  bool Loses();
  void Deliver(Octets frame, Time at);

  Faults faults_;
  Time faults_end_;
  Prng prng_;
  Place to_;
  EventQueue& events_;
  bool in_burst_ = false;
  Time busy_until_;
  Time last_arrival_;
};

}  // namespace weir::sim
