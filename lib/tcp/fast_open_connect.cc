// TCP Fast Open (RFC 7413), a client's part: text goes with the SYN to a server that has given us a
// cookie; one that has not is asked for one. Only the first SYN differs from any other: when it has
// to go again, it goes without text and cookie (4.2.1).
#include <algorithm>

#include "tcp/engine.h"
#include "tcp/mss_default.h"

namespace weir::tcp {

using wire::TcpOptions;

// The option of an active open's first SYN.
void Engine::AskFastOpen(const Tcb& c, TcpOptions& options) {
  if (!SettingsOf(c).fast_open || c.snd.nxt != c.snd.una) return;
  const FastOpenCache::Server* server = fast_open_cache_.Find(c.local, c.remote);
  if (server != nullptr && now_ < server->pause_ends) return;
  options.present |= TcpOptions::kFastOpen;
  if (server != nullptr) options.fast_open = server->cookie;
}

// How much of what the application has given us already goes with the SYN that is about to be sent:
// no more than fits the server's MSS beside the options.
uint32_t Engine::SynText(Tcb& c) {
  const Flight* f = FlightOf(c);
  if (c.state != TcpState::kSynSent || !SettingsOf(c).fast_open || c.has(kCork) || f == nullptr ||
      f->send.empty()) {
    return 0;
  }
  const TcpOptions options = SynOptions(c);
  if (!options.has(TcpOptions::kFastOpen) || options.fast_open.requests()) return 0;
  const uint16_t mss = fast_open_cache_.Find(c.local, c.remote)->mss;
  const uint32_t limit = PathMss(c, std::min(mss, MssFor(c)));
  const uint32_t room = wire::TcpHeaderLength(options) - uint32_t{wire::kTcpHeaderSize};
  return std::min(f->send_octets, limit - std::min(limit, room));
}

bool Engine::SendSynText(Tcb& c, uint32_t size) {
  if (out_.full()) return false;
  Packet packet = TextPacket(*Borrowed(c), c.snd.una + 1, size);
  if (!packet) return NoBuffer();
  counters_.Add(Counter::kTcpFastOpenSyns);
  return SendSegment(c, c.snd.una, wire::kTcpSyn, std::move(packet));
}

// The SYN-ACK is here; SND.UNA and SND.NXT are still those of the SYN.
void Engine::FastOpenAnswered(const Tcb& c, const wire::TcpHeader& h) {
  if (!SettingsOf(c).fast_open) return;
  const bool brings_cookie =
      h.options.has(TcpOptions::kFastOpen) && !h.options.fast_open.requests();
  const uint16_t mss_default = c.remote.is_v4() ? kMssDefaultV4 : kMssDefaultV6;
  const uint16_t mss = h.options.has(TcpOptions::kMss) ? h.options.mss : mss_default;
  if (brings_cookie) fast_open_cache_.Remember(c.local, c.remote, h.options.fast_open, mss);
  const Seq text = c.snd.una + 1;
  if (h.ack > text) {
    fast_open_cache_.Succeeded(c.local, c.remote, mss);
    counters_.Add(Counter::kTcpFastOpensTaken);
    counters_.Add(Counter::kTcpTextOctetsOut, Distance(text, h.ack));
  } else if (!brings_cookie && (c.snd.nxt > text || c.has(kSynTimedOut))) {
    FastOpenFailed(c);
  }
}

// RFC 7413 4.1.3.1: the text was not taken, or the SYN seems to have been lost for its text or its
// option. The next ones to this server are ordinary for a while.
void Engine::FastOpenFailed(const Tcb& c) {
  if (fast_open_cache_.Failed(c.local, c.remote, now_)) {
    counters_.Add(Counter::kTcpFastOpensFailed);
  }
}

}  // namespace weir::tcp
