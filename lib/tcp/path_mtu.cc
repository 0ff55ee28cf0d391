// The largest segment that the path takes: messages that say so (RFC 1191, RFC 8201, RFC 5927 7),
// and probes where there are none (RFC 4821, RFC 8899).
//
// What is known of a path belongs to IP and is shared by all connections. A connection's own limit
// stands in Tcb::mss; while it has a Flight, Flight::mss_limit keeps it, and Tcb::mss is what the
// path takes of it.
#include <algorithm>

#include "tcp/engine.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

namespace weir::tcp {
namespace {

// RFC 5927 7.2 MAXSEGRTO: after so many timeouts of the segment that it is about, a message is
// believed even though larger segments have been acknowledged.
constexpr uint8_t kSegmentTimeouts = 1;
// RFC 4821 7.2: the text that is taken to get through where nothing larger does.
constexpr uint16_t kProbeBase = 1024;
// A search ends when it could gain less than this.
constexpr uint16_t kProbeStepMin = 8;
// RFC 4821 7.3, RFC 8899 5.1.1 PMTU_RAISE_TIMER: before a larger size is tried again.
constexpr uint32_t kProbeIntervalMs = 600000;
// Segments behind a probe, so that duplicate ACKs soon tell when it is lost.
constexpr uint32_t kProbeFollowers = 3;

}  // namespace

// In front of the text of a segment.
uint16_t Engine::HeadersOf(const Tcb& c) {
  const uint32_t ip = c.remote.is_v4() ? wire::kIpv4HeaderSize : wire::kIpv6HeaderSize;
  const uint32_t options = c.has(kTimestamps) ? kTimestampOptionSize : 0;
  return static_cast<uint16_t>(ip + wire::kTcpHeaderSize + options);
}

// The text that a packet of `mtu` octets carries on this connection.
uint16_t Engine::TextIn(const Tcb& c, uint16_t mtu) {
  return static_cast<uint16_t>(std::max<int>(mtu - HeadersOf(c), kMssMin));
}

// What the path is known to take of the connection's own limit.
uint16_t Engine::PathMss(const Tcb& c, uint16_t limit) const {
  const uint16_t mtu =
      path_mtus_.find == nullptr ? 0 : path_mtus_.find(path_mtus_.ip, c.remote, now_);
  if (mtu != 0) return std::min(limit, TextIn(c, mtu));
  return config_.mtu_probing == MtuProbing::kOn ? std::min(limit, kProbeBase) : limit;
}

// A flight begins with what is known by now; one that began before the handshake has settled the
// limit (mss_limit 0), when it has.
void Engine::EnterPath(Tcb& c, Flight& f) {
  f.mss_limit = c.mss;
  FollowPath(c, f);
  if (c.full_size_acked != 0) f.size_acked = c.mss;
}

void Engine::FollowPath(Tcb& c, Flight& f) {
  c.mss = PathMss(c, f.mss_limit);
  if (c.mss == f.mss_limit) return;
  f.search_at = now_ms() + kProbeIntervalMs;
  // Where nothing is known, small segments are only a beginning.
  if (config_.mtu_probing == MtuProbing::kOn && c.mss == kProbeBase) f.search_high = f.mss_limit;
}

void Engine::LeavePath(Tcb& c, const Flight& f) {
  if (f.mss_limit != 0) c.mss = f.mss_limit;
}

// --- messages ---

// RFC 5927 7.2. `mtu` is what the message says of the path, about the segment at `seq`.
void Engine::PacketTooBig(Tcb& c, Seq seq, uint16_t mtu) {
  Flight* f = Borrowed(c);
  const uint16_t size = TextIn(c, mtu);
  if (f != nullptr && f->probe_size != 0 && seq == f->probe_seq && size >= c.mss &&
      size < f->probe_size) {
    f->search_high = size;  // what became of the probe itself, ACKs will tell
    return;
  }
  // Nothing so big is out: it cannot be about a packet of ours.
  if (f == nullptr || size >= c.mss || size >= f->size_sent) {
    Drop(Counter::kDropIcmpMtu);
    return;
  }
  const bool timed_out = seq == c.snd.una && c.retransmits >= kSegmentTimeouts;
  if (size >= f->size_acked || timed_out) return BelievePathMtu(c, *f, mtu);
  // Larger segments have arrived. The path may have changed, or somebody lies: whether the segment
  // arrives decides. The oldest is the one that a timer will judge.
  counters_.Add(Counter::kTcpPathMtuHeld);
  if (f->claimed_mtu != 0 && f->claimed_seq < seq) return;
  f->claimed_mtu = mtu;
  f->claimed_seq = seq;
}

// From here on segments are smaller, and everything in flight goes again in the new size: it was
// lost to its size, which says nothing about congestion (RFC 1191 6.5). cwnd counts octets and
// stays.
void Engine::BelievePathMtu(Tcb& c, Flight& f, uint16_t mtu) {
  counters_.Add(Counter::kTcpPathMtuLowered);
  if (path_mtus_.learn != nullptr) path_mtus_.learn(path_mtus_.ip, c.remote, mtu, false, now_);
  ShrinkSegments(c, f, TextIn(c, mtu));
  f.search_at = now_ms() + kProbeIntervalMs;
  if (f.in_recovery) c.cwnd = std::min(c.cwnd, c.ssthresh);  // without what duplicate ACKs added
  f.in_recovery = false;
  f.dup_acks = 0;
  f.recover = c.snd.nxt;
  f.recover_valid = true;
  f.timing = false;  // Karn
  f.resend = c.snd.una + SynOctet(c);
  ArmRto(c, Rto(c, c.backoff));
  ReportSoftError(c, SoftError::kPacketTooBig);
  c.owe(kOutput);
  Touch(c);
}

void Engine::ShrinkSegments(Tcb& c, Flight& f, uint16_t size) {
  c.mss = size;
  c.full_size_acked = 0;
  f.claimed_mtu = 0;
  f.probe_size = f.search_high = 0;
  // Only what is sent from now on can show what the path takes.
  f.size_sent = f.size_acked = std::min(f.size_acked, size);
}

// --- what becomes of segments ---

void Engine::NoteSize(Flight& f, Seq from, uint32_t size) {
  if (size <= f.size_sent) return;
  f.size_sent = static_cast<uint16_t>(size);
  f.size_sent_end = from + size;
}

void Engine::NoteAcknowledged(Tcb& c, Flight& f) {
  if (f.size_sent > f.size_acked && c.snd.una >= f.size_sent_end) f.size_acked = f.size_sent;
  if (f.size_acked >= c.mss) c.full_size_acked = 1;  // also when this Flight is given back
  if (f.claimed_mtu != 0 && c.snd.una > f.claimed_seq)
    f.claimed_mtu = 0;  // it has arrived after all
  // RFC 1191 6.3: what was learned has aged. Without probes, a message tells if it is still so.
  if (c.mss < f.mss_limit && config_.mtu_probing == MtuProbing::kOff && f.search_at <= now_ms()) {
    FollowPath(c, f);
  }
  if (f.probe_size == 0 || c.snd.una < f.probe_seq + f.probe_size) return;
  c.mss = f.probe_size;
  f.probe_size = 0;
  counters_.Add(Counter::kTcpPathMtuRaised);
  EndSearchIfDone(c, f);
}

// The oldest segment has timed out. True when that is put down to its size: no sign of congestion.
bool Engine::TimedOutForItsSize(Tcb& c, Flight& f) {
  ProbeLost(c, f);
  if (f.claimed_mtu != 0 && f.claimed_seq == c.snd.una) {
    BelievePathMtu(c, f, f.claimed_mtu);
    return true;
  }
  // RFC 4821 7.7: full-sized segments vanish, nobody says why, and small ones may not.
  const bool full = Distance(c.snd.una, c.snd.nxt) > kProbeBase && c.mss > kProbeBase;
  if (config_.mtu_probing == MtuProbing::kOff || !full ||
      c.retransmits + 1u < SettingsOf(c).retries1) {
    return false;
  }
  counters_.Add(Counter::kTcpPathMtuBlackHoles);
  const uint16_t before = c.mss;
  ShrinkSegments(c, f, kProbeBase);
  f.search_high = before;
  return false;
}

// --- probes ---

// The size of the next segment of new text when that is to be a probe, or 0. `text` octets wait,
// and the windows let `window` be in flight: enough for what shows that a probe is lost.
uint32_t Engine::ProbeSize(const Tcb& c, Flight& f, uint32_t text, uint32_t window) const {
  if (config_.mtu_probing == MtuProbing::kOff || c.mss >= f.mss_limit || f.probe_size != 0 ||
      f.in_recovery || f.dup_acks != 0 || c.retransmits != 0) {
    return 0;
  }
  if (f.search_high == 0) {
    if (now_ms() < f.search_at) return 0;
    f.search_high = f.mss_limit;
  }
  // The largest first: most paths take it. Then halfway.
  const uint32_t size =
      f.search_high == f.mss_limit ? f.search_high : (c.mss + f.search_high + 1u) / 2;
  const uint32_t needed = size + kProbeFollowers * c.mss;
  return text >= needed && window >= needed ? size : 0;
}

void Engine::ProbeSent(Flight& f, Seq from, uint32_t size) {
  f.probe_seq = from;
  f.probe_size = static_cast<uint16_t>(size);
  counters_.Add(Counter::kTcpPathMtuProbes);
}

// The oldest segment is lost. True when it was the probe; a probe behind it proves nothing now.
bool Engine::ProbeLost(Tcb& c, Flight& f) {
  if (f.probe_size == 0) return false;
  const bool lost = f.probe_seq == c.snd.una;
  if (lost) {
    f.search_high = std::min<uint16_t>(f.search_high, static_cast<uint16_t>(f.probe_size - 1));
  }
  // Its text goes again in smaller pieces; what was to be learned of its size is.
  f.probe_size = 0;
  f.size_sent = f.size_acked;
  EndSearchIfDone(c, f);
  return lost;
}

void Engine::EndSearchIfDone(Tcb& c, Flight& f) {
  if (f.search_high == 0 || f.search_high >= c.mss + kProbeStepMin) return;
  f.search_high = 0;
  f.search_at = now_ms() + kProbeIntervalMs;
  const auto mtu = static_cast<uint16_t>(c.mss + HeadersOf(c));
  // Where the peer's MSS was the limit, the path has not been measured.
  if (c.mss == f.mss_limit && mtu < config_.addresses[c.local].mtu) return;
  if (path_mtus_.learn != nullptr) path_mtus_.learn(path_mtus_.ip, c.remote, mtu, true, now_);
}

}  // namespace weir::tcp
