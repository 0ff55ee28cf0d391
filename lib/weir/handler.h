// Handler: what an application implements.
#pragma once

#include "weir/connection.h"
#include "weir/worker.h"

namespace weir {

// The callbacks of one listener, or of the connections that this side opens, on one worker. One
// Handler object serves all of them; what belongs to one connection goes into Connection::user().
//
// Thread: always the worker's own. Callbacks come in the event phase of a turn and nowhere else; a
// callback that blocks stops the worker. An exception that leaves a callback ends the process.
//
// Order: OnStart before everything. For each connection OnOpen first, then any of the others,
// OnClosed last and exactly once, also for connections that the application aborted; only a second
// signal to stop ends the process without it. While an open
// of this side waits for its answer, OnTimer and OnSoftError may come before OnOpen; one that fails
// has no OnOpen, only those and OnClosed. Text that arrived before a close or reset is delivered
// first where the protocol allows it.
class Handler {
 public:
  virtual ~Handler() = default;

  // The worker is ready: its addresses may be spoken from. Called once; only for handlers made by a
  // HandlerFactory.
  virtual void OnStart(Worker) {}
  // The timer of Worker::SetTimer.
  virtual void OnWorkerTimer(Worker) {}

  // The handshake is complete - or, where the listener has `fast_open`, a client that is known has
  // begun it.
  virtual void OnOpen(Connection) {}
  // Text in order. It is valid during the call only, never empty, and - unless the listener sets
  // `deliver_when_full` - never longer than what Send takes at that moment, so that an echo loses
  // nothing. The same text is never delivered twice, but for what Connection::Pause left unread;
  // with ListenOptions::fast_open another connection may bring it again.
  virtual void OnData(Connection c, Bytes text) = 0;
  // Send has room again after it took less than it was given.
  virtual void OnWritable(Connection) {}
  // The peer sent FIN: no more text will come; sending still works. The default closes our side
  // after everything accepted so far has been sent.
  virtual void OnPeerClosed(Connection c) { c.Close(); }
  // The connection is gone; the handle is valid for user(), remote() and local() during this call.
  // kRefused, kUnreachable and kTimedOut without OnOpen before it: it could not be opened.
  virtual void OnClosed(Connection, CloseReason) {}
  // The peer has marked text as urgent, or more of it: Info().urgent octets from the next OnData
  // on. The text itself comes in its place in the stream (RFC 9293 3.8.5, MUST-32); a mark that
  // runs ahead of all text may be told more than once. SHLD-13: new protocols should not use this.
  virtual void OnUrgent(Connection) {}
  // Trouble that need not be the end: the path or the peer does not answer (R1, SHLD-9), or a
  // router says so (MUST-47, SHLD-25). Not called where `soft_errors` is false.
  virtual void OnSoftError(Connection, SoftError) {}
  // The timer of Connection::SetTimer.
  virtual void OnTimer(Connection) {}
};

}  // namespace weir
