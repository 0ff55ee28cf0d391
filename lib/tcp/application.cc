// What the application asks of a connection: the engine's side of weir::Connection.
#include <algorithm>
#include <cstring>

#include "tcp/engine.h"

namespace weir::tcp {
namespace {

// States in which text may still be sent (RFC 9293 3.10.2).
bool MaySend(const Tcb& c) {
  return (c.state == TcpState::kEstablished || c.state == TcpState::kCloseWait ||
          c.state == TcpState::kSynSent || c.state == TcpState::kSynReceived) &&
         !c.has(kCloseRequested | kOrphan);
}

// One piece of owned text; sequence arithmetic wants windows well under 2^31.
constexpr size_t kOwnedTextMax = size_t{1} << 30;

}  // namespace

size_t Engine::SendRoom(const Tcb& c) const {
  if (!MaySend(c)) return 0;
  const uint32_t limit = SettingsOf(c).send_buffer;
  const Flight* f = FlightOf(c);
  const uint32_t used = f == nullptr ? 0 : f->copied_octets;
  return used < limit ? limit - used : 0;
}

// Peers that do not acknowledge what they were sent must not keep the shard from hearing others.
bool Engine::MayKeepText() const {
  return kept_buffers_ < config_.kept_buffers && text_buffers_ < config_.text_buffers;
}

size_t Engine::Send(Tcb& c, Bytes text) {
  const size_t room = SendRoom(c);
  Bytes rest = text.first(std::min(text.size(), room));
  if (rest.size() < text.size() && MaySend(c)) c.set(kWantsRoom);
  if (rest.empty()) return 0;
  Flight* f = Borrow(c);
  if (f == nullptr) {
    TryAgain(c);
    return 0;
  }
  const uint32_t piece_max = std::max<uint32_t>(c.mss, 1);
  size_t taken = 0;
  // What is not sent yet may still grow to a full segment.
  if (Text* tail = f->send.tail;
      tail != nullptr && tail->seq >= c.snd.nxt && tail->size < piece_max) {
    taken = AppendToText(*tail, rest.first(std::min<size_t>(rest.size(), piece_max - tail->size)));
  }
  while (taken < rest.size()) {
    Packet packet;
    if (MayKeepText()) packet = AllocatePacket(pool_);
    if (!packet) packet = std::move(spare_);
    if (!packet) break;
    const auto n = static_cast<uint16_t>(std::min<size_t>(
        {rest.size() - taken, c.mss == 0 ? PacketRoom(pool_) : piece_max, PacketRoom(pool_)}));
    uint8_t* octets = packet.Append(n);
    std::memcpy(octets, rest.data() + taken, n);
    ++kept_buffers_;
    ++text_buffers_;
    f->send.PushBack(
        MakeText(std::move(packet), octets,
                 c.snd.una + f->send_octets + static_cast<uint32_t>(taken) + SynOctet(c), n));
    taken += n;
  }
  if (taken < rest.size()) TryAgain(c);
  f->send_octets += static_cast<uint32_t>(taken);
  f->copied_octets += static_cast<uint32_t>(taken);
  c.owe(kOutput);
  Touch(c);
  return taken;
}

// Memory of the shard was short, not room in the buffer: no acknowledgement need come that would
// call OnWritable, so a turn soon does.
void Engine::TryAgain(Tcb& c) {
  c.set(kWantsRoom);
  c.owe(kEventWritable);
  Touch(c);
  starved_ = true;
}

// The SYN that is still to be acknowledged stands before the text.
uint32_t Engine::SynOctet(const Tcb& c) { return c.state < TcpState::kEstablished ? 1 : 0; }

bool Engine::SendOwned(Tcb& c, Bytes text, ReleaseFunction release, void* context) {
  if (!MaySend(c) || text.empty() || !MayKeepText()) return false;
  const Flight* borrowed = Borrowed(c);
  const uint32_t queued = borrowed == nullptr ? 0 : borrowed->send_octets;
  if (text.size() > kOwnedTextMax - std::min<size_t>(kOwnedTextMax, queued)) return false;
  Packet record = AllocatePacket(pool_);
  if (!record) return false;
  Flight* f = Borrow(c);  // last: nobody would give it back after a refusal
  if (f == nullptr) return false;
  ++kept_buffers_;
  ++text_buffers_;
  const auto size = static_cast<uint32_t>(text.size());
  Text* piece =
      MakeText(std::move(record), text.data(), c.snd.una + f->send_octets + SynOctet(c), size);
  piece->owned = true;
  piece->release = release;
  piece->context = context;
  f->send.PushBack(piece);
  f->send_octets += size;
  c.owe(kOutput);
  Touch(c);
  return true;
}

void Engine::Pause(Tcb& c, size_t unread) {
  c.set(kPaused);
  if (delivery_.c == &c && unread != 0) PutBack(c, unread);
}

// At once, so that a Close after it knows of unread text (SHLD-3).
void Engine::PutBack(Tcb& c, size_t unread) {
  Flight* f = Borrowed(c);
  if (f == nullptr) return;
  Text& text = *delivery_.text;
  if (text.size == 0) f->unread.InsertAfter(nullptr, &text);  // it had been read to its end
  const auto n = static_cast<uint32_t>(std::min<size_t>(unread, delivery_.size));
  text.UntrimFront(n);
  f->unread_octets += n;
  delivery_.c = nullptr;
}

void Engine::Resume(Tcb& c) {
  if (!c.has(kPaused)) return;
  c.clear(kPaused);
  c.owe(kEventData);
  Touch(c);
}

// RFC 9293 3.10.4: FIN after everything that was accepted.
void Engine::Shutdown(Tcb& c) {
  if (c.state == TcpState::kClosed || c.state == TcpState::kTimeWait || c.has(kCloseRequested)) {
    return;
  }
  if (c.state == TcpState::kSynSent) {
    Finish(c, CloseReason::kAborted);
    return;
  }
  c.set(kCloseRequested);
  c.clear(kWantsRoom);
  c.owe(kOutput);
  Touch(c);
}

void Engine::Close(Tcb& c) {
  if (c.has(kOrphan)) return;
  if (c.state == TcpState::kClosed || c.state == TcpState::kTimeWait) {
    // Over already; what the application has not read keeps OnClosed waiting no longer.
    c.set(kOrphan);
    Touch(c);
    return;
  }
  if (const Flight* f = Borrowed(c); f != nullptr && !f->unread.empty()) {
    Abort(c, CloseReason::kAborted);  // SHLD-3: the peer must know that text was lost
    return;
  }
  const Settings& s = SettingsOf(c);
  if (s.linger_ms == 0) return Abort(c, CloseReason::kAborted);
  if (orphan_count_ >= config_.max_orphans) {
    counters_.Add(Counter::kTcpOrphansRefused);
    return Abort(c, CloseReason::kNoResources);
  }
  Shutdown(c);
  if (c.state == TcpState::kClosed) return;  // an open that had not come further than its SYN
  c.set(kOrphan);
  ++orphan_count_;
  c.clear(kAppTimer | kPaused);
  if (s.linger_ms != Settings::kNoLinger) {
    c.set(kAppTimer);
    c.app_timer_at = now_ms() + s.linger_ms;
    ArmWheel(c);
  }
  // FIN-WAIT-2 with nobody left to read ends by itself.
  if (c.state == TcpState::kFinWait2) ArmRetransmit(c, s.fin_wait2_ms);
  Touch(c);
}

void Engine::Abort(Tcb& c, CloseReason reason) {
  if (c.state == TcpState::kClosed || c.state == TcpState::kTimeWait) return Close(c);
  // RFC 9293 3.10.5: RST from every state in which the peer knows of us.
  if (c.state != TcpState::kSynSent) c.owe(kSendReset);
  Finish(c, reason);
  c.settle(kEventData | kEventPeerClosed);  // the application has heard enough
}

void Engine::SetTimer(Tcb& c, uint32_t milliseconds) {
  if (c.has(kOrphan)) return;  // the deadline is linger's
  c.settle(kEventTimer);       // the one it replaces may have run out in this very turn
  // A connection that has ended may still have a reader, who comes back by timer.
  if (milliseconds == 0 || (c.state == TcpState::kClosed && !c.owes(kEventClosed))) {
    c.clear(kAppTimer);
    return;
  }
  c.set(kAppTimer);
  c.app_timer_at = now_ms() + std::min(milliseconds, 0x7fffffffu);
  ArmWheel(c);
}

// The connection moves to the profile that differs from its own in these values.
absl::Status Engine::Configure(Tcb& c, const ConnectionOptions& options) {
  const absl::StatusOr<Settings> settings = WithOptions(SettingsOf(c), options);
  if (!settings.ok()) return settings.status();
  const Profile& own = ProfileOf(c);
  const uint16_t profile = TakeProfile(*settings, own.handler, own.listener);
  if (profile == Profiles::kNone) {
    return absl::ResourceExhaustedError("too many different settings of connections");
  }
  const bool paced = own.paced;
  DropProfile(c.profile);
  c.profile = profile;
  c.clear(kKeepAlive);
  if (c.state == TcpState::kClosed || c.state == TcpState::kTimeWait) return absl::OkStatus();
  if (settings->keep_alive) c.set(kKeepAlive);
  if (c.has(kRetransmitArmed) && UserTimeoutLeft(c)) {
    const int32_t left = c.retransmit_at - now_ms();
    ArmRto(c, static_cast<uint32_t>(std::max(left, 0)));
  }
  ArmWheel(c);
  RestartPace(c, paced, options);
  if (options.close_wait_ms && c.state == TcpState::kCloseWait && c.in_flight() == 0 &&
      !c.has(kPersist)) {
    StopRetransmit(c);
    WatchCloseWait(c);
  }
  c.owe(kOutput);
  Touch(c);
  return absl::OkStatus();
}

void Engine::SetCork(Tcb& c, bool on) {
  if (on) {
    c.set(kCork);
    return;
  }
  c.clear(kCork);
  c.owe(kOutput);
  Touch(c);
}

void Engine::ReportSoftError(Tcb& c, SoftError error) {
  c.last_error = error;
  if (!SettingsOf(c).soft_errors || c.has(kOrphan) || !c.has(kOpened | kActiveOpen)) return;
  c.owe(kEventSoftError);
  Touch(c);
}

Endpoint Engine::Local(const Tcb& c) const {
  return {config_.addresses[c.local].address, c.local_port};
}

Endpoint Engine::Remote(const Tcb& c) const { return {c.remote, c.remote_port}; }

ConnectionInfo Engine::Info(const Tcb& c) const {
  ConnectionInfo info;
  info.state = c.state;
  info.local = Local(c);
  info.remote = Remote(c);
  info.mss = PathMss(c, c.mss);
  info.announced_mss = MssFor(c);
  info.send_window_scale = c.send_scale();
  info.receive_window_scale = c.receive_scale();
  info.timestamps = c.has(kTimestamps);
  if (c.state != TcpState::kTimeWait) {
    info.congestion_window = c.cwnd;
    info.slow_start_threshold = c.ssthresh;
  }
  info.send_window = c.snd.wnd;
  info.receive_window = c.receive_window();
  info.srtt_us = c.srtt_us;
  info.rttvar_us = c.srtt_us == 0 ? 0 : c.rttvar_us;
  info.rto_us = Rto(c, c.synchronized() ? c.backoff : c.retransmits) * 1000;
  info.retransmissions = c.retransmits;
  info.backoff = c.backoff;
  if (c.in_flight() == 0) info.probes = c.retransmits;  // of keep-alive
  info.unacknowledged = c.in_flight();
  info.silent_ms = static_cast<uint32_t>(std::max(0, now_ms() - c.heard_at));
  info.last_error = c.last_error;
  if (const Flight* f = FlightOf(c)) {
    info.probes = std::max(info.probes, f->probe_backoff);
    const Seq undelivered = c.rcv.nxt - f->unread_octets;
    if (f->urgent_valid && f->urgent > undelivered) {
      info.urgent = Distance(undelivered, f->urgent);
    }
    const uint32_t out = c.in_flight();
    const uint32_t sent = std::min(out - std::min(out, SynOctet(c)), f->send_octets);
    info.unsent = f->send_octets - sent;
    info.unread = f->unread_octets;
    info.out_of_order = f->out_of_order_octets;
  }
  return info;
}

}  // namespace weir::tcp
