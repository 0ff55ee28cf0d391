// What RFC 9293 3.10.7, RFC 5961, RFC 7323, RFC 6191 and RFC 1337 say of each arriving segment, in
// the order in which they say it: the first rule that matches decides. Where weir does otherwise
// than the letter, the rule says so and why ("differs:").
#include "segment/matrix.h"

namespace weir::segment {
namespace {

using enum Answer;
using enum Counter;
using T = Text;

constexpr auto kNotDropped = Counter::kCount;
constexpr uint16_t kLengthy = kAnySyn | kAnyText | kAnyFin;  // use sequence space
constexpr uint16_t kInWindow = kExact | kInside;

constexpr Rule kRules[] = {
    // ---------------------------------------------------------------- 3.10.7.1 CLOSED
    {"RFC 9293 3.10.7.1: a RST is discarded", kClosed, kAnyRst, kAnyPlace, kAnyStamp, kSilence,
     After::kSame, kDropTcpNoConnection},
    {"RFC 9293 3.10.7.1: with ACK, a RST that takes its number", kClosed, kWithAck, kAnyPlace,
     kAnyStamp, kSendRstOfAck, After::kSame, kDropTcpNoConnection},
    {"RFC 9293 3.10.7.1: without ACK, a RST that acknowledges all of it", kClosed, kAnyKind,
     kAnyPlace, kAnyStamp, kSendRstOfSeq, After::kSame, kDropTcpNoConnection},

    // ---------------------------------------------------------------- 3.10.7.2 LISTEN
    {"RFC 9293 3.10.7.2 first: a RST is ignored", kListen, kAnyRst, kAnyPlace, kAnyStamp, kSilence,
     After::kSame, kDropTcpListenFlags},
    {"RFC 9293 3.10.7.2 second: any ACK is bad", kListen, kWithAck, kAnyPlace, kAnyStamp,
     kSendRstOfAck, After::kSame, kDropTcpListenAck},
    {"RFC 9293 3.10.7.2 third: SYN", kListen, kSyn, kAnyPlace, kAnyStamp, kSendSynAck,
     After::kSynReceived},
    // differs: the letter would take the SYN and queue the FIN. Nobody sends both in earnest, and
    // filters that look for SYN alone would let it pass.
    {"RFC 9293 3.10.7.2 third: SYN with FIN is dropped", kListen, kSynFin, kAnyPlace, kAnyStamp,
     kSilence, After::kSame, kDropTcpListenFlags},
    {"RFC 9293 3.10.7.2 fourth: anything else is dropped", kListen, kAnyKind, kAnyPlace, kAnyStamp,
     kSilence, After::kSame, kDropTcpListenFlags},

    // ---------------------------------------------------------------- 3.10.7.3 SYN-SENT
    {"RFC 9293 3.10.7.3 first: SEG.ACK =< ISS or > SND.NXT", kSynSent, kAckOfNothingNew | kWrongAck,
     kAnyPlace, kAnyStamp, kSendRstOfAck, After::kSame, kDropTcpSynSent},
    {"RFC 9293 3.10.7.3 second: RST with an acceptable ACK", kSynSent, kRstAck, kAnyPlace,
     kAnyStamp, kSilence, After::kGoneRefused},
    {"RFC 9293 3.10.7.3 second, RFC 5961 3.2: RST without ACK", kSynSent, kRst, kAnyPlace,
     kAnyStamp, kSilence, After::kSame, kDropTcpReset},
    {"RFC 9293 3.10.7.3 fourth: our SYN is acknowledged", kSynSent, kSynAck, kAnyPlace, kAnyStamp,
     kSendAck, After::kEstablished, kNotDropped, T::kNotTaken, true},
    // The FIN of a SYN+FIN is not queued; the peer sends it again.
    {"RFC 9293 3.10.7.3 fourth: simultaneous open, MUST-10", kSynSent, kSyn | kSynFin, kAnyPlace,
     kAnyStamp, kSendSynAck, After::kSynReceived},
    {"RFC 9293 3.10.7.3 fifth: neither SYN nor RST", kSynSent, kAnyKind, kAnyPlace, kAnyStamp,
     kSilence, After::kSame, kDropTcpSynSent},

    // ---------------------------------------------------------------- TIME-WAIT's own doors
    {"RFC 1337 3 F1: RST in TIME-WAIT is ignored", kTimeWait, kAnyRst, kAnyPlace, kAnyStamp,
     kSilence, After::kSame, kDropTcpTimeWait},
    // Text that the application has not read yet holds the record: the peer sends its SYN again.
    {"RFC 6191 3: a newer SYN, while the old text is unread", kTimeWait, kSyn,
     kZeroExact | kZeroBeyond, kGoodStamp | kMissing, kSilence, After::kSame, kDropTcpTimeWait},
    {"RFC 6191 3: a newer timestamp, while the old text is unread", kTimeWait, kSyn, kZeroBefore,
     kNewer, kSilence, After::kSame, kDropTcpTimeWait},
    {"RFC 6191 3: a newer timestamp opens anew", kTimeWait, kSyn, kAnyPlace, kNewer, kSendNewSynAck,
     After::kSynReceived},
    {"RFC 6191 3: without one, a number beyond the old FIN opens anew", kTimeWait, kSyn,
     kExact | kInside | kEdge | kRight, kOff | kMissing, kSendNewSynAck, After::kSynReceived},
    // differs: RFC 6191 is silent here; RFC 9293 3.10.7.4 fourth has an ACK, as Linux.
    {"RFC 6191 3: an old SYN is dropped, RFC 9293 3.10.7.4: and acknowledged", kTimeWait, kSyn,
     kAnyPlace, kAnyStamp, kSendAck, After::kSame, kDropTcpTimeWait},

    // ---------------------------------------------------------------- RFC 7323, before the window
    {"RFC 7323 3.2: a segment without the timestamp is dropped in silence", kWithWindow,
     kNoReset & ~kAnySyn, kAnyPlace, kMissing, kSilence, After::kSame, kDropTcpNoTimestamp},
    {"RFC 7323 5.3 R1: PAWS", kWithWindow, kNoReset, kAnyPlace, kOlder, kSendAck, After::kSame,
     kDropTcpPaws},

    // ---------------------------------------------------------------- first: the sequence number
    // differs: by the letter an ACK, which tells a peer in SYN-SENT nothing. As Linux.
    {"RFC 9293 3.10.7.4 first: the same SYN again, so our SYN-ACK was lost", kSynReceived,
     kSyn | kSynFin, kBefore, kAnyStamp, kSendSynAck, After::kSame, kDropTcpSyn},
    {"RFC 9293 3.5 figure 8: SYN-ACK completes a simultaneous open", kSynReceivedActive, kSynAck,
     kBefore, kAnyStamp, kSilence, After::kEstablished, kNotDropped, T::kNotTaken, true},
    {"RFC 9293 3.10.7.4 first, RFC 5961 3.2: RST outside the window", kWithWindow, kAnyRst,
     kLeft | kBefore | kEdge | kRight | kZeroBefore | kZeroBeyond, kAnyStamp, kSilence,
     After::kSame, kDropTcpReset},
    {"RFC 9293 3.10.7.4 first and eighth: the peer's FIN again", kTimeWait, kAnyFin,
     kBefore | kZeroBefore, kAnyStamp, kSendAck, After::kSame, kDropTcpDuplicate, T::kNotTaken,
     false, true},
    {"RFC 9293 3.10.7.4 first: all of it left of the window", kWithWindow, kLengthy, kLeft,
     kAnyStamp, kSendAck, After::kSame, kDropTcpDuplicate},
    {"RFC 9293 3.10.7.4 first: its only octet left of the window", kWithWindow,
     kSyn | kSynAck | kAnyFin, kBefore | kZeroBefore, kAnyStamp, kSendAck, After::kSame,
     kDropTcpDuplicate},
    {"RFC 9293 3.10.7.4 first: empty, left of the window (a keep-alive)", kWithWindow, kEmpty,
     kLeft | kBefore | kZeroBefore, kAnyStamp, kSendAck, After::kSame, kDropTcpSequence},
    {"RFC 9293 3.10.7.4 first: right of the window", kWithWindow, kAnyKind, kRight | kZeroBeyond,
     kAnyStamp, kSendAck, After::kSame, kDropTcpSequence},
    {"RFC 9293 3.10.7.4 first: begins at the right edge", kWithWindow, kLengthy, kEdge, kAnyStamp,
     kSendAck, After::kSame, kDropTcpSequence},
    {"RFC 9293 3.10.7.4 first: no text is acceptable at window zero", kWithWindow, kLengthy,
     kZeroBefore, kAnyStamp, kSendAck, After::kSame, kDropTcpSequence},
    // differs: what is empty and at the right edge goes on. A peer that has filled the window and
    // lost a segment of it sends its ACKs from there. As Linux.

    // ---------------------------------------------------------------- second: RST
    {"RFC 9293 3.10.7.4 second, MUST-11: a passive open returns to LISTEN", kSynReceivedPassive,
     kAnyRst, kExact, kAnyStamp, kSilence, After::kGone},
    {"RFC 9293 3.10.7.4 second, MUST-11: an active open is refused", kSynReceivedActive, kAnyRst,
     kExact, kAnyStamp, kSilence, After::kGoneRefused},
    {"RFC 5961 3.2, MUST-66: RST exactly at RCV.NXT, even at window zero", kSynchronized, kAnyRst,
     kExact | kZeroExact, kAnyStamp, kSilence, After::kGoneReset},
    {"RFC 5961 3.2: RST elsewhere in the window is challenged", kWithWindow, kAnyRst, kInside,
     kAnyStamp, kSendAck, After::kSame, kDropTcpReset},

    // ---------------------------------------------------------------- fourth: SYN
    {"RFC 9293 3.10.7.4 fourth: a passive open returns to LISTEN", kSynReceivedPassive, kAnySyn,
     kInWindow | kBefore, kAnyStamp, kSilence, After::kGone, kDropTcpSyn},
    {"RFC 5961 4.2: SYN is challenged", kWithWindow, kAnySyn, kAnyPlace, kAnyStamp, kSendAck,
     After::kSame, kDropTcpSyn},

    // ---------------------------------------------------------------- fifth: ACK
    // differs: at window zero the letter has an ACK for the text. Without ACK it is no probe. As
    // Linux.
    {"RFC 9293 3.10.7.4 fifth: without ACK, dropped", kWithWindow, kWithoutAck, kAnyPlace,
     kAnyStamp, kSilence, After::kSame, kDropTcpNoAck},
    {"RFC 9293 3.10.7.4 fifth: SEG.ACK not in (SND.UNA, SND.NXT]", kSynReceived,
     kAckOfNothingNew | kWrongAck, kAnyPlace, kAnyStamp, kSendRstOfAck, After::kSame, kDropTcpAck},
    {"RFC 9293 3.10.7.4 fifth: SEG.ACK > SND.NXT", kSynchronized, kAckUnsent, kAnyPlace, kAnyStamp,
     kSendAck, After::kSame, kDropTcpAck},
    {"RFC 5961 5.2, MAY-12: SEG.ACK < SND.UNA - MAX.SND.WND", kSynchronized, kAckTooOld, kAnyPlace,
     kAnyStamp, kSendAck, After::kSame, kDropTcpAck},
    {"RFC 9293 3.10.7.4 fifth: SYN-RECEIVED becomes ESTABLISHED", kSynReceived, kAckAll, kAnyPlace,
     kAnyStamp, kSilence, After::kEstablished, kNotDropped, T::kNotTaken, true},
    {"RFC 9293 3.10.7.4 fifth: our FIN is acknowledged", kFinWait1, kAckAll, kAnyPlace, kAnyStamp,
     kSilence, After::kFinWait2, kNotDropped, T::kNotTaken, true},
    {"RFC 9293 3.10.7.4 fifth: CLOSING becomes TIME-WAIT", kClosing, kAckAll, kAnyPlace, kAnyStamp,
     kSilence, After::kTimeWait, kNotDropped, T::kNotTaken, true},
    {"RFC 9293 3.10.7.4 fifth: LAST-ACK ends, and nothing else of the segment counts", kLastAck,
     kAckOfAll, kAnyPlace, kAnyStamp, kSilence, After::kGoneNormal, kNotDropped, T::kNotTaken,
     true},
    {"RFC 9293 3.10.7.4 fifth: an ACK", kSynchronized, kAck | kAckAll, kAnyPlace, kAnyStamp,
     kSilence, After::kSame, kNotDropped, T::kNotTaken, true},

    // ---------------------------------------------------------------- seventh: the text
    {"RFC 9293 3.10.7.4 seventh: text with the third ACK", kSynReceived, kTextAckAll, kExact,
     kAnyStamp, kSendAckLater, After::kEstablished, kNotDropped, T::kDelivered, true},
    {"RFC 9293 3.10.7.4 first: what was received before is cut off", kSynReceived, kTextAckAll,
     kBefore, kAnyStamp, kSendAck, After::kEstablished, kNotDropped, T::kRestDelivered, true},
    {"RFC 9293 3.10.7.4 seventh, SHLD-31: text behind a gap", kSynReceived, kTextAckAll, kInside,
     kAnyStamp, kSendAck, After::kEstablished, kNotDropped, T::kKept, true},
    {"RFC 9293 3.10.7.4 seventh, SHLD-18: text is delivered", kEstablished | kFinWait2,
     kTextAck | kTextAckAll, kExact, kAnyStamp, kSendAckLater, After::kSame, kNotDropped,
     T::kDelivered, true},
    {"RFC 9293 3.10.7.4 seventh: text is delivered", kFinWait1, kTextAck, kExact, kAnyStamp,
     kSendAckLater, After::kSame, kNotDropped, T::kDelivered},
    {"RFC 9293 3.10.7.4 fifth and seventh: FIN-WAIT-2, and text", kFinWait1, kTextAckAll, kExact,
     kAnyStamp, kSendAckLater, After::kFinWait2, kNotDropped, T::kDelivered, true},
    {"RFC 9293 3.10.7.4 first: what was received before is cut off", kEstablished | kFinWait2,
     kTextAck | kTextAckAll, kBefore, kAnyStamp, kSendAck, After::kSame, kNotDropped,
     T::kRestDelivered, true},
    {"RFC 9293 3.10.7.4 first: what was received before is cut off", kFinWait1, kTextAck, kBefore,
     kAnyStamp, kSendAck, After::kSame, kNotDropped, T::kRestDelivered},
    {"RFC 9293 3.10.7.4 first and fifth: FIN-WAIT-2, and the rest", kFinWait1, kTextAckAll, kBefore,
     kAnyStamp, kSendAck, After::kFinWait2, kNotDropped, T::kRestDelivered, true},
    {"RFC 5681 4.2, SHLD-31, MAY-13: text behind a gap", kEstablished | kFinWait2,
     kTextAck | kTextAckAll, kInside, kAnyStamp, kSendAck, After::kSame, kNotDropped, T::kKept,
     true},
    {"RFC 5681 4.2, SHLD-31: text behind a gap", kFinWait1, kTextAck, kInside, kAnyStamp, kSendAck,
     After::kSame, kNotDropped, T::kKept},
    {"RFC 5681 4.2, SHLD-31: FIN-WAIT-2, and text behind a gap", kFinWait1, kTextAckAll, kInside,
     kAnyStamp, kSendAck, After::kFinWait2, kNotDropped, T::kKept, true},
    // At window zero the ACK counts and the text does not.
    {"RFC 9293 3.10.7.4 first, MUST-66: FIN-WAIT-2, and no text", kFinWait1, kTextAckAll,
     kZeroExact, kAnyStamp, kSendAck, After::kFinWait2, kNotDropped, T::kNotTaken, true},
    {"RFC 9293 3.10.7.4 first, MUST-66: TIME-WAIT, and no text", kClosing, kTextAckAll, kZeroExact,
     kAnyStamp, kSendAck, After::kTimeWait, kNotDropped, T::kNotTaken, true},
    {"RFC 9293 3.10.7.4 first, MUST-66: no text at window zero", kSynchronized,
     kTextAck | kTextAckAll, kZeroExact, kAnyStamp, kSendAck, After::kSame, kNotDropped,
     T::kNotTaken, true},
    // After the peer's FIN there is no text.
    {"RFC 9293 3.10.7.4 seventh: ignored after the FIN; the part before it is acknowledged again",
     kCloseWait | kLastAck | kTimeWait, kTextAck | kTextAckAll, kBefore, kAnyStamp, kSendAck,
     After::kSame, kDropTcpAfterClose, T::kNotTaken, true},
    {"RFC 9293 3.10.7.4 seventh: ignored after the FIN", kCloseWait | kLastAck | kTimeWait,
     kTextAck | kTextAckAll, kInWindow, kAnyStamp, kSilence, After::kSame, kDropTcpAfterClose,
     T::kNotTaken, true},
    {"RFC 9293 3.10.7.4 seventh: ignored after the FIN; the part before it is acknowledged again",
     kClosing, kTextAck, kBefore, kAnyStamp, kSendAck, After::kSame, kDropTcpAfterClose},
    {"RFC 9293 3.10.7.4 seventh: ignored after the FIN", kClosing, kTextAck, kInWindow, kAnyStamp,
     kSilence, After::kSame, kDropTcpAfterClose},
    {"RFC 9293 3.10.7.4 fifth and seventh: TIME-WAIT, text ignored", kClosing, kTextAckAll, kBefore,
     kAnyStamp, kSendAck, After::kTimeWait, kDropTcpAfterClose, T::kNotTaken, true},
    {"RFC 9293 3.10.7.4 fifth and seventh: TIME-WAIT, text ignored", kClosing, kTextAckAll,
     kInWindow, kAnyStamp, kSilence, After::kTimeWait, kDropTcpAfterClose, T::kNotTaken, true},

    // ---------------------------------------------------------------- eighth: FIN
    {"RFC 9293 3.10.7.4 fifth and eighth: FIN with the third ACK", kSynReceived, kFinAckAll, kExact,
     kAnyStamp, kSendAck, After::kCloseWait, kNotDropped, T::kNotTaken, true},
    {"RFC 9293 3.10.7.4 fifth: ESTABLISHED; the FIN waits for the gap", kSynReceived, kFinAckAll,
     kInside, kAnyStamp, kSendAck, After::kEstablished, kNotDropped, T::kNotTaken, true},
    // differs: at window zero the letter has no room for a FIN. It takes none of the buffer. As
    // Linux.
    {"RFC 9293 3.10.7.4 eighth: CLOSE-WAIT", kEstablished, kFinAck | kFinAckAll,
     kExact | kZeroExact, kAnyStamp, kSendAck, After::kCloseWait, kNotDropped, T::kNotTaken, true},
    {"RFC 9293 3.10.7.4 eighth: CLOSING", kFinWait1, kFinAck, kExact | kZeroExact, kAnyStamp,
     kSendAck, After::kClosing},
    {"RFC 9293 3.10.7.4 fifth and eighth: FIN that acknowledges ours", kFinWait1, kFinAckAll,
     kExact | kZeroExact, kAnyStamp, kSendAck, After::kTimeWait, kNotDropped, T::kNotTaken, true},
    {"RFC 9293 3.10.7.4 eighth: TIME-WAIT", kFinWait2, kFinAck | kFinAckAll, kExact | kZeroExact,
     kAnyStamp, kSendAck, After::kTimeWait, kNotDropped, T::kNotTaken, true},
    {"RFC 9293 3.10.7.4 eighth: a FIN behind a gap waits for it", kEstablished | kFinWait2,
     kFinAck | kFinAckAll, kInside, kAnyStamp, kSendAck, After::kSame, kNotDropped, T::kNotTaken,
     true},
    {"RFC 9293 3.10.7.4 eighth: a FIN behind a gap waits for it", kFinWait1, kFinAck, kInside,
     kAnyStamp, kSendAck},
    {"RFC 9293 3.10.7.4 fifth: FIN-WAIT-2; the FIN waits for the gap", kFinWait1, kFinAckAll,
     kInside, kAnyStamp, kSendAck, After::kFinWait2, kNotDropped, T::kNotTaken, true},
    {"RFC 9293 3.10.7.4 fifth and eighth: CLOSING becomes TIME-WAIT", kClosing, kFinAckAll,
     kInWindow | kZeroExact, kAnyStamp, kSendAck, After::kTimeWait, kNotDropped, T::kNotTaken,
     true},
    // differs: the letter restarts TIME-WAIT for any FIN. The peer has only one, at RCV.NXT - 1.
    {"RFC 9293 3.10.7.4 eighth: another FIN is acknowledged and changes nothing", kPeerDone,
     kFinAck | kFinAckAll, kInWindow | kZeroExact, kAnyStamp, kSendAck, After::kSame, kNotDropped,
     T::kNotTaken, true},
};

}  // namespace

std::span<const Rule> Rules() { return kRules; }

const Rule* RuleFor(const Case& c) {
  for (const Rule& rule : kRules) {
    if (c.Matches(rule)) return &rule;
  }
  return nullptr;
}

}  // namespace weir::segment
