// SynCache: what the tests of the SYN cache share.
#pragma once

#include <optional>
#include <vector>

#include "segment/rig.h"

namespace weir::segment {

using tcp::SynState;

inline constexpr uint16_t kOtherPort = 81;

// A handshake that the peer has begun.
struct Begun {
  uint16_t port = 0;
  Seq iss;
  uint32_t ts_value = 0;  // of the SYN-ACK
};

class SynCache : public TransferTest {
 protected:
  // `backlog` handshakes are remembered by each listener, `entries` in all.
  Options Remembering(uint32_t backlog, uint32_t entries = 16384) const {
    Options options = Base();
    options.iss_near_wrap = false;  // the ISS is a cookie
    options.tcp.syn_cookies = SynCookies::kAuto;
    options.tcp.syn_backlog = backlog;
    options.tcp.max_half_open = entries;
    return options;
  }
  static Begun Begin(Rig& rig, uint16_t port, Seg syn = Syn(0).Mss(1460)) {
    rig.NewConnection(port);
    rig.In(syn);
    const Seg got = rig.Out(SynAck(0).Acks(1));
    return {port, rig.iss(), got.options.ts_value};
  }
  static std::vector<Begun> BeginMany(Rig& rig, uint16_t first_port, uint16_t count,
                                      const Seg& syn = Syn(0).Mss(1460)) {
    std::vector<Begun> all;
    for (uint16_t i = 0; i < count; ++i) {
      all.push_back(Begin(rig, static_cast<uint16_t>(first_port + i), syn));
    }
    return all;
  }
  // A connection of kPeerPort, which is closed from here.
  static void EnterTimeWait(Rig& rig) {
    rig.Establish();
    rig.c().Close();
    rig.Turn();
    rig.Out(Fin(1).Acks(1));
    rig.In(Fin(1).Acks(2));
    rig.Out(Ack(2).Acks(2));
  }
  static void Return(Rig& rig, const Begun& to) { rig.ReturnTo(to.port, to.iss); }
  static uint32_t HalfOpen(Rig& rig) { return rig.engine().usage().half_open; }
  static SynState StateOf(Rig& rig) { return rig.engine().listener(rig.listener()).policy.state(); }
  // Another port with a backlog of its own.
  static uint16_t ListenOn(Rig& rig, uint16_t port, std::optional<SynCookies> cookies = {},
                           std::optional<uint32_t> backlog = {}) {
    ListenOptions options{.port = port, .syn_backlog = backlog, .syn_cookies = cookies};
    const auto listener = rig.engine().Listen(*rig.engine().WithDefaults(options), &rig.handler());
    EXPECT_TRUE(listener);
    return listener.value_or(0);
  }
};

}  // namespace weir::segment
