// ProxyHandler: one worker's proxy - for each client a connection to an upstream, and text both
// ways between the two.
#pragma once

#include <cstdint>
#include <memory>

#include "proxy/health_checker.h"
#include "proxy/log_limiter.h"
#include "proxy/options.h"
#include "proxy/upstreams.h"
#include "weir/weir.h"

namespace weir::proxy {

// A client and its upstream. Of the two sides' text nothing is kept here: what one side cannot take
// stays in the other's receive buffer, and the window tells its peer.
struct Pair {
  Connection client, upstream;  // of which the other is gone: default-constructed
  uint64_t tried = 0;           // upstreams, bit by bit
  int64_t active_us = 0;        // when text last came, from either side
  uint32_t unsent = 0;          // what both sides had yet to send when the idle timer looked last
  uint8_t upstream_number = 0;
  bool open = false;               // the upstream's connection is
  bool client_has_closed = false;  // its FIN came before that
  uint32_t next_free = 0;
};

// Why clients got no service; for the line at the end.
struct Totals {
  uint64_t connections = 0;      // accepted
  uint64_t failed_connects = 0;  // each followed by the next upstream, or by none
  uint64_t no_upstream = 0;      // reset because no upstream is up or took them
  uint64_t no_room = 0;          // reset because all pairs were taken
  uint64_t idle = 0;             // reset because nothing moved
};

class ProxyHandler : public Handler {
 public:
  // `options` outlives this.
  explicit ProxyHandler(const ProxyOptions& options);
  ~ProxyHandler() override;

  void OnStart(Worker worker) override;
  void OnOpen(Connection c) override;
  void OnData(Connection c, Bytes text) override;
  void OnWritable(Connection c) override;
  void OnPeerClosed(Connection c) override;
  void OnClosed(Connection c, CloseReason reason) override;
  void OnSoftError(Connection c, SoftError error) override;
  void OnTimer(Connection c) override;

 private:
  // user() of a connection: the number of its pair, counted from 1, and the side.
  Pair* PairOf(Connection c);
  static bool IsUpstream(Connection c) { return (c.user() & 1) != 0; }
  static Connection OtherSide(const Pair& pair, Connection c) {
    return IsUpstream(c) ? pair.client : pair.upstream;
  }

  void Accept(Connection client);
  void TryNextUpstream(Pair& pair);
  bool TryUpstream(Pair& pair, size_t upstream);
  void UpstreamOpened(Pair& pair);
  void UpstreamClosed(Pair& pair, CloseReason reason);
  void ClientClosed(Pair& pair, CloseReason reason);
  void CheckIdle(Pair& pair, Connection c);
  void ReportUpstream(size_t upstream, bool worked);
  void Log(LogLimiter& limiter, const char* format, ...) __attribute__((format(printf, 3, 4)));

  const ProxyOptions& options_;
  ConnectionOptions upstream_options_;
  Worker worker_;
  unsigned worker_index_ = 0;  // also for the destructor
  Upstreams upstreams_;
  HealthChecker health_;
  LogLimiter upstream_lines_;  // apart, so that a flood of the others hides none of them
  LogLimiter client_lines_;
  Totals totals_;
  std::unique_ptr<Pair[]> pairs_;
  uint32_t first_free_;  // number of a pair, counted from 1; 0 = none
};

// What the proxy asks of connections on either side.
ConnectionOptions SpliceOptions();

}  // namespace weir::proxy
