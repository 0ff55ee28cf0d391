// Shedding: what gives way when control blocks, flights or kept buffers are almost used up. First
// new SYNs, then the half-open who can come back, the oldest first, then - where the configuration
// says so - whoever has been still for longest. Nothing on which anything moves is ever ended for
// want of memory.
#include <algorithm>

#include "tcp/engine.h"

namespace weir::tcp {
namespace {

// Work of one turn.
constexpr uint32_t kHalfOpenShedPerTurn = 64;
constexpr uint32_t kBlocksLookedAtPerTurn = 256;
// Whoever has moved more lately is not still.
constexpr uint32_t kStillMs = 10000;
// Text may stand still in one direction while the other moves: those are looked at twice, so far
// apart.
constexpr uint32_t kSecondSweepMs = 1000;
// Until the next search, after one that found nobody.
constexpr uint32_t kRestMs = 100;

}  // namespace

// Once a turn.
void Engine::WatchMemory() {
  Shedding& s = shedding_;
  s.blocks.Update(tcbs_.in_use() - kScratchBlocks);
  s.flights.Update(flights_.in_use());
  s.buffers.Update(kept_buffers_);
  const bool on = s.blocks.crossed() || s.flights.crossed() || s.buffers.crossed();
  if (on != s.on) {
    s = {.blocks = s.blocks, .flights = s.flights, .buffers = s.buffers, .on = on};
    s.again_at = now_ms();
    counters_.Add(on ? Counter::kTcpShedBegan : Counter::kTcpShedEnded);
  }
  if (!on) return;
  if (half_open_.oldest(HalfOpen::kGivesWay) != kNone) return ShedHalfOpen();
  if (config_.shed_idle && s.again_at <= now_ms()) ShedStillest();
}

// When there is more to shed, whatever else happens.
std::optional<Millis> Engine::ShedAt() const {
  if (!shedding_.on) return std::nullopt;
  if (half_open_.oldest(HalfOpen::kGivesWay) != kNone) return now_ms();
  if (!config_.shed_idle) return std::nullopt;
  return shedding_.again_at;
}

void Engine::ShedHalfOpen() {
  for (uint32_t n = 0; n < kHalfOpenShedPerTurn; ++n) {
    const uint32_t oldest = half_open_.oldest(HalfOpen::kGivesWay);
    if (oldest == kNone) return;
    GiveWay(oldest);
    counters_.Add(Counter::kTcpHalfOpenShed);
  }
}

// A search through all control blocks, a part in each turn. At its end those who were still for
// longest go.
void Engine::ShedStillest() {
  Shedding& s = shedding_;
  if (s.search_done) return EndStillest();
  const uint32_t stop = std::min(s.next + kBlocksLookedAtPerTurn, tcbs_.fresh());
  for (; s.next < stop; ++s.next) {
    const Tcb& c = tcbs_[s.next];
    const auto still_ms = tcbs_.InUse(s.next) ? StillFor(c) : std::nullopt;
    if (still_ms) s.stillest.Offer({s.next, c.generation, *still_ms, c.moved()});
  }
  if (s.next < tcbs_.fresh()) return;
  s.next = kScratchBlocks;
  s.search_done = true;
  if (!s.flights.crossed() && !s.buffers.crossed()) return EndStillest();
  s.again_at = now_ms() + kSecondSweepMs;
}

// How long nothing has moved; nothing for whom ending would not help, or be wrong. Where control
// blocks are short those without any text; otherwise those whose text the peer does not take.
std::optional<uint32_t> Engine::StillFor(const Tcb& c) const {
  if (!c.synchronized() || c.state == TcpState::kTimeWait || c.has(kTouched)) return std::nullopt;
  Millis since = c.heard_at;
  const Flight* f = FlightOf(c);
  if (f == nullptr) {
    if (!shedding_.blocks.crossed()) return std::nullopt;
  } else {
    const bool helps = shedding_.flights.crossed() || shedding_.buffers.crossed();
    if (!helps || !f->unread.empty()) return std::nullopt;
    if (c.in_flight() != 0 || c.has(kPersist)) since = f->progress_at;
  }
  const uint32_t still_ms = now_ms().value - since.value;
  if (still_ms < kStillMs) return std::nullopt;
  return still_ms;
}

void Engine::EndStillest() {
  Shedding& s = shedding_;
  uint32_t blocks = s.blocks.excess(tcbs_.in_use() - kScratchBlocks);
  uint32_t flights = s.flights.excess(flights_.in_use());
  uint32_t buffers = s.buffers.excess(kept_buffers_);
  bool ended = false;
  for (const Stillest::Entry& entry : s.stillest.Take()) {
    Tcb* c = Find(entry.index, entry.generation);
    if (c == nullptr || c->moved() != entry.moved || !StillFor(*c)) continue;
    const Flight* f = FlightOf(*c);
    if (f == nullptr ? blocks == 0 : (flights | buffers) == 0) continue;
    if (blocks != 0) --blocks;
    if (f != nullptr) {
      if (flights != 0) --flights;
      const uint32_t held = f->send_octets / std::max<uint32_t>(c->mss, 1) + 1;
      buffers -= std::min(buffers, held + f->out_of_order_pieces);
    }
    counters_.Add(Counter::kTcpIdleShed);
    c->owe(kSendReset);
    Finish(*c, CloseReason::kNoResources);
    ended = true;
  }
  s.search_done = false;
  s.again_at = now_ms() + (ended ? 0 : kRestMs);
}

}  // namespace weir::tcp
