// HttpHandler: one worker's HTTP server.
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "http/request.h"
#include "http/response.h"
#include "http/site.h"
#include "weir/weir.h"

namespace weir::http {

// How long a peer may take, in milliseconds.
inline constexpr uint32_t kHeadTimeout = 10'000;   // from a request's first octet to its last field
inline constexpr uint32_t kIdleTimeout = 60'000;   // between requests, and without any progress
inline constexpr uint32_t kLingerTimeout = 5'000;  // from our FIN to the peer's

// What a connection of HttpHandler is in the middle of.
struct Exchange {
  // Which deadline the connection's timer stands for.
  enum class Wait : uint8_t { kHead, kBody, kSend, kIdle, kLinger };

  RequestParser parser;
  std::array<char, kHeadRoom> head;  // of the response that is being sent
  Bytes head_rest;                   // what of it Send has not taken yet
  Bytes body_rest;                   // what of its body neither Send nor SendOwned has taken yet
  // Text that arrived behind a request whose response waits for room; at most one delivery, since
  // the connection is paused then.
  std::vector<uint8_t> unparsed;
  uint32_t unsent_before = 0;  // octets unsent or unacknowledged when the timer looked last
  Wait wait = Wait::kHead;
  bool keep_alive = true;    // false: this response is the last
  bool peer_closed = false;  // no more requests will come
  uint32_t next_free = 0;

  bool sending() const { return !head_rest.empty() || !body_rest.empty(); }
};

// Answers requests strictly one after another, however many the client pipelines: the next one is
// not looked at before weir has taken the whole response to the one before. Its memory per
// connection is an Exchange out of a fixed pool; a connection beyond it is answered 503.
class HttpHandler : public Handler {
 public:
  // `site` must outlive the server: bodies are sent from its memory.
  HttpHandler(const Site& site, uint32_t max_connections);

  void OnOpen(Connection c) override;
  void OnData(Connection c, Bytes text) override;
  void OnWritable(Connection c) override;
  void OnPeerClosed(Connection c) override;
  void OnClosed(Connection c, CloseReason reason) override;
  void OnTimer(Connection c) override;

 private:
  // The exchange of a connection, or nothing for one that came when all were taken.
  Exchange* Of(Connection c);
  void Serve(Connection c, Exchange& x, Bytes text);
  void Respond(Connection c, Exchange& x, const Response& response);
  void Pump(Connection c, Exchange& x);
  void Finish(Connection c, Exchange& x);
  void WaitFor(Connection c, Exchange& x, Exchange::Wait wait, uint32_t milliseconds);
  void CheckProgress(Connection c, Exchange& x);
  std::string_view Date();

  const Site& site_;
  std::unique_ptr<Exchange[]> exchanges_;
  uint32_t first_free_;  // number of an exchange, counted from 1; 0 = none
  std::time_t date_time_ = 0;
  std::string date_;
};

}  // namespace weir::http
