// Engine: every TCP connection of one shard. It knows IP only as addresses: segments come in
// parsed, segments go out without IP header, and the stack joins both to the rest.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/aged_slab.h"
#include "base/bounded_list.h"
#include "base/counters.h"
#include "base/slab.h"
#include "base/time.h"
#include "base/timing_wheel.h"
#include "base/token_bucket.h"
#include "packet/packet.h"
#include "tcp/config.h"
#include "tcp/fast_open_cache.h"
#include "tcp/fast_open_cookie.h"
#include "tcp/fast_open_pending.h"
#include "tcp/flight.h"
#include "tcp/flow_table.h"
#include "tcp/half_open.h"
#include "tcp/pace.h"
#include "tcp/shedding.h"
#include "tcp/source_counts.h"
#include "tcp/syn_cookie.h"
#include "tcp/syn_policy.h"
#include "tcp/tcb.h"
#include "tcp/time_wait.h"
#include "weir/handler.h"
#include "weir/listener.h"
#include "weir/worker.h"
#include "wire/frame.h"
#include "wire/icmp.h"

namespace weir::tcp {

// One received segment: the parsed frame, its packet, and which of our addresses it is for. The
// engine may move the packet away; what it leaves the stack frees.
struct Segment {
  const wire::Frame* frame = nullptr;
  Packet* packet = nullptr;
  uint8_t local = 0;
};

// One segment to send: a packet that begins with the TCP header (checksum zero), to be finished by
// the stack. `request` is set for answers that belong to no connection: they go straight back to
// where the request came from.
struct OutSegment {
  Packet packet;
  IpAddress remote;
  uint8_t local = 0;
  uint8_t header_size = 0;
  uint8_t ttl = 64;
  uint8_t dscp = 0;
  uint32_t flow_label = 0;
  uint16_t* neighbour = nullptr;  // where ip may remember the next hop, if anywhere
  bool suspect = false;           // the next hop may be gone: nothing is acknowledged (R1, MUST-20)
  const wire::Frame* request = nullptr;
};

// A listener as the engine wants it; empty options have become values.
struct ListenParameters {
  uint16_t port = 0;
  std::optional<uint8_t> local;  // index of an address; empty = all
  uint32_t syn_backlog = 0;      // handshakes that are remembered
  SynCookies syn_cookies = SynCookies::kAuto;
  uint32_t backlog = 0;  // connections that the application has not accepted yet
  AcceptOverflow accept_overflow = AcceptOverflow::kDrop;
  uint32_t defer_accept_ms = 0;  // how long OnOpen waits for text; 0 = not at all
  uint32_t max_connections = 0;  // that it may have at a time; 0 = no limit
  uint32_t max_per_prefix = 0;   // those of them from one source prefix; 0 = no limit
  uint8_t prefix_v4 = 24;        // bits
  uint8_t prefix_v6 = 64;
  uint32_t fast_open_pending = 0;  // where settings.fast_open is true
  bool pull = false;               // who accepts calls Accepted; otherwise OnOpen is that
  Settings settings;               // of its connections
};

// What a listener has seen on this shard.
struct ListenerCounts {
  uint64_t syns = 0;              // new ones, whatever became of them
  uint64_t cookies_sent = 0;      // as the only memory of a handshake
  uint64_t cookies_accepted = 0;  // that came back and were good
  uint64_t cookies_refused = 0;   // acknowledgements without a good one while some were out
  uint64_t established = 0;
  uint64_t overflowed = 0;  // SYNs and handshakes that met a full accept queue
  uint64_t refused = 0;     // SYNs and handshakes beyond a limit of connections
};

// A closed listener keeps its connections; its place is used again when they are gone.
struct Listener {
  ListenParameters parameters;
  SynPolicy policy;
  ListenerCounts counts;
  uint32_t half_open = 0;    // entries in the SYN cache
  uint32_t unaccepted = 0;   // established, and the application does not know yet
  uint32_t connections = 0;  // accepted or not; TIME-WAIT records aside
  uint32_t profiles = 0;     // those of its connections, and its own while it is open
  uint16_t profile = 0;      // what it gives to new connections
  uint16_t next = 0;         // next listener on the same port, kNoListener = none
  PendingFastOpens fast_opens;
  bool open = false;
};

// Memory in use, for leak checks and telemetry.
struct Usage {
  uint32_t connections = 0;  // all of them, half-open ones and those in TIME-WAIT included
  uint32_t half_open = 0;    // those of them that are entries of the SYN cache
  uint32_t time_wait = 0;    // those of them in TIME-WAIT
  uint32_t close_wait = 0;   // those of them in CLOSE-WAIT: the application has yet to close
  uint32_t orphans = 0;      // those of them that the application has closed, TIME-WAIT aside
  uint32_t flights = 0;
  uint32_t kept_buffers = 0;
  bool shedding = false;  // memory is short: new SYNs are dropped, at least
};

// Not a group, nor broadcast, unspecified, loopback or reserved: nobody answers from those
// (MUST-46).
bool IsHost(const IpAddress& address);

// What IP knows of paths; the stack fills it in.
struct PathMtus {
  void* ip = nullptr;
  // The largest packet that is known to reach `remote`; 0 when nothing is known.
  uint16_t (*find)(const void* ip, const IpAddress& remote, Time now) = nullptr;
  // Remembers it. `measured` by acknowledged packets, or else from a message that was believed.
  void (*learn)(void* ip, const IpAddress& remote, uint16_t mtu, bool measured, Time now) = nullptr;
};

// Thread: one. The phases are called in the order Receive, RunTimers, RunEvents, Output, once a
// turn; `now` never goes back.
class Engine {
 public:
  static constexpr uint32_t kNone = 0xffffffffu;
  static constexpr uint16_t kNoListener = 0xffffu;
  static constexpr size_t kAddressesMax = 256;
  // How far above the old connection's last octet a reused tuple begins.
  static constexpr uint32_t kReuseGap = 65535 + 2;

  Engine(const TcpConfig& config, PacketPool& pool, Counters& counters, Time now);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // --- listeners and active opens ---
  // Returns the listener's number, or nothing when the port (on that address) is taken, a value is
  // out of range or the table of listeners is full.
  std::optional<uint16_t> Listen(const ListenParameters& parameters, Handler* handler);
  // Listen's parameters with the configuration's values where `options` has none. InvalidArgument:
  // the address is not one of ours, or a value out of range.
  absl::StatusOr<ListenParameters> WithDefaults(const ListenOptions& options) const;
  // Stops accepting; connections live on, but for those still in the handshake.
  void CloseListener(uint16_t listener);
  void CloseAllListeners();
  // The application has taken a connection of this listener; for those with `pull`.
  void Accepted(uint16_t listener);
  const Listener& listener(uint16_t index) const { return listeners_[index]; }
  // Brings the states up to date, for a report: visits every listener, closed ones until their
  // place is used again.
  template <class F>
  void ForEachListener(F f) {
    for (Listener& l : listeners_) {
      l.policy.Update(l.half_open, now_);
      f(std::as_const(l));
    }
  }
  // Opens to `remote` from address number `local`; a source port of 0 is chosen. weir/worker.h says
  // how it fails.
  absl::StatusOr<Connection> Connect(uint8_t local, uint16_t local_port, const Endpoint& remote,
                                     const Settings& settings, Handler* handler);
  // Whose engine this is, for Connection::worker.
  void set_worker(Worker worker) { worker_ = worker; }
  Worker worker() const { return worker_; }

  // Without this no path is known to be narrower than the interface.
  void UsePathMtus(const PathMtus& path_mtus) { path_mtus_ = path_mtus; }

  // --- the phases of a turn ---
  // Before Receive, for each ICMP error that quotes a segment from address number `local` of ours.
  // `path_mtu`, for packet too big, is what the path is said to take.
  void IcmpArrives(const wire::QuotedSegment& quoted, uint8_t local, uint16_t path_mtu, Time now);
  // `pressed`: frames arrive faster than they are taken. New SYNs then get only a share of the turn
  // while connections that exist have segments in it.
  void Receive(std::span<Segment> segments, Time now, bool pressed = false);
  void RunTimers(Time now);
  void RunEvents();
  // Appends to out_segments(); what does not fit waits for the next turn.
  void Output();
  BoundedList<OutSegment>& out_segments() { return out_; }

  // True when the next turn has work even without segments. What waits for memory of the shard is
  // tried again a little later, see NextDeadline.
  bool busy() const { return !touched_.empty() && !starved_; }
  // When the next timer is due at the earliest; nothing when no timer runs.
  std::optional<Time> NextDeadline(Time now) const;
  Usage usage() const;
  // Ends every connection: RST, OnClosed(reason). Those in TIME-WAIT have ended already, and only
  // wait for a reader no longer. The next turn carries it out.
  void AbortAll(CloseReason reason);
  // What a drain waits for: connections other than TIME-WAIT and those that a peer has only begun,
  // which a flood of SYNs would keep coming for ever.
  uint32_t live() const {
    return tcbs_.in_use() - kScratchBlocks - (time_wait_count_ - time_waits_.in_use());
  }

  // --- what weir::Connection calls; Find checks the generation ---
  Tcb* Find(uint32_t index, uint32_t generation);
  const Tcb* Find(uint32_t index, uint32_t generation) const;
  size_t Send(Tcb& c, Bytes text);
  bool SendOwned(Tcb& c, Bytes text, ReleaseFunction release, void* context);
  size_t SendRoom(const Tcb& c) const;
  void Pause(Tcb& c, size_t unread);
  void Resume(Tcb& c);
  void Shutdown(Tcb& c);
  void Close(Tcb& c);
  void Abort(Tcb& c, CloseReason reason);
  void SetTimer(Tcb& c, uint32_t milliseconds);
  absl::Status Configure(Tcb& c, const ConnectionOptions& options);
  void SetCork(Tcb& c, bool on);
  Endpoint Local(const Tcb& c) const;
  Endpoint Remote(const Tcb& c) const;
  ConnectionInfo Info(const Tcb& c) const;

  // For checkers in tests: visits every control block in use.
  template <class F>
  void ForEach(F f) const {
    for (uint32_t i = kScratchBlocks; i < tcbs_.fresh(); ++i) {
      if (tcbs_.InUse(i)) f(tcbs_[i]);
    }
  }
  // What the connection has borrowed, or null.
  const Flight* FlightOf(const Tcb& c) const {
    return c.flight == kNone ? nullptr : &flights_[c.flight];
  }
  const HalfOpens& half_open() const { return half_open_; }
  const AgedSlab<TimeWait>& time_waits() const { return time_waits_; }
  // When the limits for slow peers are looked at next, if it has any.
  std::optional<Millis> PaceAt(const Tcb& c) const;
  bool timer_armed(const Tcb& c) const { return wheel_.armed(tcbs_.IndexOf(c)); }
  const FlowTable& table() const { return table_; }
  const TcpConfig& config() const { return config_; }

 private:
  // One segment against one connection; the steps narrow it down as they go.
  struct Arrival {
    Tcb& c;
    const wire::Frame& frame;
    const wire::TcpHeader& h;
    Packet* packet;
    const uint8_t* text;
    Seq seq;           // of the first octet of `text`
    uint32_t size;     // octets of text that may be new
    bool fin;          // FIN follows the text
    bool cut = false;  // some of it lay outside the window
  };
  // A SYN that no record is kept of yet.
  struct Syn {
    Segment* segment = nullptr;
    uint64_t hash = 0;
    Listener* listener = nullptr;
    const Profile* profile = nullptr;  // the listener's
    bool needs_offset = false;         // of the timestamp clock
    uint32_t ts_offset = 0;            // which is this
  };

  // receive.cc: from the burst to the three doors of RFC 9293 3.10.7.
  bool TakesPlainSyn(Segment& segment, uint64_t hash);
  void OthersArrive(std::span<Segment> segments, uint64_t changes);
  void LimitSyns(size_t segments);
  void Arrive(uint32_t index, Segment& segment, uint64_t hash);
  void ConnectionArrives(Tcb& c, Segment& segment);
  bool HasEnded(uint32_t index) const {
    return KindOf(index) == FlowKind::kConnection && tcbs_[index].state == TcpState::kClosed;
  }
  void EndedArrives(const Tcb& c, Segment& segment);
  void SegmentArrives(Tcb& c, Segment& segment);
  // Field by field: a key that is put together elsewhere and copied waits for its parts.
  static const FlowKey* SetKey(FlowKey& key, const Segment& s) {
    key.remote = s.frame->source;
    key.remote_port = s.frame->tcp.source_port;
    key.local_port = s.frame->tcp.destination_port;
    key.local = s.local;
    return &key;
  }
  static FlowKey KeyOf(const Segment& s) {
    FlowKey key;
    SetKey(key, s);
    return key;
  }
  bool Drop(Counter reason) {
    counters_.Add(reason);
    return false;
  }

  // answer.cc
  void Answer(const Segment& segment, wire::TcpHeader& h, const Settings* settings,
              uint32_t ts_offset = 0);
  bool AnswerWithReset(const Segment& segment);
  void AnswerWithAck(const Segment& segment, Tcb& c);
  void DescribeSynAck(const Profile& profile, uint8_t local, uint8_t present,
                      wire::TcpHeader& h) const;

  // listen.cc: 3.10.7.1 and 3.10.7.2.
  void NoConnection(Segment& segment, uint64_t hash);
  // It is answered at the end of the burst.
  void TakeSyn(Listener& l, Segment& segment, uint64_t hash) {
    // The offset hides the clock, and IPv6 makes flow labels of it; a plain SYN of IPv4 needs none.
    const wire::Frame& frame = *segment.frame;
    bool needs_offset = !frame.v4;
    if (frame.tcp.options.has(wire::TcpOptions::kTimestamps)) needs_offset |= config_.timestamps;
    syns_.Add() = {&segment, hash, &l, &profiles_[l.profile], needs_offset};
  }
  void AckWithoutConnection(Listener& l, Segment& segment, uint64_t hash);
  Listener* FindListener(uint16_t port, uint8_t local);
  void AnswerSyns(uint64_t changes);
  void HideClock();
  bool TakesSyns(Listener& l);
  void AnswerSyn(const Syn& syn, Cookie cookie, bool look_again);
  bool OpenBySyn(Listener& l, const Syn& syn, Cookie cookie);
  void AnswerWithCookie(Listener& l, const Syn& syn, Cookie cookie);
  CookieOptions OfferIn(const wire::Frame& frame) const;
  void ReadOffer(const wire::Frame& frame, CookieOptions& offer) const;
  void NameFlow(const Segment& syn, CookieFlow& flow) const;
  void Describe(const Syn& syn, SynCookieCodec::Request& r) const;
  void ReusedTupleArrives(Syn syn, Seq floor);
  void TakeSynOptions(Tcb& c, const wire::TcpOptions& options) const;

  // admission.cc: how many connections a listener takes, and from where.
  enum class Limit : uint8_t { kNone, kListener, kPrefix };
  Limit LimitMet(const Listener& l, const IpAddress& remote) const;
  // The common case, without a look at whose SYN it is.
  bool AdmitsEverySyn(const Listener& l) const {
    return !shedding_.on && (l.parameters.max_connections | l.parameters.max_per_prefix) == 0;
  }
  bool AdmitsSyn(Listener& l, const Segment& segment);
  enum class Admission : uint8_t { kNow, kLater, kNever };  // kNever: the peer has been told
  Admission AdmitHandshake(Listener& l, const Segment& segment);
  uint64_t PrefixOf(const Listener& l, const IpAddress& remote) const;
  void CountIn(const Tcb& c);
  void CountOut(const Tcb& c);

  // syn_cookies_arrive.cc
  std::optional<CookieOptions> CookieIn(const Segment& segment, uint8_t own_scale) const;
  bool CookieArrives(Listener& l, Segment& segment, uint64_t hash);
  void DeferCookie(Listener& l, const Segment& segment, uint64_t hash, const CookieOptions& offer);
  bool AdoptCookie(Listener& l, HalfOpen& e, const Segment& segment, uint64_t hash);
  static uint64_t NameOfCookie(uint64_t hash, Seq irs, Seq iss);
  CookieFlow CookieFlowOf(const wire::Frame& frame, uint8_t local) const;

  // fast_open.cc: RFC 7413.
  bool FastOpenArrives(const Syn& syn, const CookieOptions& offer);
  bool TakeSynText(Tcb& c, const Segment& segment);
  void AddCookie(const Listener& l, const wire::Frame& frame, wire::TcpOptions& options);
  void AddNewCookie(const Tcb& c, wire::TcpOptions& options);
  void FastOpenSynAgain(Tcb& c, const wire::TcpOptions& options);
  void FastOpenTimeout(Tcb& c);
  void EndFastOpen(const Tcb& c, CloseReason reason);

  // fast_open_connect.cc
  void AskFastOpen(const Tcb& c, wire::TcpOptions& options);
  uint32_t SynText(Tcb& c);
  bool SendSynText(Tcb& c, uint32_t size);
  void FastOpenAnswered(const Tcb& c, const wire::TcpHeader& h);
  void FastOpenFailed(const Tcb& c);

  // syn_cache.cc
  static CookieOptions OfferOf(const HalfOpen& e);
  static void TakeOffer(HalfOpen& e, const CookieOptions& offer);
  bool HalfOpenHasRoom() const;
  uint32_t NewHalfOpen(const FlowKey& key, uint64_t hash, HalfOpen::List list);
  uint32_t Remember(Listener& l, const Segment& segment, uint64_t hash, Seq irs, Seq iss,
                    const CookieOptions& offer, bool is_cookie);
  bool RememberSyn(const Syn& syn, const CookieOptions& offer, const Cookie& cookie,
                   bool is_cookie);
  void ForgetHalfOpen(uint32_t place);
  void FreeHalfOpen(uint32_t place);
  void GiveWay(uint32_t place);
  void ForgetHalfOpenOf(uint16_t listener);
  void DescribeSynAck(const HalfOpen& e, uint32_t ts_value, wire::TcpHeader& h) const;
  uint32_t TimestampOf(const HalfOpen& e, uint32_t ts_offset) const;
  CookieFlow FlowOf(const HalfOpen& e) const;
  uint32_t SinceSynAck(const HalfOpen& e) const;  // microseconds, below 2^32
  void SynAgain(HalfOpen& e, const Segment& segment);
  void OfferAgain(HalfOpen& e, const wire::Frame& frame, uint32_t ts_offset);
  void BeginPassive(Tcb& c, Seq irs, Seq iss, const CookieOptions& offer, uint32_t ts_recent) const;
  void HalfOpenArrives(uint32_t place, Segment& segment, uint64_t hash);
  Tcb* OpenHalfOpen(uint32_t place, Listener& l, const Segment& segment);
  bool EchoFits(const HalfOpen& e, const wire::TcpHeader& h) const;
  static bool IsDeferred(const Listener& l, const Segment& segment);
  bool Defer(uint32_t place, const Listener& l, const Segment& segment);
  void HalfOpenExpired(uint32_t place);
  void SendSynAckAgain(const HalfOpen& e);

  // time_wait.cc
  enum class OldTuple : uint8_t { kOrdinary, kIgnored, kRefused, kReused };
  void EnterTimeWait(Tcb& c);
  void BecomeTimeWaitRecord(Tcb& c);
  void ForgetTimeWait(uint32_t place);
  void TimeWaitExpired(uint32_t place);
  OldTuple MeetsTimeWait(const Segment& segment, Seq rcv_nxt, std::optional<uint32_t> ts_recent);
  bool TimeWaitArrives(Tcb& c, const Segment& segment);
  void TimeWaitArrives(uint32_t place, Segment& segment, uint64_t hash);
  Tcb& ScratchOf(const TimeWait& t);
  void ReuseTuple(uint32_t place, Segment& segment, uint64_t hash);

  // connect.cc: 3.10.1.
  uint16_t ChoosePort(uint8_t local, const Endpoint& remote);
  bool OwnsFlow(uint8_t local, uint16_t local_port, const Endpoint& remote) const;
  bool IsFree(const FlowKey& key, uint64_t hash) const;
  Seq TakeOver(const FlowKey& key, uint64_t hash);

  // syn_sent.cc: 3.10.7.3.
  void SynSentArrives(Tcb& c, Segment& segment);
  void TakeSynAckText(Tcb& c, Segment& segment);

  // segment_arrives.cc: 3.10.7.4, step by step. Each returns whether to go on.
  bool CheckTimestamp(Arrival& a);
  bool CheckSequence(Arrival& a);
  bool CheckReset(Arrival& a);
  bool CheckSyn(Arrival& a);
  bool CheckAck(Arrival& a);
  void RememberTimestamp(const Arrival& a);
  bool CheckUrgent(Arrival& a);
  bool TakeText(Arrival& a);
  bool CheckFin(Arrival& a);
  void ChallengeAck(Tcb& c);
  // The limiter's interval of now, mod 256, and one that is not now.
  uint8_t ChallengeSlot() const {
    return static_cast<uint8_t>(now_ms().value / std::max(1u, config_.challenge_ack_interval_ms));
  }
  uint8_t NoChallengeYet() const { return static_cast<uint8_t>(ChallengeSlot() - 1); }
  void AnswerUnacceptable(Arrival& a);

  // acknowledge.cc: what a SEG.ACK does to the sending side.
  bool FinishHandshake(Arrival& a);
  void BecomeEstablished(Tcb& c, bool awaits_text);
  bool AckArrives(Arrival& a);
  void NewAck(Tcb& c, Seq ack, const wire::TcpHeader& h);
  void TakeAcknowledged(Tcb& c, Flight& f);
  void Congestion(Tcb& c, Flight& f, uint32_t acked);
  void DuplicateAck(Tcb& c);
  bool FinAcknowledged(Tcb& c);
  void SampleRtt(Tcb& c, int64_t sample_us);
  uint32_t Rto(const Tcb& c, unsigned backoff) const;

  // path_mtu.cc
  static uint16_t HeadersOf(const Tcb& c);
  static uint16_t TextIn(const Tcb& c, uint16_t mtu);
  void EnterPath(Tcb& c, Flight& f);
  void FollowPath(Tcb& c, Flight& f);
  static void LeavePath(Tcb& c, const Flight& f);
  uint16_t PathMss(const Tcb& c, uint16_t limit) const;
  void PacketTooBig(Tcb& c, Seq seq, uint16_t mtu);
  void BelievePathMtu(Tcb& c, Flight& f, uint16_t mtu);
  void ShrinkSegments(Tcb& c, Flight& f, uint16_t size);
  void NoteSize(Flight& f, Seq from, uint32_t size);
  void NoteAcknowledged(Tcb& c, Flight& f);
  bool TimedOutForItsSize(Tcb& c, Flight& f);
  uint32_t ProbeSize(const Tcb& c, Flight& f, uint32_t text, uint32_t window) const;
  void ProbeSent(Flight& f, Seq from, uint32_t size);
  bool ProbeLost(Tcb& c, Flight& f);
  void EndSearchIfDone(Tcb& c, Flight& f);

  // reassembly.cc
  void KeepInOrder(Tcb& c, Flight& f, Text* text);
  void KeepOutOfOrder(Flight& f, Text* text);
  void JoinOutOfOrder(Tcb& c, Flight& f);
  Text* TakePacket(Arrival& a);

  // timers.cc
  void TimerExpired(Tcb& c);
  void RetransmitTimeout(Tcb& c);
  void KeepAliveTimeout(Tcb& c);
  void ArmRetransmit(Tcb& c, uint32_t ms);
  void StopRetransmit(Tcb& c) { c.clear(kRetransmitArmed | kPersist); }
  void ArmWheel(Tcb& c);
  void RestartAfterIdle(Tcb& c);
  std::optional<Millis> KeepAliveAt(const Tcb& c) const;
  void ArmRto(Tcb& c, uint32_t ms);
  void WatchCloseWait(Tcb& c);
  void LingerOver(Tcb& c);
  uint32_t RetriesMax(const Tcb& c) const;
  std::optional<uint32_t> UserTimeoutLeft(const Tcb& c) const;
  void GiveUp(Tcb& c);

  // pace.cc: limits for slow peers.
  void BeginPace(Tcb& c, bool awaits_text);
  void RestartPace(Tcb& c, bool had, const ConnectionOptions& options);
  void BeginInterval(const Tcb& c, Pace& p) const;
  uint32_t TextAwaited(const Tcb& c) const;
  void PlanLook(Tcb& c, Pace& p);
  void LookAtPace(Tcb& c);
  void NoteMovement(const Tcb& c, Pace& p) const;
  bool RequestIsSlow(const Tcb& c, Pace& p) const;
  void EndSlow(Tcb& c, Counter why);

  // shedding.cc: what gives way when memory is short.
  void WatchMemory();
  std::optional<Millis> ShedAt() const;
  void ShedHalfOpen();
  void ShedStillest();
  void EndStillest();
  std::optional<uint32_t> StillFor(const Tcb& c) const;

  // events.cc
  void RunEventsOf(Tcb& c);
  void DeliverText(Tcb& c, Handler& handler, Connection handle);

  // application.cc
  void TryAgain(Tcb& c);
  bool MayKeepText() const;
  void PutBack(Tcb& c, size_t unread);
  static uint32_t SynOctet(const Tcb& c);
  void ReportSoftError(Tcb& c, SoftError error);

  // output.cc
  bool OutputConnection(Tcb& c);
  bool EventsWaitForReader(const Tcb& c) const;
  bool SendSegment(Tcb& c, Seq seq, uint8_t flags, Packet packet);
  bool NoBuffer();
  bool SendEmpty(Tcb& c, Seq seq, uint8_t flags);
  wire::TcpOptions SynOptions(const Tcb& c);
  bool SendSyn(Tcb& c);
  bool RetransmitOldest(Tcb& c);
  bool SendText(Tcb& c);
  bool SendTextSegment(Tcb& c, Flight& f, Seq from, uint32_t size, bool last);
  bool SendFin(Tcb& c);
  void FinSent(Tcb& c);
  void BeginFlight(Tcb& c, Flight& f);
  bool MaySendShort(const Tcb& c, const Flight& f, uint32_t size, bool last) const;
  void WatchWindow(Tcb& c);
  Packet TextPacket(Flight& f, Seq from, uint32_t size);
  uint16_t AdvertiseWindow(Tcb& c);
  Seq RightEdge(const Tcb& c) const;
  bool WindowWorthTelling(const Tcb& c, uint32_t segments) const;
  bool WindowWorthAnAck(const Tcb& c) const;
  // engine.cc: life of a connection.
  Tcb* Allocate(const FlowKey& key, uint64_t hash, uint16_t profile);
  Tcb* NewTcb(const FlowKey& key, uint16_t profile);  // not in the table
  Tcb& Scratch(const FlowKey& key, uint16_t profile);
  void Reset(Tcb& c, const FlowKey& key, uint16_t profile);
  void Free(Tcb& c);
  void DiscardTcb(Tcb& c);  // not in the table any more
  void Finish(Tcb& c,
              CloseReason reason);  // to CLOSED; OnClosed is owed if the application knows it
  Flight* Borrow(Tcb& c);
  void ReturnFlight(Tcb& c);
  void ReturnFlightIfIdle(Tcb& c);
  Flight* Borrowed(const Tcb& c) { return c.flight == kNone ? nullptr : &flights_[c.flight]; }
  void FreeQueue(TextQueue& queue);
  void Release(Text* text);      // frees it and counts its buffer back
  void ReleaseSent(Text* text);  // of a send queue
  void Touch(Tcb& c);
  const Profile& ProfileOf(const Tcb& c) const { return profiles_[c.profile]; }
  const Settings& SettingsOf(const Tcb& c) const { return profiles_[c.profile].settings; }
  uint16_t TakeProfile(const Settings& settings, Handler* handler, uint16_t listener);
  void DropProfile(uint16_t profile);
  void LeaveCloseWait(const Tcb& c) { close_wait_count_ -= c.state == TcpState::kCloseWait; }
  Connection Handle(const Tcb& c) { return Connection(this, tcbs_.IndexOf(c), c.generation); }
  Seq InitialSequence(const FlowKey& key, Seq floor) const;
  uint32_t TimestampOffset(const FlowKey& key) const;
  // RFC 6437: stable, and differs by flow. Of the offset it gives nothing away, or it would tell
  // what clock that hides.
  uint32_t FlowLabel(uint32_t ts_offset) const {
    const uint64_t mixed = ts_offset * label_keys_[0];
    return static_cast<uint32_t>((mixed ^ mixed >> 32) * label_keys_[1] >> 44);
  }
  uint64_t SecretHash(const SipKey& key, const FlowKey& tuple) const;
  uint32_t TimestampNow(const Tcb& c) const { return now_.millis().value + c.ts_offset; }
  // What we announce.
  uint16_t MssFor(const Tcb& c) const { return std::min(ProfileOf(c).mss_limit, mss_[c.local]); }
  uint16_t MssOf(const LocalAddress& own) const;
  Millis now_ms() const { return now_.millis(); }

  // The smallest segment that a peer or a path can talk us into (requirement S3: a tiny MSS costs
  // us CPU).
  static constexpr uint16_t kMssMin = 88;
  static constexpr uint16_t kTimestampOptionSize = 12;  // with padding
  // A control block for what has none of its own, for the moment in which a segment is looked at:
  // half-open connections and TIME-WAIT. It is never touched, and nothing is left of it.
  static constexpr uint32_t kScratch = 0;
  static constexpr uint32_t kScratchBlocks = 1;

  TcpConfig config_;
  PacketPool& pool_;
  Counters& counters_;
  Time now_;
  Slab<Tcb> tcbs_;
  Slab<Flight> flights_;
  HalfOpens half_open_;
  AgedSlab<TimeWait> time_waits_;
  FlowTable table_;
  TimingWheel<Tcb> wheel_;
  TimingWheel<HalfOpen> half_open_wheel_;
  TimingWheel<TimeWait> time_wait_wheel_;
  TokenBucket resets_;
  TokenBucket syn_ack_retransmits_;
  uint64_t label_keys_[2];
  SynCookieCodec cookies_;
  CookiesTaken cookies_taken_;
  FastOpenCookieCodec fast_open_cookies_;
  FastOpenCache fast_open_cache_;
  struct Shedding {
    Watermark blocks, flights, buffers;
    bool on = false;
    bool search_done = false;        // and those who were found are to be looked at again
    uint32_t next = kScratchBlocks;  // where the search for them goes on
    Millis again_at;
    Stillest stillest;
  };
  Shedding shedding_;
  ReservedArray<Pace> paces_;  // of each control block
  PathMtus path_mtus_;
  Profiles profiles_;
  std::vector<Listener> listeners_;
  std::vector<uint16_t> by_port_;        // first listener of each port
  std::optional<SourceCounts> sources_;  // once a listener has max_per_prefix
  std::vector<uint16_t> mss_;            // of each of our addresses, by its MTU
  // The text that OnData is being called with: what Pause may put back.
  struct Delivery {
    Tcb* c = nullptr;      // null outside of the call, and once something was put back
    Text* text = nullptr;  // the piece that it is the beginning of; its rest is in the queue
    uint32_t size = 0;     // octets given
  };
  Delivery delivery_;
  Worker worker_;
  // Where the search for a source port goes on, by destination (RFC 6056 3.3.4).
  std::array<uint16_t, 256> port_counters_{};
  std::vector<uint32_t> touched_;  // connections with something to do
  Packet spare_;                   // for the answer to text that is being delivered
  bool starved_ = false;           // this turn found no buffer, record or room to keep one
  BoundedList<Syn> syns_;          // of the burst
  BoundedList<OutSegment> out_;
  std::vector<FlowKey> keys_;     // of the burst
  std::vector<uint64_t> hashes_;  // of those
  struct Other {
    uint32_t segment = 0;  // place in the burst
    uint32_t index = 0;    // in the table
  };
  BoundedList<Other> others_;  // those that met no connection
  uint32_t kept_buffers_ = 0;
  uint32_t text_buffers_ = 0;  // those of them that are in send queues
  uint32_t close_wait_count_ = 0;
  uint32_t orphan_count_ = 0;
  uint32_t time_wait_count_ = 0;  // records, and control blocks whose application has to read
};

}  // namespace weir::tcp
