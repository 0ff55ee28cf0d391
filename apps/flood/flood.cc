// One maker for each mode.
#include "flood/flood.h"

#include <algorithm>

#include "base/check.h"

namespace weir::flood {

Flood::Flood(const std::vector<Mode>& modes, Scene scene, uint32_t peers, uint64_t seed)
    : scene_(std::make_unique<Scene>(std::move(scene))) {
  const uint32_t groups = static_cast<uint32_t>(std::count_if(
      modes.begin(), modes.end(), [](Mode mode) { return InfoOf(mode).made == MadeBy::kPeers; }));
  uint32_t group = 0;
  makers_.reserve(modes.size());
  for (const Mode mode : modes) {
    WEIR_CHECK(HasFamily(mode, scene_->target.address.is_v4()));
    ++seed;
    switch (InfoOf(mode).made) {
      case MadeBy::kSegment:
        makers_.emplace_back(std::in_place_type<SegmentMaker>, mode, *scene_, seed);
        break;
      case MadeBy::kPacket:
        makers_.emplace_back(std::in_place_type<PacketMaker>, mode, *scene_, seed);
        break;
      case MadeBy::kPeers: {
        const uint32_t most = std::min(peers, scene_->sources.peers_max()) / groups;
        makers_.emplace_back(std::in_place_type<Peers>, mode, *scene_, std::max(most, 1u), group++,
                             groups, seed);
        hosts_ = std::max(most, 1u) * groups;
        break;
      }
    }
  }
}

uint16_t Flood::Make(uint8_t* out, Time now) {
  auto& maker = makers_[next_];
  if (++next_ == makers_.size()) next_ = 0;
  if (auto* segments = std::get_if<SegmentMaker>(&maker)) return segments->Make(out);
  if (auto* packets = std::get_if<PacketMaker>(&maker)) return packets->Make(out);
  return std::get<Peers>(maker).Make(out, now);
}

std::optional<uint16_t> Flood::Receive(uint32_t host, const wire::Frame& frame, uint8_t* out,
                                       Time now) {
  for (auto& maker : makers_) {
    auto* peers = std::get_if<Peers>(&maker);
    if (peers == nullptr) continue;
    if (const auto answer = peers->Receive(host, frame, out, now)) return answer;
  }
  return std::nullopt;
}

bool Flood::HasHost(const IpAddress& address) const {
  const auto host = scene_->sources.PeerIndex(address);
  return host && *host < hosts_;
}

uint64_t Flood::handshakes() const {
  uint64_t sum = 0;
  for (const auto& maker : makers_) {
    if (const auto* peers = std::get_if<Peers>(&maker)) sum += peers->handshakes();
  }
  return sum;
}

uint64_t Flood::replays_taken() const {
  uint64_t sum = 0;
  for (const auto& maker : makers_) {
    if (const auto* peers = std::get_if<Peers>(&maker)) sum += peers->replays_taken();
  }
  return sum;
}

}  // namespace weir::flood
