// weir::Connection: each call finds the control block by its generation and asks the engine.
#include "weir/connection.h"

#include "tcp/engine.h"

namespace weir {
namespace {

tcp::Tcb* Find(tcp::Engine* engine, uint32_t index, uint32_t generation) {
  return engine == nullptr ? nullptr : engine->Find(index, generation);
}

}  // namespace

bool Connection::alive() const { return Find(engine_, index_, generation_) != nullptr; }

Worker Connection::worker() const { return engine_ == nullptr ? Worker() : engine_->worker(); }

size_t Connection::Send(Bytes text) {
  tcp::Tcb* c = Find(engine_, index_, generation_);
  return c == nullptr ? 0 : engine_->Send(*c, text);
}

bool Connection::SendOwned(Bytes text, ReleaseFunction release, void* context) {
  tcp::Tcb* c = Find(engine_, index_, generation_);
  return c != nullptr && engine_->SendOwned(*c, text, release, context);
}

size_t Connection::send_room() const {
  const tcp::Tcb* c = Find(engine_, index_, generation_);
  return c == nullptr ? 0 : engine_->SendRoom(*c);
}

void Connection::Pause(size_t unread) {
  if (tcp::Tcb* c = Find(engine_, index_, generation_)) engine_->Pause(*c, unread);
}

void Connection::Resume() {
  if (tcp::Tcb* c = Find(engine_, index_, generation_)) engine_->Resume(*c);
}

void Connection::Shutdown() {
  if (tcp::Tcb* c = Find(engine_, index_, generation_)) engine_->Shutdown(*c);
}

void Connection::Close() {
  if (tcp::Tcb* c = Find(engine_, index_, generation_)) engine_->Close(*c);
}

void Connection::Abort() {
  if (tcp::Tcb* c = Find(engine_, index_, generation_)) engine_->Abort(*c, CloseReason::kAborted);
}

void Connection::SetTimer(uint32_t milliseconds) {
  if (tcp::Tcb* c = Find(engine_, index_, generation_)) engine_->SetTimer(*c, milliseconds);
}

uint64_t Connection::user() const {
  const tcp::Tcb* c = Find(engine_, index_, generation_);
  return c == nullptr ? 0 : c->user;
}

void Connection::set_user(uint64_t value) {
  if (tcp::Tcb* c = Find(engine_, index_, generation_)) c->user = value;
}

absl::Status Connection::Configure(const ConnectionOptions& options) {
  tcp::Tcb* c = Find(engine_, index_, generation_);
  if (c == nullptr) return absl::NotFoundError("the connection is gone");
  return engine_->Configure(*c, options);
}

bool Connection::SetNoDelay(bool on) { return Configure({.no_delay = on}).ok(); }

bool Connection::SetKeepAlive(bool on) { return Configure({.keep_alive = on}).ok(); }

bool Connection::SetCork(bool on) {
  tcp::Tcb* c = Find(engine_, index_, generation_);
  if (c != nullptr) engine_->SetCork(*c, on);
  return c != nullptr;
}

Endpoint Connection::remote() const {
  const tcp::Tcb* c = Find(engine_, index_, generation_);
  return c == nullptr ? Endpoint{} : engine_->Remote(*c);
}

Endpoint Connection::local() const {
  const tcp::Tcb* c = Find(engine_, index_, generation_);
  return c == nullptr ? Endpoint{} : engine_->Local(*c);
}

ConnectionInfo Connection::Info() const {
  const tcp::Tcb* c = Find(engine_, index_, generation_);
  return c == nullptr ? ConnectionInfo{} : engine_->Info(*c);
}

const char* TcpStateName(TcpState state) {
  switch (state) {
    case TcpState::kClosed:
      return "CLOSED";
    case TcpState::kListen:
      return "LISTEN";
    case TcpState::kSynSent:
      return "SYN-SENT";
    case TcpState::kSynReceived:
      return "SYN-RECEIVED";
    case TcpState::kEstablished:
      return "ESTABLISHED";
    case TcpState::kFinWait1:
      return "FIN-WAIT-1";
    case TcpState::kFinWait2:
      return "FIN-WAIT-2";
    case TcpState::kCloseWait:
      return "CLOSE-WAIT";
    case TcpState::kClosing:
      return "CLOSING";
    case TcpState::kLastAck:
      return "LAST-ACK";
    case TcpState::kTimeWait:
      return "TIME-WAIT";
  }
  return "?";
}

const char* SoftErrorText(SoftError error) {
  switch (error) {
    case SoftError::kNone:
      return "none";
    case SoftError::kNoAnswer:
      return "no answer";
    case SoftError::kUnreachable:
      return "unreachable";
    case SoftError::kRefusedByHost:
      return "refused by the host";
    case SoftError::kProhibited:
      return "prohibited";
    case SoftError::kTimeExceeded:
      return "time exceeded";
    case SoftError::kParameterProblem:
      return "parameter problem";
    case SoftError::kPacketTooBig:
      return "packet too big";
  }
  return "?";
}

const char* CloseReasonText(CloseReason reason) {
  switch (reason) {
    case CloseReason::kNormal:
      return "closed";
    case CloseReason::kAborted:
      return "aborted";
    case CloseReason::kReset:
      return "reset by peer";
    case CloseReason::kRefused:
      return "refused";
    case CloseReason::kTimedOut:
      return "timed out";
    case CloseReason::kUnreachable:
      return "unreachable";
    case CloseReason::kNoResources:
      return "out of resources";
    case CloseReason::kShutdown:
      return "server stopped";
    case CloseReason::kTooSlow:
      return "too slow";
  }
  return "?";
}

}  // namespace weir
