// NeighbourTable: a bounded table of neighbours, found by keyed hash, with an order of eviction
// that a flood cannot use against real neighbours.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "base/siphash.h"
#include "base/time.h"
#include "weir/address.h"
#include "wire/ethernet.h"

namespace weir::ip {

// RFC 4861 7.3.2, for ARP as well; kIdle is a gateway's entry that nobody has asked for or that did
// not answer.
enum class NeighbourState : uint8_t {
  kFree,
  kIdle,
  kIncomplete,
  kReachable,
  kStale,
  kDelay,
  kProbe,
};

// Why an entry is kept; the classes differ in who may throw whom out.
enum class NeighbourClass : uint8_t {
  kFree,
  kLearned,     // a frame told us of it; we have neither used nor verified it
  kIncomplete,  // we asked; no answer yet
  kStale,       // verified once, not in use now
  kActive,      // verified, or being verified, and in use
  kPinned,      // a gateway
};
inline constexpr size_t kNeighbourClassCount = 6;

inline constexpr Time kNeverDue{std::numeric_limits<int64_t>::max()};

struct Neighbour {
  // Sending touches this much.
  IpAddress address;
  uint16_t interface = 0;
  NeighbourState state = NeighbourState::kFree;
  bool used = false;  // sent to since the last confirmation
  wire::MacAddress mac;
  NeighbourClass kept = NeighbourClass::kFree;
  uint8_t requests = 0;  // sent in this state
  uint16_t local = 0;    // the address of ours that asks
  Time confirmed_at;     // when it last proved reachable
  Time due = kNeverDue;  // when the state wants attention; reachable: see Neighbours
  bool verified = false;
  uint8_t waiting_count = 0;
  uint16_t waiting_head = 0;
  uint16_t next_in_bucket = 0;
  uint16_t older = 0, younger = 0;  // neighbours in the list of its class

  // Packets may be sent to it now.
  bool resolved() const { return state >= NeighbourState::kReachable; }
};

// Memory is reserved at construction. Entries are named by index; an index kept by others is
// checked by comparing the address and interface, so that a recycled entry is never mistaken.
class NeighbourTable {
 public:
  static constexpr uint16_t kNone = 0xffff;

  NeighbourTable(uint16_t capacity, uint64_t seed);

  uint16_t Find(const IpAddress& address, uint16_t interface) const;
  // True when `index` is the entry of that neighbour.
  bool Is(uint16_t index, const IpAddress& address, uint16_t interface) const {
    return index < entries_.size() && entries_[index].address == address &&
           entries_[index].interface == interface && entries_[index].state != NeighbourState::kFree;
  }

  // Which entry a newcomer of `kept` would get: a free one, or the victim to be freed first by the
  // caller (its state is not kFree then); kNone when nobody may be thrown out for it. A newcomer
  // that was only heard of displaces others like it; one that we ask for displaces those,
  // unanswered questions, and verified entries out of use. Gateways and entries in use always stay.
  uint16_t PlaceFor(NeighbourClass kept) const;
  // Takes a free entry into use.
  void Insert(uint16_t index, const IpAddress& address, uint16_t interface, NeighbourClass kept);
  void Remove(uint16_t index);
  // Moves an entry to another class, as its youngest; gateways stay where they are.
  void Reclass(uint16_t index, NeighbourClass kept);

  Neighbour& operator[](uint16_t index) { return entries_[index]; }
  const Neighbour& operator[](uint16_t index) const { return entries_[index]; }
  uint16_t capacity() const { return static_cast<uint16_t>(entries_.size()); }
  uint32_t count(NeighbourClass kept) const { return lists_[static_cast<size_t>(kept)].count; }

 private:
  struct List {
    uint16_t oldest = kNone, youngest = kNone;
    uint32_t count = 0;
  };
  uint32_t BucketOf(const IpAddress& address, uint16_t interface) const;
  List& ListOf(NeighbourClass kept) { return lists_[static_cast<size_t>(kept)]; }
  uint16_t OldestOf(NeighbourClass kept) const { return lists_[static_cast<size_t>(kept)].oldest; }
  void Link(uint16_t index, NeighbourClass kept);
  void Unlink(uint16_t index);

  SipKey key_;
  std::vector<Neighbour> entries_;
  std::vector<uint16_t> buckets_;
  std::array<List, kNeighbourClassCount> lists_;
};

}  // namespace weir::ip
