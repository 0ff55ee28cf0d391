// Counts by source prefix: exact, whatever comes and goes, up to the number reserved for.
#include "tcp/source_counts.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "base/prng.h"

namespace weir::tcp {
namespace {

constexpr SipKey kKey{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

IpAddress Parse(const char* text) { return IpAddress::Parse(text).value(); }

TEST(SourceCounts, PrefixIsAsLongAsItIsSaidToBe) {
  const SourceCounts counts(16, kKey);
  const auto same = [&](const char* a, const char* b, uint8_t bits) {
    return counts.NameOf(0, Parse(a), bits) == counts.NameOf(0, Parse(b), bits);
  };
  EXPECT_TRUE(same("198.18.0.1", "198.18.0.254", 24));
  EXPECT_FALSE(same("198.18.0.1", "198.18.1.1", 24));
  EXPECT_TRUE(same("198.18.0.1", "198.255.1.1", 8));
  EXPECT_FALSE(same("198.18.0.1", "199.18.0.1", 8));
  EXPECT_FALSE(same("198.18.0.2", "198.18.0.3", 32));
  EXPECT_TRUE(same("198.18.0.2", "198.18.0.3", 31));
  EXPECT_TRUE(same("2001:2::1", "2001:2::ffff:0:0:1", 64));
  EXPECT_FALSE(same("2001:2::1", "2001:2:0:1::1", 64));
  EXPECT_TRUE(same("2001:2:0:1::1", "2001:2:0:ff::1", 56));
  EXPECT_FALSE(same("2001:2::1", "2001:2::2", 128));
  EXPECT_TRUE(same("2001:2::2", "2001:2::3", 127));
  EXPECT_TRUE(same("2001:2::2", "2001:fe::3", 16));
}

TEST(SourceCounts, ListenersAndLengthsAreCountedApart) {
  const SourceCounts counts(16, kKey);
  const IpAddress source = Parse("198.18.0.0");
  EXPECT_NE(counts.NameOf(0, source, 24), counts.NameOf(1, source, 24));
  EXPECT_NE(counts.NameOf(0, source, 24), counts.NameOf(0, source, 25));
  EXPECT_NE(counts.NameOf(0, Parse("::"), 96 + 24), counts.NameOf(0, Parse("0.0.0.0"), 24));
}

// Beside a map, with so few connections that they stand close together.
TEST(SourceCounts, AgreesWithAMapWhateverComesAndGoes) {
  constexpr uint32_t kConnections = 50;
  SourceCounts counts(kConnections, kKey);
  std::map<uint64_t, uint32_t> model;
  std::vector<uint64_t> held;
  Prng prng(1);
  for (int step = 0; step < 20000; ++step) {
    const bool full = held.size() == kConnections;
    if (!held.empty() && (full || prng.Next() % 2 == 0)) {
      const size_t which = prng.Next() % held.size();
      const uint64_t name = held[which];
      held[which] = held.back();
      held.pop_back();
      counts.Remove(name);
      if (--model[name] == 0) model.erase(name);
    } else {
      const auto host = static_cast<uint32_t>(prng.Next() % 70);
      const uint64_t name = counts.NameOf(0, IpAddress::V4(0xc6120000u + host), 32);
      held.push_back(name);
      counts.Add(name);
      ++model[name];
    }
    ASSERT_EQ(counts.size(), model.size());
    for (const auto& [name, count] : model) ASSERT_EQ(counts.CountOf(name), count) << step;
  }
}

TEST(SourceCounts, HoldsAsManyPrefixesAsConnections) {
  constexpr uint32_t kConnections = 1000;
  SourceCounts counts(kConnections, kKey);
  const auto name = [&](uint32_t i) { return counts.NameOf(7, IpAddress::V4(i << 8), 24); };
  for (uint32_t i = 0; i < kConnections; ++i) counts.Add(name(i));
  for (uint32_t i = 0; i < kConnections; ++i) EXPECT_EQ(counts.CountOf(name(i)), 1u);
  EXPECT_EQ(counts.CountOf(name(kConnections)), 0u);
  for (uint32_t i = 0; i < kConnections; ++i) counts.Remove(name(i));
  EXPECT_EQ(counts.size(), 0u);
}

}  // namespace
}  // namespace weir::tcp
