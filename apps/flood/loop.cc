// The turn of the load side, and the phases made of turns.
#include "flood/loop.h"

#include <algorithm>

#include "flood/interlocks.h"
#include "flood/segment_template.h"
#include "flood/thread_times.h"
#include "packet/pool_mempool.h"
#include "wire/arp.h"
#include "wire/ipv4.h"
#include "wire/nd.h"

namespace weir::flood {
namespace {

constexpr size_t kReceived = 64;  // frames a turn
constexpr int64_t kBurstWaitNs = 50000;
constexpr uint32_t kHonestAtOnce = 64;  // begun in one turn
constexpr uint32_t kReadWhole = 16;
constexpr int64_t kIntervalNs = 100000000;

}  // namespace

Loop::Loop(const Options& options, port::Device& device, PacketPool& pool, stack::Stack& stack,
           LegitClient& legit, EstablishedFlows& flows, const TscTime& time, Results& results,
           const IpAddress& target, const std::atomic<bool>& stop)
    : options_(options),
      device_(device),
      pool_(pool),
      stack_(stack),
      legit_(legit),
      flows_(flows),
      time_(time),
      results_(results),
      target_(target),
      random_(options.seed),
      clock_(port::TscHz(), port::TscCycles(), stack.now()),
      received_(kReceived),
      now_(stack.now()),
      turn_began_(port::TscCycles()),
      stop_(stop) {
  own_.reserve(4096);
  replies_.reserve(kReceived);
  taken_.reserve(kReceived);
  burst_.reserve(kBurst + own_.capacity());
  sizes_.reserve(burst_.capacity());
}

void Loop::Turn() {
  const uint64_t cycles = port::TscCycles();
  step_->client.cycles += cycles - turn_began_;
  if (worked_) step_->client.busy_cycles += cycles - turn_began_;
  turn_began_ = cycles;
  worked_ = false;
  now_ = clock_.Advance(cycles);
  now_ns_ = time_.At(cycles);
  if (now_ns_ >= interval_end_ns_) NextInterval();

  const uint16_t came = device_.Receive(0, received_);
  worked_ = came > 0;
  const size_t for_stack = Sort(came);
  if (for_stack > 0 || now_ >= deadline_ || stack_.busy()) RunStack(for_stack);
  BeginHonest();
  SendFlood();
  if (!own_.empty() && !(flooding_ && ring_was_full_)) SendOwn();
}

// Answers to the flood are counted and freed; what is left, the stack's, moves to the front.
size_t Loop::Sort(size_t count) {
  size_t for_stack = 0;
  for (size_t i = 0; i < count; ++i) {
    if (flood_ != nullptr && TakeSynAck(received_[i])) continue;
    Packet packet = std::move(received_[i]);
    wire::Frame frame;
    const bool readable = packet.contiguous();
    if (readable) {
      wire::ParseFrame(packet.first(),
                       {.ip_checksum_good = packet.ip_checksum() == ChecksumStatus::kGood,
                        .l4_checksum_good = packet.l4_checksum() == ChecksumStatus::kGood},
                       frame);
    }
    if (readable && flood_ != nullptr && IsForFlood(frame, packet)) continue;
    if (!target_mac_ && frame.kind == wire::FrameKind::kTcp && frame.source == target_) {
      target_mac_ = frame.source_mac;
    }
    received_[for_stack++] = std::move(packet);
  }
  if (!taken_.empty()) FreePackets(taken_);
  taken_.clear();
  if (!replies_.empty()) TransmitFlood(replies_, replies_.size(), replies_.size());
  return for_stack;
}

// The bulk of what comes. One in so many is read whole all the same, its checksums too.
bool Loop::TakeSynAck(Packet& packet) {
  if (++answers_seen_ % kReadWhole == 0 || !packet.contiguous()) return false;
  const auto syn_ack = PeekSynAck(packet.first());
  if (!syn_ack || !flood_->sources().Contains(syn_ack->destination) ||
      flood_->sources().PeerIndex(syn_ack->destination)) {
    return false;
  }
  answers_.CountSynAck(*syn_ack, packet.size(), step_->flood);
  taken_.push_back(std::move(packet));
  return true;
}

bool Loop::IsForFlood(const wire::Frame& frame, const Packet& packet) {
  switch (frame.kind) {
    case wire::FrameKind::kTcp:
    case wire::FrameKind::kIcmp:
      if (!flood_->sources().Contains(frame.destination)) return false;
      TakeAnswer(frame, packet);
      return true;
    case wire::FrameKind::kIcmpv6:
      if (flood_->sources().Contains(frame.destination)) {
        TakeAnswer(frame, packet);
        return true;
      }
      return TakeNeighbourRequest(frame, packet);
    case wire::FrameKind::kArp:
      return TakeNeighbourRequest(frame, packet);
    case wire::FrameKind::kDropped:
      if (frame.drop != Counter::kDropTcpChecksum) return false;
      ++step_->flood.unreadable;
      return false;
  }
  return false;
}

void Loop::TakeAnswer(const wire::Frame& frame, const Packet& packet) {
  bool expected = false;
  if (frame.kind == wire::FrameKind::kTcp) {
    if (const auto host = flood_->sources().PeerIndex(frame.destination)) {
      Packet reply = AllocatePacket(pool_);
      if (!reply) return;
      const auto size = flood_->Receive(*host, frame, reply.data(), now_);
      expected = size.has_value();
      if (size.value_or(0) > 0 && flooding_ && MayFlood() && reply.Append(*size) != nullptr) {
        replies_.push_back(std::move(reply));
      }
    }
  }
  answers_.Count(frame, packet.size(), expected, step_->flood);
}

// For a source of the flood; answered where that host exists.
bool Loop::TakeNeighbourRequest(const wire::Frame& frame, const Packet& packet) {
  const std::span<const uint8_t> message(packet.data() + frame.l4_offset, frame.l4_size);
  if (frame.kind == wire::FrameKind::kArp) {
    wire::ArpPacket arp;
    const std::span<const uint8_t> octets = packet.first().subspan(frame.l4_offset);
    if (!wire::ParseArp(octets, arp) || arp.operation != wire::kArpRequest) return false;
    if (!flood_->sources().Contains(arp.target)) return false;
    answers_.CountNeighbourRequest(packet.size(), step_->flood);
    if (flood_->HasHost(arp.target)) AnswerArp(frame, packet);
    return true;
  }
  if (message.empty() || message[0] != wire::kNdNeighborSolicitation) return false;
  wire::NdMessage nd;
  if (wire::ParseNd(message, frame, nd) != wire::kNoDrop) return false;
  if (!flood_->sources().Contains(nd.target)) return false;
  answers_.CountNeighbourRequest(packet.size(), step_->flood);
  if (flood_->HasHost(nd.target)) AnswerSolicitation(frame, nd.target);
  return true;
}

void Loop::AnswerArp(const wire::Frame& frame, const Packet& packet) {
  wire::ArpPacket arp;
  if (!wire::ParseArp(packet.first().subspan(frame.l4_offset), arp)) return;
  std::swap(arp.sender, arp.target);
  arp.operation = wire::kArpReply;
  arp.target_mac = arp.sender_mac;
  arp.sender_mac = {device_.mac()};
  std::vector<uint8_t> octets(wire::kArpSize);
  wire::WriteArp(octets.data(), arp);
  octets = EthernetFrame({device_.mac()}, arp.target_mac, wire::kEtherTypeArp, octets);
  Packet reply = AllocatePacket(pool_);
  if (!reply) return;
  std::copy(octets.begin(), octets.end(), reply.Append(static_cast<uint16_t>(octets.size())));
  own_.push_back(std::move(reply));
}

void Loop::AnswerSolicitation(const wire::Frame& frame, const IpAddress& target) {
  wire::NdMessage nd;
  nd.type = wire::kNdNeighborAdvertisement;
  nd.solicited = nd.override = true;
  nd.target = target;
  nd.has_target_mac = true;
  nd.target_mac = {device_.mac()};
  std::vector<uint8_t> octets(wire::kNdMessageSizeMax);
  octets.resize(wire::WriteNd(octets.data(), nd, target, frame.source));
  octets = IpPacket(target, frame.source, wire::kProtocolIcmpv6, octets, wire::kNdHopLimit);
  octets = EthernetFrame({device_.mac()}, frame.source_mac, wire::kEtherTypeIpv6, octets);
  Packet reply = AllocatePacket(pool_);
  if (!reply) return;
  std::copy(octets.begin(), octets.end(), reply.Append(static_cast<uint16_t>(octets.size())));
  own_.push_back(std::move(reply));
}

void Loop::RunStack(size_t received) {
  for (Packet& frame : stack_.Turn({received_.data(), received}, now_)) {
    if (frame && own_.size() < own_.capacity()) own_.push_back(std::move(frame));
  }
  deadline_ = stack_.NextDeadline(now_);
}

// Connections and requests whose time has come. The stack's time is made now before, so that their
// timers begin where they do.
void Loop::BeginHonest() {
  int64_t intended_ns = 0;
  uint32_t begun = 0;
  const auto begin = [&](auto what) {
    if (begun++ == 0) RunStack(0);
    what();
    worked_ = true;
  };
  while (begun < kHonestAtOnce && arrivals_.Take(now_ns_, intended_ns)) {
    begin([&] { legit_.Begin(intended_ns, *step_, IntervalOf(intended_ns)); });
  }
  while (begun < kHonestAtOnce && requests_.Take(now_ns_, intended_ns)) {
    begin([&] { flows_.Request(intended_ns); });
  }
  if (begun > 0) RunStack(0);
}

// Looked at before every burst: the signal, the link, the time.
bool Loop::MayFlood() {
  if (stopped_ != StopReason::kNone) return false;
  if (stop_.load(std::memory_order_relaxed)) {
    stopped_ = StopReason::kSignal;
  } else if (!device_.link_up()) {
    stopped_ = StopReason::kLinkLost;
  } else if (now_ns_ >= options_.end_ns) {
    stopped_ = StopReason::kDuration;
  }
  return stopped_ == StopReason::kNone;
}

// A burst at a time, or what has been due for a while. When the ring was full last time, frames of
// our own take part in the race for its places like everybody's: somewhere in the burst.
void Loop::SendFlood() {
  if (!flooding_) return;
  const double due = pacer_.due(now_ns_);
  if (due < 1 || (due < kBurst && now_ns_ - burst_sent_ns_ < kBurstWaitNs)) return;
  if (!MayFlood()) return;
  burst_sent_ns_ = now_ns_;
  worked_ = true;
  const uint32_t count = pacer_.Take(now_ns_, kBurst);
  Packet fresh[kBurst];
  if (!AllocatePackets(pool_, {fresh, count})) return;
  const uint32_t own_at =
      ring_was_full_ ? static_cast<uint32_t>(random_.Below(count)) : count;  // count: not at all
  size_t own_first = 0, own_end = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (i == own_at) {
      own_first = burst_.size();
      for (Packet& frame : own_) burst_.push_back(std::move(frame));
      own_end = burst_.size();
      own_.clear();
    }
    const uint16_t size = flood_->Make(fresh[i].data(), now_);
    if (size == 0 || fresh[i].Append(size) == nullptr) continue;
    burst_.push_back(std::move(fresh[i]));
  }
  ring_was_full_ = !TransmitFlood(burst_, own_first, own_end);
}

// Of these frames, those from `own_first` to `own_end` are honest. True if the device took all.
bool Loop::TransmitFlood(std::vector<Packet>& frames, size_t own_first, size_t own_end) {
  FloodCounts& counts = step_->flood;
  sizes_.clear();
  for (const Packet& frame : frames) sizes_.push_back(frame.first_size());
  const size_t taken = Transmit(frames);
  for (size_t i = 0; i < frames.size(); ++i) {
    const bool own = i >= own_first && i < own_end;
    if (own) {
      step_->client.own_refused += i >= taken;
      continue;
    }
    ++counts.frames;
    if (i >= taken) continue;
    ++counts.taken;
    counts.octets += sizes_[i];
  }
  const bool all = taken == frames.size();
  frames.clear();
  return all;
}

void Loop::SendOwn() {
  step_->client.own_refused += own_.size() - Transmit(own_);
  own_.clear();
  worked_ = true;
}

// What the device does not take is gone, as on a wire that is full.
uint32_t Loop::Transmit(std::span<Packet> frames) {
  uint32_t taken = 0;
  while (taken < frames.size()) {
    const uint16_t sent = device_.Transmit(0, frames.subspan(taken));
    if (sent == 0) break;
    taken += sent;
  }
  FreePackets(frames.subspan(taken));
  return taken;
}

uint32_t Loop::IntervalOf(int64_t at_ns) {
  if (first_interval_ns_ < 0) return 0;
  const int64_t index = std::max<int64_t>(0, at_ns - first_interval_ns_) / kIntervalNs;
  return static_cast<uint32_t>(
      std::min<int64_t>(index, static_cast<int64_t>(results_.intervals.size()) - 1));
}

void Loop::NextInterval() {
  Interval& last = results_.intervals.back();
  const FloodCounts& counts = step_->flood;
  last.flood_frames += counts.frames - interval_began_.frames;
  last.syn_acks += counts.syn_acks - interval_began_.syn_acks;
  interval_began_ = counts;
  while (now_ns_ >= interval_end_ns_) {
    results_.intervals.emplace_back();
    results_.intervals.back().step = static_cast<uint32_t>(results_.steps.size() - 1);
    interval_end_ns_ += kIntervalNs;
  }
  flows_.CountIn(*step_, static_cast<uint32_t>(results_.intervals.size() - 1));
}

void Loop::BeginStep(Step& step, double rate, bool load) {
  now_ns_ = time_.Now();
  step_ = &step;
  if (first_interval_ns_ < 0) {
    first_interval_ns_ = now_ns_;
    interval_end_ns_ = now_ns_ + kIntervalNs;
    results_.intervals.emplace_back();
  }
  step.begin_s = static_cast<double>(now_ns_ - first_interval_ns_) / 1e9;
  results_.intervals.back().step = static_cast<uint32_t>(results_.steps.size() - 1);
  interval_began_ = {};
  flows_.CountIn(step, static_cast<uint32_t>(results_.intervals.size() - 1));
  const double allowed = std::min(rate, options_.rate_cap);
  pacer_ = Pacer(allowed, options_.pulse, now_ns_);
  answers_.SampleFor(allowed);
  flooding_ = rate > 0 && flood_ != nullptr;
  ring_was_full_ = false;
  arrivals_ =
      load ? Arrivals(options_.legit_rate, options_.poisson, now_ns_, random_.Next()) : Arrivals();
  requests_ =
      load ? Arrivals(options_.established_rate, false, now_ns_, random_.Next()) : Arrivals();
  if (flood_ != nullptr) {
    handshakes_began_ = flood_->handshakes();
    replays_began_ = flood_->replays_taken();
  }
  turn_began_ = port::TscCycles();
  worked_ = false;
}

void Loop::EndStep(Step& step) {
  step.seconds = static_cast<double>(now_ns_ - first_interval_ns_) / 1e9 - step.begin_s;
  step.flood.skipped = static_cast<uint64_t>(pacer_.skipped());
  if (flood_ != nullptr) {
    step.flood.handshakes = flood_->handshakes() - handshakes_began_;
    step.flood.replays_taken = flood_->replays_taken() - replays_began_;
  }
  Interval& last = results_.intervals.back();
  last.flood_frames += step.flood.frames - interval_began_.frames;
  last.syn_acks += step.flood.syn_acks - interval_began_.syn_acks;
  interval_began_ = nobody_.flood;
  flooding_ = false;
  arrivals_ = requests_ = Arrivals();
  step_ = &nobody_;
  flows_.CountIn(nobody_, static_cast<uint32_t>(results_.intervals.size() - 1));
}

void Loop::Drain(double seconds) {
  now_ns_ = time_.Now();
  const int64_t end_ns = now_ns_ + static_cast<int64_t>(seconds * 1e9);
  while (now_ns_ < end_ns && stopped_ != StopReason::kLinkLost) Turn();
}

Step& Loop::Run(const char* phase, double rate, double percent, double seconds, bool load) {
  Step& step = results_.steps.emplace_back();
  step.phase = phase;
  step.rate = rate;
  step.percent = percent;
  const ThreadTimes before = ReadThreadTimes();
  const uint64_t missed = device_.stats().rx_missed;
  BeginStep(step, rate, load);
  TurnUntil([] { return false; }, seconds);
  EndStep(step);
  const ThreadTimes after = ReadThreadTimes();
  step.client.off_core_ns = after.waited_ns - before.waited_ns;
  step.client.stolen_ms = after.stolen_ms - before.stolen_ms;
  step.client.rx_missed = device_.stats().rx_missed - missed;
  return step;
}

}  // namespace weir::flood
