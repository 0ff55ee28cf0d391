// The turn: what one shard does with a burst of frames and a moment in time.
#include "stack/stack.h"

#include <algorithm>

#include "base/bytes.h"
#include "packet/received_copy.h"
#include "wire/checksum.h"
#include "wire/ipv6.h"
#include "wire/plain_tcp.h"

namespace weir::stack {
namespace {

constexpr uint16_t kTcpChecksumOffset = 16;

// The engine names our addresses by their index in ip, and reserves room for the largest burst.
tcp::TcpConfig EngineConfig(tcp::TcpConfig config, uint32_t burst_max, const ip::Ip& ip) {
  config.segments_per_turn = std::max(config.segments_per_turn, burst_max);
  config.addresses.clear();
  for (const ip::LocalAddress& local : ip.locals()) {
    config.addresses.push_back({local.address, local.mtu});
  }
  return config;
}

// TCP knows paths, IP knows what they take: neither knows the other.
tcp::PathMtus PathMtusOf(ip::Ip& ip) {
  return {&ip,
          [](const void* it, const IpAddress& remote, Time now) {
            return static_cast<const ip::Ip*>(it)->PathMtu(remote, now);
          },
          [](void* it, const IpAddress& remote, uint16_t mtu, bool measured, Time now) {
            static_cast<ip::Ip*>(it)->LearnPathMtu(remote, mtu, measured, now);
          }};
}

}  // namespace

static_assert(tcp::kNoNeighbour == ip::kNoNeighbour);

Stack::Stack(const StackConfig& config, PacketPool& pool, Counters& counters, Time now)
    : config_(config),
      pool_(pool),
      counters_(counters),
      now_(now),
      ip_(config.ip, pool, counters),
      tcp_(EngineConfig(config.tcp, config.burst_max, ip_), pool, counters, now),
      out_(config.frames_max),
      frames_(config.burst_max),
      segments_(config.burst_max),
      checksums_(ChecksumTasks()) {
  tcp_.UsePathMtus(PathMtusOf(ip_));
  tcp_.set_worker(Worker(this));
}

void Stack::Start(Time now) {
  now_ = now;
  ip_.Start(now, out_);
}

std::span<Packet> Stack::Turn(std::span<Packet> received, Time now, bool pressed) {
  if (turned_) out_.Clear();  // before the first turn it holds what Start owes
  turned_ = true;
  now_ = std::max(now, now_);
  const std::span<Packet> burst = BoundBurst(received);
  tcp_.Receive(Classify(burst), now_, pressed);  // 1, 2, 3
  tcp_.RunTimers(now_);                          // 4
  ip_.Tick(now_, out_);
  handlers_.Run(Worker(this), now_);  // 5
  tcp_.RunEvents();
  tcp_.Output();  // 6
  FinishSegments();
  for (Packet& packet : burst) packet.Reset();
  CountSent();
  return out_.frames();
}

// What there is no room for is dropped unread.
std::span<Packet> Stack::BoundBurst(std::span<Packet> received) {
  const size_t size = std::min(received.size(), frames_.size());
  for (Packet& packet : received.subspan(size)) {
    if (!packet) continue;
    counters_.Add(Counter::kRxOctets, packet.size());
    counters_.Add(Counter::kRxFrames);
    counters_.Add(Counter::kDropFrameBurst);
    packet.Reset();
  }
  return received.first(size);
}

// Every frame is read once, and what is not TCP is dealt with at once. Returns the segments for
// TCP.
std::span<tcp::Segment> Stack::Classify(std::span<Packet> burst) {
  size_t count = 0;
  uint64_t octets = 0, frames = 0;
  for (size_t i = 0; i < burst.size(); ++i) {
    Packet& packet = burst[i];
    wire::Frame& frame = frames_[i];
    if (!packet) continue;
    octets += packet.size();
    ++frames;
    if (!Read(packet, frame)) continue;
    if (frame.kind != wire::FrameKind::kTcp) [[unlikely]] {
      RunIp(frame, packet);
      continue;
    }
    const int local = ip_.TakenBy(frame, packet.port());
    if (local >= 0) segments_[count++] = {&frame, &packet, static_cast<uint8_t>(local)};
  }
  counters_.Add(Counter::kRxOctets, octets);
  counters_.Add(Counter::kRxFrames, frames);
  return std::span(segments_).first(count);
}

// Into values that cannot be malformed. What is kept past this point is one buffer that nobody else
// owns. False: it was dropped, and counted.
inline bool Stack::Read(Packet& packet, wire::Frame& frame) {
  const bool own = packet.contiguous() && packet.unique();
  if (!own) [[unlikely]] {
    if (!MakeOwn(packet)) {
      packet.Reset();
      return false;
    }
  }
  if (packet.vouched_for() && wire::ReadPlainTcp(packet.first(), {true, true}, frame)) [[likely]]
    return true;
  return ReadByHints(packet, frame);
}

bool Stack::ReadByHints(Packet& packet, wire::Frame& frame) {
  wire::FrameHints hints;
  hints.ip_checksum_good = packet.ip_checksum() == ChecksumStatus::kGood;
  hints.l4_checksum_good = packet.l4_checksum() == ChecksumStatus::kGood;
  hints.vlan_stripped = packet.vlan_stripped();
  hints.vlan_tci = packet.vlan_tci();
  if (!wire::ReadPlainTcp(packet.first(), hints, frame)) {
    wire::ParseFrame(packet.first(), hints, frame);
  }
  if (frame.kind != wire::FrameKind::kDropped) return true;
  counters_.Add(frame.drop);
  if (frame.drop == Counter::kDropIpProtocol) ip_.Refuse(frame, packet, now_, out_);
  packet.Reset();
  return false;
}

// A frame in several buffers, or one that its sender still holds (two ports joined in one process),
// is copied into a buffer of our own.
bool Stack::MakeOwn(Packet& packet) {
  Packet copy = CopyReceived(packet, pool_);
  if (!copy) {
    counters_.Add(Counter::kDropFrameNotCopied);
    return false;
  }
  packet = std::move(copy);
  return true;
}

void Stack::RunIp(const wire::Frame& frame, Packet& packet) {
  const auto error = ip_.Receive(frame, std::move(packet), now_, out_);
  if (!error) return;
  counters_.Add(Counter::kIcmpErrorsForTcp);
  tcp_.IcmpArrives(error->segment, static_cast<uint8_t>(error->local), error->path_mtu, now_);
}

std::vector<Stack::ChecksumTask> Stack::ChecksumTasks() const {
  std::vector<ChecksumTask> tasks;
  for (uint16_t i = 0; i < ip_.locals().size(); ++i) {
    const ip::LocalAddress& local = ip_.Local(i);
    const bool v4 = local.address.is_v4();
    ChecksumTask& task = tasks.emplace_back();
    task.v4 = v4;
    task.own_sum = wire::AddressSum(local.address) + wire::kProtocolTcp;
    task.request = {v4, ip_.link_header_size(i),
                    v4 ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize};
    if (local.port >= config_.offloads.size()) continue;
    const PortOffloads& offloads = config_.offloads[local.port];
    task.by_device = v4 ? offloads.tcp_checksum_v4 : offloads.tcp_checksum_v6;
  }
  return tasks;
}

// The checksum by the device where it offers that, else by us.
inline void Stack::FillChecksum(tcp::OutSegment& segment) const {
  const ChecksumTask& task = checksums_[segment.local];
  Packet& packet = segment.packet;
  const uint64_t remote =
      task.v4 ? uint64_t{segment.remote.v4()} : wire::AddressSum(segment.remote);
  const uint64_t pseudo = task.own_sum + remote + packet.size();
  uint8_t* field = packet.data() + kTcpChecksumOffset;
  if (task.by_device) {
    StoreBe16(field, wire::Fold(pseudo));  // what the device adds the rest to
    packet.RequestTcpChecksum(task.request, segment.header_size);
  } else {
    StoreBe16(field, wire::ChecksumOf(pseudo + wire::SumOctets(packet.first())));
    packet.ClearOffloads();
  }
}

void Stack::FinishSegments() {
  for (tcp::OutSegment& segment : tcp_.out_segments()) {
    FillChecksum(segment);
    const ip::SendOptions options{.ttl = segment.ttl,
                                  .dscp_ecn = static_cast<uint8_t>(segment.dscp << 2),
                                  .flow_label = segment.flow_label};
    if (segment.request != nullptr) {
      ip_.Reply(std::move(segment.packet), *segment.request, segment.local, options, out_);
    } else {
      uint16_t nowhere = tcp::kNoNeighbour;
      uint16_t& neighbour = segment.neighbour == nullptr ? nowhere : *segment.neighbour;
      if (segment.suspect) [[unlikely]]
        ip_.Suspect(neighbour, now_, out_);
      const ip::SendOptions copy = options;  // so that replies need none in memory
      ip_.Send(std::move(segment.packet), segment.local, segment.remote, copy, neighbour, now_,
               out_);
    }
    segment.packet.Reset();  // it was dropped, and counted
  }
  tcp_.out_segments().Clear();
}

void Stack::CountSent() {
  uint64_t octets = 0;
  for (const Packet& frame : out_.frames()) octets += frame.size();
  counters_.Add(Counter::kTxOctets, octets);
  counters_.Add(Counter::kTxFrames, out_.size());
}

void Stack::SetTimer(Handler& handler, uint32_t milliseconds) {
  constexpr uint32_t kMax = 0x7fffffff;
  handlers_.SetTimer(handler, milliseconds == 0
                                  ? Handlers::kNever
                                  : now_ + Milliseconds(std::min(milliseconds, kMax)));
}

void Stack::Drain() {
  draining_ = true;
  tcp_.CloseAllListeners();
}

void Stack::AbortAll() {
  draining_ = stopped_ = true;
  tcp_.AbortAll(CloseReason::kShutdown);
}

bool Stack::busy() const { return tcp_.busy(); }

Time Stack::NextDeadline(Time now) const {
  if (busy()) return now;
  Time next = std::min(ip_.next_deadline(), handlers_.next_deadline());
  if (const auto tcp = tcp_.NextDeadline(now)) next = std::min(next, *tcp);
  return std::max(next, now);
}

}  // namespace weir::stack
