// Faults of a link, drawn frame by frame.
#include "sim/link.h"

#include <algorithm>

namespace weir::sim {
namespace {

bool Later(const Event& a, const Event& b) {
  return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
}

}  // namespace

void EventQueue::Push(Event event) {
  heap_.push_back(std::move(event));
  std::push_heap(heap_.begin(), heap_.end(), Later);
}

Event EventQueue::Pop() {
  std::pop_heap(heap_.begin(), heap_.end(), Later);
  Event event = std::move(heap_.back());
  heap_.pop_back();
  return event;
}

// Gilbert's two states (1960), and independent losses on top.
bool Link::Loses() {
  in_burst_ = in_burst_ ? !prng_.Chance(faults_.burst_end) : prng_.Chance(faults_.burst_begin);
  return in_burst_ || prng_.Chance(faults_.loss);
}

void Link::Send(const Octets& frame, Time now) {
  Time departs = now;
  if (faults_.octets_per_s != 0) {
    busy_until_ = std::max(busy_until_, now);
    const auto queued = static_cast<uint64_t>((busy_until_ - now).us) * faults_.octets_per_s;
    if (queued / 1000000 > faults_.queue_octets) return;
    busy_until_ = busy_until_ +
                  Microseconds(static_cast<int64_t>(frame.size() * 1000000 / faults_.octets_per_s));
    departs = busy_until_;
  }
  const Time arrives = departs + faults_.delay;
  if (now >= faults_end_) return Deliver(frame, std::max(arrives, last_arrival_));
  if (Loses()) return;
  Octets copy = frame;
  if (prng_.Chance(faults_.corrupt)) {
    copy[prng_.Below(copy.size())] ^= static_cast<uint8_t>(1 + prng_.Below(255));
  }
  Time at = arrives;
  if (faults_.jitter.us != 0) {
    // Jitter alone keeps the order.
    at = at +
         Microseconds(static_cast<int64_t>(prng_.Below(static_cast<uint64_t>(faults_.jitter.us))));
    at = std::max(at, last_arrival_);
  }
  if (prng_.Chance(faults_.duplicate)) {
    Deliver(copy, at + Microseconds(static_cast<int64_t>(prng_.Below(2000))));
  }
  if (prng_.Chance(faults_.reorder)) {
    events_.Add(at + faults_.reorder_by, to_, std::move(copy));
    return;
  }
  Deliver(std::move(copy), at);
}

void Link::Deliver(Octets frame, Time at) {
  last_arrival_ = std::max(last_arrival_, at);
  events_.Add(at, to_, std::move(frame));
}

}  // namespace weir::sim
