// The turn: what one shard does with a burst of frames and a moment in time.
#include "stack/stack.h"

#include <algorithm>

#include "base/bytes.h"
#include "packet/received_copy.h"
#include "wire/checksum.h"
#include "wire/ipv6.h"

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
      out_(config.frames_max) {
  tcp_.UsePathMtus(PathMtusOf(ip_));
  burst_.reserve(config.burst_max);
  frames_.resize(config.burst_max);
  segments_.reserve(config.burst_max);
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
  Classify(received);                      // 1
  RunIp();                                 // 2
  tcp_.Receive(segments_, now_, pressed);  // 3
  tcp_.RunTimers(now_);                    // 4
  ip_.Tick(now_, out_);
  handlers_.Run(Worker(this), now_);  // 5
  tcp_.RunEvents();
  tcp_.Output();  // 6
  FinishSegments();
  burst_.clear();
  segments_.clear();
  for (const Packet& frame : out_.frames()) {
    counters_.Add(Counter::kTxOctets, frame ? frame.size() : 0);
  }
  counters_.Add(Counter::kTxFrames, out_.size());
  return out_.frames();
}

// Every frame is read once, into values that cannot be malformed. What is kept past this point is
// one buffer that nobody else owns.
void Stack::Classify(std::span<Packet> received) {
  for (Packet& packet : received) {
    if (!packet) continue;
    counters_.Add(Counter::kRxFrames);
    counters_.Add(Counter::kRxOctets, packet.size());
    if (burst_.size() == burst_.capacity()) {
      counters_.Add(Counter::kDropFrameBurst);
      packet.Reset();
      continue;
    }
    if (!MakeOwn(packet)) {
      packet.Reset();
      continue;
    }
    wire::FrameHints hints;
    hints.ip_checksum_good = packet.ip_checksum() == ChecksumStatus::kGood;
    hints.l4_checksum_good = packet.l4_checksum() == ChecksumStatus::kGood;
    hints.vlan_stripped = packet.vlan_stripped();
    hints.vlan_tci = packet.vlan_tci();
    wire::Frame& frame = frames_[burst_.size()];
    wire::ParseFrame(packet.first(), hints, frame);
    if (frame.kind == wire::FrameKind::kDropped) {
      counters_.Add(frame.drop);
      if (frame.drop == Counter::kDropIpProtocol) ip_.Refuse(frame, packet, now_, out_);
      packet.Reset();
      continue;
    }
    burst_.push_back(std::move(packet));
  }
}

// A frame in several buffers, or one that its sender still holds (two ports joined in one process),
// is copied into a buffer of our own.
bool Stack::MakeOwn(Packet& packet) {
  if (packet.contiguous() && packet.unique()) return true;
  Packet copy = CopyReceived(packet, pool_);
  if (!copy) {
    counters_.Add(Counter::kDropFrameNotCopied);
    return false;
  }
  packet = std::move(copy);
  return true;
}

void Stack::RunIp() {
  for (size_t i = 0; i < burst_.size(); ++i) {
    const wire::Frame& frame = frames_[i];
    if (frame.kind == wire::FrameKind::kTcp) {
      TakeTcp(frame, burst_[i]);
    } else if (const auto error = ip_.Receive(frame, std::move(burst_[i]), now_, out_)) {
      counters_.Add(Counter::kIcmpErrorsForTcp);
      tcp_.IcmpArrives(error->segment, static_cast<uint8_t>(error->local), error->path_mtu, now_);
    }
  }
}

void Stack::TakeTcp(const wire::Frame& frame, Packet& packet) {
  if (!ip_.Admits(frame, packet.port())) return;  // counted
  const int local = ip_.LocalIndex(frame.destination, packet.port());
  if (local < 0) {
    counters_.Add(Counter::kDropNotLocal);
    return;
  }
  segments_.push_back({&frame, &packet, static_cast<uint8_t>(local)});
}

const PortOffloads& Stack::OffloadsOf(uint16_t port) const {
  static constexpr PortOffloads kNone{};
  return port < config_.offloads.size() ? config_.offloads[port] : kNone;
}

// The checksum by the device where it offers that, else by us.
void Stack::FillChecksum(tcp::OutSegment& segment) {
  const ip::LocalAddress& local = ip_.Local(segment.local);
  const bool v4 = local.address.is_v4();
  const PortOffloads& offloads = OffloadsOf(local.port);
  Packet& packet = segment.packet;
  const uint64_t pseudo =
      wire::PseudoHeaderSum(local.address, segment.remote, wire::kProtocolTcp, packet.size());
  packet.ClearOffloads();
  uint8_t* field = packet.data() + kTcpChecksumOffset;
  if (v4 ? offloads.tcp_checksum_v4 : offloads.tcp_checksum_v6) {
    StoreBe16(field, wire::Fold(pseudo));  // what the device adds the rest to
    packet.RequestTcpChecksum(v4, ip_.link_header_size(segment.local),
                              v4 ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize,
                              segment.header_size);
  } else {
    StoreBe16(field, wire::ChecksumOf(pseudo + wire::SumOctets(packet.first())));
  }
}

void Stack::FinishSegments() {
  for (tcp::OutSegment& segment : tcp_.out_segments()) {
    FillChecksum(segment);
    ip::SendOptions options;
    options.ttl = segment.ttl;
    options.dscp_ecn = static_cast<uint8_t>(segment.dscp << 2);
    options.flow_label = segment.flow_label;
    if (segment.request != nullptr) {
      ip_.Reply(std::move(segment.packet), *segment.request, segment.local, options, out_);
    } else {
      uint16_t nowhere = tcp::kNoNeighbour;
      uint16_t& neighbour = segment.neighbour == nullptr ? nowhere : *segment.neighbour;
      if (segment.suspect) [[unlikely]]
        ip_.Suspect(neighbour, now_, out_);
      ip_.Send(std::move(segment.packet), segment.local, segment.remote, options, neighbour, now_,
               out_);
    }
  }
  tcp_.out_segments().clear();
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
