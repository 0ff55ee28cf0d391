// One connection's life, and its place in the counts.
#include "flood/legit_client.h"

#include "flood/pattern.h"

namespace weir::flood {
namespace {

// A SYN that is answered in less than this has not been sent again.
constexpr uint32_t kSynTimeoutMs = 1000;
constexpr int64_t kLateNs = 1000000;
constexpr int64_t kSecondNs = 1000000000;

}  // namespace

LegitClient::LegitClient(const Options& options, stack::Stack& stack, const TscTime& time,
                         Results& results)
    : options_(options),
      stack_(stack),
      time_(time),
      results_(results),
      records_(options.records),
      request_(options.request_size) {
  free_.reserve(options.records);
  for (uint32_t i = options.records; i > 0; --i) free_.push_back(i - 1);
}

void LegitClient::Begin(int64_t intended_ns, Step& step, uint32_t interval) {
  Record record;
  record.intended_ns = intended_ns;
  record.begun = stack_.now();
  record.step = &step;
  record.interval = interval;
  record.number = number_++;
  Count(record, &LegitCounts::attempts);
  if (time_.Now() - intended_ns > kLateNs) Count(record, &LegitCounts::late);
  if (free_.empty()) return Count(record, &LegitCounts::not_begun);
  ConnectOptions connect;
  connect.remote = options_.target;
  connect.source = options_.sources[record.number % options_.sources.size()];
  connect.connection.rto_initial_ms = kSynTimeoutMs;
  // We close first; were the record kept for a minute, ports would run out before it is over.
  connect.connection.time_wait_ms = 1;
  const auto connection = stack_.Connect(connect, *this);
  if (!connection.ok()) return Count(record, &LegitCounts::not_begun);
  Connection c = *connection;
  c.SetTimer(options_.deadline_ms);
  const uint32_t index = free_.back();
  free_.pop_back();
  records_[index] = record;
  c.set_user(index + 1u);
  ++under_way_;
}

LegitClient::Record* LegitClient::RecordOf(Connection c) {
  const uint64_t user = c.user();
  return user == kDone ? nullptr : &records_[user - 1];
}

void LegitClient::Count(const Record& record, uint64_t LegitCounts::*counter) {
  ++(record.step->legit.*counter);
  if (record.interval != kNoInterval) ++(results_.intervals[record.interval].legit.*counter);
}

void LegitClient::Finish(Connection c, const Record& record, uint64_t LegitCounts::*outcome) {
  Count(record, outcome);
  free_.push_back(static_cast<uint32_t>(c.user() - 1));
  --under_way_;
  c.set_user(kDone);
}

void LegitClient::OnOpen(Connection c) {
  Record* record = RecordOf(c);
  if (record == nullptr) return;
  record->first_syn = stack_.now() - record->begun < Milliseconds(kSynTimeoutMs);
  record->step->connect_ns.Add(static_cast<uint64_t>(time_.Now() - record->intended_ns));
  FillPattern(request_, record->number, 0);
  if (c.Send(request_) == request_.size()) return;
  Finish(c, *record, &LegitCounts::other);
  c.Abort();
}

void LegitClient::OnData(Connection c, Bytes text) {
  Record* record = RecordOf(c);
  if (record == nullptr) return;
  const bool right = record->received + text.size() <= options_.request_size &&
                     IsPattern(text, record->number, record->received);
  if (!right) {
    Finish(c, *record, &LegitCounts::corrupt);
    c.Abort();
    return;
  }
  record->received += static_cast<uint32_t>(text.size());
  if (record->received < options_.request_size) return;
  const int64_t took_ns = time_.Now() - record->intended_ns;
  record->step->answer_ns.Add(static_cast<uint64_t>(took_ns));
  if (record->first_syn) Count(*record, &LegitCounts::first_syn);
  if (took_ns <= kSecondNs) Count(*record, &LegitCounts::within_1s);
  Finish(c, *record, &LegitCounts::answered);
  c.Close();
}

void LegitClient::OnTimer(Connection c) {
  Record* record = RecordOf(c);
  if (record == nullptr) return;
  Finish(c, *record, &LegitCounts::timed_out);
  c.Abort();
}

void LegitClient::OnClosed(Connection c, CloseReason reason) {
  Record* record = RecordOf(c);
  if (record == nullptr) return;
  switch (reason) {
    case CloseReason::kRefused:
      return Finish(c, *record, &LegitCounts::refused);
    case CloseReason::kReset:
      return Finish(c, *record, &LegitCounts::reset);
    case CloseReason::kTimedOut:
      return Finish(c, *record, &LegitCounts::timed_out);
    default:
      return Finish(c, *record, &LegitCounts::other);
  }
}

}  // namespace weir::flood
