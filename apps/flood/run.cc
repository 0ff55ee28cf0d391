// One phase after another.
#include "flood/run.h"

#include <algorithm>

#include "base/prng.h"

namespace weir::flood {
namespace {

constexpr double kTargetWaitS = 0.2;  // for one attempt to reach it
constexpr double kFlowsWaitS = 5;
constexpr uint32_t kFlowsAtOnce = 64;
constexpr double kCeilingS = 0.5;
constexpr double kProbeS = 0.3;
constexpr double kSettleS = 0.1;  // for what is under way
constexpr double kFirstProbe = 20000;
constexpr double kSent = 0.8;      // of the rate asked for, or it was not tried
constexpr double kKeepsUp = 0.98;  // SYN-ACKs per SYN
constexpr int kBisections = 6;
constexpr double kCloseS = 0.3;

SipKey DrawKey(Prng& random) { return {random.Next(), random.Next()}; }

stack::StackConfig StackConfigOf(const Options& options, const port::Device& device,
                                 uint64_t seed) {
  Prng random(seed);
  stack::StackConfig config;
  ip::InterfaceConfig interface;
  interface.port = device.id();
  interface.mac = {device.mac()};
  interface.mtu = device.grants().mtu;
  interface.addresses = options.addresses;
  interface.dad = false;  // nobody else is on this wire, and it takes a second
  config.ip.interfaces = {interface};
  config.ip.seed = random.Next();
  config.tcp.keys = {DrawKey(random), DrawKey(random), DrawKey(random), DrawKey(random)};
  const double waiting = options.legit_rate * (options.deadline_ms / 1000.0 + 1);
  config.tcp.max_connections = static_cast<uint32_t>(waiting * 1.5) + options.established + 4096;
  config.burst_max = 128;
  const bool checksum = device.grants().tx_tcp_checksum;
  config.offloads.resize(device.id() + 1u);
  config.offloads[device.id()] = {checksum, checksum};
  return config;
}

}  // namespace

Run::Run(const Options& options, port::Device& device, PacketPool& pool, uint64_t seed,
         const std::atomic<bool>& stop)
    : options_(options), device_(device), pool_(pool), seed_(seed), stop_(stop) {}

Scene Run::SceneOf(const wire::MacAddress& target_mac) const {
  return {{device_.mac()}, target_mac, options_.target, Sources(options_.sources), flows_->Ends()};
}

absl::Status Run::Execute(Results& results) {
  results_ = &results;
  Prng random(seed_);
  std::vector<IpAddress> own;
  for (const ip::Prefix& prefix : options_.addresses) own.push_back(prefix.address);
  stack_ = std::make_unique<stack::Stack>(StackConfigOf(options_, device_, random.Next()), pool_,
                                          counters_, Time{Seconds(1).us});
  const uint32_t records =
      static_cast<uint32_t>(options_.legit_rate * (options_.deadline_ms / 1000.0 + 1)) + 1024;
  legit_ = std::make_unique<LegitClient>(
      LegitClient::Options{options_.target, own, options_.request_size, options_.deadline_ms,
                           records},
      *stack_, time_, results);
  flows_ = std::make_unique<EstablishedFlows>(
      EstablishedFlows::Options{options_.target, own, options_.established,
                                std::min(options_.request_size, 1024u)},
      *stack_, time_, results);
  Loop::Options loop;
  loop.legit_rate = options_.legit_rate;
  loop.poisson = options_.poisson;
  loop.established_rate = options_.established > 0 ? options_.established_rate : 0;
  loop.pulse = options_.pulse;
  loop.rate_cap = options_.rate_cap;
  loop.end_ns = time_.Now() + static_cast<int64_t>(options_.duration_s * 1e9);
  loop.seed = random.Next();
  loop_ = std::make_unique<Loop>(loop, device_, pool_, *stack_, *legit_, *flows_, time_, results,
                                 options_.target.address, stop_);
  stack_->Start(stack_->now());
  if (absl::Status status = FindTarget(); !status.ok()) return status;
  if (absl::Status status = OpenFlows(); !status.ok()) return status;
  flood_ = std::make_unique<Flood>(options_.modes, SceneOf(*loop_->target_mac()), options_.peers,
                                   random.Next());
  loop_->Use(flood_.get());
  if (options_.baseline_s > 0) loop_->Run("baseline", 0, 0, options_.baseline_s, true);
  results.capacity = options_.capacity;
  results.capacity_given = options_.capacity > 0;
  MeasureCeiling();
  if (options_.capacity_search) FindCapacity();
  Sweep();
  Finish();
  FindRecovery(results);
  JudgeValidity(options_, results);
  return absl::OkStatus();
}

// An honest connection finds the target's hardware address, and that it echoes.
absl::Status Run::FindTarget() {
  if (!loop_->TurnUntil([this] { return device_.link_up(); }, options_.link_wait_s)) {
    return absl::UnavailableError("the link of " + options_.device + " did not come up");
  }
  const int attempts = static_cast<int>(options_.link_wait_s / kTargetWaitS) + 1;
  for (int i = 0; i < attempts && loop_->stopped() == StopReason::kNone; ++i) {
    legit_->Begin(time_.Now(), probe_, LegitClient::kNoInterval);
    const auto found = [&] { return loop_->target_mac() && probe_.legit.answered > 0; };
    if (loop_->TurnUntil(found, kTargetWaitS)) break;
  }
  if (!loop_->target_mac()) {
    return absl::UnavailableError(options_.target.ToString() + " did not answer");
  }
  if (probe_.legit.answered == 0 && probe_.legit.refused > 0) {
    return absl::UnavailableError(options_.target.ToString() + " refuses connections");
  }
  if (probe_.legit.answered == 0) {
    return absl::UnavailableError(options_.target.ToString() +
                                  " answered, but did not echo a request: it must be weir-echo or "
                                  "the like (RFC 862)");
  }
  return absl::OkStatus();
}

absl::Status Run::OpenFlows() {
  uint32_t asked = 0;
  const auto all = [&] {
    while (asked < options_.established && asked < flows_->open() + kFlowsAtOnce &&
           flows_->OpenNext()) {
      ++asked;
    }
    return flows_->open() == options_.established;
  };
  if (loop_->TurnUntil(all, kFlowsWaitS)) return absl::OkStatus();
  return absl::UnavailableError(std::to_string(flows_->open()) + " of " +
                                std::to_string(options_.established) +
                                " established flows could be opened");
}

// What the device takes when the target has nothing to do but drop: frames for another's address.
void Run::MeasureCeiling() {
  wire::MacAddress other = *loop_->target_mac();
  other.octets[5] ^= 0xff;
  other.octets[0] = 0x02;
  Flood flood({Mode::kSynBare}, SceneOf(other), 1, seed_);
  loop_->Use(&flood);
  const Step& step = loop_->Run("ceiling", options_.rate_cap, 0, kCeilingS, false);
  results_->carrier_ceiling = static_cast<double>(step.flood.taken) / step.seconds;
  loop_->Use(flood_.get());
  loop_->TurnUntil([] { return false; }, kSettleS);
}

// Whether SYN-ACKs keep up with this many SYNs per second; the capacity is the most that was sent
// where they did. One disturbance is forgiven.
Run::Pace Run::PaceAt(double rate) {
  Pace pace = Pace::kNotSent;
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (loop_->stopped() != StopReason::kNone) return Pace::kNotSent;
    const Step& step = loop_->Run("search", rate, 0, kProbeS, false);
    const double sent = static_cast<double>(step.flood.frames) / step.seconds;
    const double answers = static_cast<double>(step.flood.syn_acks) / step.seconds;
    results_->probes.push_back({rate, sent, answers});
    loop_->TurnUntil([] { return false; }, kSettleS);
    if (sent < kSent * rate) continue;
    if (answers >= kKeepsUp * sent) {
      results_->capacity = std::max(results_->capacity, sent);
      return Pace::kKeepsUp;
    }
    pace = Pace::kStaysBehind;
  }
  return pace;
}

// Doubles the rate until the answers stay behind, then halves the distance.
void Run::FindCapacity() {
  Flood flood({Mode::kSyn}, SceneOf(*loop_->target_mac()), 1, seed_ + 1);
  loop_->Use(&flood);
  results_->capacity = 0;
  const double most = options_.rate_cap;
  double good = 0, bad = std::min(kFirstProbe, most);
  Pace pace = PaceAt(bad);
  while (pace == Pace::kKeepsUp && bad < most) {
    good = bad;
    bad = std::min(bad * 2, most);
    pace = PaceAt(bad);
  }
  for (int i = 0; i < kBisections && good > 0 && pace != Pace::kKeepsUp; ++i) {
    const double middle = (good + bad) / 2;
    const Pace there = PaceAt(middle);
    if (there == Pace::kKeepsUp) {
      good = middle;
    } else {
      bad = middle;
      pace = there;  // what it is that the capacity ends at
    }
  }
  if (results_->capacity == 0) {
    results_->invalid.push_back("no rate was found that the target keeps up with");
  } else if (pace == Pace::kKeepsUp) {
    results_->invalid.push_back("the target keeps up with --rate-cap: its capacity is not known");
  } else if (pace == Pace::kNotSent) {
    results_->invalid.push_back(
        "the client could not send more than the target answers: its capacity is not known");
  }
  loop_->Use(flood_.get());
}

void Run::Sweep() {
  for (const RateSpec& spec : options_.rates) {
    if (loop_->stopped() != StopReason::kNone) break;
    const double rate = spec.percent ? results_->capacity * spec.value / 100 : spec.value;
    if (rate <= 0) continue;
    const double percent = spec.percent             ? spec.value
                           : results_->capacity > 0 ? rate / results_->capacity * 100
                                                    : 0;
    loop_->Run("flood", rate, percent, options_.step_s, true);
  }
  if (loop_->stopped() == StopReason::kNone && options_.recovery_s > 0) {
    loop_->Run("recovery", 0, 0, options_.recovery_s, true);
  }
}

// The outcome of every connection is waited for; then nothing is left at the target.
void Run::Finish() {
  if (loop_->stopped() == StopReason::kNone) {
    loop_->TurnUntil([this] { return legit_->under_way() == 0; },
                     options_.deadline_ms / 1000.0 + kSettleS);
  }
  switch (loop_->stopped()) {
    case StopReason::kNone:
      break;
    case StopReason::kSignal:
      results_->invalid.push_back("stopped by a signal");
      break;
    case StopReason::kLinkLost:
      results_->invalid.push_back("the link went down");
      break;
    case StopReason::kDuration:
      results_->invalid.push_back("--duration ended before the phases did");
      break;
  }
  flows_->CloseAll();
  loop_->Drain(kCloseS);
  stack_->AbortAll();
  loop_->Drain(kCloseS / 10);
}

}  // namespace weir::flood
