// A test of every combination of the matrix: brings a connection into the state, lets the segment
// arrive, and holds the answer, the new state, the text, what the application heard and the drop
// counters against the rule.
#include <gtest/gtest.h>

#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "segment/matrix.h"
#include "segment/rig.h"

namespace weir::segment {
namespace {

constexpr uint32_t kTextSize = 10;
constexpr uint32_t kSentSize = 10;
constexpr uint16_t kWindow = 65535;
constexpr uint32_t kSmallBuffer = 2048;  // what is filled for a window of zero
constexpr uint32_t kRecent = 1000;       // the peer's TSval so far
constexpr int32_t kDelayedAckMs = 40;
constexpr uint32_t kTimeWaitMs = 60000;
constexpr int32_t kTimeWaitPassedMs = 1000;

using Names = std::span<const std::pair<int, const char*>>;

constexpr std::pair<int, const char*> kStateNames[] = {
    {kClosed, "Closed"},
    {kListen, "Listen"},
    {kSynSent, "SynSent"},
    {kSynReceivedPassive, "SynReceivedPassive"},
    {kSynReceivedActive, "SynReceivedActive"},
    {kEstablished, "Established"},
    {kFinWait1, "FinWait1"},
    {kFinWait2, "FinWait2"},
    {kCloseWait, "CloseWait"},
    {kClosing, "Closing"},
    {kLastAck, "LastAck"},
    {kTimeWait, "TimeWait"},
};
constexpr std::pair<int, const char*> kKindNames[] = {
    {kSyn, "Syn"},
    {kSynAck, "SynAck"},
    {kSynFin, "SynFin"},
    {kRst, "Rst"},
    {kRstAck, "RstAck"},
    {kNone, "NoFlags"},
    {kText, "TextWithoutAck"},
    {kFin, "FinWithoutAck"},
    {kAck, "Ack"},
    {kTextAck, "Text"},
    {kFinAck, "Fin"},
    {kAckAll, "AckOfAll"},
    {kTextAckAll, "TextAndAckOfAll"},
    {kFinAckAll, "FinAndAckOfAll"},
    {kAckUnsent, "AckOfUnsent"},
    {kAckTooOld, "AckTooOld"},
};
constexpr std::pair<int, const char*> kPlaceNames[] = {
    {kExact, "AtRcvNxt"},
    {kInside, "InWindow"},
    {kLeft, "LeftOfWindow"},
    {kBefore, "OneBeforeRcvNxt"},
    {kEdge, "AtRightEdge"},
    {kRight, "RightOfWindow"},
    {kZeroExact, "AtRcvNxtOfZeroWindow"},
    {kZeroBefore, "OneBeforeZeroWindow"},
    {kZeroBeyond, "BeyondZeroWindow"},
};
constexpr std::pair<int, const char*> kStampNames[] = {
    {kOff, "TimestampsOff"},
    {kNewer, "TimestampsOn"},
    {kOlder, "TimestampOld"},
    {kMissing, "TimestampMissing"},
};

const char* NameIn(Names names, int bit) {
  for (const auto& [value, name] : names) {
    if (value == bit) return name;
  }
  return "?";
}

std::string CaseName(const testing::TestParamInfo<Case>& info) {
  const Case& c = info.param;
  return std::string(NameIn(kStateNames, c.state)) + "_" + NameIn(kKindNames, c.kind) + "_" +
         NameIn(kPlaceNames, c.place) + "_" + NameIn(kStampNames, c.stamp) +
         (c.v4 ? "_Ipv4" : "_Ipv6");
}

// Whether the state knows such a place, and such timestamps. There is no window before the peer's
// SYN, none of zero in SYN-RECEIVED, and no TS.Recent before either.
bool Exists(State state, Place place, Stamp stamp) {
  if ((state & kWithWindow) == 0) return place == kExact && (stamp & kGoodStamp) != 0;
  return (state & kSynReceived) == 0 || (place & kZeroWindow) == 0;
}

std::vector<Case> AllCases() {
  std::vector<Case> all;
  for (const auto& [state, s] : kStateNames) {
    for (const auto& [kind, k] : kKindNames) {
      for (const auto& [place, p] : kPlaceNames) {
        for (const auto& [stamp, t] : kStampNames) {
          if (!Exists(State(state), Place(place), Stamp(stamp))) continue;
          for (const bool v4 : {true, false}) {
            all.push_back({State(state), Kind(kind), Place(place), Stamp(stamp), v4});
          }
        }
      }
    }
  }
  return all;
}

// The numbers of RFC 9293 3.3.1 before the segment, relative to the two ISNs.
struct Numbers {
  uint32_t una = 0, nxt = 0, rcv_nxt = 0, edge = 0;
};

class Matrix : public testing::TestWithParam<Case> {
 protected:
  const Case& at() const { return GetParam(); }
  bool stamped() const { return at().stamp != kOff; }
  bool zero_window() const { return (at().place & kZeroWindow) != 0; }

  Options RigOptions() const {
    Options options;
    options.v4 = at().v4;
    options.iss_near_wrap = !at().v4 && at().state != kSynSent && at().state != kSynReceivedActive;
    options.listening = at().state != kClosed;
    options.pool = 64;
    if (zero_window()) options.listen.connection.receive_buffer = kSmallBuffer;
    return options;
  }

  // The peer's segments on the way to the state.
  Seg Stamped(Seg seg) const { return stamped() ? seg.Ts(kRecent, 0) : seg; }

  // Leads the connection to the state and says where its numbers stand then.
  Numbers Reach(Rig& rig) {
    switch (at().state) {
      case kClosed:
      case kListen:
        return {5000, 5000, 0, 0};
      case kSynSent:
      case kSynReceivedActive:
        return ReachByConnect(rig);
      case kSynReceivedPassive:
        rig.In(Stamped(Syn(0).Mss(1000).Win(kWindow)));
        rig.Out(SynAck(0).Acks(1));
        return {0, 1, 1, 1u + kWindow};
      default:
        return ReachSynchronized(rig);
    }
  }

  Numbers ReachByConnect(Rig& rig) {
    syn_ = rig.Connect();
    if (at().state == kSynSent) return {0, 1, 0, 0};
    rig.In(Stamped(Syn(0).Mss(1000).Win(kWindow)));
    rig.Out(SynAck(0).Acks(1));
    return {0, 1, 1, 1u + kWindow};
  }

  Numbers ReachSynchronized(Rig& rig) {
    const State state = at().state;
    Handshake handshake{.mss = 1000, .window = kWindow};
    if (stamped()) handshake.ts = kRecent;
    rig.Establish(handshake);
    Numbers n{1, 1, 1, 1u + kWindow};
    if (zero_window()) FillWindow(rig, n);
    EXPECT_EQ(rig.Send(kSentSize), kSentSize);
    n.nxt += kSentSize;
    if (state == kCloseWait || state == kLastAck) PeerCloses(rig, n);
    if ((state & (kFinWait1 | kFinWait2 | kClosing | kLastAck | kTimeWait)) != 0) {
      rig.c().Shutdown();
      rig.Turn();
      n.nxt += 1;
    }
    if (state == kClosing) PeerCloses(rig, n);
    if (state == kFinWait2 || state == kTimeWait) {
      rig.In(Stamped(Ack(n.rcv_nxt).Acks(n.nxt).Win(kWindow)));
      n.una = n.nxt;
    }
    if (state == kTimeWait) {
      PeerCloses(rig, n);
      rig.Advance(Milliseconds(kTimeWaitPassedMs));
    }
    rig.Discard();
    return n;
  }

  // The application does not read, and the peer sends all that the window takes.
  void FillWindow(Rig& rig, Numbers& n) {
    rig.c().Pause();
    constexpr uint32_t kHalf = kSmallBuffer / 2;
    rig.InBurst({Stamped(Data(1, kHalf).Acks(1)), Stamped(Data(1 + kHalf, kHalf).Acks(1))});
    rig.Out(Ack(1).Acks(1 + kSmallBuffer).Win(0));
    n.rcv_nxt = n.edge = 1 + kSmallBuffer;
  }

  void PeerCloses(Rig& rig, Numbers& n) {
    rig.In(Stamped(Fin(n.rcv_nxt).Acks(n.una).Win(kWindow)));
    n.rcv_nxt += 1;
    n.edge = std::max(n.edge, n.rcv_nxt);
  }

  uint32_t SequenceNumber(const Numbers& n) const {
    switch (at().place) {
      case kExact:
      case kZeroExact:
        return n.rcv_nxt;
      case kInside:
        return n.rcv_nxt + 100;
      case kLeft:
        return n.rcv_nxt - 50;
      case kBefore:
      case kZeroBefore:
        return n.rcv_nxt - 1;
      case kEdge:
        return n.edge;
      case kZeroBeyond:
        return n.rcv_nxt + 1;
      default:
        return n.edge + 100;
    }
  }

  Seg Arriving(const Numbers& n) const {
    const Kind kind = at().kind;
    Seg seg{.seq = SequenceNumber(n)};
    if ((kind & kAnySyn) != 0) seg.Flag(wire::kTcpSyn).Mss(1000);
    if ((kind & kAnyRst) != 0) seg.Flag(wire::kTcpRst);
    if ((kind & (kAnyFin | kSynFin)) != 0) seg.Flag(wire::kTcpFin);
    if ((kind & kAnyText) != 0) seg.Octets(kTextSize);
    if ((kind & kAckOfNothingNew) != 0) seg.Acks(n.una);
    if ((kind & (kAckOfAll | kSynAck | kRstAck)) != 0) seg.Acks(n.nxt);
    if (kind == kAckUnsent) seg.Acks(n.nxt + 1);
    if (kind == kAckTooOld) seg.Acks(n.una - kWindow - 1);
    if (at().stamp == kNewer) seg.Ts(kRecent + 1, syn_.options.ts_value);
    if (at().stamp == kOlder) seg.Ts(kRecent - 1, 0);
    return seg.Win(kWindow);
  }

  static uint32_t Delivered(const Rule& rule) {
    if (rule.text == Text::kDelivered) return kTextSize;
    return rule.text == Text::kRestDelivered ? kTextSize - 1 : 0;
  }

  // Whether this very segment brought the peer's FIN.
  bool TakesFin(const Rule& rule) const {
    return rule.after == After::kCloseWait ||
           (rule.after == After::kClosing && at().state == kFinWait1) ||
           (rule.after == After::kTimeWait && (at().state & (kFinWait1 | kFinWait2)) != 0);
  }

  void ExpectAnswer(Rig& rig, const Rule& rule, const Seg& seg, const Numbers& n) {
    const uint32_t rcv_nxt = n.rcv_nxt + Delivered(rule) + (TakesFin(rule) ? 1 : 0);
    const Seg ack = Answered(Ack(n.nxt).Acks(rcv_nxt));
    switch (rule.answer) {
      case Answer::kSilence:
        break;
      case Answer::kSendAck:
        // In SYN-SENT the peer's SYN says what RCV.NXT is.
        rig.Out(at().state == kSynSent ? Answered(Ack(1).Acks(seg.seq + 1)) : ack);
        break;
      case Answer::kSendAckLater:
        rig.OutAfter(Milliseconds(kDelayedAckMs), ack);
        break;
      case Answer::kSendSynAck: {
        // RFC 7323 3.2: what the SYN has not when it comes again is off.
        const bool off = at().state == kSynReceivedPassive && at().stamp == kMissing;
        Seg expected = SynAck(0).Acks(n.rcv_nxt == 0 ? seg.seq + 1 : n.rcv_nxt);
        rig.Out(off ? expected.NoTs() : Answered(expected));
        break;
      }
      case Answer::kSendNewSynAck: {
        const Seg got = rig.Any();
        EXPECT_EQ(got.flags, wire::kTcpSyn | wire::kTcpAck);
        EXPECT_EQ(got.ack, seg.seq + 1);
        EXPECT_GT(static_cast<int32_t>(got.seq - n.nxt), 0) << "MAY-2: above the old connection";
        break;
      }
      case Answer::kSendRstOfAck:
        rig.Out(Rst(*seg.ack));
        break;
      case Answer::kSendRstOfSeq:
        rig.Out(RstAck(0).Acks((rig.irs() + seg.seq + seg.length()).value).Absolute());
        break;
    }
    rig.Quiet();
  }

  // RFC 7323 3.2: the option on everything, once it was agreed on.
  Seg Answered(Seg seg) const {
    if (!stamped()) return seg.NoTs();
    const bool known = (at().state & kWithWindow) != 0 && at().stamp != kNewer;
    return known ? seg.TsEcho(kRecent) : seg;
  }

  std::vector<TcpState> ExpectedStates(const Rule& rule) const {
    switch (rule.after) {
      case After::kSame:
        return StateBefore();
      case After::kSynReceived:
        return {TcpState::kSynReceived};
      case After::kEstablished:
        return {TcpState::kEstablished};
      case After::kFinWait2:
        return {TcpState::kFinWait2};
      case After::kCloseWait:
        return {TcpState::kCloseWait};
      case After::kClosing:
        return {TcpState::kClosing};
      case After::kTimeWait:
        return {TcpState::kTimeWait};
      default:
        return {};
    }
  }

  std::vector<TcpState> StateBefore() const {
    constexpr std::pair<State, TcpState> kStates[] = {
        {kSynSent, TcpState::kSynSent},
        {kSynReceivedPassive, TcpState::kSynReceived},
        {kSynReceivedActive, TcpState::kSynReceived},
        {kEstablished, TcpState::kEstablished},
        {kFinWait1, TcpState::kFinWait1},
        {kFinWait2, TcpState::kFinWait2},
        {kCloseWait, TcpState::kCloseWait},
        {kClosing, TcpState::kClosing},
        {kLastAck, TcpState::kLastAck},
        {kTimeWait, TcpState::kTimeWait},
    };
    for (const auto& [state, tcp_state] : kStates) {
      if (state == at().state) return {tcp_state};
    }
    return {};
  }

  void ExpectRecord(Rig& rig, const Rule& rule, const Seg& seg, const Numbers& n) {
    std::vector<TcpState> states;
    rig.engine().ForEach([&](const tcp::Tcb& c) {
      states.push_back(c.state);
      const bool old_one = rule.answer != Answer::kSendNewSynAck && (at().state & kWithWindow) != 0;
      if (!old_one || c.state == TcpState::kClosed) return;
      const bool moves = rule.acknowledges && (at().kind & (kAckOfAll | kSynAck)) != 0;
      EXPECT_EQ(Distance(rig.iss(), c.snd.una), moves ? n.nxt : n.una) << "SND.UNA";
      EXPECT_EQ(Distance(rig.iss(), c.snd.nxt), n.nxt) << "SND.NXT";
      EXPECT_EQ(Distance(rig.irs(), c.rcv.nxt),
                n.rcv_nxt + Delivered(rule) + (TakesFin(rule) ? 1 : 0))
          << "RCV.NXT";
      const tcp::Flight* f = rig.engine().FlightOf(c);
      EXPECT_EQ(f == nullptr ? 0 : f->out_of_order_octets,
                rule.text == Text::kKept ? seg.text.size() : 0)
          << "text behind a gap";
    });
    const auto& half_open = rig.engine().half_open();
    states.insert(states.end(), half_open.in_use(), TcpState::kSynReceived);
    const auto& time_waits = rig.engine().time_waits();
    for (uint32_t i = time_waits.oldest(); i != tcp::Engine::kNone; i = time_waits.NewerThan(i)) {
      states.push_back(TcpState::kTimeWait);
      ExpectTimeWait(rig, rule, n, time_waits[i]);
    }
    EXPECT_EQ(states, ExpectedStates(rule));
  }

  void ExpectTimeWait(Rig& rig, const Rule& rule, const Numbers& n, const tcp::TimeWait& t) {
    EXPECT_EQ(Distance(rig.iss(), t.snd_nxt), n.nxt) << "SND.NXT";
    EXPECT_EQ(Distance(rig.irs(), t.rcv_nxt),
              n.rcv_nxt + Delivered(rule) + (TakesFin(rule) ? 1 : 0))
        << "RCV.NXT";
    const bool begins = at().state != kTimeWait || rule.restarts;
    EXPECT_EQ(t.ends_at - rig.now().millis(),
              static_cast<int32_t>(kTimeWaitMs) - (begins ? 0 : kTimeWaitPassedMs))
        << "2 MSL";
  }

  // What the application heard since the state was reached.
  void ExpectEvents(Rig& rig, const Rule& rule, size_t opened, unsigned peer_closed) {
    const bool opens = (at().state & (kSynSent | kSynReceived)) != 0 &&
                       (rule.after == After::kEstablished || rule.after == After::kCloseWait);
    EXPECT_EQ(rig.handler().opened.size(), opened + (opens ? 1 : 0)) << "OnOpen";
    EXPECT_EQ(rig.handler().peer_closed, peer_closed + (TakesFin(rule) ? 1 : 0)) << "OnPeerClosed";
    std::vector<CloseReason> closed;
    if (rule.after == After::kGoneReset) closed = {CloseReason::kReset};
    if (rule.after == After::kGoneRefused) closed = {CloseReason::kRefused};
    if (rule.after == After::kGoneNormal || rule.after == After::kTimeWait ||
        at().state == kTimeWait) {
      closed = {CloseReason::kNormal};
    }
    EXPECT_EQ(rig.handler().closed, closed) << "OnClosed";
  }

  static std::vector<uint64_t> Drops(const Rig& rig) {
    std::vector<uint64_t> drops;
    for (size_t i = 0; i < kCounterCount; ++i) {
      const bool drop = CounterName(Counter(i)).starts_with("Drop");
      drops.push_back(drop ? rig.counter(Counter(i)) : 0);
    }
    return drops;
  }

  static void ExpectDrops(const Rig& rig, const Rule& rule, const std::vector<uint64_t>& before) {
    const std::vector<uint64_t> after = Drops(rig);
    for (size_t i = 0; i < kCounterCount; ++i) {
      EXPECT_EQ(after[i] - before[i], Counter(i) == rule.drop ? 1u : 0u) << CounterName(Counter(i));
    }
  }

  Seg syn_;  // of our active open
};

TEST_P(Matrix, SegmentIsDealtWithByItsRule) {
  const Rule* rule = RuleFor(at());
  ASSERT_NE(rule, nullptr) << "no rule says what to do";
  SCOPED_TRACE(rule->cite);
  Rig rig(RigOptions());
  const Numbers n = Reach(rig);
  const auto drops = Drops(rig);
  const size_t opened = rig.handler().opened.size();
  // An application that does not read hears of the end only when it reads on.
  if (zero_window()) {
    EXPECT_TRUE(rig.handler().closed.empty());
  }
  const bool unread_is_lost = zero_window() && rule->after == After::kGoneReset;
  unsigned peer_closed = rig.handler().peer_closed;
  if (zero_window() && (at().state & kPeerDone) != 0 && !unread_is_lost) ++peer_closed;

  const Seg seg = Arriving(n);
  rig.In(seg);
  ExpectDrops(rig, *rule, drops);
  ExpectAnswer(rig, *rule, seg, n);
  if (zero_window()) {
    rig.c().Resume();
    rig.Turn();
    rig.Discard();  // the window opens
  }
  ExpectRecord(rig, *rule, seg, n);
  ExpectEvents(rig, *rule, opened, peer_closed);
  const uint32_t before = zero_window() && !unread_is_lost ? kSmallBuffer : 0;
  rig.ExpectReceived(before + Delivered(*rule));
}

INSTANTIATE_TEST_SUITE_P(, Matrix, testing::ValuesIn(AllCases()), CaseName);

TEST(MatrixRules, AreAllNeeded) {
  std::set<const Rule*> used;
  for (const Case& c : AllCases()) used.insert(RuleFor(c));
  for (const Rule& rule : Rules()) EXPECT_TRUE(used.contains(&rule)) << "never met: " << rule.cite;
}

TEST(MatrixRules, CiteTheirRfc) {
  for (const Rule& rule : Rules()) EXPECT_TRUE(std::string_view(rule.cite).starts_with("RFC "));
}

TEST(MatrixRules, CoverMoreThanSixHundredCombinationsOfEachFamily) {
  EXPECT_GE(AllCases().size(), 2u * 600);
}

}  // namespace
}  // namespace weir::segment
