// LocalAddresses: which addresses are ours, by index.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "ip/interface.h"
#include "weir/address.h"
#include "wire/ethernet.h"

namespace weir::ip {

enum class AddressState : uint8_t {
  kTentative,  // being checked; nothing is sent from it or taken for it (RFC 4862 5.4)
  kUsable,
  kDuplicate,  // somebody else has it; never used
};

// An address of ours. Its index in LocalAddresses names it for the process's life. One cache line:
// found by a shift, and all that a reply needs.
struct alignas(64) LocalAddress {
  IpAddress address;
  uint8_t prefix_bits = 0;
  AddressState state = AddressState::kTentative;
  uint16_t interface = 0;  // index into the configuration's interfaces
  uint16_t port = 0;
  uint16_t mtu = 1500;
  // Of what leaves from here: all but the destination, in link_header_size octets.
  std::array<uint8_t, wire::kEthernetHeaderSize + wire::kVlanTagSize> link_header{};
  uint16_t link_header_size = 0;
  uint16_t ip_header_size = 0;
};
static_assert(sizeof(LocalAddress) == 64);

// The configured addresses in the order of the configuration, then the link-local addresses that
// were derived. All are tentative until told otherwise.
class LocalAddresses {
 public:
  explicit LocalAddresses(std::span<const Interface> interfaces);

  // The index of a usable address of that port, or -1.
  int Find(const IpAddress& address, uint16_t port) const {
    if (guess_ < all_.size() && Is(guess_, address, port)) [[likely]]
      return IfUsable(guess_);
    const int index = Search(address, port);
    return index < 0 ? index : IfUsable(static_cast<size_t>(index));
  }
  int FindInAnyState(const IpAddress& address, uint16_t port) const {
    if (guess_ < all_.size() && Is(guess_, address, port)) return static_cast<int>(guess_);
    return Search(address, port);
  }

  const LocalAddress& operator[](size_t index) const { return all_[index]; }
  LocalAddress& operator[](size_t index) { return all_[index]; }
  std::span<const LocalAddress> all() const { return all_; }
  size_t size() const { return all_.size(); }

  // A usable address of the interface to speak from to `neighbour`: of its scope if there is one,
  // or -1.
  int SourceOn(uint16_t interface, const IpAddress& neighbour) const;

 private:
  bool Is(size_t index, const IpAddress& address, uint16_t port) const {
    return all_[index].address == address && all_[index].port == port;
  }
  int IfUsable(size_t index) const {
    return all_[index].state == AddressState::kUsable ? static_cast<int>(index) : -1;
  }
  int Search(const IpAddress& address, uint16_t port) const;

  std::vector<LocalAddress> all_;
  mutable size_t guess_ = 0;  // the one that was asked for last: most often the one asked for next
};

}  // namespace weir::ip
