// Every pair of values that contradict each other, with the exact warning, and what gives none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "runtime/config.h"
#include "runtime/config_draft.h"
#include "runtime/config_flags.h"

namespace weir::runtime {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> WarningsOf(const std::string& toml) {
  Draft draft;
  ReadToml(toml, "weir.toml", draft);
  const absl::Status status = Finish(draft);
  EXPECT_TRUE(status.ok()) << status;
  return draft.warnings;
}

struct Contradiction {
  const char* name;
  std::string toml;
  std::string warning;
};

std::ostream& operator<<(std::ostream& out, const Contradiction& c) { return out << c.name; }

class AContradiction : public testing::TestWithParam<Contradiction> {};

TEST_P(AContradiction, GivesAWarningAndIsAccepted) {
  EXPECT_THAT(WarningsOf(GetParam().toml), ElementsAre(GetParam().warning));
}

const Contradiction kContradictions[] = {
    {"BacklogAboveTheTable", "[tcp]\nsyn_backlog = 65536\n",
     "weir.toml:2: tcp.syn_backlog = 65536: syn_backlog (65536) is above max_half_open (16384): "
     "the oldest handshakes are given up before it is full"},
    {"TableBelowTheBacklog", "[memory]\nmax_half_open = 512\n",
     "weir.toml:2: memory.max_half_open = 512: syn_backlog (1024) is above max_half_open (512): "
     "the oldest handshakes are given up before it is full"},
    {"FastOpenWithoutMemory", "[tcp]\nfast_open = true\nsyn_cookies = \"always\"\n",
     "weir.toml:2: tcp.fast_open = true: syn_cookies = \"always\" remembers no SYN: fast_open "
     "opens "
     "nothing"},
    {"SecretWithoutCookies",
     "[tcp]\nsyn_cookies = \"off\"\nsyn_cookie_secret_file = \"/etc/weir/secret\"\n",
     "weir.toml:3: tcp.syn_cookie_secret_file = \"/etc/weir/secret\": syn_cookies = \"off\" takes "
     "no "
     "cookies: the secret is of no use"},
    {"ListenerAboveTheTable", "[tcp]\nmax_per_listener = 65537\n",
     "weir.toml:2: tcp.max_per_listener = 65537: max_per_listener (65537) is above max_connections "
     "(65536): it is never met"},
    {"PrefixAboveTheTable", "[tcp]\nmax_per_prefix = 65537\n",
     "weir.toml:2: tcp.max_per_prefix = 65537: max_per_prefix (65537) is above max_connections "
     "(65536): it is never met"},
    {"PrefixNotBelowTheListener", "[tcp]\nmax_per_listener = 100\nmax_per_prefix = 100\n",
     "weir.toml:3: tcp.max_per_prefix = 100: max_per_prefix (100) is not below max_per_listener "
     "(100): one prefix may take all"},
    {"IdleBeforeKeepAlive", "[tcp]\nkeepalive = true\nidle_timeout_ms = 7200000\n",
     "weir.toml:3: tcp.idle_timeout_ms = 7200000: idle_timeout_ms (7200000) is over before the "
     "first keep-alive probe (keepalive_idle_s = 7200)"},
    {"UserTimeoutBelowTheRto", "[tcp]\nuser_timeout_ms = 200\n",
     "weir.toml:2: tcp.user_timeout_ms = 200: user_timeout_ms (200) is not above rto_min_ms (200): "
     "connections are given up before anything is sent again"},
    {"RetriesUnderAUserTimeout", "[tcp]\nuser_timeout_ms = 30000\nretries2 = 8\n",
     "weir.toml:3: tcp.retries2 = 8: user_timeout_ms (30000) takes its place"},
    {"WindowAboveTheBuffers", "[tcp]\nreceive_buffer = 16777216\n",
     "weir.toml:2: tcp.receive_buffer = 16777216: receive_buffer (16777216) offers one peer more "
     "than max_pinned_buffers (8192) can hold, 11960320 octets"},
    {"WindowAboveTheBuffersOfALargeMtu",
     "[[port]]\npci = \"01:00.0\"\naddresses = [\"198.18.0.2/24\"]\nmtu = 9000\n"
     "[memory]\nmax_pinned_buffers = 16\n",
     "weir.toml:6: memory.max_pinned_buffers = 16: receive_buffer (262144) offers one peer more "
     "than max_pinned_buffers (16) can hold, 143360 octets"},
    {"NothingLeftForTheRings",
     "[[port]]\npci = \"01:00.0\"\naddresses = [\"198.18.0.2/24\"]\n"
     "[memory]\nreceive_buffers = 9000\n",
     "weir.toml:5: memory.receive_buffers = 9000: max_pinned_buffers (8192) leaves 808 of "
     "receive_buffers (9000) for rings of 1024: unread text may keep everything else from "
     "arriving"},
    {"NothingIsShed", "[memory]\nshed_high = 0\nshed_idle = \"oldest\"\n",
     "weir.toml:3: memory.shed_idle = \"oldest\": shed_high = 0 sheds nothing, idle connections "
     "neither"},
};
std::string NameOf(const testing::TestParamInfo<Contradiction>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(All, AContradiction, testing::ValuesIn(kContradictions), NameOf);

TEST(AConfigurationWithoutContradictions, GivesNoWarning) {
  for (const char* toml : {
           "",
           "[tcp]\nsyn_backlog = 16384\n",
           "[tcp]\nsyn_backlog = 65536\nsyn_cookies = \"always\"\n",
           "[tcp]\nsyn_cookies = \"off\"\nfast_open = true\nsyn_cookie_secret_file = \"/x\"\n",
           "[tcp]\nmax_per_listener = 65536\nmax_per_prefix = 65535\n",
           "[tcp]\nidle_timeout_ms = 1000\n",
           "[tcp]\nkeepalive = true\nkeepalive_idle_s = 10\nidle_timeout_ms = 10001\n",
           "[tcp]\nuser_timeout_ms = 201\n",
           "[memory]\nshed_high = 0\n",
       }) {
    EXPECT_THAT(WarningsOf(toml), IsEmpty()) << toml;
  }
}

TEST(AConfigurationWithoutContradictions, IsTheSample) {
  std::ifstream file(std::string(WEIR_SOURCE_ROOT) + "/config/weir.toml");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_THAT(WarningsOf(text.str()), IsEmpty());
}

TEST(Warnings, AreTheSameOfWhatACheckPrints) {
  Draft draft;
  ReadToml("[tcp]\nfast_open = true\nsyn_cookies = \"always\"\n", "weir.toml", draft);
  ASSERT_TRUE(Finish(draft).ok());
  const std::vector<std::string> again = WarningsOf(PrintConfig(draft.config));
  ASSERT_EQ(again.size(), 1u);
  EXPECT_THAT(again[0], testing::EndsWith(": fast_open opens nothing"));
}

TEST(Warnings, NameTheFlagAndComeFromTheCommandLine) {
  absl::FlagSaver saver;
  std::vector<std::string> arguments = {"weir-test", "--device=net_null0", "--check",
                                        "--address=198.18.0.2/24", "--set=tcp.syn_backlog=20000"};
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  int argc = static_cast<int>(arguments.size());
  char** argv = pointers.data();
  const absl::StatusOr<CommandLine> line = LoadFromCommandLine(argc, argv);
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_TRUE(line->print);
  EXPECT_THAT(line->warnings,
              ElementsAre("--set=tcp.syn_backlog=20000: syn_backlog (20000) is above max_half_open "
                          "(16384): the oldest handshakes are given up before it is full"));
}

}  // namespace
}  // namespace weir::runtime
