// The loop: receive, turn, transmit, mail, rest.
#include "runtime/worker.h"

#include <rte_pause.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "port/tsc.h"
#include "runtime/control_events.h"
#include "runtime/log_line.h"

namespace weir::runtime {
namespace {

// A full ring empties within microseconds on a device that lives; beyond that, TCP sends again.
constexpr unsigned kTransmitRetries = 32;
constexpr unsigned kPausesPerRetry = 16;

constexpr Duration kFollowInterval = Seconds(1);
constexpr Duration kClocksApart = Seconds(5);  // not by drift, nor by a processor taken away

void SleepFor(Duration duration) {
  timespec time;
  time.tv_sec = duration.us / 1000000;
  time.tv_nsec = duration.us % 1000000 * 1000;
  nanosleep(&time, nullptr);  // a signal may end it early, which does no harm
}

// A stack must not begin far away from the time at which it first turns: its milliseconds wrap.
WorkerOptions WithOrigin(WorkerOptions options) {
  if (options.shared_clock != nullptr) options.origin = options.shared_clock();
  return options;
}

// Most of Connect's failures have no text of their own.
std::string ConnectFailure(const absl::Status& status) {
  if (status.code() == absl::StatusCode::kUnavailable) return "no route, or no address to use";
  if (status.code() == absl::StatusCode::kResourceExhausted) return "no free port or record";
  if (status.code() == absl::StatusCode::kAlreadyExists) return "that connection exists";
  return std::string(status.message());
}

}  // namespace

Worker::Worker(const WorkerOptions& options, const stack::StackConfig& stack, PacketPool& pool,
               std::vector<port::Device*> devices, const Neighbourhood& neighbourhood,
               std::unique_ptr<Mailbox> mailbox)
    : options_(WithOrigin(options)),
      stack_(std::make_unique<stack::Stack>(stack, pool, counters_, options_.origin)),
      devices_(std::move(devices)),
      mailbox_(std::move(mailbox)),
      idle_(options.idle, options.sleep_max),
      received_(options.burst * (2 * devices_.size() + 1)) {
  for (port::Device* device : devices_) {
    if (device_of_port_.size() <= device->id()) device_of_port_.resize(device->id() + 1u);
    device_of_port_[device->id()] = device;
  }
  leaving_.resize(device_of_port_.size());
  for (std::vector<Packet>& list : leaving_) list.reserve(stack.frames_max);
  if (neighbourhood.steering != nullptr) {
    handover_.emplace(options.index, *neighbourhood.steering, neighbourhood.rings, pool, counters_,
                      options.burst);
  }
  state_.store(State::kStarting, std::memory_order_release);
}

void Worker::Run(uint64_t cycles_per_second) {
  prctl(PR_SET_TIMERSLACK, 1000);  // nanoseconds; the default would add 50 us to each sleep
  LetWakeSignalsIn();
  (void)state_.load(std::memory_order_acquire);  // with the constructor's store: see worker.h
  turn_began_ = port::TscCycles();
  Time origin = options_.origin;
  if (options_.shared_clock != nullptr) origin = std::max(origin, options_.shared_clock());
  clock_.emplace(cycles_per_second, turn_began_, origin);
  absl::Status status = MakeHandlers();
  if (!status.ok()) return Fail(status);
  stack_->Start(clock_->now());
  const auto stopped = [this] { return stop_.load(std::memory_order_relaxed); };
  while (!stopped() && !settled_.load(std::memory_order_relaxed)) Turn();
  status = Begin();
  if (!status.ok()) return Fail(status);
  state_.store(State::kRunning, std::memory_order_release);
  while (!stopped()) Turn();
  state_.store(State::kStopped, std::memory_order_release);
}

void Worker::Fail(const absl::Status& status) {
  failure_ = std::string(status.message());
  state_.store(State::kFailed, std::memory_order_release);
}

absl::Status Worker::MakeHandlers() {
  for (const HandlerRequest& request : requests_) {
    if (request.pull != nullptr) {
      auto handler = std::make_unique<PullHandler>(request.pull, options_.index, counters_);
      pull_handlers_.push_back(handler.get());
      handlers_.push_back(std::move(handler));
      continue;
    }
    handlers_.push_back(request.factory());
    if (handlers_.back() != nullptr) continue;
    const std::string of =
        request.listen ? " of port " + std::to_string(request.listen->port) : std::string();
    return absl::InvalidArgumentError("the factory" + of + " made no handler");
  }
  return absl::OkStatus();
}

absl::Status Worker::Begin() {
  for (size_t i = 0; i < requests_.size(); ++i) {
    stack_->AddHandler(*handlers_[i]);
    if (absl::Status status = BeginOne(requests_[i], *handlers_[i]); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Worker::BeginOne(const HandlerRequest& request, Handler& handler) {
  if (request.listen) {
    auto parameters = stack_->tcp().WithDefaults(*request.listen);
    if (!parameters.ok()) return parameters.status();
    parameters->pull = request.pull != nullptr;
    const std::optional<uint16_t> number = stack_->tcp().Listen(*parameters, &handler);
    if (!number) {
      return absl::ResourceExhaustedError("listening on port " +
                                          std::to_string(request.listen->port) +
                                          ": taken, or too many listeners");
    }
    if (request.pull != nullptr) {
      static_cast<PullHandler&>(handler).SetListener(stack_->tcp(), *number);
    }
  }
  if (request.connect) {
    const absl::Status status = stack_->Connect(*request.connect, handler).status();
    if (!status.ok()) {
      return absl::Status(status.code(), "connecting to " + request.connect->remote.ToString() +
                                             ": " + ConnectFailure(status));
    }
  }
  return absl::OkStatus();
}

void Worker::Drain() {
  stack_->Drain();
  for (PullHandler* handler : pull_handlers_) handler->Drain();
}

void Worker::Turn() {
  const uint64_t cycles = port::TscCycles();
  const Duration lost_before = clock_->lost();
  const Time now = clock_->Advance(cycles, std::exchange(slept_, {}));
  counters_.Add(Counter::kTurns);
  counters_.Add(Counter::kCyclesTotal, cycles - turn_began_);
  if (last_worked_) counters_.Add(Counter::kCyclesWithWork, cycles - turn_began_);
  counters_.Add(Counter::kClockLostMicroseconds,
                static_cast<uint64_t>((clock_->lost() - lost_before).us));
  turn_began_ = cycles;
  if (options_.shared_clock != nullptr && now >= follow_at_) FollowSharedClock(now);

  const size_t in = Receive();
  const size_t commands = RunPullCommands();  // what they send leaves in this turn
  const size_t out = Transmit(stack_->Turn({received_.data(), in}, now, pressed_));
  const size_t mail = mailbox_->Run();
  Publish();
  last_worked_ = in + commands + out + mail > 0;
  if (last_worked_) counters_.Add(Counter::kTurnsWithWork);
  Rest(last_worked_);
}

size_t Worker::Receive() {
  size_t count = 0;
  const uint16_t queue = static_cast<uint16_t>(options_.index);
  // What others handed over arrived before what waits in the devices' queues: taken first, a flow
  // that changes queues is not put out of order.
  if (handover_) count += handover_->Take({received_.data(), options_.burst});
  bool full = false;
  for (port::Device* device : devices_) {
    const std::span<Packet> room(received_.data() + count, options_.burst);
    size_t came = device->Receive(queue, room);
    const bool more = came == options_.burst;
    full = full || more;
    if (came > 0 && handover_) {
      const bool queue_is_owner = options_.trust_rss && device->grants().rss;
      came = handover_->Sort(room.first(came), queue_is_owner);
    }
    count += came;
    if (device->grants().syn_queues) {
      count += ReceiveSyns(*device, more, {received_.data() + count, options_.burst});
    }
  }
  NotePressure(full);
  return count;
}

// After the rest, and only in part while the rest fills whole bursts: SYNs must not take the turns
// that open connections need.
size_t Worker::ReceiveSyns(port::Device& device, bool others_wait, std::span<Packet> room) {
  const std::span<Packet> part = others_wait ? room.first(options_.syn_burst) : room;
  const size_t came = device.ReceiveSyns(static_cast<uint16_t>(options_.index), part);
  return came > 0 && handover_ ? handover_->Sort(part.first(came), false) : came;
}

// One full burst says little; a whole ring of them, without a pause, says that the ring was full
// and the device had to throw frames away.
void Worker::NotePressure(bool full) {
  full_frames_ = full ? std::min(full_frames_ + options_.burst, options_.receive_ring) : 0;
  pressed_ = full && full_frames_ == options_.receive_ring;
}

size_t Worker::RunPullCommands() {
  size_t count = 0;
  for (PullHandler* handler : pull_handlers_) count += handler->RunCommands();
  return count;
}

size_t Worker::Transmit(std::span<Packet> frames) {
  if (frames.empty()) return 0;
  if (devices_.size() == 1) return TransmitTo(*devices_[0], frames);
  for (Packet& frame : frames) {
    const uint16_t port = frame.port();
    leaving_[port].push_back(std::move(frame));
  }
  for (size_t port = 0; port < leaving_.size(); ++port) {
    if (leaving_[port].empty()) continue;
    TransmitTo(*device_of_port_[port], leaving_[port]);
    leaving_[port].clear();
  }
  return frames.size();
}

// Never waits for long: a peer that takes nothing must not hold up the others.
size_t Worker::TransmitTo(port::Device& device, std::span<Packet> frames) {
  const size_t count = frames.size();
  unsigned retries = 0;
  while (!frames.empty()) {
    const size_t sent = device.Transmit(static_cast<uint16_t>(options_.index), frames);
    frames = frames.subspan(sent);
    if (sent > 0) continue;
    if (++retries > kTransmitRetries) break;
    for (unsigned i = 0; i < kPausesPerRetry; ++i) rte_pause();
  }
  for (Packet& frame : frames) frame.Reset();
  if (!frames.empty()) counters_.Add(Counter::kDropTxRefused, frames.size());
  return count;
}

// Timers are not made to jump: a shared clock that was set, or a machine that was suspended, is
// caught up with slowly, and until then this server and the others do not take each other's
// cookies.
void Worker::FollowSharedClock(Time now) {
  const Time shared = options_.shared_clock();
  clock_->Follow(shared);
  follow_at_ = now + kFollowInterval;
  const Duration ahead = shared - now;
  const bool apart = ahead > kClocksApart || ahead < Duration{} - kClocksApart;
  if (apart == clocks_apart_) return;
  clocks_apart_ = apart;
  const std::string worker = "worker " + std::to_string(options_.index) + ": ";
  const int64_t seconds = std::abs(ahead.us) / 1000000;
  LogLine(worker + (apart ? "the machine's clock was set and is " + std::to_string(seconds) +
                                (ahead.us > 0 ? " s ahead" : " s behind") +
                                ": cookies of other servers may be refused until a restart"
                          : "the machine's clock is near again"));
}

void Worker::Rest(bool worked) {
  const bool more = stack_->busy() || (handover_ && !handover_->empty());
  const Time now = clock_->now();
  // The deadline is worth asking for only when there may be a sleep.
  const Time deadline = worked || more ? now : stack_->NextDeadline(now);
  const IdlePolicy::Rest rest = idle_.AfterTurn(worked || more, now, deadline);
  if (rest.pause) rte_pause();
  if (rest.sleep.us <= 0) return;
  counters_.Add(Counter::kSleeps);
  slept_ = rest.sleep;
  SleepFor(rest.sleep);
}

void Worker::Publish() {
  live_.store(stack_->tcp().live(), std::memory_order_relaxed);
  if (settled_.load(std::memory_order_relaxed)) return;
  for (const ip::LocalAddress& local : stack_->ip().locals()) {
    if (local.state == ip::AddressState::kTentative) return;
  }
  settled_.store(true, std::memory_order_relaxed);
}

}  // namespace weir::runtime
