// HealthChecker: finds out which upstreams accept connections.
#pragma once

#include <functional>
#include <vector>

#include "proxy/options.h"
#include "proxy/upstreams.h"
#include "weir/weir.h"

namespace weir::proxy {

// Opens a connection to each upstream at an interval and resets it once it is open: nothing is
// left behind, here or there. One that is refused, or not open within the connect timeout, is a
// failure.
class HealthChecker : public Handler {
 public:
  // What is told of each check; it decides what is up.
  using Report = std::function<void(size_t upstream, bool worked)>;

  // `options` outlives this.
  HealthChecker(const ProxyOptions& options, Report report)
      : options_(options), report_(std::move(report)), checks_(options.upstreams.size()) {}

  // The first checks begin at once, the next an interval later, and so on until the drain.
  void Begin(Worker worker) { OnWorkerTimer(worker); }

  void OnWorkerTimer(Worker worker) override;
  void OnOpen(Connection c) override;
  void OnData(Connection, Bytes) override {}
  void OnTimer(Connection c) override { c.Abort(); }  // the connect timeout
  void OnSoftError(Connection c, SoftError error) override {
    if (error == SoftError::kUnreachable) c.Abort();
  }
  void OnClosed(Connection c, CloseReason reason) override;

 private:
  void Check(Worker worker, size_t upstream);

  const ProxyOptions& options_;
  Report report_;
  std::vector<Connection> checks_;  // those under way, by upstream; user() is its number
};

}  // namespace weir::proxy
