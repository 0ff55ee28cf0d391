// A host's turn: what the device does to frames on both sides of the stack, and the checkers.
#include "sim/host.h"

#include <algorithm>
#include <cstdio>

#include "base/bytes.h"
#include "sim/stream.h"
#include "wire/checksum.h"
#include "wire/printer.h"

namespace weir::sim {
namespace {

constexpr uint32_t kPackets = 3072;
constexpr size_t kBurstMax = 64;

stack::StackConfig ConfigOf(int number, const Scenario& scenario) {
  const HostScenario& host = scenario.hosts[number];
  ip::InterfaceConfig interface;
  interface.mac.octets = {0x02, 0, 0, 0, 0, static_cast<uint8_t>(1 + number)};
  interface.mtu = scenario.mtu;
  interface.addresses.push_back(
      {HostAddress(number, scenario.v4), static_cast<uint8_t>(scenario.v4 ? 24 : 64)});
  interface.dad = false;
  stack::StackConfig config;
  config.ip.interfaces.push_back(interface);
  config.ip.neighbours = 16;
  config.ip.seed = scenario.seed + static_cast<uint64_t>(number);
  config.tcp = host.tcp;
  config.offloads.push_back({host.tx_offload, host.tx_offload});
  return config;
}

}  // namespace

IpAddress HostAddress(int host, bool v4) {
  return *IpAddress::Parse((v4 ? "198.18.0." : "2001:2::") + std::to_string(host + 1));
}

Host::Host(int number, const Scenario& scenario, const Time& now, EventQueue& events,
           Report& report, WireChecker& wire, bool verbose)
    : number_(number),
      scenario_(scenario.hosts[number]),
      v4_(scenario.v4),
      now_(now),
      faults_end_(scenario.start + scenario.faults_last),
      report_(report),
      wire_(wire),
      verbose_(verbose),
      prng_(scenario.seed * 3 + static_cast<uint64_t>(number)),
      pool_(kPackets),
      device_pool_(kPackets),
      application_(scenario, number == 0, now, events, report),
      stack_(
          std::make_unique<stack::Stack>(ConfigOf(number, scenario), pool_, counters_, Local(now))),
      checker_(stack_->tcp(), [this](const std::string& what) { Fail(what); }) {}

void Host::Fail(const std::string& what) {
  report_.Fail(std::to_string(now_.us) + " us, host " + std::to_string(number_) + ": " + what);
}

void Host::Start() {
  stack_->Start(Local(now_));
  Wake(now_);
}

void Host::Listen() {
  // Both directions are streams of their own here, not answers to each other.
  const auto parameters =
      stack_->tcp().WithDefaults({.port = kServerPort, .connection = {.deliver_when_full = true}});
  if (!parameters.ok() || !stack_->tcp().Listen(*parameters, &application_)) Fail("cannot listen");
}

bool Host::Connect(size_t connection) {
  const Endpoint server{HostAddress(1, v4_), kServerPort};
  const int local = stack_->ip().SourceFor(server.address);
  if (local < 0) return false;
  const auto parameters = tcp::WithOptions(stack_->tcp().config(), {.deliver_when_full = true});
  const auto port = static_cast<uint16_t>(kClientPortFirst + connection);
  Wake(now_);
  return parameters.ok() &&
         stack_->tcp()
             .Connect(static_cast<uint8_t>(local), port, server, *parameters, &application_)
             .alive();
}

void Host::Wake(Time at) {
  at = at + scenario_.poll;
  if (now_ < faults_end_ && prng_.Chance(scenario_.stall)) {
    at = at + Milliseconds(1 + static_cast<int64_t>(prng_.Below(50)));
  }
  wake_at_ = std::min(wake_at_, std::max(at, now_));
}

// "->" and "<-" are sent, "( " and " )" received by the server and the client.
void Host::Print(const char* arrow, const Octets& octets) const {
  std::printf("%12.6f %s %s\n", static_cast<double>(now_.us % 100000000000) / 1e6, arrow,
              wire::PrintFrame(octets).c_str());
}

// The device's part of receiving: checksums are verified or not, by scenario.
std::vector<Packet> Host::TakeInbox() {
  const size_t count = std::min(inbox_.size(), kBurstMax);
  std::vector<Packet> received;
  for (size_t i = 0; i < count; ++i) {
    if (verbose_) Print(number_ == 0 ? " )" : "( ", inbox_[i]);
    Packet packet = PacketOf(device_pool_, inbox_[i]);
    if (!packet) {
      Fail("received frames are not given back");
      break;
    }
    if (scenario_.rx_offload) {
      wire::Frame frame;
      wire::ParseFrame(inbox_[i], {}, frame);
      const bool tcp = frame.kind == wire::FrameKind::kTcp;
      const bool bad = frame.drop == Counter::kDropTcpChecksum;
      if (tcp) packet.raw()->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
      if (bad) packet.raw()->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_BAD;
    }
    received.push_back(std::move(packet));
  }
  inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<ptrdiff_t>(count));
  return received;
}

// The device's part of sending: the checksum field holds the pseudo-header's sum.
Octets Host::Transmit(Packet& packet) {
  Octets octets(packet.size());
  packet.CopyOut(0, octets);
  const rte_mbuf* m = packet.raw();
  if ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM) {
    if (!scenario_.tx_offload) Fail("asked a device for a checksum that it cannot make");
    const size_t l4 = size_t{m->l2_len} + m->l3_len;
    const auto segment = std::span(octets).subspan(l4);
    StoreBe16(&segment[16], wire::ChecksumOf(wire::SumOctets(segment)));
  }
  packet.Reset();
  return octets;
}

void Host::Turn(Link& out) {
  ++turns_;
  wake_at_ = kNever;
  std::vector<Packet> received = TakeInbox();
  if (now_ < faults_end_ && prng_.Chance(scenario_.allocation_failure)) {
    pool_.FailAllocation(1 + prng_.Below(4));
  }
  const std::span<Packet> frames = stack_->Turn(received, Local(now_));
  pool_.FailAllocation(0);
  for (Packet& packet : frames) {
    const Octets octets = Transmit(packet);
    if (verbose_) Print(number_ == 0 ? "->" : "<-", octets);
    report_.Hash(static_cast<uint64_t>(now_.us) * 2 + static_cast<uint64_t>(number_));
    report_.Hash(octets);
    wire_.Sent(number_, octets, now_);
    out.Send(octets, now_);
  }
  received.clear();
  checker_.AfterTurn(Local(now_));
  if (stack_->busy() || !inbox_.empty()) Wake(now_ + Microseconds(1));
  const Time next = stack_->NextDeadline(Local(now_)) - scenario_.clock_offset;
  wake_at_ = std::min(wake_at_, std::max(next, now_ + Microseconds(1)));
}

void Host::CheckEmpty() {
  stack_->ip();
  const tcp::Usage usage = engine().usage();
  if (usage.connections != 0) Fail("control blocks were not given back");
  if (usage.flights != 0) Fail("flights were not given back");
  if (usage.kept_buffers != 0) Fail("buffers are said to be kept");
  if (application_.owned_blocks() != 0) Fail("the application's memory was not released");
  // A last turn lets go of the frames of the one before.
  std::span<Packet> frames = stack_->Turn({}, Local(now_));
  for (Packet& packet : frames) packet.Reset();
  if (pool_.in_use() != 0) Fail(std::to_string(pool_.in_use()) + " packets were not given back");
  if (device_pool_.in_use() != 0) Fail("received packets were not given back");
  for (size_t i = 0; i < inbox_.size(); ++i) report_.Hash(inbox_[i]);
}

}  // namespace weir::sim
