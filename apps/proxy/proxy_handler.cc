// Accept, connect, splice, and how the end of one side becomes the end of the other.
#include "proxy/proxy_handler.h"

#include <cinttypes>
#include <cstdarg>
#include <cstdio>

namespace weir::proxy {
namespace {

constexpr uint32_t kUpstreamLinesPerSecond = Upstreams::kMax;
constexpr uint32_t kClientLinesPerSecond = 5;
constexpr uint64_t kUpstreamSide = 1;

uint32_t Unsent(Connection c) {
  const ConnectionInfo info = c.Info();
  return info.unsent + info.unacknowledged;
}

}  // namespace

// What the one side said belongs to the other at once, and the proxy looks at room by itself.
ConnectionOptions SpliceOptions() { return {.no_delay = true, .deliver_when_full = true}; }

ProxyHandler::ProxyHandler(const ProxyOptions& options)
    : options_(options),
      upstream_options_(SpliceOptions()),
      upstreams_(options.upstreams, options.balance, options.thresholds),
      health_(options, [this](size_t upstream, bool worked) { ReportUpstream(upstream, worked); }),
      upstream_lines_(kUpstreamLinesPerSecond),
      client_lines_(kClientLinesPerSecond),
      pairs_(std::make_unique<Pair[]>(options.connections)),
      first_free_(options.connections > 0 ? 1 : 0) {
  for (uint32_t i = 1; i < options.connections; ++i) pairs_[i - 1].next_free = i + 1;
}

ProxyHandler::~ProxyHandler() {
  std::fprintf(stderr,
               "proxy: worker %u: %" PRIu64 " connections, %" PRIu64
               " failed connects to upstreams; reset: %" PRIu64 " without an upstream, %" PRIu64
               " without room, %" PRIu64 " idle\n",
               worker_index_, totals_.connections, totals_.failed_connects, totals_.no_upstream,
               totals_.no_room, totals_.idle);
}

void ProxyHandler::OnStart(Worker worker) {
  worker_ = worker;
  worker_index_ = worker.index();
  health_.Begin(worker);
}

Pair* ProxyHandler::PairOf(Connection c) {
  const uint64_t number = c.user() >> 1;
  return number == 0 ? nullptr : &pairs_[number - 1];
}

void ProxyHandler::OnOpen(Connection c) {
  if (Pair* pair = PairOf(c)) {
    UpstreamOpened(*pair);
  } else {
    Accept(c);
  }
}

// The client waits, and its text with it, until an upstream has taken it.
void ProxyHandler::Accept(Connection client) {
  ++totals_.connections;
  if (first_free_ == 0) {
    ++totals_.no_room;
    Log(client_lines_, "all %" PRIu32 " connections are taken", options_.connections);
    client.Abort();
    return;
  }
  const uint32_t number = first_free_;
  Pair& pair = pairs_[number - 1];
  first_free_ = pair.next_free;
  pair = {.client = client};
  client.set_user(uint64_t{number} << 1);
  client.Pause();
  TryNextUpstream(pair);
}

void ProxyHandler::TryNextUpstream(Pair& pair) {
  const IpAddress client = pair.client.remote().address;
  while (const std::optional<size_t> upstream = upstreams_.Choose(client, pair.tried)) {
    pair.tried |= uint64_t{1} << *upstream;
    if (TryUpstream(pair, *upstream)) return;
    ++totals_.failed_connects;
  }
  ++totals_.no_upstream;
  if (pair.tried == 0) {
    Log(client_lines_, "no upstream is up: a client is reset");
  } else {
    Log(client_lines_, "no upstream has taken a client, which is reset");
  }
  pair.client.Abort();
}

bool ProxyHandler::TryUpstream(Pair& pair, size_t upstream) {
  const absl::StatusOr<Connection> opened = worker_.Connect(
      {.remote = options_.upstreams[upstream], .connection = upstream_options_}, *this);
  if (!opened.ok()) {
    if (opened.status().code() == absl::StatusCode::kUnavailable) ReportUpstream(upstream, false);
    return false;
  }
  pair.upstream = *opened;
  pair.upstream_number = static_cast<uint8_t>(upstream);
  pair.upstream.set_user(pair.client.user() | kUpstreamSide);
  pair.upstream.SetTimer(options_.connect_timeout_ms);
  upstreams_.AddConnection(upstream);
  return true;
}

void ProxyHandler::UpstreamOpened(Pair& pair) {
  ReportUpstream(pair.upstream_number, true);
  pair.open = true;
  pair.active_us = worker_.now_us();
  pair.upstream.SetTimer(0);
  pair.client.SetTimer(options_.idle_timeout_ms);
  pair.client.Resume();
  if (pair.client_has_closed) pair.upstream.Shutdown();
}

// What the other side has no room for stays unread here, until its OnWritable.
void ProxyHandler::OnData(Connection c, Bytes text) {
  Pair* pair = PairOf(c);
  if (pair == nullptr) return;
  pair->active_us = worker_.now_us();
  const size_t taken = OtherSide(*pair, c).Send(text);
  if (taken < text.size()) c.Pause(text.size() - taken);
}

void ProxyHandler::OnWritable(Connection c) {
  const Pair* pair = PairOf(c);
  if (pair != nullptr && pair->open) OtherSide(*pair, c).Resume();
}

// Half close: the other direction goes on.
void ProxyHandler::OnPeerClosed(Connection c) {
  Pair* pair = PairOf(c);
  if (pair == nullptr) return;
  if (pair->open) {
    OtherSide(*pair, c).Shutdown();
  } else {
    pair->client_has_closed = true;
  }
}

void ProxyHandler::OnClosed(Connection c, CloseReason reason) {
  Pair* pair = PairOf(c);
  if (pair == nullptr) return;
  const auto number = static_cast<uint32_t>(c.user() >> 1);
  if (IsUpstream(c)) {
    UpstreamClosed(*pair, reason);
  } else {
    ClientClosed(*pair, reason);
  }
  if (pair->client.alive() || pair->upstream.alive()) return;
  pair->next_free = first_free_;
  first_free_ = number;
}

void ProxyHandler::UpstreamClosed(Pair& pair, CloseReason reason) {
  pair.upstream = {};
  upstreams_.DropConnection(pair.upstream_number);
  if (!pair.client.alive()) return;
  if (pair.open) {
    if (reason != CloseReason::kNormal) pair.client.Abort();
  } else if (reason == CloseReason::kShutdown) {
    pair.client.Abort();
  } else {
    ++totals_.failed_connects;
    ReportUpstream(pair.upstream_number, false);
    TryNextUpstream(pair);
  }
}

void ProxyHandler::ClientClosed(Pair& pair, CloseReason reason) {
  pair.client = {};
  if (!pair.upstream.alive()) return;
  if (!pair.open || reason != CloseReason::kNormal) {
    pair.upstream.Abort();
  } else {
    pair.upstream.SetTimer(options_.idle_timeout_ms);
  }
}

// A router may be wrong for a moment, which is why TCP itself goes on (MUST-56); but another
// upstream is better than the rest of the connect timeout.
void ProxyHandler::OnSoftError(Connection c, SoftError error) {
  const Pair* pair = PairOf(c);
  if (pair == nullptr || pair->open || !IsUpstream(c)) return;
  if (error == SoftError::kUnreachable) c.Abort();  // OnClosed goes on to the next upstream
}

void ProxyHandler::OnTimer(Connection c) {
  Pair* pair = PairOf(c);
  if (pair == nullptr) return;
  if (pair->open) {
    CheckIdle(*pair, c);
  } else {
    c.Abort();  // the connect timeout; OnClosed goes on to the next upstream
  }
}

// Text that comes is activity, and so is text that a slow reader takes.
void ProxyHandler::CheckIdle(Pair& pair, Connection c) {
  const uint32_t unsent = Unsent(pair.client) + Unsent(pair.upstream);
  const int64_t now = worker_.now_us();
  if (unsent != pair.unsent) {
    pair.unsent = unsent;
    pair.active_us = now;
  }
  const auto idle_ms = static_cast<uint32_t>((now - pair.active_us) / 1000);
  if (idle_ms < options_.idle_timeout_ms) {
    c.SetTimer(options_.idle_timeout_ms - idle_ms);
    return;
  }
  ++totals_.idle;
  pair.client.Abort();
  pair.upstream.Abort();
}

void ProxyHandler::ReportUpstream(size_t upstream, bool worked) {
  if (!upstreams_.Report(upstream, worked)) return;
  Log(upstream_lines_, "upstream %s is %s", options_.upstreams[upstream].ToString().c_str(),
      upstreams_.up(upstream) ? "up" : "down");
}

void ProxyHandler::Log(LogLimiter& limiter, const char* format, ...) {
  if (!limiter.Take(worker_.now_us())) return;
  char line[160];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  const uint64_t held_back = limiter.TakeHeldBack();
  std::fprintf(stderr, "proxy: worker %u: %s", worker_index_, line);
  if (held_back > 0) std::fprintf(stderr, " (%" PRIu64 " lines held back)", held_back);
  std::fputc('\n', stderr);
}

}  // namespace weir::proxy
