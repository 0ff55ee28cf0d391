// A host's turn: what the device does to frames on both sides of the stack; its deaths.
#include "sim/host.h"

#include <algorithm>
#include <cstdio>

#include "base/bytes.h"
#include "sim/addresses.h"
#include "wire/checksum.h"
#include "wire/printer.h"

namespace weir::sim {
namespace {

using Kind = ConnectionScenario::Kind;

constexpr uint32_t kPackets = 1600;
constexpr size_t kBurstMax = 64;
constexpr size_t kHeldMax = 512;  // frames in the device's transmit ring

uint16_t ListeningPort(Kind kind) {
  switch (kind) {
    case Kind::kEcho:
      return kEchoPort;
    case Kind::kClosedPort:
      return kClosedPort;
    default:
      return kStreamPort;
  }
}

// The port of a connection's own: that of the one that first had it.
uint16_t OwnPort(const Scenario& scenario, size_t connection) {
  while (const auto earlier = scenario.connections[connection].reuses) connection = *earlier;
  return static_cast<uint16_t>(kClientPortFirst + connection);
}

}  // namespace

Host::Host(size_t number, World& world)
    : number_(number),
      world_(world),
      scenario_(world.scenario.hosts[number]),
      clock_offset_(scenario_.clock_offset),
      prng_(world.scenario.seed * 3 + number),
      pool_(kPackets),
      device_pool_(kPackets),
      application_(number, world.scenario, world.now, world.events, world.report, world.ledger) {}

void Host::Fail(const std::string& what) {
  world_.report.Fail(std::to_string(world_.now.us) + " us, host " + std::to_string(number_) + ": " +
                     what);
}

stack::StackConfig Host::Config() const {
  const Scenario& s = world_.scenario;
  const bool router = s.network.router;
  ip::InterfaceConfig interface;
  interface.mac = HostMac(number_);
  interface.mtu = scenario_.mtu;
  interface.dad = false;
  if (s.v4) interface.addresses.push_back({HostAddress(number_, true, router), 24});
  if (s.v6) interface.addresses.push_back({HostAddress(number_, false, router), 64});
  if (router && s.v4) interface.gateway4 = RouterAddress(number_, true);
  if (router && s.v6) interface.gateway6 = RouterAddress(number_, false);
  stack::StackConfig config;
  config.ip.interfaces.push_back(interface);
  config.ip.neighbours = 16;
  config.ip.seed = s.seed + number_;
  config.tcp = scenario_.tcp;
  config.offloads.push_back({scenario_.tx_offload, scenario_.tx_offload});
  return config;
}

// --- lives ---

void Host::Start() {
  stack_ = std::make_unique<stack::Stack>(Config(), pool_, counters_, Local(world_.now));
  stack_->Start(Local(world_.now));
  checker_.emplace(engine(), [this](const std::string& what) { Fail(what); });
  // Both directions are streams of their own on one port, and answers to each other on the other.
  for (const uint16_t port : {kStreamPort, kEchoPort}) {
    const auto parameters = engine().WithDefaults(
        {.port = port, .connection = {.deliver_when_full = port == kStreamPort}});
    if (!parameters.ok() || !engine().Listen(*parameters, &application_)) Fail("cannot listen");
  }
  drought_until_ = {};
  wake_at_ = kNever;
  Wake(world_.now);
}

void Host::Die() {
  died_at_ = world_.now;
  application_.Died();
  world_.wire.Died(number_);
  inbox_.clear();
  LetGo(true);
  checker_.reset();
  stack_.reset();
  wake_at_ = kNever;
  if (pool_.in_use() != 0 || device_pool_.in_use() != 0) Fail("packets outlive the stack");
  if (application_.owned_blocks() != 0) Fail("the application's memory outlives the stack");
  // Another life has other secrets and another clock (RFC 9293 3.4.3).
  tcp::TcpKeys& keys = scenario_.tcp.keys;
  for (SipKey* key : {&keys.table, &keys.isn, &keys.timestamp, &keys.cookie}) {
    *key = {prng_.Next(), prng_.Next()};
  }
  clock_offset_ = Microseconds(static_cast<int64_t>(prng_.Below(uint64_t{1} << 32)));
}

bool Host::Connect(Side& side) {
  const ConnectionScenario& plan = world_.scenario.connections[side.stream.connection];
  const bool simultaneous = plan.kind == Kind::kSimultaneous;
  const size_t peer = side.stream.end == 0 ? plan.to : plan.from;
  const uint16_t port = OwnPort(world_.scenario, side.stream.connection);
  const Endpoint remote{HostAddress(peer, plan.v4, world_.scenario.network.router),
                        simultaneous ? port : ListeningPort(plan.kind)};
  const int local = stack_->ip().SourceFor(remote.address);
  if (local < 0) return false;
  const auto settings = tcp::WithOptions(engine().config(), {.deliver_when_full = true});
  if (!settings.ok()) {
    Fail("cannot set an option");
    return false;
  }
  const absl::StatusOr<Connection> opened =
      engine().Connect(static_cast<uint8_t>(local), port, remote, *settings, &application_);
  Wake(world_.now);
  if (!opened.ok()) return false;
  const Connection c = *opened;
  world_.wire.Opens({c.local(), c.remote()}, side.stream);
  application_.Connected(side, c);
  return true;
}

// By the SYN that began it, so that a late one is not taken for another's.
std::optional<Stream> Host::Identify(Connection c) {
  std::optional<Stream> found;
  engine().ForEach([&](const tcp::Tcb& tcb) {
    if (engine().Remote(tcb) != c.remote() || engine().Local(tcb) != c.local()) return;
    const tcp::Flight* flight = engine().FlightOf(tcb);
    const uint32_t unread = flight == nullptr ? 0 : flight->unread_octets;
    const Seq irs = tcb.rcv.nxt - unread - (tcb.has(tcp::kPeerFin) ? 2 : 1);
    const auto theirs = world_.wire.StreamOf({c.remote(), c.local()}, irs);
    if (theirs) found = Stream{theirs->connection, 1 - theirs->end};
  });
  return found;
}

// --- the turn ---

void Host::Receive(Octets frame) {
  if (!alive()) return;
  if (world_.faults() && scenario_.receive_ring != 0 && inbox_.size() >= scenario_.receive_ring) {
    return;
  }
  inbox_.push_back(std::move(frame));
}

void Host::Wake(Time at) {
  if (!alive()) return;
  at = at + scenario_.poll;
  if (world_.faults() && prng_.Chance(scenario_.stall)) {
    at = at + Microseconds(
                  static_cast<int64_t>(prng_.Below(static_cast<uint64_t>(scenario_.stall_max.us))));
  }
  wake_at_ = std::min(wake_at_, std::max(at, world_.now));
}

void Host::Turn() {
  ++turns_;
  wake_at_ = kNever;
  std::vector<Packet> received = TakeInbox();
  MakeMemoryShort();
  const std::span<Packet> frames = stack_->Turn(received, Local(world_.now));
  pool_.FailAllocation(0);
  pool_.set_exhausted(false);
  received.clear();
  // What the device does not take stays with the stack, whose next turn frees it.
  size_t taken = frames.size();
  if (world_.faults() && prng_.Chance(scenario_.refuse)) taken = prng_.Below(taken + 1);
  Transmit(frames.first(taken));
  LetGo(false);
  checker_->AfterTurn(Local(world_.now));
  CheckPackets(frames.subspan(taken));
  if (stack_->busy() || !inbox_.empty()) Wake(world_.now + Microseconds(1));
  const Time next = stack_->NextDeadline(Local(world_.now)) - clock_offset_;
  wake_at_ = std::min(wake_at_, std::max(next, world_.now + Microseconds(1)));
}

// The device's part of receiving: checksums are verified or not, by scenario.
std::vector<Packet> Host::TakeInbox() {
  const size_t count = std::min(inbox_.size(), kBurstMax);
  std::vector<Packet> received;
  for (size_t i = 0; i < count; ++i) {
    if (world_.verbose) Print(false, inbox_[i]);
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

void Host::MakeMemoryShort() {
  if (!world_.faults()) return;
  if (prng_.Chance(scenario_.bad_allocation)) pool_.FailAllocation(1 + prng_.Below(4));
  if (prng_.Chance(scenario_.drought)) drought_until_ = world_.now + scenario_.drought_for;
  pool_.set_exhausted(world_.now < drought_until_);
}

void Host::Transmit(std::span<Packet> frames) {
  for (Packet& packet : frames) {
    if (!packet) continue;  // waits for its neighbour
    const Octets octets = OnTheWire(packet);
    if (world_.verbose) Print(true, octets);
    world_.report.Hash(static_cast<uint64_t>(world_.now.us) * 8 + number_);
    world_.report.Hash(octets);
    world_.wire.Sent(number_, octets, world_.now);
    world_.network.Send(number_, octets, world_.now);
    Hold(std::move(packet));
  }
}

// The device's part of sending: the checksum field holds the pseudo-header's sum.
Octets Host::OnTheWire(const Packet& packet) {
  Octets octets(packet.size());
  packet.CopyOut(0, octets);
  const rte_mbuf* m = packet.raw();
  if ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM) {
    if (!scenario_.tx_offload) Fail("asked a device for a checksum that it cannot make");
    const size_t l4 = size_t{m->l2_len} + m->l3_len;
    const auto segment = std::span(octets).subspan(l4);
    StoreBe16(&segment[16], wire::ChecksumOf(wire::SumOctets(segment)));
  }
  return octets;
}

// A real device reads the buffer some time after it was given it, and gives it back later still.
void Host::Hold(Packet packet) {
  const bool holds = scenario_.driver_holds.us != 0 && packet.contiguous();
  if (!holds || held_.size() == kHeldMax) return packet.Reset();
  const uint8_t* data = packet.data();
  Octets octets(data, data + packet.size());
  held_.push_back(
      {std::move(packet), data, std::move(octets), world_.now + scenario_.driver_holds});
}

void Host::LetGo(bool all) {
  while (!held_.empty() && (all || held_.front().until <= world_.now)) {
    const Held& held = held_.front();
    if (!std::equal(held.octets.begin(), held.octets.end(), held.data)) {
      Fail("a buffer was written while the device had it");
    }
    held_.pop_front();
  }
}

// "->" is sent and " )" received, with the host's number.
void Host::Print(bool sends, const Octets& octets) const {
  std::printf("%12.6f %zu %s %s\n", static_cast<double>(world_.now.us % 100000000000) / 1e6,
              number_, sends ? "->" : " )", wire::PrintFrame(octets).c_str());
}

}  // namespace weir::sim
