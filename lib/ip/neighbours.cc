// Neighbours: the state machine of RFC 4861 7.3.2 with its timers.
#include "ip/neighbours.h"

#include <algorithm>
#include <utility>

#include "base/prng.h"
#include "wire/ethernet.h"

namespace weir::ip {
namespace {

// How long an entry out of use is remembered, in reachable times (RFC 1122 2.3.2.1: entries must
// not live for ever).
constexpr int64_t kStaleLifetimes = 20;
// Sweeps over the table are at least this far apart; timers of seconds may be so late.
constexpr Duration kSweepInterval = Milliseconds(1);

uint16_t PinnedCount(std::span<const Interface> interfaces) {
  size_t count = 0;
  for (const Interface& nic : interfaces) {
    count += nic.config().gateway4.has_value() + nic.config().gateway6.has_value();
  }
  return static_cast<uint16_t>(count);
}

uint16_t TableCapacity(const IpConfig& config, std::span<const Interface> interfaces) {
  constexpr uint32_t kMin = 4, kMax = 65000;
  const uint32_t wanted = std::clamp(config.neighbours, kMin, kMax);
  return static_cast<uint16_t>(wanted + PinnedCount(interfaces));
}

// RFC 4861 6.3.2: uniformly between MIN_RANDOM_FACTOR (0.5) and MAX_RANDOM_FACTOR (1.5) times the
// base, so that hosts started together do not probe together.
Duration DrawReachable(Duration base, uint64_t seed) {
  Prng prng(~seed);
  return Microseconds(base.us / 2 + static_cast<int64_t>(prng.Below(
                                        static_cast<uint64_t>(std::max<int64_t>(base.us, 1)))));
}

}  // namespace

Neighbours::Neighbours(const IpConfig& config, std::span<const Interface> interfaces,
                       const LocalAddresses& locals, Messages& messages, Counters& counters)
    : interfaces_(interfaces),
      locals_(locals),
      messages_(messages),
      counters_(counters),
      table_(TableCapacity(config, interfaces), config.seed),
      waiting_(static_cast<uint16_t>(std::min<uint32_t>(config.waiting_packets, 65000))),
      reachable_(DrawReachable(config.reachable, config.seed)),
      probe_interval_(config.probe_interval),
      first_probe_delay_(config.first_probe_delay),
      requests_max_(static_cast<uint8_t>(std::clamp<uint32_t>(config.probes, 1, 255))),
      earliest_(kNeverDue),
      sweep_earliest_(kNeverDue) {
  // The last question is asked one interval before the confirmation runs out.
  refresh_before_ = std::min(probe_interval_ * requests_max_, reachable_ / 2);
  for (uint16_t i = 0; i < interfaces_.size(); ++i) {
    const InterfaceConfig& nic = interfaces_[i].config();
    for (const auto& gateway : {nic.gateway4, nic.gateway6}) {
      if (!gateway || table_.Find(*gateway, i) != NeighbourTable::kNone) continue;
      const uint16_t index = table_.PlaceFor(NeighbourClass::kIncomplete);
      table_.Insert(index, *gateway, i, NeighbourClass::kPinned);
    }
  }
}

uint16_t Neighbours::Obtain(const IpAddress& address, uint16_t interface, uint16_t local) {
  uint16_t index = table_.Find(address, interface);
  if (index == NeighbourTable::kNone) {
    index = Place(NeighbourClass::kIncomplete);
    if (index == NeighbourTable::kNone) return index;
    table_.Insert(index, address, interface, NeighbourClass::kIncomplete);
  }
  table_[index].local = local;
  return index;
}

bool Neighbours::Send(uint16_t index, Packet&& frame, Time now, FrameList& out) {
  Neighbour& n = table_[index];
  n.used = true;
  if (n.resolved()) [[likely]] {
    std::memcpy(frame.data(), n.mac.octets.data(), sizeof n.mac);
    if (n.state == NeighbourState::kStale) BecomeDelay(index, now);
    if (out.Push(std::move(frame))) return true;
    counters_.Add(Counter::kDropIpTxFull);
    return false;
  }
  counters_.Add(Counter::kNeighbourWaits);
  const Packet pushed_out = waiting_.Add(n, std::move(frame));
  if (pushed_out) counters_.Add(Counter::kDropNeighbourWaiting);
  if (n.state == NeighbourState::kIdle) BeginResolution(index, now, out);
  return true;
}

void Neighbours::OnAdvertisement(const IpAddress& address, uint16_t interface,
                                 const Advertisement& said, Time now, FrameList& out) {
  const uint16_t index = table_.Find(address, interface);
  // RFC 4861 7.2.5: nobody asked, nothing is learned.
  if (index == NeighbourTable::kNone || table_[index].state == NeighbourState::kIdle) return;
  Neighbour& n = table_[index];
  if (n.state == NeighbourState::kIncomplete) {
    if (said.mac == nullptr) return;
    n.mac = *said.mac;
    said.solicited ? BecomeReachable(index, now) : BecomeStale(index, now);
    Flush(index, out);
    if (n.used && n.state == NeighbourState::kStale) BecomeDelay(index, now);
    return;
  }
  const bool changed = said.mac != nullptr && *said.mac != n.mac;
  if (changed && !said.override) {
    if (n.state == NeighbourState::kReachable) BecomeStale(index, now);
    return;
  }
  if (changed) {
    if (RefusesChange(n, now)) return;
    counters_.Add(Counter::kNeighbourChanges);
    n.mac = *said.mac;
  }
  if (said.solicited) {
    BecomeReachable(index, now);
  } else if (changed) {
    BecomeStale(index, now);
  }
}

void Neighbours::OnSolicitation(const IpAddress& address, uint16_t interface,
                                const wire::MacAddress& mac, Time now, FrameList& out) {
  uint16_t index = table_.Find(address, interface);
  if (index == NeighbourTable::kNone) {
    index = Place(NeighbourClass::kLearned);
    if (index == NeighbourTable::kNone) {
      counters_.Add(Counter::kNeighbourRefused);
      return;
    }
    counters_.Add(Counter::kNeighbourLearned);
    table_.Insert(index, address, interface, NeighbourClass::kLearned);
  }
  Neighbour& n = table_[index];
  // RFC 4861 7.2.3: what is known already changes nothing.
  if (n.resolved() && mac == n.mac) return;
  if (n.resolved()) {
    if (RefusesChange(n, now)) return;
    counters_.Add(Counter::kNeighbourChanges);
  }
  n.mac = mac;
  BecomeStale(index, now);
  if (n.waiting_count == 0) return;
  Flush(index, out);
  BecomeDelay(index, now);
}

void Neighbours::Suspect(uint16_t index, Time now, FrameList& out) {
  if (index >= table_.capacity()) return;
  const Neighbour& n = table_[index];
  const bool settled = n.state == NeighbourState::kReachable || n.state == NeighbourState::kStale ||
                       n.state == NeighbourState::kDelay;
  if (!settled || now - n.confirmed_at < probe_interval_) return;
  counters_.Add(Counter::kNeighbourSuspicions);
  BecomeProbe(index, now, out);
}

void Neighbours::Tick(Time now, FrameList& out) {
  if (!sweeping()) {
    if (now < earliest_) return;
    sweep_earliest_ = kNeverDue;
  }
  const uint32_t end = std::min<uint32_t>(cursor_ + kEntriesPerTick, table_.capacity());
  for (uint32_t i = cursor_; i < end; ++i) {
    const uint16_t index = static_cast<uint16_t>(i);
    if (table_[index].state == NeighbourState::kFree) continue;
    if (DueOf(table_[index]) <= now) Attend(index, now, out);
    if (table_[index].state == NeighbourState::kFree) continue;
    sweep_earliest_ = std::min(sweep_earliest_, DueOf(table_[index]));
  }
  cursor_ = static_cast<uint16_t>(end);
  if (end < table_.capacity()) return;
  cursor_ = 0;
  earliest_ = std::max(sweep_earliest_, now + kSweepInterval);
}

// --- timers ---

Time Neighbours::DueOf(const Neighbour& n) const {
  if (n.state != NeighbourState::kReachable) return n.due;
  // One in use is asked again before its confirmation runs out, so that traffic never waits; this
  // moves on with every confirmation, and nobody has to re-arm anything.
  return n.confirmed_at + (n.used ? reachable_ - refresh_before_ : reachable_);
}

void Neighbours::Schedule(Neighbour& n, Time due) {
  n.due = due;
  earliest_ = std::min(earliest_, DueOf(n));
  sweep_earliest_ = std::min(sweep_earliest_, DueOf(n));
}

void Neighbours::Attend(uint16_t index, Time now, FrameList& out) {
  Neighbour& n = table_[index];
  switch (n.state) {
    case NeighbourState::kIncomplete:
    case NeighbourState::kProbe:
      if (n.requests == requests_max_) {
        GiveUp(index);
      } else {
        Ask(index, now, out);
      }
      break;
    case NeighbourState::kReachable:
      n.used ? BecomeProbe(index, now, out) : BecomeStale(index, now);
      break;
    case NeighbourState::kDelay:
      BecomeProbe(index, now, out);
      break;
    case NeighbourState::kStale:
      table_.Remove(index);
      break;
    case NeighbourState::kFree:
    case NeighbourState::kIdle:
      break;
  }
}

// --- transitions ---

// Probes go to the neighbour alone (RFC 1122 2.3.2.1, RFC 4861 7.3.3), but for the last: the
// address may have moved to other hardware without a word.
void Neighbours::Ask(uint16_t index, Time now, FrameList& out) {
  Neighbour& n = table_[index];
  ++n.requests;
  const bool unicast = n.state == NeighbourState::kProbe && n.requests < requests_max_;
  Schedule(n, now + probe_interval_);
  int local = n.local;
  const LocalAddress& asks = locals_[n.local];
  if (asks.interface != n.interface || asks.address.is_v4() != n.address.is_v4() ||
      asks.state != AddressState::kUsable) {
    local = locals_.SourceOn(n.interface, n.address);
  }
  if (local < 0) return;  // no address to ask from yet; the next request may have one
  const wire::MacAddress mac = n.mac;
  messages_.Solicit(interfaces_[n.interface], locals_[static_cast<size_t>(local)].address,
                    n.address, unicast ? &mac : nullptr, out);
}

void Neighbours::BeginResolution(uint16_t index, Time now, FrameList& out) {
  Neighbour& n = table_[index];
  n.state = NeighbourState::kIncomplete;
  n.requests = 0;
  Ask(index, now, out);
}

void Neighbours::BecomeReachable(uint16_t index, Time now) {
  Neighbour& n = table_[index];
  if (!n.verified) counters_.Add(Counter::kNeighbourVerified);
  n.state = NeighbourState::kReachable;
  n.verified = true;
  n.confirmed_at = now;
  table_.Reclass(index, NeighbourClass::kActive);
  Schedule(n, kNeverDue);
}

void Neighbours::BecomeStale(uint16_t index, Time now) {
  Neighbour& n = table_[index];
  n.state = NeighbourState::kStale;
  table_.Reclass(index, n.verified ? NeighbourClass::kStale : NeighbourClass::kLearned);
  const bool pinned = n.kept == NeighbourClass::kPinned;
  Schedule(n, pinned ? kNeverDue : now + reachable_ * kStaleLifetimes);
}

// Packets go out meanwhile; the layer above may confirm before a probe is spent (RFC 4861 7.3.1).
void Neighbours::BecomeDelay(uint16_t index, Time now) {
  Neighbour& n = table_[index];
  n.state = NeighbourState::kDelay;
  table_.Reclass(index, NeighbourClass::kActive);
  Schedule(n, now + first_probe_delay_);
}

void Neighbours::BecomeProbe(uint16_t index, Time now, FrameList& out) {
  Neighbour& n = table_[index];
  n.state = NeighbourState::kProbe;
  n.requests = 0;
  n.used = false;  // whether it is worth the next refresh shows from now on
  Ask(index, now, out);
}

// The address stands for nobody: what waits cannot be sent, and the next packet begins again.
void Neighbours::GiveUp(uint16_t index) {
  counters_.Add(Counter::kNeighbourFailures);
  Discard(index);
  Neighbour& n = table_[index];
  if (n.kept != NeighbourClass::kPinned) {
    table_.Remove(index);
    return;
  }
  n.state = NeighbourState::kIdle;
  n.verified = false;
  n.used = false;
  n.mac = wire::MacAddress();
  Schedule(n, kNeverDue);
}

// --- parts ---

// A neighbour that was heard of at its address a moment ago has not moved: whoever says so lies,
// and must not take the traffic over. One that did move is believed as soon as it is silent.
bool Neighbours::RefusesChange(const Neighbour& n, Time now) {
  if (n.state != NeighbourState::kReachable || now - n.confirmed_at >= probe_interval_)
    return false;
  counters_.Add(Counter::kNeighbourChangesRefused);
  return true;
}

void Neighbours::Flush(uint16_t index, FrameList& out) {
  Neighbour& n = table_[index];
  while (Packet frame = waiting_.Take(n)) {
    std::memcpy(frame.data(), n.mac.octets.data(), sizeof n.mac);
    if (!out.Push(std::move(frame))) counters_.Add(Counter::kDropIpTxFull);
  }
}

void Neighbours::Discard(uint16_t index) {
  while (waiting_.Take(table_[index])) counters_.Add(Counter::kDropNeighbourUnreachable);
}

uint16_t Neighbours::Place(NeighbourClass kept) {
  const uint16_t index = table_.PlaceFor(kept);
  if (index == NeighbourTable::kNone || table_[index].state == NeighbourState::kFree) return index;
  counters_.Add(Counter::kNeighbourEvictions);
  Discard(index);
  table_.Remove(index);
  return index;
}

}  // namespace weir::ip
