// ConnectionOptions: how a connection behaves, for a listener, an active open or one connection.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"

namespace weir {

// What is left empty keeps its value: the listener's or open's where one connection is configured,
// the configuration's ([tcp] in weir.toml) otherwise. Name members in the order below, as C++20
// wants it. Names end in their unit; the key of like name in docs/configuration.md says more
// (linger_ms, soft_errors and deliver_when_full have none). Options that concern the handshake
// (mss, syn_retries, synack_retries) do nothing to a connection that has had it.
struct ConnectionOptions {
  std::optional<uint32_t> send_buffer = {};     // octets, 2048..2^30
  std::optional<uint32_t> receive_buffer = {};  // octets, 2048..2^30
  std::optional<uint32_t> mss = {};   // largest segment announced and sent; 88..65495, 0 = from MTU
  std::optional<bool> no_delay = {};  // small segments at once, without Nagle's algorithm (MUST-17)
  std::optional<uint32_t> dscp = {};  // differentiated services, 0..63 (MUST-48)
  std::optional<uint32_t> ttl = {};   // time to live or hop limit, 1..255 (MUST-49)

  // Keep-alive, RFC 9293 3.8.4: probes after an idle time, then at an interval, then the end.
  std::optional<bool> keep_alive = {};
  std::optional<uint32_t> keepalive_idle_ms = {};      // 1000..604800000
  std::optional<uint32_t> keepalive_interval_ms = {};  // 1000..32767000
  std::optional<uint32_t> keepalive_probes = {};       // 1..127

  // When a peer that does not answer is given up (RFC 9293 3.8.3, MUST-20 and MUST-21).
  // user_timeout_ms, when not 0, takes the place of retries2 and of keepalive_probes, and counts
  // the time before a zero window too: so long may text wait for its acknowledgement, or the
  // handshake of an active open take. 0..2^31-1
  std::optional<uint32_t> user_timeout_ms = {};
  std::optional<uint32_t> retries1 = {};        // 1..255: IP is told, and OnSoftError called
  std::optional<uint32_t> retries2 = {};        // 1..255: the connection is given up
  std::optional<uint32_t> orphan_retries = {};  // 0..255: the same once Close was called
  std::optional<uint32_t> syn_retries = {};     // 0..127: of an active open's SYN
  std::optional<uint32_t> synack_retries = {};  // 0..62: of a passive open's SYN-ACK

  // RFC 6298; rto_min_ms and rto_initial_ms are no larger than rto_max_ms.
  std::optional<uint32_t> rto_initial_ms = {};  // 10..60000
  std::optional<uint32_t> rto_min_ms = {};      // 1..60000
  std::optional<uint32_t> rto_max_ms = {};      // 1000..3600000
  std::optional<uint32_t> delayed_ack_ms = {};  // 1..499 (MUST-40)

  // How an end is waited for.
  std::optional<uint32_t> time_wait_ms = {};  // 1..3600000
  std::optional<uint32_t> fin_wait2_ms = {};  // 1000..3600000: after Close, until the peer's FIN
  // CLOSE-WAIT in which this side neither sends nor closes is reset after so long; 0 = never, or
  // 1000..604800000
  std::optional<uint32_t> close_wait_ms = {};
  // After Close, the peer must acknowledge everything within this time or is reset; 0 = Close is
  // Abort. 0..2^31-1. Empty, and so by the configuration: as long as orphan_retries lasts.
  std::optional<uint32_t> linger_ms = {};

  // What a slow peer must do to be kept; 0 = anything will do, which is the default of all of them
  // but the interval. Who does not is reset: OnClosed(kTooSlow). Set for one connection they count
  // from then on.
  //
  // So long may no octet of text move, in either direction; one that waits for an acknowledgement
  // or before a closed window does not move. While the application leaves text unread, no time
  // passes. Found up to once as late where the peer keeps sending segments without text.
  // 0 or 1000..604800000
  std::optional<uint32_t> idle_timeout_ms = {};
  // So long may it take from OnOpen - or from Configure - until text arrives. With defer_accept_ms
  // OnOpen has waited already. 0 or 100..3600000
  std::optional<uint32_t> first_text_ms = {};
  // While text waits for the peer, it must acknowledge so many octets in each interval, or all that
  // waited at its beginning; also after Close. 0..2^30
  std::optional<uint32_t> min_rate = {};
  // Once the peer has begun to send, and until this side sends: in an interval in which text comes
  // at all, so many octets must have come for each interval since it was last fast enough. An
  // interval without text does not count by itself: the peer may be waiting for the answer. Only
  // for protocols of request and answer. 0..2^30
  std::optional<uint32_t> min_request_rate = {};
  std::optional<uint32_t> min_rate_interval_ms = {};  // of both rates; 1000..3600000, at first 10 s

  std::optional<bool> soft_errors = {};  // whether OnSoftError is called (SHLD-20); true at first
  // Delivers text also when the send buffer has no room for an answer as long as the text.
  std::optional<bool> deliver_when_full = {};

  friend bool operator==(const ConnectionOptions&, const ConnectionOptions&) = default;
};

// InvalidArgument names the first value that is out of range, and the range.
absl::Status CheckRanges(const ConnectionOptions& options);

}  // namespace weir
