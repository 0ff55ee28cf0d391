// EpochKeys: keys that follow from a secret and the time, for cookies that are good for a while.
#pragma once

#include <cstdint>
#include <limits>

#include "base/siphash.h"
#include "base/time.h"
#include "base/wipe.h"

namespace weir::tcp {

// The key of an epoch follows from the secret and the epoch's number, so that all workers, and all
// hosts that share secret and clock, have the same one. `purpose` tells the keys of one use of the
// secret from those of another.
class EpochKeys {
 public:
  EpochKeys(const SipKey& secret, uint64_t purpose, uint32_t epoch_ms)
      : secret_(secret), purpose_(purpose), epoch_ms_(epoch_ms) {}
  ~EpochKeys() {
    Wipe(&secret_, sizeof secret_);
    Wipe(known_, sizeof known_);
  }

  int64_t EpochOf(Time now) const { return now.us / (int64_t{epoch_ms_} * 1000); }
  const SipKey& KeyOf(int64_t epoch) const {
    Known& known = known_[epoch & 3];
    if (known.epoch != epoch) [[unlikely]] {
      known = {epoch, {Half(epoch, 0), Half(epoch, 1)}};
    }
    return known.key;
  }

 private:
  uint64_t Half(int64_t epoch, uint64_t half) const {
    const uint64_t message[3] = {static_cast<uint64_t>(epoch), half, purpose_};
    return SipHash24(secret_, message, 3);
  }

  SipKey secret_;
  uint64_t purpose_;
  uint32_t epoch_ms_;
  // Those of this epoch, the last and the next, by the last bits of their numbers.
  struct Known {
    int64_t epoch = std::numeric_limits<int64_t>::min();
    SipKey key;
  };
  mutable Known known_[4];
};

}  // namespace weir::tcp
