// LegitClient: connections as honest clients make them - connect, one request, its echo, close.
#pragma once

#include <cstdint>
#include <vector>

#include "flood/results.h"
#include "flood/tsc_time.h"
#include "stack/stack.h"
#include "weir/handler.h"

namespace weir::flood {

// Connections are begun when the caller says so, however many are under way (open loop). Their
// outcome is counted in the step and the interval that they were meant to begin in.
//
// Thread: the stack's.
class LegitClient : public Handler {
 public:
  struct Options {
    Endpoint target;
    std::vector<IpAddress> sources;  // take turns
    uint32_t request_size = 64;      // octets, 1 to kRequestMax
    uint32_t deadline_ms = 3000;     // then a connection has failed
    uint32_t records = 65536;        // connections at a time whose outcome is not known
  };
  static constexpr uint32_t kRequestMax = 16384;
  static constexpr uint32_t kNoInterval = UINT32_MAX;

  // The arguments outlive the client, and the client outlives the stack's last turn.
  LegitClient(const Options& options, stack::Stack& stack, const TscTime& time, Results& results);

  // Begins one now that was meant to begin at `intended_ns`. The stack's turn with the current time
  // is over; the next one sends the SYN.
  void Begin(int64_t intended_ns, Step& step, uint32_t interval);
  // Those whose outcome is not known.
  uint32_t under_way() const { return under_way_; }

  void OnOpen(Connection c) override;
  void OnData(Connection c, Bytes text) override;
  void OnPeerClosed(Connection c) override { c.Abort(); }  // before its answer was complete
  void OnTimer(Connection c) override;
  void OnClosed(Connection c, CloseReason reason) override;

 private:
  static constexpr uint64_t kDone = 0;  // user(): no record; otherwise its index plus 1

  struct Record {
    int64_t intended_ns = 0;
    Time begun;  // by the stack's clock
    Step* step = nullptr;
    uint32_t interval = 0;
    uint32_t received = 0;
    uint64_t number = 0;
    bool first_syn = false;
  };

  Record* RecordOf(Connection c);
  // Adds to the step's and the interval's counter.
  void Count(const Record& record, uint64_t LegitCounts::*counter);
  // Counts the outcome and forgets the record.
  void Finish(Connection c, const Record& record, uint64_t LegitCounts::*outcome);

  Options options_;
  stack::Stack& stack_;
  const TscTime& time_;
  Results& results_;
  std::vector<Record> records_;
  std::vector<uint32_t> free_;
  std::vector<uint8_t> request_;
  uint64_t number_ = 0;
  uint32_t under_way_ = 0;
};

}  // namespace weir::flood
