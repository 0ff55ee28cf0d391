// FastOpenCache: what this side, as a client, knows of the fast opens of others (RFC 7413 4.1.3).
#pragma once

#include <cstdint>

#include "base/reserved_array.h"
#include "base/siphash.h"
#include "base/time.h"
#include "weir/address.h"
#include "wire/tcp.h"

namespace weir::tcp {

// By server and by the address of ours that it knows: the cookie that it gave, its MSS, and whether
// a fast open has failed. Holds kPlaces servers; in the few places that a server may take, the one
// that was longest of no use gives way. Never allocates after it was made.
class FastOpenCache {
 public:
  static constexpr uint32_t kPlaces = 1024;
  // How long a server is left alone after a failure, doubled by each that follows: in minutes 1, 2,
  // 4 up to 64.
  static constexpr Duration kPause = Seconds(60);
  static constexpr unsigned kDoublingsMax = 6;

  struct Server {
    IpAddress address;            // unspecified: the place is free
    wire::FastOpenCookie cookie;  // without octets: none is known
    uint8_t local;                // which of our addresses
    uint8_t failures;             // in a row
    uint16_t mss;                 // that it announced last
    Time pause_ends;
  };

  explicit FastOpenCache(const SipKey& key) : key_(key), servers_(kPlaces) {}

  // Null when nothing is known. Good until the next call.
  const Server* Find(uint8_t local, const IpAddress& server);
  void Remember(uint8_t local, const IpAddress& server, const wire::FastOpenCookie& cookie,
                uint16_t mss);
  // `mss` as the answer has it: the next text that goes with a SYN must fit it (RFC 7413 4.1.3).
  void Succeeded(uint8_t local, const IpAddress& server, uint16_t mss);
  // False when it is being left alone already: nothing was tried that could have failed.
  bool Failed(uint8_t local, const IpAddress& server, Time now);

 private:
  static constexpr uint32_t kWays = 4;

  Server* Set(const IpAddress& server);
  Server& FindOrTake(uint8_t local, const IpAddress& server);

  SipKey key_;
  ReservedArray<Server> servers_;  // in sets of kWays, last used first
};

}  // namespace weir::tcp
