// TimingWheel: a hierarchical timing wheel over indexed records (Varghese and Lauck 1987), with
// lazy re-arming and bounded work.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "base/time.h"

namespace weir {

// What a record needs to be on a wheel. `prev` of the first record of a list names the list.
struct WheelLink {
  uint32_t next = 0;
  uint32_t prev = 0;
};

// T has `WheelLink wheel_link` and `Millis wheel_at`. Each record is on the wheel at most once, at
// a time no later than the earliest of its deadlines. A deadline that moves later costs nothing:
// when the record expires, its owner looks at the deadlines themselves and arms it anew. Ticks are
// whole milliseconds; nothing expires early.
template <class T>
class TimingWheel {
 public:
  static constexpr uint32_t kNone = 0xffffffffu;

  // `items` outlives the wheel; zeroed records are not on it once Reset(i) was called for each use.
  TimingWheel(T* items, Time now) : items_(items), now_(now.millis()), seen_(now) {
    heads_.fill(kNone);
  }

  // A record comes into use: it is on no list.
  void Reset(uint32_t i) { items_[i].wheel_link = {kNone, kOff}; }
  bool armed(uint32_t i) const { return items_[i].wheel_link.prev != kOff; }

  // Makes sure that record i expires at `at` or before.
  void Arm(uint32_t i, Millis at) {
    if (armed(i)) {
      if (items_[i].wheel_at <= at) return;
      Unlink(i);
    }
    items_[i].wheel_at = at;
    Insert(i);
    ++armed_;
  }
  void Cancel(uint32_t i) {
    if (armed(i)) Unlink(i);
  }

  // Moves time on to `time` and calls expire(i) for records whose time has come, each taken off the
  // wheel first. Handles at most `budget` records; returns false when it stopped for that reason,
  // and the next call goes on where this one stopped. Calls may be any time apart; after more than
  // kLongStep, what has come due meanwhile expires in the millisecond after `time`.
  template <class F>
  bool Advance(Time time, uint32_t budget, F expire) {
    const Millis now = time.millis();
    if (time - seen_ > kLongStep) Jump(now, (time - seen_).us / 1000);
    seen_ = time;
    for (;;) {
      while (heads_[kCascading] != kNone) {
        if (budget-- == 0) return false;
        const uint32_t i = heads_[kCascading];
        Unlink(i);
        Insert(i);
        ++armed_;
      }
      while (heads_[kExpiring] != kNone) {
        if (budget-- == 0) return false;
        const uint32_t i = heads_[kExpiring];
        Unlink(i);
        expire(i);
      }
      if (now <= now_) return true;
      Tick(now);
    }
  }

  uint32_t armed_count() const { return armed_; }

  // A time at or before which nothing expires before; now() + 2^31 - 1 when the wheel is empty.
  Millis Next() const {
    if (heads_[kExpiring] != kNone || heads_[kCascading] != kNone) return now_;
    uint32_t best = 0x7fffffffu;
    for (unsigned level = 0; level < kLevels; ++level) {
      const unsigned shift = kSlotBits * level;
      const uint32_t block = now_.value >> shift;
      const unsigned steps = StepsToOccupied(level, block + 1);
      if (steps == kSlots) continue;
      // Blocks of the top level wrap with the clock.
      const uint32_t start = static_cast<uint32_t>((block + 1 + steps) << shift);
      const uint32_t away = start - now_.value;
      if (away < best) best = away;
    }
    return now_ + best;
  }
  Millis now() const { return now_; }

 private:
  // From here on, 70 minutes, it is less work to put everything down anew than to walk there.
  static constexpr Duration kLongStep = Milliseconds(1 << 22);
  static constexpr unsigned kLevels = 4;
  static constexpr unsigned kSlotBits = 8;
  static constexpr unsigned kSlots = 1u << kSlotBits;
  static constexpr uint32_t kLists = kLevels * kSlots + 2;
  static constexpr uint32_t kCascading = kLists - 2;
  static constexpr uint32_t kExpiring = kLists - 1;
  static constexpr uint32_t kHeadBit = 0x80000000u;  // prev = kHeadBit | list
  static constexpr uint32_t kOff = kNone;            // prev of a record on no list

  static unsigned LevelFor(uint32_t away) {
    return (static_cast<unsigned>(std::bit_width(away | 1u)) - 1) / kSlotBits;
  }

  void Insert(uint32_t i) {
    Millis at = items_[i].wheel_at;
    if (at <= now_) at = now_ + 1;  // the next tick
    // While a slot is put down, distances count from its first tick: else its last tick, 256 away
    // from the tick before, would go back into the slot that has just been emptied.
    const Millis base = now_ + (tick_chosen_ ? 1 : 0);
    const unsigned level = LevelFor(static_cast<uint32_t>(at - base));
    const uint32_t slot = at.value >> (kSlotBits * level) & (kSlots - 1);
    PushFront(level * kSlots + slot, i);
  }

  void PushFront(uint32_t list, uint32_t i) {
    const uint32_t first = heads_[list];
    items_[i].wheel_link = {first, kHeadBit | list};
    if (first != kNone) items_[first].wheel_link.prev = i;
    heads_[list] = i;
    if (list < kCascading) occupied_[list / 64] |= uint64_t{1} << list % 64;
  }

  void Unlink(uint32_t i) {
    const WheelLink link = items_[i].wheel_link;
    if (link.next != kNone) items_[link.next].wheel_link.prev = link.prev;
    if ((link.prev & kHeadBit) != 0) {
      const uint32_t list = link.prev & ~kHeadBit;
      heads_[list] = link.next;
      if (link.next == kNone && list < kCascading) {
        occupied_[list / 64] &= ~(uint64_t{1} << list % 64);
      }
    } else {
      items_[link.prev].wheel_link.next = link.next;
    }
    items_[i].wheel_link = {kNone, kOff};
    --armed_;
  }

  // Gives a whole slot to one of the two work lists, which are empty.
  void MoveList(uint32_t from, uint32_t to) {
    const uint32_t first = heads_[from];
    if (first == kNone) return;
    heads_[from] = kNone;
    occupied_[from / 64] &= ~(uint64_t{1} << from % 64);
    heads_[to] = first;
    items_[first].wheel_link.prev = kHeadBit | to;
  }

  // Moves on to the next tick that has something to do, but not past `now`. At a boundary, the
  // records of the coarser slot are put down before the tick itself is looked at.
  void Tick(Millis now) {
    if (!tick_chosen_) {
      const Millis block_end{now_.value | (kSlots - 1)};
      const unsigned steps = StepsToOccupied(0, now_.value + 1);
      Millis next = now_ + 1 + steps;
      if (next > block_end) next = block_end + 1;
      if (next > now) {
        now_ = now;
        return;
      }
      now_ = next + 0xffffffffu;  // next - 1: insertions at `next` still count as to come
      if ((next.value & (kSlots - 1)) == 0) boundary_level_ = TopBoundary(next.value);
      tick_chosen_ = true;
    }
    const Millis next = now_ + 1;
    if (boundary_level_ != 0) {
      const unsigned level = boundary_level_--;
      MoveList(level * kSlots + (next.value >> (kSlotBits * level) & (kSlots - 1)), kCascading);
      return;
    }
    tick_chosen_ = false;
    now_ = next;
    MoveList(next.value & (kSlots - 1), kExpiring);
  }

  // Past everything in between, to be put down anew as from `now`. Deadlines in the step could look
  // as if they were to come. One that was set after it may look as if it lay in it where the step
  // took more than 49 days, and expires early.
  void Jump(Millis now, int64_t step_ms) {
    for (uint32_t list = kCascading + 1; list-- > 0;) {
      for (uint32_t i = heads_[list], next; i != kNone; i = next) {
        next = items_[i].wheel_link.next;
        Millis& at = items_[i].wheel_at;
        if (at > now_ && at - now_ <= step_ms) at = now;
        if (list == kCascading) continue;
        Unlink(i);
        PushFront(kCascading, i);
        ++armed_;
      }
    }
    now_ = now;
    tick_chosen_ = false;
    boundary_level_ = 0;
  }

  // The coarsest level whose slot begins at this tick.
  static unsigned TopBoundary(uint32_t tick) {
    unsigned level = 1;
    while (level + 1 < kLevels && (tick >> (kSlotBits * level) & (kSlots - 1)) == 0) ++level;
    return level;
  }

  // Steps from slot `from` (mod kSlots) to the first occupied slot of the level, going round once;
  // kSlots when all are empty.
  unsigned StepsToOccupied(unsigned level, uint32_t from) const {
    const uint64_t* words = &occupied_[level * kSlots / 64];
    unsigned slot = from & (kSlots - 1);
    for (unsigned steps = 0; steps < kSlots;) {
      const uint64_t rest = words[slot / 64] >> slot % 64;
      if (rest != 0) {
        const unsigned found = steps + static_cast<unsigned>(std::countr_zero(rest));
        return found < kSlots ? found : kSlots;
      }
      const unsigned skip = 64 - slot % 64;
      steps += skip;
      slot = (slot + skip) & (kSlots - 1);
    }
    return kSlots;
  }

  T* items_;
  Millis now_;
  Time seen_;                    // what the last Advance was given
  bool tick_chosen_ = false;     // now_ + 1 is the tick being worked on
  unsigned boundary_level_ = 0;  // coarser slots still to be put down before it
  uint32_t armed_ = 0;
  std::array<uint32_t, kLists> heads_;
  std::array<uint64_t, kLevels * kSlots / 64> occupied_{};
};

}  // namespace weir
