// EstablishedFlows: connections that were there before the flood and keep asking during it.
#pragma once

#include <cstdint>
#include <vector>

#include "flood/results.h"
#include "flood/tsc_time.h"
#include "stack/stack.h"
#include "weir/handler.h"

namespace weir::flood {

// Requests are sent when the caller says so, by one flow after another (open loop); each is echoed.
//
// Thread: the stack's.
class EstablishedFlows : public Handler {
 public:
  struct Options {
    Endpoint target;
    std::vector<IpAddress> sources;  // take turns
    uint32_t flows = 0;
    uint32_t request_size = 64;  // octets
  };

  // The arguments outlive this, and this outlives the stack's last turn.
  EstablishedFlows(const Options& options, stack::Stack& stack, const TscTime& time,
                   Results& results);

  // Begins to open the next flow; false when all were begun, or the stack refused.
  bool OpenNext();
  uint32_t open() const { return open_; }
  // Our ends of those that are open.
  std::vector<Endpoint> Ends() const;

  // Where from here on is counted.
  void CountIn(Step& step, uint32_t interval) {
    step_ = &step;
    interval_ = interval;
  }
  // One request that was meant to be sent at `intended_ns`.
  void Request(int64_t intended_ns);
  // Ends all of them, which counts as nothing.
  void CloseAll();

  void OnOpen(Connection c) override;
  void OnData(Connection c, Bytes text) override;
  void OnClosed(Connection c, CloseReason reason) override;

 private:
  static constexpr uint32_t kUnansweredMax = 32;

  struct Flow {
    Connection connection;
    bool open = false;
    uint64_t sent = 0;      // octets
    uint64_t received = 0;  // octets
    uint64_t asked = 0;     // requests
    uint64_t answered = 0;
    int64_t intended_ns[kUnansweredMax] = {};  // of request n, at n % kUnansweredMax
  };

  Options options_;
  stack::Stack& stack_;
  const TscTime& time_;
  Results& results_;
  std::vector<Flow> flows_;
  std::vector<uint8_t> request_;
  uint32_t begun_ = 0;
  uint32_t open_ = 0;
  uint32_t next_ = 0;
  bool closing_ = false;
  Step* step_ = nullptr;
  uint32_t interval_ = 0;
};

}  // namespace weir::flood
