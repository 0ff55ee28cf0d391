// What a listener accepts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "weir/address.h"
#include "weir/connection_options.h"
#include "weir/handler.h"

namespace weir {

// SYN cookies (RFC 4987 3.6): whether a handshake may be answered without being remembered.
enum class SynCookies : uint8_t {
  kOff,     // never: beyond syn_backlog, SYNs are dropped
  kAuto,    // from a full syn_backlog on, until SYNs have been few for a second
  kAlways,  // every handshake; no half-open connection is ever held
};

// What becomes of a handshake that completes while `backlog` connections wait to be accepted.
enum class AcceptOverflow : uint8_t {
  kDrop,   // its last segment is dropped: it stays half-open, and the peer's next segment tries
           // again
  kReset,  // the peer is told by RST
};

// Options of Server::Listen. Values left empty are the configuration's ([tcp] in weir.toml).
struct ListenOptions {
  uint16_t port = 0;  // 1..65535
  std::optional<IpAddress> address =
      {};  // one of the server's addresses; empty = all of them (MUST-43)
  std::optional<uint32_t> syn_backlog = {};  // half-open connections a worker, 1..2^20
  std::optional<SynCookies> syn_cookies = {};
  // Connections that are open and that the application has not heard of, a worker, 1..2^20. OnOpen
  // is called for tcp.accepts_per_turn of them in a turn; while the queue is full, SYNs are
  // dropped.
  std::optional<uint32_t> backlog = {};
  std::optional<AcceptOverflow> accept_overflow = {};
  // OnOpen waits until the peer has sent something, or this long (0 = not at all), 0..3600000: who
  // only opens costs a half-open connection and no more. That is kept meanwhile. Where the SYN was
  // answered by cookie it is made when the cookie comes back, up to syn_backlog of them; beyond,
  // who is silent for over 30 s may not be served.
  std::optional<uint32_t> defer_accept_ms = {};
  // Connections it may have at a time, a worker; 0 = as many as there is memory for, or up to 2^27
  // (tcp.max_per_listener). Beyond it SYNs are dropped, and handshakes that complete nevertheless
  // fare as accept_overflow says.
  std::optional<uint32_t> max_connections = {};
  // The same for those from one source prefix; 0 = no such limit. Whoever shares a prefix shares
  // its limit: carriers put many thousands of hosts behind one address.
  std::optional<uint32_t> max_per_prefix = {};
  std::optional<uint32_t> prefix_v4 = {};  // its length in bits, 8..32
  std::optional<uint32_t> prefix_v6 = {};  // 16..128
  // TCP Fast Open (RFC 7413): a client that was here before may send text with its SYN; OnOpen and
  // OnData come at once, and Send may answer, before anybody knows that the client is there. For
  // services alone to which the first text of a connection may come twice with the effect of once:
  // where the network doubles a SYN, or a client gives up and tries again, another connection
  // brings the same text. Where the handshake is not confirmed, OnClosed is all that follows
  // (kTimedOut, kReset). There is none while SYNs are answered by cookie (SynCookies). At most
  // tcp.fast_open_pending connections wait for their confirmation; beyond them, clients open the
  // ordinary way and notice nothing.
  std::optional<bool> fast_open = {};
  ConnectionOptions connection = {};  // of what it accepts
};

// Makes the handler of one worker; called once per worker, on that worker, before OnStart - for
// Server::Connect on the one worker that opens. Several workers may call it at the same time: what
// it captures by reference must stand that. Handlers are destroyed by the main thread after Run.
using HandlerFactory = std::function<std::unique_ptr<Handler>()>;

}  // namespace weir
