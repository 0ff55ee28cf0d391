// Hashes of a burst: the same as those of each connection alone.
#include "tcp/flow_hash.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/prng.h"

namespace weir::tcp {
namespace {

constexpr SipKey kKey{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
constexpr size_t kOwnCount = 3;

IpAddress AnyAddress(Prng& prng) {
  if (prng.Below(2) == 0) return IpAddress::V4(static_cast<uint32_t>(prng.Next()));
  std::array<uint8_t, 16> octets;
  for (uint8_t& octet : octets) octet = static_cast<uint8_t>(prng.Next());
  return IpAddress::V6(octets);
}

std::vector<FlowKey> AnyFlows(Prng& prng, size_t count) {
  std::vector<FlowKey> flows(count);
  for (FlowKey& flow : flows) {
    flow = {AnyAddress(prng), static_cast<uint16_t>(prng.Next()),
            static_cast<uint16_t>(prng.Next()), static_cast<uint8_t>(prng.Below(kOwnCount))};
  }
  return flows;
}

TEST(FlowHash, OfABurstEqualsTheTables) {
  const FlowTable table(1, kKey, {});
  Prng prng(3);
  for (size_t count = 0; count <= 100; ++count) {
    const std::vector<FlowKey> flows = AnyFlows(prng, count);
    std::vector<uint64_t> hashes(count);
    HashFlows(
        kKey, count, [&](size_t i) { return &flows[i]; },
        [&](size_t i, uint64_t hash) { hashes[i] = hash; });
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(hashes[i], table.Hash(flows[i])) << i << " of " << count;
    }
  }
}

TEST(FlowHash, OfTuplesInABurstEqualsThatOfEachAlone) {
  Prng prng(4);
  std::vector<LocalAddress> own(kOwnCount);
  for (LocalAddress& local : own) local.address = AnyAddress(prng);
  for (size_t count = 0; count <= 100; ++count) {
    const std::vector<FlowKey> flows = AnyFlows(prng, count);
    std::vector<uint64_t> hashes(count);
    HashTuples(
        kKey, own, count, [&](size_t i) { return &flows[i]; },
        [&](size_t i, uint64_t hash) { hashes[i] = hash; });
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(hashes[i], TupleHash(kKey, flows[i], own[flows[i].local].address))
          << i << " of " << count;
    }
  }
}

// Both ends and both ports: a hash that forgot one would give its connections related ISNs.
TEST(FlowHash, OfATupleDependsOnAllOfIt) {
  Prng prng(6);
  const FlowKey flow = AnyFlows(prng, 1)[0];
  const IpAddress own = AnyAddress(prng);
  const uint64_t hash = TupleHash(kKey, flow, own);
  FlowKey other = flow;
  ++other.remote_port;
  EXPECT_NE(TupleHash(kKey, other, own), hash);
  other = flow;
  ++other.local_port;
  EXPECT_NE(TupleHash(kKey, other, own), hash);
  for (size_t octet = 0; octet < 16; ++octet) {
    std::array<uint8_t, 16> octets = flow.remote.octets();
    octets[octet] ^= 1;
    other = flow;
    other.remote = IpAddress::V6(octets);
    EXPECT_NE(TupleHash(kKey, other, own), hash) << octet;
    octets = own.octets();
    octets[octet] ^= 1;
    EXPECT_NE(TupleHash(kKey, flow, IpAddress::V6(octets)), hash) << octet;
  }
}

}  // namespace
}  // namespace weir::tcp
