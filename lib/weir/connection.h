// Connection: a handle to one TCP connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "weir/address.h"
#include "weir/connection_options.h"

namespace weir {

namespace tcp {
class Engine;
}
class Worker;

// Octets that somebody else owns.
using Bytes = std::span<const uint8_t>;

// Called exactly once when weir no longer reads the memory given to SendOwned. Runs on the
// connection's worker, possibly after OnClosed - `context` must live until then - and must not call
// back into weir.
using ReleaseFunction = void (*)(void* context);

// RFC 9293 3.3.2.
enum class TcpState : uint8_t {
  kClosed,
  kListen,
  kSynSent,
  kSynReceived,
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
};

// "ESTABLISHED" and so on.
const char* TcpStateName(TcpState state);

// Why a connection ended. Kept apart so that an application can tell a normal close from an abort
// (RFC 9293 MUST-12).
enum class CloseReason : uint8_t {
  kNormal,       // both directions were closed with FIN
  kAborted,      // this side called Abort, or closed with unread text
  kReset,        // the peer sent RST
  kRefused,      // an active open was answered by RST, or by ICMP: port or protocol unreachable
  kTimedOut,     // retransmissions, probes or the user timeout ran out
  kUnreachable,  // an active open was answered by ICMP (prohibited), or had no route
  kNoResources,  // a table or pool was full, or memory short (memory.shed_idle)
  kShutdown,     // the server stopped before the connection finished
  kTooSlow,      // idle_timeout_ms, first_text_ms, min_rate or min_request_rate was not met
};

// "reset by peer" and so on.
const char* CloseReasonText(CloseReason reason);

// Trouble on a connection that is not its end (RFC 9293 3.9.1.8).
enum class SoftError : uint8_t {
  kNone,
  kNoAnswer,          // retries1 retransmissions went unanswered
  kUnreachable,       // ICMP: network, host or route
  kRefusedByHost,     // ICMP: port or protocol unreachable, which ends no established connection
  kProhibited,        // ICMP: forbidden by a router
  kTimeExceeded,      // ICMP: the time to live ran out on the way
  kParameterProblem,  // ICMP
  kPacketTooBig,      // ICMP: path MTU, acted upon where it is believed
};

// "no answer" and so on; "none" for kNone.
const char* SoftErrorText(SoftError error);

// A snapshot of one connection; times in microseconds, windows and queues in octets.
struct ConnectionInfo {
  TcpState state = TcpState::kClosed;
  Endpoint local;
  Endpoint remote;
  uint16_t mss = 0;            // largest segment we send, options subtracted
  uint16_t announced_mss = 0;  // largest we announced that we take
  uint8_t send_window_scale = 0;
  uint8_t receive_window_scale = 0;
  bool timestamps = false;
  uint32_t congestion_window = 0;
  uint32_t slow_start_threshold = 0;
  uint32_t send_window = 0;
  uint32_t receive_window = 0;
  uint32_t srtt_us = 0;  // 0 before the first sample
  uint32_t rttvar_us = 0;
  uint32_t rto_us = 0;
  uint32_t unacknowledged = 0;  // sent and not acknowledged
  uint32_t unsent = 0;          // accepted by Send and not sent yet
  uint32_t unread = 0;          // received in order and not delivered yet
  uint32_t out_of_order = 0;    // received behind a gap
  uint8_t retransmissions = 0;  // of the oldest unacknowledged segment
  uint8_t backoff = 0;          // doublings in rto_us, since the last round-trip sample
  uint8_t probes = 0;           // of a zero window in a row, or unanswered ones of keep-alive
  uint32_t urgent = 0;          // not delivered yet and marked as urgent (MUST-33)
  // Milliseconds since the peer's last segment; in CLOSE-WAIT that is, as a rule, since its FIN.
  uint32_t silent_ms = 0;
  SoftError last_error = SoftError::kNone;  // since the peer last acknowledged something
};

// A value of 16 octets: copy it, keep it, compare it. It names the connection together with a
// generation, so that a handle kept after the connection ended finds nothing: every call then does
// nothing and returns false or 0. A default-constructed handle behaves the same.
//
// Thread: only the worker that owns the connection (the thread that runs the handler). Callbacks
// may call anything here, on this connection or on another of the same worker; nothing re-enters a
// handler: what a call causes is delivered later in the same turn or in the next one.
class Connection {
 public:
  Connection() = default;
  Connection(tcp::Engine* engine, uint32_t index, uint32_t generation)
      : engine_(engine), index_(index), generation_(generation) {}

  // True while the connection exists and OnClosed has not been called.
  bool alive() const;
  // The worker that owns it, also of a connection that has ended.
  Worker worker() const;

  // Copies as much of `text` into the send buffer as there is room for and returns how much that
  // was: 0..text.size(). Less than all means: wait for OnWritable. Returns 0 after Shutdown or
  // Close and on a dead connection (never a signal). What was accepted is sent at the end of the
  // turn.
  [[nodiscard]] size_t Send(Bytes text);
  // Like Send, but weir reads the caller's memory when it sends and when it retransmits, until
  // `release` is called (acknowledged, reset or closed). All or nothing. False, and then `release`
  // is not called, when the connection cannot send any more, when no record is free, or when more
  // than 1 GiB would be queued; a Send that takes less than it is given is the way to hear from
  // OnWritable when to try again. Owned text does not count against the send buffer.
  [[nodiscard]] bool SendOwned(Bytes text, ReleaseFunction release, void* context);
  // Octets that Send would take now.
  size_t send_room() const;

  // Stops and restarts OnData. While paused, received text stays in the receive buffer and the
  // window closes as it fills; OnPeerClosed and a normal OnClosed wait behind it. Resume delivers
  // what waits, later in the same turn.
  //
  // In OnData of this very connection `unread` is how much of the end of that text the application
  // could not take: it stays in the receive buffer, and Resume delivers it again, first. So a proxy
  // keeps nothing itself:
  //
  //   const size_t taken = other.Send(text);
  //   if (taken < text.size()) c.Pause(text.size() - taken);   // Resume in other's OnWritable
  //
  // More than the text is all of it; outside of that call `unread` means nothing.
  void Pause(size_t unread = 0);
  void Resume();

  // Half close: sends FIN after everything accepted so far (RFC 9293 3.10.4). Text may still
  // arrive. Before OnOpen of an open of this side there is nothing to close: Shutdown and Close end
  // the attempt, OnClosed(kAborted) follows, and text given to Send is lost.
  void Shutdown();
  // Closes: as Shutdown, and the handler hears nothing further but OnClosed. Text that arrives or
  // is unread then is answered by RST (SHLD-3). See linger_ms for how long it may take; beyond
  // memory.max_orphans it is a reset, OnClosed(kNoResources). The connection's timer is cancelled.
  void Close();
  // Ends at once with RST; OnClosed(kAborted) follows.
  void Abort();

  // Calls OnTimer once, `milliseconds` from now (1..2^31-1); a new call replaces the old one, 0
  // cancels.
  void SetTimer(uint32_t milliseconds);

  // 64 bits of the application's own, 0 at first; kept until OnClosed has returned. user() of a
  // dead handle is 0.
  uint64_t user() const;
  void set_user(uint64_t value);

  // Changes what `options` names, from now on, on this connection alone. InvalidArgument: a value
  // out of range. ResourceExhausted: the connections of this worker have too many (8192) different
  // settings. NotFound: the connection is gone.
  absl::Status Configure(const ConnectionOptions& options);
  // Configure for two of them. False on a dead connection.
  bool SetNoDelay(bool on);    // MUST-17
  bool SetKeepAlive(bool on);  // MUST-24, MUST-25
  // While corked, only full segments are sent; what is short waits for more text, for the cork to
  // be pulled, for Shutdown, or at most 1 s once everything else is acknowledged.
  bool SetCork(bool on);

  Endpoint remote() const;
  Endpoint local() const;
  ConnectionInfo Info() const;

  friend bool operator==(const Connection&, const Connection&) = default;

 private:
  tcp::Engine* engine_ = nullptr;
  uint32_t index_ = 0;
  uint32_t generation_ = 0;
};
static_assert(sizeof(Connection) == 16);

}  // namespace weir
