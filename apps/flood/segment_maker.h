// SegmentMaker: the floods that are one TCP segment after another.
#pragma once

#include <cstdint>
#include <vector>

#include "base/prng.h"
#include "flood/modes.h"
#include "flood/scene.h"
#include "flood/segment_template.h"

namespace weir::flood {

// Every frame is one of a few templates with some of its fields drawn anew.
class SegmentMaker {
 public:
  // A mode that is made of segments. The scene outlives the maker.
  SegmentMaker(Mode mode, const Scene& scene, uint64_t seed);

  // Writes the next frame, at most kFrameMax octets, and returns its size.
  uint16_t Make(uint8_t* out);

 private:
  // What differs from frame to frame; the rest is the template's.
  struct Variation {
    enum class Source : uint8_t { kKept, kRandom, kNeighbours, kLive, kColliding };
    Source source = Source::kRandom;
    bool source_port = true;
    bool destination_port = false;
    bool seq = true;
    bool ack = false;
  };

  void Describe();
  void Add(const SegmentSpec& spec, uint16_t ts_offset = 0);
  void AddText();
  void AddJunk();
  void AddFlags();
  void AddBadSources();
  void FindCollisions();
  void DrawSource(SegmentTemplate::Fields& fields);
  // A template's fields: Linux's SYN, without options.
  SegmentSpec Bare(uint8_t flags) const;

  Mode mode_;
  const Scene& scene_;
  Prng random_;
  Variation vary_;
  std::vector<SegmentTemplate> templates_;
  std::vector<Endpoint> colliding_;
  uint32_t next_ = 0;  // template
  uint32_t count_ = 0;
};

// The options of a Linux SYN (40 octets would be the most), TSval at kLinuxTsOffset of the header.
std::span<const uint8_t> LinuxSynOptions();
inline constexpr uint16_t kLinuxTsOffset = 28;

}  // namespace weir::flood
