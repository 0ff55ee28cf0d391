// Tcb: the control block of one connection, two cache lines.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/seq.h"
#include "base/time.h"
#include "base/timing_wheel.h"
#include "weir/address.h"
#include "weir/connection.h"

namespace weir::tcp {

// Things owed by a connection; set by the steps, settled by the event and output phases.
enum Todo : uint16_t {
  kAckNow = 1 << 0,         // acknowledge at the end of this turn
  kSendSyn = 1 << 1,        // SYN, or SYN-ACK in SYN-RECEIVED
  kSendReset = 1 << 2,      // RST, then the connection is gone
  kRetransmit = 1 << 3,     // the oldest unacknowledged segment, once
  kProbe = 1 << 4,          // zero-window or keep-alive probe
  kOutput = 1 << 5,         // look whether text or FIN can be sent
  kEventOpen = 1 << 6,      // OnOpen
  kEventData = 1 << 7,      // OnData for what is unread
  kEventWritable = 1 << 8,  // OnWritable
  kEventPeerClosed = 1 << 9,
  kEventTimer = 1 << 10,
  kEventClosed = 1 << 11,  // OnClosed, then the record is given back or kept for TIME-WAIT
  kOverride = 1 << 12,     // the silly-window override timer ran out: send what the window takes
  kPeerFinHeld = 1 << 13,  // a FIN that came out of order is next
  kEventUrgent = 1 << 14,
  kEventSoftError = 1 << 15,
};
inline constexpr uint16_t kAnyEvent = kEventOpen | kEventData | kEventWritable | kEventPeerClosed |
                                      kEventTimer | kEventClosed | kEventUrgent | kEventSoftError;

// Tcb::neighbour while ip remembers nothing for the connection.
inline constexpr uint16_t kNoNeighbour = 0xffff;

// What a connection is like.
enum TcbFlag : uint16_t {
  kTouched = 1 << 0,     // on the engine's list of connections with something to do
  kTimestamps = 1 << 1,  // both sides sent the option
  kActiveOpen = 1 << 2,  // this side sent the first SYN (MUST-11)
  kCork = 1 << 3,        // only full segments
  kKeepAlive = 1 << 4,
  kPaused = 1 << 5,          // the application stopped OnData
  kCloseRequested = 1 << 6,  // FIN follows the last octet of the send queue
  kFinSent = 1 << 7,
  kOrphan = 1 << 8,            // the application has let go: Close was called
  kPeerFin = 1 << 9,           // the peer's FIN has been taken
  kRetransmitArmed = 1 << 10,  // retransmit_at is meant
  kPersist = 1 << 11,          // retransmit_at is the window-probe timer
  kAppTimer = 1 << 12,         // app_timer_at is meant: the application's, or linger after Close
  kSynTimedOut = 1 << 13,      // SYN or SYN-ACK was sent again: RFC 6298 5.7
  kWantsRoom = 1 << 14,        // Send took less than it was given
  kOpened = 1 << 15,           // OnOpen was called
};

// RFC 9293 3.3.1. Line 0 is what a received segment needs, line 1 what output and timers need. An
// idle connection owns this and nothing else.
struct alignas(64) Tcb {
  // --- line 0 ---
  IpAddress remote;
  uint16_t remote_port;
  uint16_t local_port;
  uint8_t local;           // which of our addresses
  uint8_t challenge_slot;  // when the last challenge ACK was sent, in limiter intervals mod 256
  TcpState state : 4;
  SoftError last_error : 3;     // since the peer last acknowledged something
  uint8_t full_size_acked : 1;  // a segment of the present MSS has arrived: PathMtu doubts less
  uint8_t scale;  // window scales: send in the low four bits, receive in the high ones
  struct {
    Seq nxt;
    Seq adv;  // right edge of the window as advertised; it never moves left (SHLD-14)
  } rcv;
  struct {
    Seq una;
    Seq nxt;  // one past the highest sequence number sent
    Seq wl1;  // WL2 is not kept: an ACK below SND.UNA never gets as far as the window
    uint32_t wnd;
  } snd;
  uint32_t ts_recent;  // TS.Recent, RFC 7323
  uint32_t ts_offset;  // added to the clock in what we send
  uint32_t flight;     // index of the Flight, or kNone
  uint16_t todo;
  uint16_t flags;

  // --- line 1 ---
  uint64_t user;
  uint32_t cwnd;
  uint32_t ssthresh;
  uint32_t srtt_us;    // 0 until the first sample
  uint32_t rttvar_us;  // before the first sample: when the SYN was sent, microseconds mod 2^32
  WheelLink wheel_link;
  Millis wheel_at;
  Millis retransmit_at;  // RTO, window probe, TIME-WAIT, FIN-WAIT-2 or CLOSE-WAIT, by state
  Millis app_timer_at;
  Millis heard_at;   // when the last segment was received
  uint32_t wnd_max;  // MAX.SND.WND, RFC 5961 5 and sender silly-window avoidance
  uint32_t generation;
  uint16_t profile;     // settings and handler
  uint16_t neighbour;   // next hop, as ip remembers it
  uint16_t mss;         // largest text per segment, options already subtracted
  uint8_t retransmits;  // of the oldest unacknowledged segment, or unanswered probes
  CloseReason reason : 4;
  uint8_t backoff : 4;  // doublings of the RTO since the last round-trip sample (Karn)

  bool has(uint16_t flag) const { return (flags & flag) != 0; }
  void set(uint16_t flag) { flags = static_cast<uint16_t>(flags | flag); }
  void clear(uint16_t flag) { flags = static_cast<uint16_t>(flags & ~flag); }
  bool owes(uint16_t bits) const { return (todo & bits) != 0; }
  void owe(uint16_t bits) { todo = static_cast<uint16_t>(todo | bits); }
  void settle(uint16_t bits) { todo = static_cast<uint16_t>(todo & ~bits); }

  uint8_t send_scale() const { return scale & 0x0f; }
  uint8_t receive_scale() const { return scale >> 4; }
  uint32_t receive_window() const { return Distance(rcv.nxt, rcv.adv); }
  uint32_t in_flight() const { return Distance(snd.una, snd.nxt); }
  // Octets that have moved either way, mod 2^32, from some number on.
  uint32_t moved() const { return rcv.nxt.value + snd.una.value; }
  // States in which both sides' sequence numbers are known (RFC 9293 3.3.2).
  bool synchronized() const { return state >= TcpState::kEstablished; }
  // Fast open has begun it: the application has it, though the handshake is not over (RFC 7413).
  // SND.WL1 is IRS until then.
  bool fast_opened() const { return state == TcpState::kSynReceived && has(kOpened); }

  uint32_t& free_link() { return wheel_link.next; }
};
static_assert(sizeof(Tcb) == 128, "two cache lines, IPv4 and IPv6 alike");
static_assert(offsetof(Tcb, user) == 64);

}  // namespace weir::tcp
