// Quantiles of a histogram.
#include "flood/histogram.h"

#include <algorithm>
#include <cmath>

namespace weir::flood {

uint64_t Histogram::UpperOf(size_t index) {
  if (index < 2 * kSteps) return index;
  const size_t shift = index / kSteps - 1;
  const uint64_t mantissa = index - shift * kSteps;
  return ((mantissa + 1) << shift) - 1;
}

void Histogram::Merge(const Histogram& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

uint64_t Histogram::Quantile(double share) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(share * static_cast<double>(count_));
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen > 0 && static_cast<double>(seen) >= wanted) return std::min(UpperOf(i), max_);
  }
  return max_;
}

std::vector<Histogram::Bucket> Histogram::Buckets() const {
  std::vector<Bucket> buckets;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] > 0) buckets.push_back({UpperOf(i), counts_[i]});
  }
  return buckets;
}

}  // namespace weir::flood
