// Points and spans of time as values; whoever drives the stack supplies them, nothing here reads a
// clock.
#pragma once

#include <compare>
#include <cstdint>

namespace weir {

// A span of time in microseconds.
struct Duration {
  int64_t us = 0;

  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.us + b.us}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {a.us - b.us}; }
  friend constexpr Duration operator*(Duration a, int64_t n) { return {a.us * n}; }
  friend constexpr Duration operator/(Duration a, int64_t n) { return {a.us / n}; }
};

constexpr Duration Microseconds(int64_t n) { return {n}; }
constexpr Duration Milliseconds(int64_t n) { return {n * 1000}; }
constexpr Duration Seconds(int64_t n) { return {n * 1000000}; }

// A deadline or date in whole milliseconds modulo 2^32, as control blocks hold them: four octets,
// wraps every 49.7 days, comparable while less than 24.8 days apart.
struct Millis {
  uint32_t value = 0;

  friend constexpr bool operator==(Millis, Millis) = default;
  friend constexpr Millis operator+(Millis a, uint32_t ms) { return {a.value + ms}; }
  // Milliseconds by which `a` is later than `b`; negative when earlier.
  friend constexpr int32_t operator-(Millis a, Millis b) {
    return static_cast<int32_t>(a.value - b.value);
  }
  friend constexpr bool operator<(Millis a, Millis b) { return a - b < 0; }
  friend constexpr bool operator<=(Millis a, Millis b) { return a - b <= 0; }
  friend constexpr bool operator>(Millis a, Millis b) { return a - b > 0; }
  friend constexpr bool operator>=(Millis a, Millis b) { return a - b >= 0; }
};

// A point in time: microseconds since an origin that the driver chose (any value, also near 2^32).
struct Time {
  int64_t us = 0;

  friend constexpr auto operator<=>(Time, Time) = default;
  friend constexpr Time operator+(Time t, Duration d) { return {t.us + d.us}; }
  friend constexpr Time operator-(Time t, Duration d) { return {t.us - d.us}; }
  friend constexpr Duration operator-(Time a, Time b) { return {a.us - b.us}; }

  constexpr Millis millis() const { return {static_cast<uint32_t>(us / 1000)}; }
};

}  // namespace weir
