// Requests in, responses out, and how long anybody may take over it.
#include "http/http_handler.h"

#include <algorithm>

namespace weir::http {
namespace {

// Bodies from here on are sent from the site's own memory; below, copying is cheaper than a record.
constexpr size_t kOwnedMin = 4096;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
    "Connection: close\r\n\r\n";

Bytes AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// The site outlives the server: nothing to give back.
void KeepBody(void*) {}

}  // namespace

HttpHandler::HttpHandler(const Site& site, uint32_t max_connections)
    : site_(site),
      exchanges_(std::make_unique<Exchange[]>(max_connections)),
      first_free_(max_connections > 0 ? 1 : 0) {
  for (uint32_t i = 1; i < max_connections; ++i) exchanges_[i - 1].next_free = i + 1;
}

Exchange* HttpHandler::Of(Connection c) {
  const uint64_t number = c.user();
  return number == 0 ? nullptr : &exchanges_[number - 1];
}

void HttpHandler::OnOpen(Connection c) {
  if (first_free_ == 0) {
    (void)c.Send(AsBytes(kBusy));  // an empty send buffer takes it
    c.Shutdown();
    c.SetTimer(kLingerTimeout);
    return;
  }
  Exchange& x = exchanges_[first_free_ - 1];
  c.set_user(first_free_);
  first_free_ = x.next_free;
  x.parser.Reset();
  x.head_rest = x.body_rest = {};
  x.keep_alive = true;
  x.peer_closed = false;
  WaitFor(c, x, Exchange::Wait::kHead, kHeadTimeout);
}

void HttpHandler::OnData(Connection c, Bytes text) {
  if (Exchange* x = Of(c)) Serve(c, *x, text);
}

// Parses and answers until the text is used up or a response has to wait for room.
void HttpHandler::Serve(Connection c, Exchange& x, Bytes text) {
  while (!text.empty() && x.wait != Exchange::Wait::kLinger) {
    if (x.sending()) {
      x.unparsed.assign(text.begin(), text.end());
      c.Pause();
      return;
    }
    if (x.wait == Exchange::Wait::kIdle) WaitFor(c, x, Exchange::Wait::kHead, kHeadTimeout);
    text = text.subspan(x.parser.Consume(text));
    if (x.parser.status() == 200) {
      Respond(c, x, Answer(site_, x.parser.request()));
    } else if (x.parser.status() != 0) {
      Respond(c, x, Refuse(x.parser.status()));
    } else if (x.parser.head_complete()) {
      WaitFor(c, x, Exchange::Wait::kBody, kIdleTimeout);
      if (x.parser.wants_continue()) {
        x.parser.ContinueSent();
        x.head_rest = AsBytes(kContinue);
        Pump(c, x);
      }
    }
  }
}

void HttpHandler::Respond(Connection c, Exchange& x, const Response& response) {
  x.keep_alive = response.keep_alive;
  x.head_rest = AsBytes({x.head.data(), WriteHead(response, Date(), x.head).size()});
  x.body_rest = response.body;
  if (response.keep_alive) x.parser.Next();
  Pump(c, x);
}

// Hands weir what it takes of the current response; what is left waits for OnWritable.
void HttpHandler::Pump(Connection c, Exchange& x) {
  x.head_rest = x.head_rest.subspan(c.Send(x.head_rest));
  if (x.head_rest.empty() && !x.body_rest.empty()) {
    if (x.body_rest.size() >= kOwnedMin && c.SendOwned(x.body_rest, KeepBody, nullptr)) {
      x.body_rest = {};
    } else {
      // Also when no record is free: a short Send is what OnWritable answers to.
      x.body_rest = x.body_rest.subspan(c.Send(x.body_rest));
    }
  }
  if (x.sending()) {
    WaitFor(c, x, Exchange::Wait::kSend, kIdleTimeout);
  } else if (!x.keep_alive) {
    Finish(c, x);
  } else if (!x.parser.begun()) {
    WaitFor(c, x, Exchange::Wait::kIdle, kIdleTimeout);
  }
}

// Ends our side, and reads on until the peer ends its own: closing with text unread would send a
// RST, which may destroy the response on its way (RFC 9112 9.6).
void HttpHandler::Finish(Connection c, Exchange& x) {
  if (x.peer_closed) {
    c.Close();
    return;
  }
  c.Shutdown();
  WaitFor(c, x, Exchange::Wait::kLinger, kLingerTimeout);
}

void HttpHandler::OnWritable(Connection c) {
  Exchange* x = Of(c);
  if (x == nullptr || !x->sending()) return;
  Pump(c, *x);
  if (x->sending()) return;
  const std::vector<uint8_t> text = std::move(x->unparsed);
  x->unparsed.clear();
  Serve(c, *x, text);
  if (x->sending()) return;
  if (x->peer_closed) {
    c.Close();
  } else {
    c.Resume();
  }
}

void HttpHandler::OnPeerClosed(Connection c) {
  Exchange* x = Of(c);
  if (x != nullptr) x->peer_closed = true;
  if (x == nullptr || !x->sending()) c.Close();
}

void HttpHandler::OnClosed(Connection c, CloseReason) {
  Exchange* x = Of(c);
  if (x == nullptr) return;
  x->unparsed = {};
  x->next_free = first_free_;
  first_free_ = static_cast<uint32_t>(c.user());
}

void HttpHandler::WaitFor(Connection c, Exchange& x, Exchange::Wait wait, uint32_t milliseconds) {
  x.wait = wait;
  x.unsent_before = 0;
  c.SetTimer(milliseconds);
}

void HttpHandler::OnTimer(Connection c) {
  Exchange* x = Of(c);
  if (x == nullptr) {
    c.Abort();
    return;
  }
  switch (x->wait) {
    case Exchange::Wait::kHead:
    case Exchange::Wait::kBody:
      // A peer that has not said anything yet is told nothing either.
      if (x->parser.begun()) {
        Respond(c, *x, Refuse(408));
      } else {
        c.Close();
      }
      break;
    case Exchange::Wait::kSend:
    case Exchange::Wait::kIdle:
    case Exchange::Wait::kLinger:
      CheckProgress(c, *x);
      break;
  }
}

// A large body may be on its way for as long as it likes, but not stand still.
void HttpHandler::CheckProgress(Connection c, Exchange& x) {
  const ConnectionInfo info = c.Info();
  const uint32_t unsent = info.unsent + info.unacknowledged;
  if (unsent == 0 && x.wait != Exchange::Wait::kSend) {
    c.Close();
  } else if (unsent == x.unsent_before) {
    c.Abort();
  } else {
    x.unsent_before = unsent;
    c.SetTimer(kIdleTimeout);
  }
}

// The Date field, made once a second.
std::string_view HttpHandler::Date() {
  const std::time_t now = std::time(nullptr);
  if (now != date_time_) {
    date_time_ = now;
    date_ = FormatHttpDate(now);
  }
  return date_;
}

}  // namespace weir::http
