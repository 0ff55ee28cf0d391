// Active opens (RFC 9293 3.10.1, OPEN): to whom, and from which port.
#include <string>

#include "tcp/engine.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace weir::tcp {
namespace {

constexpr uint16_t kEphemeralFirst = 32768;
constexpr uint16_t kEphemeralCount = 28232;  // to 60999, as Linux
// One call looks at so many ports at most, and the next goes on from there: with one port in a
// hundred free it fails once in thirty thousand times.
constexpr uint32_t kPortsTried = 1024;
// How old a TIME-WAIT must be before its tuple is used again: so that our timestamps have moved on
// by more than the peer's clock can be coarse (RFC 6191 2, RFC 7323 5.4).
constexpr int32_t kReuseAfterMs = 1000;

}  // namespace

bool IsHost(const IpAddress& a) {
  return (a.is_v4() ? wire::CheckIpv4Source(a.v4()) : wire::CheckIpv6Source(a)) == wire::kNoDrop;
}

absl::StatusOr<Connection> Engine::Connect(uint8_t local, uint16_t local_port,
                                           const Endpoint& remote, const Settings& settings,
                                           Handler* handler) {
  const IpAddress& to = remote.address;
  if (local >= config_.addresses.size() || remote.port == 0 || handler == nullptr ||
      to.is_v4() != config_.addresses[local].address.is_v4() || !IsHost(to)) {
    return absl::InvalidArgumentError("not an address to connect to");  // MUST-46
  }
  if (local_port == 0) {
    local_port = ChoosePort(local, remote);
    if (local_port == 0) {
      counters_.Add(Counter::kTcpNoPort);
      return absl::ResourceExhaustedError("");
    }
  } else if (!OwnsFlow(local, local_port, remote)) {
    return absl::InvalidArgumentError("what answers to source port " + std::to_string(local_port) +
                                      " would arrive on another worker");
  }
  const FlowKey key{to, remote.port, local_port, local};
  const uint64_t hash = table_.Hash(key);
  if (!IsFree(key, hash)) return absl::AlreadyExistsError("");
  const uint16_t profile = profiles_.Take(settings, handler, kNoListener);
  if (profile == Profiles::kNone) return absl::ResourceExhaustedError("");
  const Seq floor = TakeOver(key, hash);
  Tcb* c = Allocate(key, hash, profile);
  DropProfile(profile);  // the connection has taken its own share
  if (c == nullptr) return absl::ResourceExhaustedError("");
  c->state = TcpState::kSynSent;
  c->set(kActiveOpen);
  c->snd.una = c->snd.nxt = InitialSequence(key, floor);
  c->rcv.nxt = c->rcv.adv = Seq(0);
  c->owe(kSendSyn);
  Touch(*c);
  counters_.Add(Counter::kTcpActiveOpens);
  return Handle(*c);
}

// RFC 6056 3.3.4: where the search for a destination begins is keyed, so that ports are hard to
// guess; a counter that few destinations share goes on from there, so that none is used again soon.
uint16_t Engine::ChoosePort(uint8_t local, const Endpoint& remote) {
  const uint64_t offset = SecretHash(config_.keys.isn, {remote.address, remote.port, 0, local});
  uint16_t& counter = port_counters_[offset >> 56];
  static_assert(sizeof port_counters_ / sizeof port_counters_[0] == 1 << 8);
  for (uint32_t i = 0; i < kPortsTried; ++i) {
    const uint32_t at = (static_cast<uint32_t>(offset) % kEphemeralCount + counter);
    counter = static_cast<uint16_t>((counter + 1) % kEphemeralCount);
    const auto port = static_cast<uint16_t>(kEphemeralFirst + at % kEphemeralCount);
    if (by_port_[port] != kNoListener || !OwnsFlow(local, port, remote)) continue;
    const FlowKey key{remote.address, remote.port, port, local};
    if (IsFree(key, table_.Hash(key))) return port;
  }
  return 0;
}

bool Engine::OwnsFlow(uint8_t local, uint16_t local_port, const Endpoint& remote) const {
  return !config_.owns_flow ||
         config_.owns_flow({config_.addresses[local].address, local_port}, remote);
}

// No connection has the tuple, or one in TIME-WAIT that may give it up: the peer tells our new SYN
// from old segments by its timestamp (RFC 6191), and the application has heard of the end.
bool Engine::IsFree(const FlowKey& key, uint64_t hash) const {
  const uint32_t index = table_.Find(key, hash);
  if (index == FlowTable::kNone) return true;
  if (KindOf(index) != FlowKind::kTimeWait) return false;
  const TimeWait& t = time_waits_[PlaceOf(index)];
  if (t.timestamps == 0) return false;
  const Millis since{t.ends_at.value - profiles_[t.profile].settings.time_wait_ms};
  return now_ms() - since >= kReuseAfterMs;
}

// Ends the connection in TIME-WAIT that has the tuple, if there is one; returns what the next ISS
// must exceed, or 0.
Seq Engine::TakeOver(const FlowKey& key, uint64_t hash) {
  const uint32_t index = table_.Find(key, hash);
  if (index == FlowTable::kNone) return Seq(0);
  const Seq floor = time_waits_[PlaceOf(index)].snd_nxt + kReuseGap;
  ForgetTimeWait(PlaceOf(index));
  counters_.Add(Counter::kTcpTimeWaitReused);
  return floor;
}

}  // namespace weir::tcp
