// Requests and answers of the flows.
#include "flood/established_flows.h"

#include "flood/pattern.h"

namespace weir::flood {

EstablishedFlows::EstablishedFlows(const Options& options, stack::Stack& stack, const TscTime& time,
                                   Results& results)
    : options_(options),
      stack_(stack),
      time_(time),
      results_(results),
      flows_(options.flows),
      request_(options.request_size) {}

bool EstablishedFlows::OpenNext() {
  if (begun_ == flows_.size()) return false;
  ConnectOptions connect;
  connect.remote = options_.target;
  connect.source = options_.sources[begun_ % options_.sources.size()];
  connect.connection.no_delay = true;
  auto connection = stack_.Connect(connect, *this);
  if (!connection.ok()) return false;
  flows_[begun_].connection = *connection;
  connection->set_user(begun_);
  ++begun_;
  return true;
}

std::vector<Endpoint> EstablishedFlows::Ends() const {
  std::vector<Endpoint> ends;
  for (const Flow& flow : flows_) {
    if (flow.open) ends.push_back(flow.connection.local());
  }
  return ends;
}

void EstablishedFlows::Request(int64_t intended_ns) {
  if (flows_.empty() || step_ == nullptr) return;
  Flow& flow = flows_[next_];
  const uint32_t number = next_;
  if (++next_ == flows_.size()) next_ = 0;
  ++step_->established.requests;
  const bool room = flow.open && flow.asked - flow.answered < kUnansweredMax &&
                    flow.connection.send_room() >= request_.size();
  if (!room) {
    ++step_->established.stalled;
    return;
  }
  FillPattern(request_, number, flow.sent);
  flow.sent += flow.connection.Send(request_);
  flow.intended_ns[flow.asked++ % kUnansweredMax] = intended_ns;
}

void EstablishedFlows::CloseAll() {
  closing_ = true;
  for (Flow& flow : flows_) flow.connection.Close();
}

void EstablishedFlows::OnOpen(Connection c) {
  flows_[c.user()].open = true;
  ++open_;
}

void EstablishedFlows::OnData(Connection c, Bytes text) {
  Flow& flow = flows_[c.user()];
  if (step_ == nullptr) return;
  if (!IsPattern(text, c.user(), flow.received)) {
    ++step_->established.corrupt;
    c.Abort();
    return;
  }
  flow.received += text.size();
  step_->established.octets += text.size();
  results_.intervals[interval_].established_octets += text.size();
  const int64_t now_ns = time_.Now();
  while (flow.received >= (flow.answered + 1) * request_.size()) {
    const int64_t intended_ns = flow.intended_ns[flow.answered++ % kUnansweredMax];
    step_->established_ns.Add(static_cast<uint64_t>(now_ns - intended_ns));
    ++step_->established.answers;
  }
}

void EstablishedFlows::OnClosed(Connection c, CloseReason) {
  Flow& flow = flows_[c.user()];
  if (!flow.open) return;
  flow.open = false;
  --open_;
  if (closing_ || step_ == nullptr) return;
  ++step_->established.resets;
  ++results_.intervals[interval_].resets_of_flows;
}

}  // namespace weir::flood
