// The segment-arrival matrix of RFC 9293 3.10.7: every state, every kind of segment, every place in
// the window, with and without timestamps. Here are the dimensions and what a rule says;
// matrix_rules.cc is the table of rules, to be read beside the RFC; matrix_test.cc makes a test of
// every combination.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/counters.h"
#include "weir/connection.h"

namespace weir::segment {

// Each dimension is a set of bits, so that a rule can name several at once.
enum State : uint16_t {
  kClosed = 1 << 0,  // no listener on the port
  kListen = 1 << 1,
  kSynSent = 1 << 2,
  kSynReceivedPassive = 1 << 3,
  kSynReceivedActive = 1 << 4,  // by a simultaneous open
  // From here on the stack has sent ten octets: unacknowledged, but in FIN-WAIT-2 and TIME-WAIT.
  kEstablished = 1 << 5,
  kFinWait1 = 1 << 6,
  kFinWait2 = 1 << 7,
  kCloseWait = 1 << 8,
  kClosing = 1 << 9,
  kLastAck = 1 << 10,
  kTimeWait = 1 << 11,

  kSynReceived = kSynReceivedPassive | kSynReceivedActive,
  kOpenForText = kEstablished | kFinWait1 | kFinWait2,
  kPeerDone = kCloseWait | kClosing | kLastAck | kTimeWait,
  kSynchronized = kOpenForText | kPeerDone,
  kWithWindow = kSynReceived | kSynchronized,
};

enum Kind : uint16_t {
  kSyn = 1 << 0,
  kSynAck = 1 << 1,
  kSynFin = 1 << 2,
  kRst = 1 << 3,
  kRstAck = 1 << 4,
  // Without ACK, which every segment but the first needs.
  kNone = 1 << 5,  // no flags at all
  kText = 1 << 6,
  kFin = 1 << 7,
  // With an ACK of nothing new, SEG.ACK = SND.UNA.
  kAck = 1 << 8,
  kTextAck = 1 << 9,
  kFinAck = 1 << 10,
  // With an ACK of everything that was sent, SEG.ACK = SND.NXT. So have SYN+ACK and RST+ACK.
  kAckAll = 1 << 11,
  kTextAckAll = 1 << 12,
  kFinAckAll = 1 << 13,
  kAckUnsent = 1 << 14,  // SEG.ACK = SND.NXT + 1
  kAckTooOld = 1 << 15,  // SEG.ACK = SND.UNA - MAX.SND.WND - 1

  kAnySyn = kSyn | kSynAck | kSynFin,
  kAnyRst = kRst | kRstAck,
  kWithoutAck = kNone | kText | kFin,
  kAckOfNothingNew = kAck | kTextAck | kFinAck,
  kAckOfAll = kAckAll | kTextAckAll | kFinAckAll,
  kWrongAck = kAckUnsent | kAckTooOld,
  kWithAck = kSynAck | kAckOfNothingNew | kAckOfAll | kWrongAck,
  kAnyText = kText | kTextAck | kTextAckAll,  // ten octets
  kAnyFin = kFin | kFinAck | kFinAckAll,      // nothing else in the segment
  kEmpty = kNone | kAck | kAckAll | kWrongAck,
  kNoReset = 0xffff & ~kAnyRst,
  kAnyKind = 0xffff,
};

// Where SEG.SEQ lies.
enum Place : uint16_t {
  kExact = 1 << 0,   // RCV.NXT
  kInside = 1 << 1,  // RCV.NXT + 100
  kLeft = 1 << 2,    // RCV.NXT - 50: all of it was received before
  kBefore = 1 << 3,  // RCV.NXT - 1: the SYN again, the FIN again, a keep-alive; text reaches in
  kEdge = 1 << 4,    // RCV.NXT + RCV.WND
  kRight = 1 << 5,   // RCV.NXT + RCV.WND + 100
  // With RCV.WND = 0.
  kZeroExact = 1 << 6,
  kZeroBefore = 1 << 7,  // RCV.NXT - 1
  kZeroBeyond = 1 << 8,  // RCV.NXT + 1

  kZeroWindow = kZeroExact | kZeroBefore | kZeroBeyond,
  kAnyPlace = 0x1ff,
};

// The peer's timestamps; TS.Recent is 1000 where they are on.
enum Stamp : uint16_t {
  kOff = 1 << 0,
  kNewer = 1 << 1,    // TSval 1001
  kOlder = 1 << 2,    // TSval 999: PAWS
  kMissing = 1 << 3,  // agreed on, but not in this segment

  kGoodStamp = kOff | kNewer,
  kAnyStamp = 0xf,
};

enum class Answer : uint8_t {
  kSilence,
  kSendAck,        // <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
  kSendAckLater,   // the same, 40 ms later
  kSendSynAck,     // <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>
  kSendNewSynAck,  // of a new connection, whose ISS lies above everything the old one sent
  kSendRstOfAck,   // <SEQ=SEG.ACK><CTL=RST>
  kSendRstOfSeq,   // <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
};

enum class After : uint8_t {
  kSame,
  kGone,  // CLOSED, and nobody is told: back to LISTEN
  kGoneReset,
  kGoneRefused,
  kGoneNormal,
  kSynReceived,
  kEstablished,
  kFinWait2,
  kCloseWait,
  kClosing,
  kTimeWait,
};

// What becomes of the segment's ten octets.
enum class Text : uint8_t {
  kNotTaken,
  kDelivered,
  kRestDelivered,  // nine of them; the first was received before
  kKept,           // behind a gap
};

// Whatever matches all four sets, and no rule before it, must do this.
struct Rule {
  const char* cite;
  uint16_t states, kinds, places, stamps;
  Answer answer;
  After after = After::kSame;
  Counter drop = Counter::kCount;  // the one counter that says why; kCount = not dropped
  Text text = Text::kNotTaken;
  bool acknowledges = false;  // SND.UNA becomes SEG.ACK, where that is new
  bool restarts = false;      // the 2 MSL of TIME-WAIT begin anew
};

// One combination.
struct Case {
  State state;
  Kind kind;
  Place place;
  Stamp stamp;
  bool v4;

  bool Matches(const Rule& rule) const {
    return (rule.states & state) != 0 && (rule.kinds & kind) != 0 && (rule.places & place) != 0 &&
           (rule.stamps & stamp) != 0;
  }
};

std::span<const Rule> Rules();
// The first rule that matches, or null.
const Rule* RuleFor(const Case& c);

}  // namespace weir::segment
