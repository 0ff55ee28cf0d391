// Waiting and moving the clock.
#include "packetdrill/calls.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace weir::packetdrill {
namespace {

// packetdrill tells nobody how long it is willing to wait for a packet.
constexpr Duration kPatience = Seconds(300);
// Real time, for the tool's other thread to get hold of the tool's lock.
constexpr auto kTimeToReturn = std::chrono::milliseconds(2);

}  // namespace

ssize_t Calls::Run(std::unique_lock<std::mutex>& lock, bool may_block, const Attempt& attempt,
                   std::optional<Duration> timeout) {
  const ssize_t at_once = attempt();
  if (at_once != -EAGAIN || !may_block || std::this_thread::get_id() == main_) return at_once;
  Waiting waiting{attempt, {}, {}};
  if (timeout) waiting.until = wire_.now() + *timeout;
  waiting_ = &waiting;
  changed_.wait(lock, [&waiting] { return waiting.result.has_value(); });
  return *waiting.result;
}

void Calls::TryWaiting(std::unique_lock<std::mutex>& lock) {
  if (waiting_ == nullptr) return;
  const ssize_t result = waiting_->attempt();
  const bool late = waiting_->until && wire_.now() >= *waiting_->until;
  if (result == -EAGAIN && !late) return;
  std::exchange(waiting_, nullptr)->result = result;
  end_time_owed_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return !end_time_owed_; });
}

void Calls::Step(std::unique_lock<std::mutex>& lock, Time end) {
  Time next = std::min(end, wire_.NextTurn());
  if (waiting_ != nullptr && waiting_->until) next = std::min(next, *waiting_->until);
  wire_.StepTo(next);
  TryWaiting(lock);
}

void Calls::Inject(std::unique_lock<std::mutex>& lock, std::span<const uint8_t> packet) {
  wire_.Inject(packet);
  TryWaiting(lock);
}

std::optional<VirtualWire::Sent> Calls::NextSent(std::unique_lock<std::mutex>& lock) {
  const Time end = wire_.now() + kPatience;
  while (wire_.sent().empty() && wire_.now() < end) Step(lock, end);
  if (wire_.sent().empty()) return {};
  VirtualWire::Sent sent = std::move(wire_.sent().front());
  wire_.sent().pop_front();
  return sent;
}

void Calls::Sleep(std::unique_lock<std::mutex>& lock, Duration duration) {
  if (std::exchange(returning_, false)) {
    // The tool lets go of its lock while it sleeps, and only then can the other thread note what
    // its call returned. Virtual sleep takes no time at all; what follows would not find the
    // result.
    lock.unlock();
    std::this_thread::sleep_for(kTimeToReturn);
    lock.lock();
  }
  const Time end = wire_.now() + duration;
  while (wire_.now() < end) Step(lock, end);
}

Time Calls::ReadClock(std::unique_lock<std::mutex>&) {
  const Time now = wire_.now();
  if (end_time_owed_ && std::this_thread::get_id() != main_) {
    end_time_owed_ = false;
    returning_ = true;
    changed_.notify_all();
  } else {
    wire_.ClockWasRead();
  }
  return now;
}

}  // namespace weir::packetdrill
