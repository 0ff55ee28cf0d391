// Life of listeners and connections: how they come to be, what they borrow, how they end.
#include "tcp/engine.h"

#include <algorithm>
#include <cstring>

#include "tcp/flow_hash.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace weir::tcp {
namespace {

constexpr size_t kListenersMax = 4096;
// How soon to look again when the shard's memory was short; acknowledgements that free some come
// sooner and are not waited for.
constexpr int32_t kMemoryRetryMs = 1;

}  // namespace

Engine::Engine(const TcpConfig& config, PacketPool& pool, Counters& counters, Time now)
    : config_(config),
      pool_(pool),
      counters_(counters),
      now_(now),
      tcbs_(config.max_connections + kScratchBlocks),
      flights_(config.max_flights),
      half_open_(config.max_half_open),
      time_waits_(config.max_time_wait),
      table_(config.max_connections + config.max_half_open + config.max_time_wait,
             config.keys.table, {tcbs_.items(), half_open_.items(), time_waits_.items()}),
      wheel_(tcbs_.items(), now),
      half_open_wheel_(half_open_.items(), now),
      time_wait_wheel_(time_waits_.items(), now),
      resets_(config.resets_per_second),
      syn_ack_retransmits_(config.syn_ack_retransmits_per_second),
      cookies_(config.keys.cookie, config.cookies_shared),
      fast_open_cookies_(config.keys.cookie, config.cookies_shared),
      fast_open_cache_(config.keys.table),
      shedding_{.blocks = {config.max_connections, config.shed_high, config.shed_low},
                .flights = {config.max_flights, config.shed_high, config.shed_low},
                .buffers = {config.kept_buffers, config.shed_high, config.shed_low}},
      paces_(config.max_connections + kScratchBlocks),
      profiles_(config.window_scale),
      by_port_(65536, kNoListener),
      syns_(config.segments_per_turn),
      out_(config.segments_per_turn),
      others_(config.segments_per_turn) {
  WEIR_CHECK(config.addresses.size() <= kAddressesMax);
  for (uint64_t i = 0; i < 2; ++i) label_keys_[i] = SipHash24(config_.keys.timestamp, &i, 1) | 1;
  for (const LocalAddress& own : config_.addresses) mss_.push_back(MssOf(own));
  listeners_.reserve(kListenersMax);
  touched_.reserve(config.max_connections);
  keys_.reserve(config.segments_per_turn);
  hashes_.reserve(config.segments_per_turn);
  const uint32_t scratch = tcbs_.Allocate();
  WEIR_CHECK(scratch == kScratch);
  tcbs_[kScratch].flight = kNone;
  wheel_.Reset(kScratch);
}

Engine::~Engine() {
  for (uint32_t i = 0; i < tcbs_.fresh(); ++i) {
    if (tcbs_.InUse(i)) ReturnFlight(tcbs_[i]);
  }
}

// --- listeners ---

absl::StatusOr<ListenParameters> Engine::WithDefaults(const ListenOptions& options) const {
  absl::StatusOr<Settings> settings = WithOptions(config_, options.connection);
  if (!settings.ok()) return settings.status();
  ListenParameters p;
  p.port = options.port;
  if (options.address && !options.address->is_unspecified()) {
    for (size_t i = 0; i < config_.addresses.size(); ++i) {
      if (config_.addresses[i].address == *options.address) p.local = static_cast<uint8_t>(i);
    }
    if (!p.local) {
      return absl::InvalidArgumentError(options.address->ToString() +
                                        ": not an address of this server");
    }
  }
  p.syn_backlog = options.syn_backlog.value_or(config_.syn_backlog);
  p.syn_cookies = options.syn_cookies.value_or(config_.syn_cookies);
  p.backlog = options.backlog.value_or(config_.backlog);
  p.accept_overflow = options.accept_overflow.value_or(config_.accept_overflow);
  p.defer_accept_ms = options.defer_accept_ms.value_or(config_.defer_accept_ms);
  p.max_connections = options.max_connections.value_or(config_.max_per_listener);
  p.max_per_prefix = options.max_per_prefix.value_or(config_.max_per_prefix);
  p.prefix_v4 = static_cast<uint8_t>(options.prefix_v4.value_or(config_.prefix_v4));
  p.prefix_v6 = static_cast<uint8_t>(options.prefix_v6.value_or(config_.prefix_v6));
  p.fast_open_pending = config_.fast_open_pending;
  p.settings = *settings;
  p.settings.fast_open = options.fast_open.value_or(config_.fast_open);
  return p;
}

std::optional<uint16_t> Engine::Listen(const ListenParameters& p, Handler* handler) {
  if (p.port == 0 || handler == nullptr) return std::nullopt;
  for (uint16_t i = by_port_[p.port]; i != kNoListener; i = listeners_[i].next) {
    const auto& other = listeners_[i].parameters.local;
    if (listeners_[i].open && other == p.local) return std::nullopt;
  }
  uint16_t index = 0;  // the first place that nobody uses
  while (index < listeners_.size() && (listeners_[index].open || listeners_[index].profiles != 0)) {
    ++index;
  }
  if (index == kListenersMax) return std::nullopt;
  const uint16_t profile = profiles_.Take(p.settings, handler, index);
  if (profile == Profiles::kNone) return std::nullopt;
  if (index == listeners_.size()) listeners_.emplace_back();
  if (p.max_per_prefix != 0 && !sources_) {
    sources_.emplace(config_.max_connections, config_.keys.table);
  }
  listeners_[index] = {
      .parameters = p,
      // More than the SYN cache holds, it cannot remember.
      .policy = SynPolicy(p.syn_cookies, std::min(p.syn_backlog, half_open_.capacity()),
                          config_.cookies_shared),
      .profiles = 1,
      .profile = profile,
      .next = by_port_[p.port],
      .open = true};
  by_port_[p.port] = index;
  return index;
}

void Engine::CloseListener(uint16_t listener) {
  if (listener >= listeners_.size() || !listeners_[listener].open) return;
  Listener& l = listeners_[listener];
  l.open = false;
  uint16_t* link = &by_port_[l.parameters.port];
  while (*link != listener) link = &listeners_[*link].next;
  *link = l.next;
  ForgetHalfOpenOf(listener);
  DropProfile(l.profile);
}

void Engine::CloseAllListeners() {
  for (size_t i = 0; i < listeners_.size(); ++i) CloseListener(static_cast<uint16_t>(i));
}

// An address of its own goes before "all addresses" (as bind does).
Listener* Engine::FindListener(uint16_t port, uint8_t local) {
  Listener* any = nullptr;
  for (uint16_t i = by_port_[port]; i != kNoListener; i = listeners_[i].next) {
    Listener& l = listeners_[i];
    if (!l.parameters.local) any = &l;
    if (l.parameters.local == local) return &l;
  }
  return any;
}

// --- connections ---

uint64_t Engine::SecretHash(const SipKey& key, const FlowKey& t) const {
  return TupleHash(key, t, config_.addresses[t.local].address);
}

// RFC 9293 3.4.1: a clock of 4 microseconds plus a keyed function of the tuple (MUST-8, MUST-9,
// SHLD-1). A tuple that was in TIME-WAIT a moment ago begins above `floor`, 0 otherwise.
Seq Engine::InitialSequence(const FlowKey& key, Seq floor) const {
  const Seq iss(static_cast<uint32_t>(now_.us / 4) +
                static_cast<uint32_t>(SecretHash(config_.keys.isn, key)));
  return floor.value != 0 && iss <= floor ? floor + 1 : iss;
}

// RFC 7323 5.4: a clock that does not tell how long we are up nor which connections are ours.
uint32_t Engine::TimestampOffset(const FlowKey& key) const {
  return static_cast<uint32_t>(SecretHash(config_.keys.timestamp, key));
}

// RFC 9293 3.7.1, MUST-67: from the fixed header sizes; options are the sender's to subtract.
uint16_t Engine::MssOf(const LocalAddress& own) const {
  const uint32_t headers = (own.address.is_v4() ? 20u : 40u) + wire::kTcpHeaderSize;
  const uint32_t from_mtu = own.mtu > headers ? own.mtu - headers : 1;
  return static_cast<uint16_t>(std::min(from_mtu, PacketRoom(pool_)));
}

uint16_t Engine::TakeProfile(const Settings& settings, Handler* handler, uint16_t listener) {
  const size_t before = profiles_.size();
  const uint16_t profile = profiles_.Take(settings, handler, listener);
  if (listener != kNoListener) {
    listeners_[listener].profiles += static_cast<uint32_t>(profiles_.size() - before);
  }
  return profile;
}

void Engine::DropProfile(uint16_t profile) {
  const uint16_t listener = profiles_[profile].listener;
  if (profiles_.DropUser(profile) && listener != kNoListener) --listeners_[listener].profiles;
}

Tcb* Engine::Allocate(const FlowKey& key, uint64_t hash, uint16_t profile) {
  Tcb* c = NewTcb(key, profile);
  if (c == nullptr || table_.Insert(hash, tcbs_.IndexOf(*c))) return c;
  DiscardTcb(*c);
  counters_.Add(Counter::kDropTcpNoTcb);
  return nullptr;
}

Tcb* Engine::NewTcb(const FlowKey& key, uint16_t profile) {
  const uint32_t index = tcbs_.Allocate();
  if (index == kNone) {
    counters_.Add(Counter::kDropTcpNoTcb);
    return nullptr;
  }
  profiles_.AddUser(profile);
  Reset(tcbs_[index], key, profile);
  return &tcbs_[index];
}

Tcb& Engine::Scratch(const FlowKey& key, uint16_t profile) {
  Tcb& c = tcbs_[kScratch];
  wheel_.Cancel(kScratch);
  Reset(c, key, profile);
  c.set(kTouched);
  return c;
}

void Engine::Reset(Tcb& c, const FlowKey& key, uint16_t profile) {
  const uint32_t generation = c.generation;
  // A record freed in this turn may still stand on the list; it must not be listed twice.
  const auto touched = static_cast<uint16_t>(c.flags & kTouched);
  c = Tcb{};
  c.generation = generation;
  c.flags = touched;
  c.flight = kNone;
  c.neighbour = kNoNeighbour;
  wheel_.Reset(tcbs_.IndexOf(c));
  c.remote = key.remote;
  c.remote_port = key.remote_port;
  c.local_port = key.local_port;
  c.local = key.local;
  c.profile = profile;
  c.ts_offset = TimestampOffset(key);
  c.heard_at = now_ms();
  c.ssthresh = 0x7fffffffu;             // RFC 5681 3.1: arbitrarily high
  c.challenge_slot = NoChallengeYet();  // the first challenge ACK is not held back
  if (SettingsOf(c).keep_alive) c.set(kKeepAlive);
  c.scale = static_cast<uint8_t>(ProfileOf(c).window_scale << 4);
}

void Engine::Free(Tcb& c) {
  if (c.state == TcpState::kTimeWait) --time_wait_count_;
  table_.Erase(table_.Hash(FlowKey::Of(c)), tcbs_.IndexOf(c));
  counters_.Add(Counter::kTcpClosed);
  DiscardTcb(c);
}

void Engine::DiscardTcb(Tcb& c) {
  const uint32_t index = tcbs_.IndexOf(c);
  CountOut(c);
  ReturnFlight(c);
  wheel_.Cancel(index);
  c.state = TcpState::kClosed;
  c.todo = 0;
  DropProfile(c.profile);
  tcbs_.Free(index);
}

void Engine::Finish(Tcb& c, CloseReason reason) {
  if (c.state == TcpState::kClosed) return;
  if (c.state == TcpState::kTimeWait) {
    --time_wait_count_;
  } else {
    if (c.has(kOrphan)) --orphan_count_;
    if (c.fast_opened()) EndFastOpen(c, reason);
    LeaveCloseWait(c);
    c.reason = reason;
    // An active open that failed is told as well; a passive one that never opened is nobody's.
    if (c.has(kOpened | kActiveOpen)) c.owe(kEventClosed);
  }
  c.state = TcpState::kClosed;
  c.clear(kRetransmitArmed | kPersist | kKeepAlive);
  c.settle(kAckNow | kSendSyn | kRetransmit | kProbe | kOutput | kOverride | kEventWritable |
           kEventUrgent | kEventSoftError);
  // Who has paused may wait for the timer to read the rest; OnClosed comes after that.
  const Flight* f = FlightOf(c);
  const bool reads_on = c.owes(kEventClosed) && c.reason == CloseReason::kNormal &&
                        !c.has(kOrphan) && f != nullptr && !f->unread.empty();
  if (!reads_on) {
    c.clear(kAppTimer);
    c.settle(kEventTimer);
  }
  Touch(c);
}

Flight* Engine::Borrow(Tcb& c) {
  if (c.flight != kNone) return &flights_[c.flight];
  const uint32_t index = flights_.Allocate();
  if (index == kNone) {
    counters_.Add(Counter::kDropTcpNoFlight);
    starved_ = true;
    return nullptr;
  }
  Flight& f = flights_[index];
  const uint32_t generation = f.generation;
  f = Flight{};
  f.generation = generation;
  f.last_ack_sent = c.rcv.nxt;
  f.resend = f.round_end = f.short_end = c.snd.nxt;
  c.flight = index;
  if (c.synchronized() || c.fast_opened()) EnterPath(c, f);
  return &f;
}

void Engine::Release(Text* text) {
  FreeText(text);
  --kept_buffers_;
}

void Engine::ReleaseSent(Text* text) {
  Release(text);
  --text_buffers_;
}

void Engine::FreeQueue(TextQueue& queue) {
  while (!queue.empty()) Release(queue.PopFront());
}

void Engine::ReturnFlight(Tcb& c) {
  if (c.flight == kNone) return;
  Flight& f = flights_[c.flight];
  while (!f.send.empty()) ReleaseSent(f.send.PopFront());
  FreeQueue(f.unread);
  FreeQueue(f.out_of_order);
  LeavePath(c, f);
  flights_.Free(c.flight);
  c.flight = kNone;
}

void Engine::ReturnFlightIfIdle(Tcb& c) {
  const Flight* f = Borrowed(c);
  if (f == nullptr || !f->send.empty() || !f->unread.empty() || !f->out_of_order.empty() ||
      f->ack_pending || c.snd.una != c.snd.nxt || c.owes(kAckNow)) {
    return;
  }
  ReturnFlight(c);
}

void Engine::Touch(Tcb& c) {
  if (c.has(kTouched)) return;
  c.set(kTouched);
  touched_.push_back(tcbs_.IndexOf(c));
}

std::optional<Time> Engine::NextDeadline(Time now) const {
  std::optional<int32_t> away_ms;
  const auto consider = [&](const auto& wheel) {
    if (wheel.armed_count() == 0) return;
    const int32_t away = wheel.Next() - now.millis();
    if (!away_ms || away < *away_ms) away_ms = away;
  };
  consider(wheel_);
  consider(half_open_wheel_);
  consider(time_wait_wheel_);
  if (const auto at = ShedAt()) {
    away_ms = std::min(away_ms.value_or(0x7fffffff), std::max(*at - now.millis(), kMemoryRetryMs));
  }
  if (starved_ && !touched_.empty())
    away_ms = std::min(away_ms.value_or(kMemoryRetryMs), kMemoryRetryMs);
  if (!away_ms) return std::nullopt;
  // Millisecond n begins at n * 1000 microseconds.
  return Time{(now.us / 1000 + std::max(*away_ms, 0)) * 1000};
}

Usage Engine::usage() const {
  return {
      .connections = tcbs_.in_use() - kScratchBlocks + half_open_.in_use() + time_waits_.in_use(),
      .half_open = half_open_.in_use(),
      .time_wait = time_wait_count_,
      .close_wait = close_wait_count_,
      .orphans = orphan_count_,
      .flights = flights_.in_use(),
      .kept_buffers = kept_buffers_,
      .shedding = shedding_.on};
}

void Engine::AbortAll(CloseReason reason) {
  for (uint32_t i = kScratchBlocks; i < tcbs_.fresh(); ++i) {
    if (tcbs_.InUse(i)) Abort(tcbs_[i], reason);
  }
  for (const auto list : {HalfOpen::kGivesWay, HalfOpen::kStays}) {
    while (half_open_.oldest(list) != kNone) ForgetHalfOpen(half_open_.oldest(list));
  }
}

Tcb* Engine::Find(uint32_t index, uint32_t generation) { return tcbs_.Find(index, generation); }

const Tcb* Engine::Find(uint32_t index, uint32_t generation) const {
  return tcbs_.InUse(index) && tcbs_[index].generation == generation ? &tcbs_[index] : nullptr;
}

}  // namespace weir::tcp
