// Histogram, pacer, arrivals, pattern and the counting of answers.
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/prng.h"
#include "flood/answers.h"
#include "flood/arrivals.h"
#include "flood/histogram.h"
#include "flood/pacer.h"
#include "flood/pattern.h"
#include "flood/segment_template.h"
#include "gtest/gtest.h"
#include "wire/tcp.h"

namespace weir::flood {
namespace {

// The value that the definition gives, from all values.
uint64_t Exact(std::vector<uint64_t> values, double share) {
  std::sort(values.begin(), values.end());
  const size_t rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[rank == 0 ? 0 : rank - 1];
}

TEST(FloodHistogram, AgreesWithSortedSamples) {
  Prng random(11);
  for (int shape = 0; shape < 4; ++shape) {
    Histogram histogram;
    std::vector<uint64_t> values;
    for (int i = 0; i < 20000; ++i) {
      uint64_t value = random.Below(1000000);
      if (shape == 1) value = random.Next() >> (24 + random.Below(40));  // all magnitudes
      if (shape == 2) value = random.Chance(10) ? random.Below(1u << 30) : random.Below(200);
      if (shape == 3) value = 12345;
      histogram.Add(value);
      values.push_back(value);
    }
    for (const double share : {0.0, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const uint64_t exact = Exact(values, share);
      const uint64_t said = histogram.Quantile(share);
      EXPECT_GE(said, exact) << shape << " " << share;
      EXPECT_LE(said, exact + exact / 64) << shape << " " << share;
    }
    EXPECT_EQ(histogram.max(), *std::max_element(values.begin(), values.end()));
    EXPECT_EQ(histogram.count(), values.size());
  }
}

TEST(FloodHistogram, BucketsHoldEveryValue) {
  Histogram histogram;
  const std::vector<uint64_t> values = {0, 1, 127, 128, 129, 255, 256, 1u << 20, ~uint64_t{0}};
  for (const uint64_t value : values) histogram.Add(value);
  uint64_t count = 0, last = 0;
  for (const Histogram::Bucket& bucket : histogram.Buckets()) {
    EXPECT_TRUE(count == 0 || bucket.upto > last);
    last = bucket.upto;
    count += bucket.count;
  }
  EXPECT_EQ(count, values.size());
  EXPECT_EQ(histogram.Buckets()[2].upto, 127u);
  EXPECT_EQ(histogram.Buckets()[3].upto, 129u);  // 128 and 129
}

TEST(FloodHistogram, EmptyOneSaysNothingAndMergingAdds) {
  Histogram a, b;
  EXPECT_EQ(a.Quantile(0.99), 0u);
  a.Add(5);
  b.Add(7);
  a.Merge(b);
  EXPECT_EQ(a.count(), 2u);
  EXPECT_EQ(a.Quantile(0.5), 5u);
  EXPECT_EQ(a.Quantile(1), 7u);
}

TEST(FloodPacer, KeepsTheRate) {
  Pacer pacer(10000, {}, 0);
  uint64_t sent = 0;
  for (int64_t now = 0; now <= 1000000000; now += 77777) sent += pacer.Take(now, 100);
  EXPECT_NEAR(static_cast<double>(sent), 10000, 2);
  EXPECT_EQ(pacer.skipped(), 0);
}

TEST(FloodPacer, DoesNotCatchUpBeyondAMillisecond) {
  Pacer pacer(1000000, {}, 0);
  EXPECT_EQ(pacer.Take(1000000000, 1 << 30), 1000u);
  EXPECT_NEAR(pacer.skipped(), 999000, 1);
}

TEST(FloodPacer, LeavesWhatIsMoreThanMost) {
  Pacer pacer(1000000, {}, 0);
  EXPECT_EQ(pacer.Take(100000, 32), 32u);
  EXPECT_NEAR(pacer.due(100000), 68, 0.01);
}

TEST(FloodPacer, PulsesAreOnForAsLongAsTheySay) {
  Pacer pacer(1000000, {10, 30}, 0);
  uint64_t on = 0, off = 0;
  for (int64_t now = 0; now < 400000000; now += 10000) {
    const uint32_t due = pacer.Take(now, 1000);
    (now % 40000000 <= 10000000 ? on : off) += due;
  }
  EXPECT_NEAR(static_cast<double>(on), 100000, 20);
  EXPECT_EQ(off, 0u);
}

TEST(FloodArrivals, ConstantOnesComeEvenly) {
  Arrivals arrivals(1000, false, 500, 1);
  int64_t intended = 0;
  EXPECT_FALSE(arrivals.Take(1000499, intended));
  EXPECT_TRUE(arrivals.Take(1000500, intended));
  EXPECT_EQ(intended, 1000500);
  // A late caller gets each with the time that it was meant for.
  EXPECT_TRUE(arrivals.Take(9000000, intended));
  EXPECT_EQ(intended, 2000500);
}

TEST(FloodArrivals, PoissonOnesHaveTheMeanAndSpreadOfTheProcess) {
  Arrivals arrivals(1000, true, 0, 5);
  std::vector<double> gaps;
  int64_t intended = 0, last = 0;
  while (gaps.size() < 100000 && arrivals.Take(INT64_MAX / 2, intended)) {
    gaps.push_back(static_cast<double>(intended - last));
    last = intended;
  }
  double mean = 0, square = 0;
  for (const double gap : gaps) mean += gap / static_cast<double>(gaps.size());
  for (const double gap : gaps) {
    square += (gap - mean) * (gap - mean) / static_cast<double>(gaps.size());
  }
  EXPECT_NEAR(mean, 1e6, 2e4);
  EXPECT_NEAR(std::sqrt(square), 1e6, 3e4);  // as large as the mean
}

TEST(FloodArrivals, NoneAtRateZero) {
  Arrivals arrivals(0, true, 0, 1);
  int64_t intended = 0;
  EXPECT_FALSE(arrivals.Take(INT64_MAX / 2, intended));
}

TEST(FloodPattern, IsFoundInItsPlaceOnly) {
  std::vector<uint8_t> text(100);
  FillPattern(text, 3, 50);
  EXPECT_TRUE(IsPattern(text, 3, 50));
  EXPECT_FALSE(IsPattern(text, 3, 51));
  EXPECT_FALSE(IsPattern(text, 4, 50));
  text[99] ^= 1;
  EXPECT_FALSE(IsPattern(text, 3, 50));
}

// Answers to a source of a flood.
class FloodAnswers : public testing::Test {
 protected:
  void Count(uint8_t flags, uint16_t port, uint32_t ack, size_t text_size = 0,
             bool expected = false) {
    const std::vector<uint8_t> text(text_size, 'x');
    const std::vector<uint8_t> octets =
        SegmentFrame({}, {},
                     {.source = *IpAddress::Parse("198.18.0.2"),
                      .destination = *IpAddress::Parse("198.19.1.2"),
                      .source_port = 7,
                      .destination_port = port,
                      .ack = ack,
                      .flags = flags,
                      .text = text});
    wire::Frame frame;
    wire::ParseFrame(octets, {}, frame);
    answers_.Count(frame, static_cast<uint32_t>(octets.size()), expected, counts_);
  }

  Answers answers_;
  FloodCounts counts_;
};

TEST_F(FloodAnswers, AreCountedByKind) {
  Count(wire::kTcpSyn | wire::kTcpAck, 1000, 1);
  Count(wire::kTcpRst, 1000, 1);
  Count(wire::kTcpAck, 1000, 1);
  Count(wire::kTcpAck, 1000, 1, 20);
  Count(wire::kTcpAck, 1000, 1, 20, true);
  answers_.CountNeighbourRequest(60, counts_);
  EXPECT_EQ(counts_.syn_acks, 1u);
  EXPECT_EQ(counts_.resets, 1u);
  EXPECT_EQ(counts_.other_tcp, 3u);
  EXPECT_EQ(counts_.forged, 1u);
  EXPECT_EQ(counts_.neighbour_requests, 1u);
  EXPECT_EQ(counts_.answer_frames, 6u);
  EXPECT_EQ(counts_.answer_octets, 4 * 60u + 2 * 74u);
}

TEST(FloodPeek, SeesWhatTheParserSees) {
  for (const bool v4 : {true, false}) {
    for (int flags = 0; flags < 256; ++flags) {
      const std::vector<uint8_t> octets =
          SegmentFrame({}, {},
                       {.source = *IpAddress::Parse(v4 ? "198.18.0.2" : "2001:2::2"),
                        .destination = *IpAddress::Parse(v4 ? "198.19.1.2" : "2001:2:0:ff00::1:2"),
                        .source_port = 7,
                        .destination_port = 9999,
                        .ack = 0x12345678,
                        .flags = static_cast<uint8_t>(flags)});
      wire::Frame frame;
      wire::ParseFrame(octets, {}, frame);
      const auto seen = PeekSynAck(octets);
      ASSERT_EQ(seen.has_value(), (flags & 0x3f) == (wire::kTcpSyn | wire::kTcpAck)) << flags;
      if (!seen) continue;
      EXPECT_EQ(seen->destination, frame.destination);
      EXPECT_EQ(seen->source_port, frame.tcp.source_port);
      EXPECT_EQ(seen->destination_port, frame.tcp.destination_port);
      EXPECT_EQ(seen->ack, frame.tcp.ack.value);
      for (size_t size = 0; size < (v4 ? 54u : 74u); ++size) {  // and reads nothing behind the end
        const std::vector<uint8_t> cut(octets.begin(), octets.begin() + static_cast<long>(size));
        EXPECT_FALSE(PeekSynAck(cut)) << size;
      }
    }
  }
}

TEST_F(FloodAnswers, PeekedAtOnesCountLikeOthers) {
  Count(wire::kTcpSyn | wire::kTcpAck, 1000, 1);
  answers_.CountSynAck({*IpAddress::Parse("198.19.1.2"), 7, 1000, 1}, 60, counts_);
  EXPECT_EQ(counts_.syn_acks, 2u);
  EXPECT_EQ(counts_.syn_ack_repeats, 1u);
  EXPECT_EQ(counts_.answer_octets, 120u);
}

TEST_F(FloodAnswers, RepeatedSynAckIsKnownAndOneToANewSynIsNot) {
  for (const uint32_t ack : {1u, 2u, 1u, 1u, 3u}) {
    Count(wire::kTcpSyn | wire::kTcpAck, 1000, ack);
  }
  Count(wire::kTcpSyn | wire::kTcpAck, 1001, 1);
  EXPECT_EQ(counts_.syn_acks, 6u);
  EXPECT_EQ(counts_.syn_acks_sampled, 6u);
  EXPECT_EQ(counts_.syn_ack_repeats, 2u);
}

TEST_F(FloodAnswers, SampleIsLargeEnoughToKnowRepeatsAndNoLarger) {
  answers_.SampleFor(1000);
  EXPECT_EQ(answers_.sample(), 1u);
  answers_.SampleFor(1e6);
  const uint32_t sample = answers_.sample();
  EXPECT_GE(sample, 256u);
  for (uint32_t ack = 0; ack < 100000; ++ack) Count(wire::kTcpSyn | wire::kTcpAck, 1000, ack);
  EXPECT_NEAR(static_cast<double>(counts_.syn_acks_sampled), 100000.0 / sample,
              5 * std::sqrt(100000.0 / sample));
  EXPECT_EQ(counts_.syn_ack_repeats, 0u);
  const uint64_t sampled = counts_.syn_acks_sampled;
  for (uint32_t ack = 0; ack < 100000; ++ack) Count(wire::kTcpSyn | wire::kTcpAck, 1000, ack);
  EXPECT_EQ(counts_.syn_acks_sampled, 2 * sampled);
  EXPECT_GT(counts_.syn_ack_repeats, sampled * 9 / 10);
}

}  // namespace
}  // namespace weir::flood
