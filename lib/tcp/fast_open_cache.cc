// Sets of four places each, in the order of their last use.
#include "tcp/fast_open_cache.h"

#include <algorithm>

namespace weir::tcp {

FastOpenCache::Server* FastOpenCache::Set(const IpAddress& server) {
  const uint64_t words[2] = {server.high(), server.low()};
  return &servers_[SipHash24(key_, words, 2) % (kPlaces / kWays) * kWays];
}

const FastOpenCache::Server* FastOpenCache::Find(uint8_t local, const IpAddress& server) {
  Server* set = Set(server);
  for (uint32_t i = 0; i < kWays; ++i) {
    if (set[i].address != server || set[i].local != local) continue;
    std::rotate(set, set + i, set + i + 1);
    return set;
  }
  return nullptr;
}

FastOpenCache::Server& FastOpenCache::FindOrTake(uint8_t local, const IpAddress& server) {
  Server* set = Set(server);
  if (Find(local, server) == nullptr) {
    std::rotate(set, set + kWays - 1, set + kWays);
    *set = {};
    set->address = server;
    set->local = local;
  }
  return *set;
}

void FastOpenCache::Remember(uint8_t local, const IpAddress& server,
                             const wire::FastOpenCookie& cookie, uint16_t mss) {
  Server& s = FindOrTake(local, server);
  s.cookie = cookie;
  s.mss = mss;
}

void FastOpenCache::Succeeded(uint8_t local, const IpAddress& server, uint16_t mss) {
  if (Find(local, server) == nullptr) return;
  Server& s = *Set(server);  // to the front it has come
  s.failures = 0;
  s.mss = mss;
}

bool FastOpenCache::Failed(uint8_t local, const IpAddress& server, Time now) {
  Server& s = FindOrTake(local, server);
  if (now < s.pause_ends) return false;
  s.pause_ends = now + kPause * (int64_t{1} << std::min<unsigned>(s.failures, kDoublingsMax));
  if (s.failures != 0xff) ++s.failures;
  return true;
}

}  // namespace weir::tcp
