// The TCP header and its options: round trips, layouts, every kind of malformed option.
#include "wire/tcp.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/prng.h"
#include "unit/wire/sample_frames.h"

namespace weir::wire {
namespace {

Octets Written(const TcpHeader& header) {
  Octets octets(TcpHeaderLength(header.options));
  WriteTcp(header, octets.data());
  return octets;
}

// A header with these option octets, padded with "end of list" to whole words.
Octets HeaderWithOptions(Octets options, uint8_t flags = kTcpAck) {
  options.resize((options.size() + 3) / 4 * 4);
  TcpHeader plain;
  plain.flags = flags;
  Octets header = Written(plain) + options;
  header[12] = static_cast<uint8_t>(header.size() / 4 << 4);
  return header;
}

TcpOptions ParsedOptions(const Octets& options, uint8_t flags = kTcpAck) {
  TcpHeader header;
  EXPECT_EQ(ParseTcp(HeaderWithOptions(options, flags), header), 20 + (options.size() + 3) / 4 * 4);
  return header.options;
}

const Octets kMssOption = {2, 4, 0x05, 0xb4};
const Octets kTimestampsOption = {8, 10, 0, 0, 0, 1, 0, 0, 0, 2};
const Octets kSackOption = {5, 10, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 16};

void ExpectEqual(const TcpOptions& a, const TcpOptions& b) {
  EXPECT_EQ(a.present, b.present);
  EXPECT_EQ(a.mss, b.mss);
  EXPECT_EQ(a.window_scale, b.window_scale);
  EXPECT_EQ(a.ts_value, b.ts_value);
  EXPECT_EQ(a.ts_echo, b.ts_echo);
  ASSERT_EQ(a.sack_count, b.sack_count);
  for (int i = 0; i < a.sack_count; ++i) EXPECT_EQ(a.sack[i], b.sack[i]);
  if (a.has(TcpOptions::kFastOpen)) {
    EXPECT_EQ(a.fast_open, b.fast_open);
  }
}

// A cookie of `size` octets, 1, 2, 3 and so on.
FastOpenCookie CookieOf(uint8_t size, bool experimental = false) {
  FastOpenCookie cookie{.size = size, .experimental = experimental};
  for (uint8_t i = 0; i < size; ++i) cookie.octets[i] = static_cast<uint8_t>(i + 1);
  return cookie;
}

// Options of all kinds in `present`, drawn at random; what is absent is 0, as parsing leaves it.
TcpOptions RandomOptions(Prng& prng, uint8_t present) {
  TcpOptions options;
  options.present = present;
  const auto random32 = [&prng] { return static_cast<uint32_t>(prng.Next()); };
  if (options.has(TcpOptions::kMss)) options.mss = static_cast<uint16_t>(random32());
  if (options.has(TcpOptions::kWindowScale))
    options.window_scale = static_cast<uint8_t>(random32());
  if (options.has(TcpOptions::kTimestamps)) {
    options.ts_value = random32();
    options.ts_echo = random32();
  }
  if (options.has(TcpOptions::kSack)) {
    options.sack_count = static_cast<uint8_t>(1 + prng.Below(4));
    for (int i = 0; i < options.sack_count; ++i) {
      options.sack[i] = {Seq(random32()), Seq(random32())};
    }
  }
  if (options.has(TcpOptions::kFastOpen)) {
    constexpr uint8_t kSizes[] = {0, 4, 6, 8, 10, 12, 14, 16};
    options.fast_open = CookieOf(kSizes[prng.Below(8)], prng.Chance(500));
  }
  return options;
}

TEST(Tcp, ReadsWhatItWroteWithEveryCombinationOfOptions) {
  Prng prng(4);
  for (int i = 0; i < 3200; ++i) {
    TcpHeader in, out;
    in.source_port = static_cast<uint16_t>(prng.Next());
    in.destination_port = static_cast<uint16_t>(prng.Next());
    in.seq = Seq(static_cast<uint32_t>(prng.Next()));
    in.ack = Seq(static_cast<uint32_t>(prng.Next()));
    in.flags = static_cast<uint8_t>(prng.Next());
    in.window = static_cast<uint16_t>(prng.Next());
    in.urgent = static_cast<uint16_t>(prng.Next());
    in.options = RandomOptions(prng, static_cast<uint8_t>(i % 32 | (i & 32) << 1));
    out.options = RandomOptions(prng, 31 + 64);  // what another segment left there
    const Octets written = Written(in);
    ASSERT_EQ(ParseTcp(written, out), written.size());
    EXPECT_EQ(out.source_port, in.source_port);
    EXPECT_EQ(out.destination_port, in.destination_port);
    EXPECT_EQ(out.seq, in.seq);
    EXPECT_EQ(out.ack, in.ack);
    EXPECT_EQ(out.flags, in.flags);
    EXPECT_EQ(out.window, in.window);
    EXPECT_EQ(out.urgent, in.urgent);
    // Blocks beyond the 40 octets were left out.
    const int room = 60 - 4 - static_cast<int>(written.size()) + 8 * out.options.sack_count + 4;
    if (out.options.sack_count < in.options.sack_count) {
      EXPECT_LT(room, 8 * in.options.sack_count + 4);
      in.options.sack_count = out.options.sack_count;
      if (in.options.sack_count == 0)
        in.options.present &= static_cast<uint8_t>(~TcpOptions::kSack);
    }
    ExpectEqual(out.options, in.options);
  }
}

TEST(Tcp, HeaderLengthIsAMultipleOfFourUpToSixty) {
  Prng prng(5);
  for (int i = 0; i < 1000; ++i) {
    const uint16_t length =
        TcpHeaderLength(RandomOptions(prng, static_cast<uint8_t>(i % 32 | (i & 32) << 1)));
    EXPECT_EQ(length % 4, 0);
    EXPECT_GE(length, kTcpHeaderSize);
    EXPECT_LE(length, kTcpHeaderSizeMax);
  }
}

// The order that Linux uses; a SYN-ACK that looks unlike others invites middleboxes to meddle.
TEST(Tcp, LaysOutASynAsLinuxDoes) {
  const Octets written = Written(SynHeader());
  EXPECT_EQ(Octets(written.begin() + 20, written.end()),
            (Octets{2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7}));
}

TEST(Tcp, LaysOutACookieBehindTheOtherOptionsOfASyn) {
  TcpHeader header = SynHeader();
  header.options.present |= TcpOptions::kFastOpen;
  header.options.fast_open = CookieOf(8);
  Octets written = Written(header);
  EXPECT_EQ(Octets(written.begin() + 40, written.end()),
            (Octets{34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1}));
  header.options.fast_open = CookieOf(0);
  written = Written(header);
  EXPECT_EQ(Octets(written.begin() + 40, written.end()), (Octets{34, 2, 1, 1}));
  header.options.fast_open = CookieOf(4, true);
  written = Written(header);
  EXPECT_EQ(Octets(written.begin() + 40, written.end()), (Octets{254, 8, 0xf9, 0x89, 1, 2, 3, 4}));
}

TEST(Tcp, FitsTheLongestCookieBesideAllThatASynMayHave) {
  TcpHeader header = SynHeader(), out;
  header.options.present |= TcpOptions::kFastOpen;
  for (const bool experimental : {false, true}) {
    header.options.fast_open = CookieOf(16, experimental);
    ASSERT_EQ(ParseTcp(Written(header), out), kTcpHeaderSizeMax);
    ExpectEqual(out.options, header.options);
  }
}

TEST(Tcp, LaysOutOtherSegmentsInWholeWords) {
  TcpHeader header = DataHeader();
  header.options.present |= TcpOptions::kSack;
  header.options.sack_count = 1;
  header.options.sack[0] = {Seq(0xfffffff0), Seq(16)};
  const Octets written = Written(header);
  EXPECT_EQ(Octets(written.begin() + 20, written.end()),
            (Octets{1, 1, 8, 10, 0x80, 0,    0,    1,    0xff, 0xff, 0xff, 0xf0,
                    1, 1, 5, 10, 0xff, 0xff, 0xff, 0xf0, 0,    0,    0,    16}));
}

TEST(Tcp, FitsThreeSackBlocksBesideTimestampsAndFourWithout) {
  TcpHeader header = DataHeader(), out;
  header.options.present |= TcpOptions::kSack;
  header.options.sack_count = 4;
  EXPECT_EQ(TcpHeaderLength(header.options), 60);
  ASSERT_EQ(ParseTcp(Written(header), out), 60);
  EXPECT_EQ(out.options.sack_count, 3);
  header.options.present = TcpOptions::kSack;
  EXPECT_EQ(TcpHeaderLength(header.options), 56);
  ASSERT_EQ(ParseTcp(Written(header), out), 56);
  EXPECT_EQ(out.options.sack_count, 4);
}

TEST(Tcp, WritesAZeroChecksum) {
  Octets octets(20, 0xff);
  WriteTcp(TcpHeader(), octets.data());
  EXPECT_EQ(LoadBe16(&octets[16]), 0);
}

TEST(Tcp, RefusesShortSegmentsAndImpossibleDataOffsets) {
  TcpHeader header;
  const Octets whole = Written(SynHeader());
  for (size_t size = 0; size < whole.size(); ++size) {
    const Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(ParseTcp(cut, header), 0) << size;
  }
  for (uint8_t words = 0; words < 16; ++words) {
    Octets segment = whole;
    segment[12] = static_cast<uint8_t>(words << 4);
    const bool possible = words >= 5 && words <= 10;
    EXPECT_EQ(ParseTcp(segment, header), possible ? words * 4 : 0) << int{words};
  }
}

TEST(Tcp, IgnoresTheReservedBits) {
  Octets segment = Written(SynHeader());
  segment[12] |= 0x0f;
  TcpHeader header;
  EXPECT_EQ(ParseTcp(segment, header), segment.size());
  EXPECT_EQ(header.flags, kTcpSyn);
}

TEST(TcpOptions, OfEverySystemsSynAreUnderstood) {
  const Octets linux_syn = kMssOption + Octets{4, 2} + kTimestampsOption + Octets{1, 3, 3, 7};
  const Octets windows = kMssOption + Octets{1, 3, 3, 7, 1, 1, 4, 2};
  const Octets macos =
      kMssOption + Octets{1, 3, 3, 7, 1, 1} + kTimestampsOption + Octets{4, 2, 0, 0};
  const Octets freebsd = kMssOption + Octets{1, 3, 3, 7, 4, 2} + kTimestampsOption;
  for (const Octets& syn : {linux_syn, windows, macos, freebsd}) {
    const TcpOptions options = ParsedOptions(syn, kTcpSyn);
    const uint8_t timestamps = syn == windows ? uint8_t{0} : TcpOptions::kTimestamps;
    EXPECT_EQ(options.present, TcpOptions::kMss | TcpOptions::kWindowScale |
                                   TcpOptions::kSackPermitted | timestamps);
    EXPECT_EQ(options.mss, 1460);
    EXPECT_EQ(options.window_scale, 7);
    EXPECT_EQ(options.ts_value, timestamps == 0 ? 0u : 1u);
    EXPECT_EQ(options.ts_echo, timestamps == 0 ? 0u : 2u);
  }
  EXPECT_EQ(ParsedOptions({}, kTcpSyn).present, 0);
}

// MUST-64. Options that stand by whole words are taken at a glance; behind a word of NOPs, which
// nobody sends, the same octets are walked through one by one.
TEST(TcpOptions, MeanTheSameHoweverTheyAreRead) {
  const Octets parts[] = {kMssOption,
                          {1, 3, 3, 7},
                          {1, 1, 4, 2},
                          Octets{4, 2} + kTimestampsOption,
                          Octets{1, 1} + kTimestampsOption,
                          Octets{1, 1} + kSackOption,
                          {1},
                          {0},
                          {4, 2},
                          {3, 3, 9},
                          {2, 3, 1},  // known kinds of wrong sizes
                          {1, 3, 4, 1, 4},
                          {8, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                          {254, 5, 1, 1, 1},
                          {2, 4},  // cut off, or taking what follows for its own
                          {4, 2, 8, 10},
                          {1, 1, 8, 10, 0, 0, 0},
                          {1, 1, 1, 200}};
  Prng prng(6);
  for (int i = 0; i < 20000; ++i) {
    Octets options;
    while (prng.Below(8) != 0) options = options + parts[prng.Below(std::size(parts))];
    options.resize(std::min<size_t>(options.size() / 4 * 4, 36));
    ExpectEqual(ParsedOptions(options), ParsedOptions(Octets{1, 1, 1, 1} + options));
  }
}

// MUST-4: end of list, no operation, MSS.
TEST(TcpOptions, OfTheRfcAreUnderstood) {
  const TcpOptions options = ParsedOptions(Octets{1, 1} + kMssOption + Octets{0, 8, 1, 2});
  EXPECT_EQ(options.present, TcpOptions::kMss);  // nothing counts behind the end of the list
  EXPECT_EQ(options.mss, 1460);
}

// MUST-5.
TEST(TcpOptions, AreReadInAnySegment) {
  for (int flags = 0; flags < 256; ++flags) {
    const TcpOptions options =
        ParsedOptions(kMssOption + kTimestampsOption, static_cast<uint8_t>(flags));
    EXPECT_EQ(options.present, TcpOptions::kMss | TcpOptions::kTimestamps);
  }
}

// MUST-6.
TEST(TcpOptions, ThatAreUnknownAreSkippedByLength) {
  for (int kind = 0; kind < 256; ++kind) {
    if (kind <= 5 || kind == 8 || kind == 34) continue;
    for (uint8_t size : {2, 3, 4, 17, 36}) {
      Octets unknown(size, 8);  // filled with what would be an option itself
      unknown[0] = static_cast<uint8_t>(kind);
      unknown[1] = size;
      const TcpOptions options = ParsedOptions(unknown + kMssOption);
      EXPECT_EQ(options.present, TcpOptions::kMss) << kind;
      EXPECT_EQ(options.mss, 1460);
    }
  }
}

// MUST-64.
TEST(TcpOptions, AreReadAtAnyAlignment) {
  for (size_t shift = 0; shift < 8; ++shift) {
    const TcpOptions options =
        ParsedOptions(Octets(shift, 1) + kTimestampsOption + kMssOption + kSackOption);
    EXPECT_EQ(options.present, TcpOptions::kTimestamps | TcpOptions::kMss | TcpOptions::kSack);
    EXPECT_EQ(options.ts_value, 1u);
    EXPECT_EQ(options.ts_echo, 2u);
    EXPECT_EQ(options.mss, 1460);
    EXPECT_EQ(options.sack[0], (SackBlock{Seq(0xfffffff0), Seq(16)}));
  }
}

// MUST-7: the walk ends at an impossible length; what came before it counts.
TEST(TcpOptions, OfImpossibleLengthEndTheWalk) {
  const Octets kBad[] = {{8, 0, 0, 0}, {8, 1, 0, 0},     {200, 0, 0, 0}, {200, 1, 0, 0},
                         {3, 5, 0, 0}, {253, 255, 0, 0}, {1, 1, 1, 8}};
  for (const Octets& bad : kBad) {
    const TcpOptions options = ParsedOptions(kMssOption + bad);
    EXPECT_EQ(options.present, TcpOptions::kMss | TcpOptions::kMalformed);
    EXPECT_EQ(options.mss, 1460);
    const TcpOptions behind = ParsedOptions(bad + kMssOption);
    if (bad[0] != 1 && bad[1] < 2) {
      EXPECT_EQ(behind.present, TcpOptions::kMalformed);
    }
  }
}

TEST(TcpOptions, OfAKnownKindButAnotherLengthAreSkipped) {
  const Octets kOdd[] = {{2, 3, 9},
                         {2, 5, 9, 9, 9},
                         {3, 2},
                         {3, 4, 7, 7},
                         {4, 3, 0},
                         {8, 4, 0, 0},
                         {8, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                         {5, 2},
                         {5, 6, 0, 0, 0, 0},
                         {5, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}};
  for (const Octets& odd : kOdd) {
    const TcpOptions options = ParsedOptions(odd + kMssOption);
    EXPECT_EQ(options.present, TcpOptions::kMss) << int{odd[0]} << " of " << int{odd[1]};
  }
}

// RFC7413-4.1.1: 4 to 16 octets, an even number of them, or none.
TEST(TcpOptions, OfFastOpenAreReadWithACookieOfLegalSizeOnly) {
  for (uint8_t size = 0; size <= 36; ++size) {
    Octets option(size + size_t{2}, 7);
    option[0] = 34;
    option[1] = static_cast<uint8_t>(size + 2);
    const TcpOptions options = ParsedOptions(option);
    const bool legal = size == 0 || (size >= 4 && size <= 16 && size % 2 == 0);
    EXPECT_EQ(options.present, legal ? TcpOptions::kFastOpen : 0) << int{size};
    if (legal) {
      EXPECT_EQ(options.fast_open.size, size);
      EXPECT_EQ(options.fast_open.requests(), size == 0);
      EXPECT_EQ(options.fast_open.octets[size == 0 ? 0 : size - 1], size == 0 ? 0 : 7);
    }
  }
}

TEST(TcpOptions, OfAnExperimentAreReadWithTheNumberOfFastOpenOnly) {
  EXPECT_EQ(ParsedOptions({254, 2}).present, 0);
  EXPECT_EQ(ParsedOptions({254, 3, 0xf9}).present, 0);
  EXPECT_EQ(ParsedOptions({254, 4, 0xf9, 0x88}).present, 0);
  EXPECT_EQ(ParsedOptions({254, 6, 0xf9, 0x89, 1, 2}).present, 0) << "a cookie of two octets";
  const TcpOptions request = ParsedOptions({254, 4, 0xf9, 0x89});
  EXPECT_TRUE(request.has(TcpOptions::kFastOpen) && request.fast_open.requests());
  EXPECT_TRUE(request.fast_open.experimental);
  EXPECT_EQ(ParsedOptions({254, 8, 0xf9, 0x89, 1, 2, 3, 4}).fast_open, CookieOf(4, true));
}

TEST(TcpOptions, GivenTwiceCountAsTheLastOne) {
  const TcpOptions options = ParsedOptions(kMssOption + Octets{2, 4, 0x02, 0x00});
  EXPECT_EQ(options.mss, 512);
}

TEST(TcpOptions, KeepTheWindowScaleAsReceived) {
  EXPECT_EQ(ParsedOptions({3, 3, 255}).window_scale, 255);
}

TEST(TcpOptions, OfTheUsualLayoutReadTheSameAsByTheWalk) {
  // RFC 7323 appendix A's layout is read by a short cut; the same options elsewhere are not.
  const TcpOptions quick = ParsedOptions(Octets{1, 1} + kTimestampsOption);
  const TcpOptions slow = ParsedOptions(kTimestampsOption + Octets{1, 1});
  ExpectEqual(quick, slow);
  EXPECT_EQ(quick.present, TcpOptions::kTimestamps);
  EXPECT_EQ(quick.ts_value, 1u);
  EXPECT_EQ(quick.ts_echo, 2u);
}

TEST(TcpOptions, OfAnyOctetsWhateverAreWalkedInBounds) {
  Prng prng(6);
  for (int i = 0; i < 20000; ++i) {
    Octets options(prng.Below(11) * 4);
    for (uint8_t& o : options) o = static_cast<uint8_t>(prng.Below(prng.Chance(500) ? 12 : 256));
    const TcpOptions parsed = ParsedOptions(options);
    EXPECT_LE(parsed.sack_count, 4);
    EXPECT_EQ(parsed.sack_count != 0, parsed.has(TcpOptions::kSack));
  }
}

}  // namespace
}  // namespace weir::wire
