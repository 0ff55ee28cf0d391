// The configuration: defaults, the sample file, the page about it, printing and reading back,
// flags.
#include "runtime/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "runtime/config_flags.h"
#include "runtime/config_keys.h"
#include "runtime/config_value.h"
#include "runtime/config_words.h"

ABSL_FLAG(std::string, test_root, "", "A flag of the application's own.");
ABSL_FLAG(bool, test_verbose, true, "A switch of the application's own.");

namespace weir::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string ReadWholeFile(const std::string& path_in_tree) {
  std::ifstream file(std::string(WEIR_SOURCE_ROOT) + "/" + path_in_tree);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << path_in_tree;
  return text.str();
}

std::string Message(const absl::Status& status) { return std::string(status.message()); }

Config Parse(const std::string& text) {
  const absl::StatusOr<Config> config = ParseConfig(text, "test.toml");
  EXPECT_TRUE(config.ok()) << Message(config.status());
  return config.ok() ? *config : Config{};
}

// A configuration in which no key has its default.
Config NothingDefault() {
  return Parse(R"(
[[port]]
name = "lan"
device = "net_memif0,role=client"
addresses = ["198.18.0.2/24", "198.18.1.2/31", "2001:2::2/64", "fe80::2/64"]
gateway4 = "198.18.0.1"
gateway6 = "fe80::1"
mtu = 8000
queues = 4
rx_descriptors = 512
tx_descriptors = 256
vlan = 7
mac = "02:AB:00:00:00:01"
syn_queue = "on"
[[port]]
pci = "01:0A.7"
addresses = ["198.19.0.2/24"]
[eal]
args = ["--log-level", "lib.eal:debug", "-n", "2"]
huge_pages = "off"
memory_mb = 1024
file_prefix = "other.1"
[workers]
cores = [3, 1]
idle = "sleep"
sleep_us = 50
burst = 64
steering = "software"
syn_share_percent = 30
[memory]
max_connections = 1000
max_flights = 100
receive_buffers = 20000
text_buffers = 1000
max_pinned_buffers = 500
max_half_open = 98
max_time_wait = 99
max_orphans = 1234
neighbours = 64
path_mtus = 65
shed_high = 96
shed_low = 91
shed_idle = "oldest"
lock = true
[tcp]
receive_buffer = 1000000
send_buffer = 1000001
mss = 1200
window_scale = 5
timestamps = false
nodelay = true
initial_window_segments = 3
slow_start_segments = 2
rto_initial_ms = 900
rto_min_ms = 300
rto_max_ms = 60000
retries1 = 4
retries2 = 14
orphan_retries = 7
user_timeout_ms = 30000
syn_retries = 0
synack_retries = 1
delayed_ack_ms = 100
time_wait_ms = 1000
fin_wait2_ms = 2000
close_wait_ms = 70000
idle_timeout_ms = 70001
first_text_ms = 70002
min_rate = 70003
min_request_rate = 70004
min_rate_interval_ms = 70005
keepalive = true
keepalive_idle_s = 10
keepalive_interval_s = 11
keepalive_probes = 12
syn_backlog = 128
syn_cookies = "always"
syn_ack_retransmits_per_s = 7
backlog = 77
accept_overflow = "reset"
accepts_per_turn = 78
defer_accept_ms = 79
syn_cookie_secret_file = "/etc/weir/cookie_secret"
max_per_listener = 80
max_per_prefix = 81
prefix_v4 = 28
prefix_v6 = 56
fast_open = true
fast_open_pending = 80
out_of_order_segments = 13
ttl = 63
dscp = 12
challenge_ack_interval_ms = 1
mtu_probing = "on"
[ip]
arp_reachable_s = 31
neighbour_probe_ms = 999
neighbour_probes = 2
path_mtu_lifetime_s = 301
path_mtu_min = 576
icmp_rate_per_s = 0
rst_rate_per_s = 5
dad = false
echo_reply = false
icmp_errors = false
[drain]
timeout_ms = 0
[counters]
print_on_exit = false
)");
}

// What LoadFromCommandLine makes of these arguments; flags are as before afterwards.
struct Outcome {
  absl::StatusOr<CommandLine> result;
  std::vector<std::string> rest;
};
Outcome Launch(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "/usr/bin/weir-test");
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  int argc = static_cast<int>(arguments.size());
  char** argv = pointers.data();
  absl::StatusOr<CommandLine> result = LoadFromCommandLine(argc, argv);
  EXPECT_EQ(argv[argc], nullptr);
  return {std::move(result), std::vector<std::string>(argv + 1, argv + argc)};
}

class CommandLineOf : public testing::Test {
 protected:
  Config Load(const std::vector<std::string>& arguments) {
    const Outcome outcome = Launch(arguments);
    EXPECT_TRUE(outcome.result.ok()) << Message(outcome.result.status());
    if (outcome.result.ok()) return outcome.result->config;
    Config unusable;
    unusable.ports.resize(2);  // the failure is reported: what follows shall not crash
    return unusable;
  }
  absl::FlagSaver saver_;
};

TEST(AConfiguration, IsTheDefaultsWhereTheFileIsEmpty) { EXPECT_EQ(Parse(""), Config{}); }

TEST(AConfiguration, TakesEveryKeyFromTheFile) {
  Config config = NothingDefault();
  Config defaults;
  // congestion has one value so far, and count follows from cores.
  const auto sections = Sections(config), default_sections = Sections(defaults);
  for (size_t s = 0; s < sections.size(); ++s) {
    for (size_t k = 0; k < sections[s].keys.size(); ++k) {
      const Key& key = sections[s].keys[k];
      if (std::string(key.name) == "congestion") continue;
      EXPECT_NE(PrintValue(key.slot), PrintValue(default_sections[s].keys[k].slot)) << key.name;
    }
  }
  EXPECT_EQ(config.tcp.receive_buffer, 1000000u);
  EXPECT_EQ(config.tcp.window_scale, 5u);
  EXPECT_EQ(config.workers.idle, Idle::kSleep);
  EXPECT_EQ(config.workers.steering, Steering::kSoftware);
  EXPECT_EQ(config.eal.huge_pages, HugePages::kOff);
  EXPECT_THAT(config.eal.args, ElementsAre("--log-level", "lib.eal:debug", "-n", "2"));
}

TEST(AConfiguration, HoldsThePortsInTheirOrder) {
  const Config config = NothingDefault();
  ASSERT_EQ(config.ports.size(), 2u);
  const PortConfig& lan = config.ports[0];
  EXPECT_EQ(lan.name, "lan");
  ASSERT_EQ(lan.addresses.size(), 4u);
  EXPECT_EQ(lan.addresses[2].ToString(), "2001:2::2/64");
  EXPECT_EQ(lan.gateway4, IpAddress::Parse("198.18.0.1"));
  EXPECT_EQ(lan.gateway6, IpAddress::Parse("fe80::1"));
  EXPECT_EQ(lan.mac, (MacAddress{0x02, 0xab, 0, 0, 0, 1}));
  EXPECT_EQ(lan.queues, 4u);
}

TEST(AConfiguration, NamesPortsThatHaveNoNameAndCompletesPciAddresses) {
  const Config config = NothingDefault();
  ASSERT_EQ(config.ports.size(), 2u);
  EXPECT_EQ(config.ports[1].name, "port1");
  EXPECT_EQ(config.ports[1].pci, "0000:01:0a.7");
}

TEST(AConfiguration, CountsItsWorkersByTheirCores) {
  const Config config = NothingDefault();
  EXPECT_EQ(config.workers.count, 2u);
  EXPECT_THAT(config.workers.cores, ElementsAre(3u, 1u));
}

TEST(AConfiguration, TakesTheLowMarkFromTheHighOneWhereOnlyThatIsGiven) {
  EXPECT_EQ(Parse("[memory]\nshed_high = 80\n").memory.shed_low, 75u);
  EXPECT_EQ(Parse("[memory]\nshed_high = 100\n").memory.shed_low, 95u);
  EXPECT_EQ(Parse("[memory]\nshed_high = 0\n").memory.shed_low, 90u);
  EXPECT_EQ(Parse("[memory]\nshed_high = 80\nshed_low = 40\n").memory.shed_low, 40u);
  EXPECT_EQ(Parse("[memory]\nshed_low = 40\n").memory.shed_high, 95u);
}

TEST(AConfiguration, PrintedAndReadBackIsTheSame) {
  const Config config = NothingDefault();
  EXPECT_EQ(Parse(PrintConfig(config)), config);
  EXPECT_EQ(PrintConfig(Parse(PrintConfig(config))), PrintConfig(config));
  EXPECT_EQ(Parse(PrintConfig(Config{})), Config{});
}

TEST(AConfiguration, PrintsTextSoThatQuotesAndBackslashesSurvive) {
  Config config = Parse("[eal]\nargs = ['a\"b', 'c\\d', \"e\\nf\"]\n");
  EXPECT_EQ(Parse(PrintConfig(config)), config);
  EXPECT_THAT(config.eal.args, ElementsAre("a\"b", "c\\d", "e\nf"));
}

TEST(AConfiguration, AcceptsTheEndsOfEveryRange) {
  Config config;
  PortConfig port;
  const auto check = [](const std::string& header, const std::string& where, const Key& key) {
    const Number* number = std::get_if<Number>(&key.slot);
    if (number == nullptr) return;
    // One key alone may clash with the other defaults, but it may not be out of range.
    for (const uint32_t value : {number->min, number->max}) {
      const auto parsed = ParseConfig(header + key.name + " = " + std::to_string(value), "f");
      if (parsed.ok()) continue;
      EXPECT_THAT(Message(parsed.status()), Not(HasSubstr("out of range"))) << where << key.name;
    }
    const bool zero_is_special = *number->zero != '\0' && number->min == 1;
    const int64_t below = int64_t{number->min} - (zero_is_special ? 2 : 1);
    for (const int64_t value : {below, int64_t{number->max} + 1}) {
      const auto parsed = ParseConfig(header + key.name + " = " + std::to_string(value), "f");
      ASSERT_FALSE(parsed.ok()) << where << key.name << " = " << value;
      EXPECT_THAT(Message(parsed.status()), HasSubstr("out of range")) << where << key.name;
    }
  };
  for (const Key& key : PortKeys(port)) check("[[port]]\n", "port.", key);
  for (const Section& section : Sections(config)) {
    const std::string header = std::string("[") + section.name + "]\n";
    for (const Key& key : section.keys) check(header, section.name, key);
  }
}

TEST(TheSampleFile, HasTheDefaults) {
  const Config sample = Parse(ReadWholeFile("config/weir.toml"));
  ASSERT_EQ(sample.ports.size(), 1u);
  Config expected;
  PortConfig& port = expected.ports.emplace_back();
  // A port must have these, so that they have no defaults.
  port.name = "port0";
  port.device = sample.ports[0].device;
  port.addresses = sample.ports[0].addresses;
  EXPECT_EQ(sample, expected) << PrintConfig(sample);
}

TEST(TheSampleFile, SetsAndExplainsEveryKey) {
  const std::string sample = ReadWholeFile("config/weir.toml");
  Config config;
  PortConfig port;
  std::vector<Section> sections = Sections(config);
  sections.push_back({"[port]", PortKeys(port)});
  for (const Section& section : sections) {
    const size_t start = sample.find("\n[" + std::string(section.name) + "]\n");
    ASSERT_NE(start, sample.npos) << section.name;
    const std::string part = sample.substr(start, sample.find("\n[", start + 1) - start);
    for (const Key& key : section.keys) {
      EXPECT_THAT(part, HasSubstr("# Takes " + DescribeRange(key.slot, key.unit) + ".\n" +
                                  key.name + " = "));
    }
  }
}

TEST(ThePageAboutTheConfiguration, HasTheRowOfEveryKey) {
  const std::string page = ReadWholeFile("docs/configuration.md");
  Config config;
  PortConfig port;
  std::vector<Section> sections = Sections(config);
  sections.push_back({"port", PortKeys(port)});
  for (const Section& section : sections) {
    for (const Key& key : section.keys) {
      EXPECT_THAT(page,
                  HasSubstr("| `" + std::string(section.name) + "." + key.name + "` | `" +
                            PrintValue(key.slot) + "` | " + DescribeRange(key.slot, key.unit) +
                            " | " + key.sentence + " |\n"));
    }
  }
}

TEST_F(CommandLineOf, AProgramWithoutFileDescribesThePort) {
  const Config config = Load({"--device=net_null0", "--address", "198.18.0.2/24,2001:2::2/64",
                              "--gateway=198.18.0.1,fe80::1", "--workers=2", "-idle=sleep"});
  ASSERT_EQ(config.ports.size(), 1u);
  EXPECT_EQ(config.ports[0].name, "port0");
  EXPECT_EQ(config.ports[0].device, "net_null0");
  EXPECT_EQ(config.ports[0].addresses.size(), 2u);
  EXPECT_EQ(config.ports[0].gateway4, IpAddress::Parse("198.18.0.1"));
  EXPECT_EQ(config.ports[0].gateway6, IpAddress::Parse("fe80::1"));
  EXPECT_EQ(config.workers.count, 2u);
  EXPECT_EQ(config.workers.idle, Idle::kSleep);
}

TEST_F(CommandLineOf, AProgramOverridesTheFile) {
  const std::string sample = std::string(WEIR_SOURCE_ROOT) + "/config/weir.toml";
  const Config config = Load({"--config", sample, "--set", "tcp.mss=1400, tcp.nodelay=true",
                              "--set=tcp.mss=1300", "--device=net_ring0"});
  EXPECT_EQ(config.tcp.mss, 1300u);
  EXPECT_TRUE(config.tcp.nodelay);
  EXPECT_EQ(config.ports[0].device, "net_ring0");
  EXPECT_EQ(config.ports[0].addresses.size(), 2u);
}

TEST_F(CommandLineOf, AProgramSetsKeysOfEveryType) {
  const Config config = Load({"--device=net_null0", "--address=198.18.0.2/24",
                              "--set=workers.idle=spin,tcp.window_scale=3,workers.cores=[0,1]",
                              "--set", "eal.args=['--log-level=8','-n']",
                              "--set=port.0.mac=02:00:00:00:00:01,port.port0.gateway4=198.18.0.1",
                              "--set=eal.file_prefix=\"a\",ip.dad=false,port.0.name=wan",
                              "--set=port.wan.vlan=9,memory.neighbours=0x40"});
  EXPECT_EQ(config.workers.idle, Idle::kSpin);
  EXPECT_EQ(config.tcp.window_scale, 3u);
  EXPECT_THAT(config.workers.cores, ElementsAre(0u, 1u));
  EXPECT_EQ(config.workers.count, 2u);
  EXPECT_THAT(config.eal.args, ElementsAre("--log-level=8", "-n"));
  EXPECT_EQ(config.ports[0].mac, (MacAddress{2, 0, 0, 0, 0, 1}));
  EXPECT_EQ(config.ports[0].gateway4, IpAddress::Parse("198.18.0.1"));
  EXPECT_EQ(config.eal.file_prefix, "a");
  EXPECT_FALSE(config.ip.dad);
  EXPECT_EQ(config.ports[0].name, "wan");
  EXPECT_EQ(config.ports[0].vlan, 9u);
  EXPECT_EQ(config.memory.neighbours, 64u);
}

TEST_F(CommandLineOf, AProgramAddsAPort) {
  const Config config =
      Load({"--device=net_null0", "--address=198.18.0.2/24",
            "--set=port.1.pci=0000:01:00.0,port.1.addresses=[\"198.19.0.2/24\"]"});
  ASSERT_EQ(config.ports.size(), 2u);
  EXPECT_EQ(config.ports[1].pci, "0000:01:00.0");
}

TEST_F(CommandLineOf, AProgramReplacesTheFilesCoresAndDevice) {
  absl::SetFlag(&FLAGS_workers, GivenText{"3"});
  absl::SetFlag(&FLAGS_device, GivenText{"net_null0"});
  Config config = Parse(
      "[workers]\ncores = [0, 1]\n[[port]]\npci = \"01:00.0\"\n"
      "addresses = [\"198.18.0.2/24\"]\n");
  const absl::Status status = ApplyFlags(config);
  ASSERT_TRUE(status.ok()) << Message(status);
  EXPECT_EQ(config.workers.count, 3u);
  EXPECT_TRUE(config.workers.cores.empty());
  EXPECT_EQ(config.ports[0].device, "net_null0");
  EXPECT_EQ(config.ports[0].pci, "");
}

TEST_F(CommandLineOf, AProgramHasItsOwnFlagsAndItsOwnArguments) {
  const Outcome outcome =
      Launch({"--device=net_null0", "--test_root", "/srv", "--address=198.18.0.2/24",
              "--notest_verbose", "--", "--not-a-flag", "file"});
  ASSERT_TRUE(outcome.result.ok()) << Message(outcome.result.status());
  EXPECT_FALSE(outcome.result->print);
  EXPECT_EQ(absl::GetFlag(FLAGS_test_root), "/srv");
  EXPECT_FALSE(absl::GetFlag(FLAGS_test_verbose));
  EXPECT_THAT(outcome.rest, ElementsAre("--not-a-flag", "file"));
}

TEST_F(CommandLineOf, DashesAndUnderscoresInTheNamesOfFlagsAreAlike) {
  const Outcome outcome = Launch({"--device=net_null0", "--address=198.18.0.2/24",
                                  "--test-root=/elsewhere", "--no-test-verbose"});
  EXPECT_FALSE(outcome.result.ok());  // --no and a dash is no way to say no
  EXPECT_EQ(absl::GetFlag(FLAGS_test_root), "/elsewhere");
}

TEST_F(CommandLineOf, ACheckPrintsTheResultingConfiguration) {
  const Outcome outcome = Launch({"--check", "--device=net_null0", "--address=198.18.0.2/24"});
  ASSERT_TRUE(outcome.result.ok()) << Message(outcome.result.status());
  ASSERT_TRUE(outcome.result->print);
  EXPECT_EQ(Parse(*outcome.result->print), outcome.result->config);
}

TEST_F(CommandLineOf, HelpNamesEveryFlagOfTheProgramAndNoneOfTheLibraries) {
  const Outcome outcome = Launch({"--help"});
  ASSERT_TRUE(outcome.result.ok());
  ASSERT_TRUE(outcome.result->print);
  for (const char* flag :
       {"config", "check", "set", "workers", "idle", "device", "address", "gateway", "test_root"}) {
    EXPECT_THAT(*outcome.result->print, HasSubstr(std::string("\n  --") + flag + "\n"));
  }
  EXPECT_THAT(*outcome.result->print, Not(HasSubstr("undefok")));
}

TEST(TheNearestName, IsTheOneWithTheFewestEdits) {
  const std::vector<std::string> names = {"tcp.mss", "tcp.ttl", "ip.dad"};
  EXPECT_EQ(Nearest("tcp.mss", names), "tcp.mss");
  EXPECT_EQ(Nearest("tcp.ms", names), "tcp.mss");
  EXPECT_EQ(Nearest("tpc.ttl", names), "tcp.ttl");  // neighbours swapped: one edit
  EXPECT_EQ(Nearest("tcc.tt", names), "");          // two edits are too many for six letters
  EXPECT_EQ(Nearest("ipdad", names), "ip.dad");
  EXPECT_EQ(Nearest("", names), "");
  EXPECT_EQ(Nearest(std::string(1000, 'x'), names), "");
}

// Not fuzzing, but what a file cut short or damaged in one octet does: an error or a configuration.
TEST(ADamagedFile, GivesAnErrorOrAConfigurationAtEveryTruncation) {
  const std::string sample = PrintConfig(NothingDefault());
  size_t errors = 0;
  for (size_t size = 0; size < sample.size(); ++size) {
    const absl::StatusOr<Config> config = ParseConfig(sample.substr(0, size), "cut.toml");
    if (config.ok()) continue;
    ++errors;
    EXPECT_EQ(Message(config.status()).substr(0, 9), "cut.toml:") << config.status();
  }
  EXPECT_GT(errors, sample.size() / 4);
  EXPECT_LT(errors, sample.size());
}

TEST(ADamagedFile, GivesAnErrorOrAConfigurationAtEveryChangedOctet) {
  const std::string sample = PrintConfig(NothingDefault());
  size_t errors = 0;
  const char octets[] = {'\0', '"', '[', '9', '\xff', '\n', '#'};
  for (size_t at = 0; at < sample.size(); ++at) {
    std::string damaged = sample;
    damaged[at] = octets[at % sizeof octets];
    const absl::StatusOr<Config> config = ParseConfig(damaged, "bad.toml");
    if (config.ok()) continue;
    ++errors;
    EXPECT_EQ(Message(config.status()).substr(0, 9), "bad.toml:") << config.status();
  }
  EXPECT_GT(errors, sample.size() / 4);
}

}  // namespace
}  // namespace weir::runtime
