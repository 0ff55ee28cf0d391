// The TSC: what Clock is fed with.
#pragma once

#include <cstdint>

namespace weir::port {

// Cycles now; costs some 10 ns, so once a turn.
uint64_t TscCycles();
// Cycles per second as the EAL measured them; StartEal first.
uint64_t TscHz();

}  // namespace weir::port
