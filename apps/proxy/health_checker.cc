// A check: a connection that is opened and reset.
#include "proxy/health_checker.h"

namespace weir::proxy {

void HealthChecker::OnWorkerTimer(Worker worker) {
  if (options_.health_interval_ms == 0 || worker.draining()) return;
  for (size_t i = 0; i < checks_.size(); ++i) {
    if (!checks_[i].alive()) Check(worker, i);  // else the timeout is longer than the interval
  }
  worker.SetTimer(*this, options_.health_interval_ms);
}

void HealthChecker::Check(Worker worker, size_t upstream) {
  const absl::StatusOr<Connection> opened =
      worker.Connect({.remote = options_.upstreams[upstream]}, *this);
  if (opened.ok()) {
    checks_[upstream] = *opened;
    checks_[upstream].set_user(upstream);
    checks_[upstream].SetTimer(options_.connect_timeout_ms);
  } else if (opened.status().code() == absl::StatusCode::kUnavailable) {
    report_(upstream, false);  // no route
  }
  // Otherwise it is this worker that is short of something, which says nothing about an upstream.
}

void HealthChecker::OnOpen(Connection c) {
  const auto upstream = static_cast<size_t>(c.user());
  checks_[upstream] = {};
  c.Abort();
  report_(upstream, true);
}

void HealthChecker::OnClosed(Connection c, CloseReason reason) {
  const auto upstream = static_cast<size_t>(c.user());
  if (checks_[upstream] != c) return;  // it was open, and has been reported
  checks_[upstream] = {};
  if (reason != CloseReason::kShutdown) report_(upstream, false);
}

}  // namespace weir::proxy
