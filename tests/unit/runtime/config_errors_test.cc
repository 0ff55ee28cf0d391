// Every kind of mistake in the configuration, with the exact message it must give.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "runtime/config.h"
#include "runtime/config_flags.h"

ABSL_FLAG(int, test_depth, 0, "A number of the application's own.");

namespace weir::runtime {
namespace {

struct BrokenFile {
  const char* name;
  std::string toml;
  std::string message;  // all lines, exactly
};

std::ostream& operator<<(std::ostream& out, const BrokenFile& file) { return out << file.name; }

// Four lines that are right, so that a test's own line is the fifth.
const char kPort[] =
    "[[port]]\ndevice = \"net_null0\"\naddresses = [\"198.18.0.2/24\", \"2001:2::2/64\"]\n\n";

std::string Repeat(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

class ABrokenFile : public testing::TestWithParam<BrokenFile> {};

TEST_P(ABrokenFile, IsRefusedWithLineKeyValueAndWhatWouldBeRight) {
  const absl::StatusOr<Config> config = ParseConfig(GetParam().toml, "weir.toml");
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(config.status().message()), GetParam().message);
}

std::string NameOfFile(const testing::TestParamInfo<BrokenFile>& info) { return info.param.name; }

const BrokenFile kNames[] = {
    {"UnknownSection", "\n[tpc]\nmss = 1\n",
     "weir.toml:2: [tpc]: unknown section; did you mean [tcp]?"},
    {"UnknownPortSection", "[[prt]]\nmtu = 1500\n",
     "weir.toml:1: [prt]: unknown section; did you mean [[port]]?"},
    {"FarSection", "[database]\nurl = 1\n",
     "weir.toml:1: [database]: unknown section; config/weir.toml shows all of them"},
    {"UnknownKey", "[tcp]\nmms = 1400\n",
     "weir.toml:2: tcp.mms = 1400: unknown key; did you mean tcp.mss?"},
    {"FarKey", "[tcp]\nquick_brown_fox = true\n",
     "weir.toml:2: tcp.quick_brown_fox = true: unknown key; config/weir.toml shows all of them"},
    {"KeyOfAnotherSection", "[tcp]\nsleep_us = 100\n",
     "weir.toml:2: tcp.sleep_us = 100: unknown key; did you mean workers.sleep_us?"},
    {"KeyWithoutSection", "mss = 1400\n",
     "weir.toml:1: mss = 1400: unknown key; did you mean tcp.mss?"},
    {"UnknownPortKey",
     std::string(kPort) + "\n[[port]]\nmtuu = 1500\npci = \"01:00.0\"\n"
                          "addresses = [\"198.19.0.2/24\"]\n",
     "weir.toml:7: port.1.mtuu = 1500: unknown key; did you mean port.1.mtu?"},
    {"KeyWithControlCharacter", "[tcp]\n\"a\\nb\" = 1\n",
     "weir.toml:2: tcp.a?b = 1: unknown key; config/weir.toml shows all of them"},
    {"SectionAsValue", "tcp = 3\n",
     "weir.toml:1: tcp = 3: not a section; must be written [tcp] with its keys below"},
    {"SectionAsList", "[[tcp]]\nmss = 1400\n",
     "weir.toml:1: tcp = [{...}]: not a section; must be written [tcp] with its keys below"},
    {"PortAsSection", "[port]\nmtu = 1500\n",
     "weir.toml:1: port = {...}: not a list of ports; must be written [[port]], once for each "
     "port"},
    {"DuplicateKey", "[tcp]\nmss = 1400\nmss = 1300\n",
     "weir.toml:3: not TOML: Error while parsing key-value pair: cannot redefine existing integer "
     "'mss'; config/weir.toml shows the form"},
    {"ControlCharacter",
     "[counters]\nprint_on_exit = tr\x11"
     "ue\n",
     "weir.toml:2: not TOML: Error while parsing boolean: expected 'true', saw 'tr\\x11'; "
     "config/weir.toml shows the form"},
    {"NoValue", "[tcp]\nmss =\n",
     "weir.toml:2: not TOML: Error while parsing key-value pair: expected value, saw '\\n'; "
     "config/weir.toml shows the form"},
};
INSTANTIATE_TEST_SUITE_P(Names, ABrokenFile, testing::ValuesIn(kNames), NameOfFile);

const BrokenFile kTypes[] = {
    {"StringForNumber", "[tcp]\nmss = \"big\"\n",
     "weir.toml:2: tcp.mss = \"big\": a string; must be an integer from 88 to 8960 (octets), or 0 "
     "(from the MTU)"},
    {"FractionForNumber", "[tcp]\nttl = 6.5\n",
     "weir.toml:2: tcp.ttl = 6.5: a number with a fraction; must be an integer from 1 to 255 "
     "(hops)"},
    {"NumberForSwitch", "[tcp]\nkeepalive = 1\n",
     "weir.toml:2: tcp.keepalive = 1: an integer; must be true or false"},
    {"SwitchForWord", "[workers]\nidle = true\n",
     "weir.toml:2: workers.idle = true: a boolean; must be \"spin\", \"pause\" or \"sleep\""},
    {"StringForList", "[workers]\ncores = \"0,1\"\n",
     "weir.toml:2: workers.cores = \"0,1\": a string; must be a list of integers from 0 to 127"},
    {"StringInList", "[workers]\ncores = [0,\n \"1\"]\n",
     "weir.toml:3: workers.cores = \"1\": a string; must be an integer from 0 to 127"},
    {"NumberForAddresses", "[[port]]\npci = \"01:00.0\"\naddresses = 7\n",
     "weir.toml:3: port.0.addresses = 7: an integer; must be a list of addresses such as "
     "[\"198.18.0.2/24\", \"2001:2::2/64\"]"},
    {"NumberAmongAddresses", "[[port]]\npci = \"01:00.0\"\naddresses = [7]\n",
     "weir.toml:3: port.0.addresses = 7: an integer; must be a string"},
    {"DateForText", "[eal]\nfile_prefix = 2022-11-30\n",
     "weir.toml:2: eal.file_prefix = 2022-11-30: a date or time; must be 1 to 32 letters, digits, "
     "'_', '-' or '.'"},
    {"TableForNumber", "[tcp.mss]\nlarge = true\n",
     "weir.toml:1: tcp.mss = {...}: a table; must be an integer from 88 to 8960 (octets), or 0 "
     "(from the MTU)"},
    {"StringForScale", "[tcp]\nwindow_scale = \"automatic\"\n",
     "weir.toml:2: tcp.window_scale = \"automatic\": a string; must be \"auto\" or an integer from "
     "0 to 14"},
    {"NumberForGateway",
     std::string("[[port]]\npci = \"01:00.0\"\naddresses = [\"198.18.0.2/24\"]\n"
                 "gateway4 = 1\n"),
     "weir.toml:4: port.0.gateway4 = 1: an integer; must be an IPv4 address or \"\""},
};
INSTANTIATE_TEST_SUITE_P(Types, ABrokenFile, testing::ValuesIn(kTypes), NameOfFile);

const BrokenFile kValues[] = {
    {"TooSmall", "[tcp]\nmss = 9\n",
     "weir.toml:2: tcp.mss = 9: out of range; must be an integer from 88 to 8960 (octets), or 0 "
     "(from the MTU)"},
    {"Negative", "[drain]\ntimeout_ms = -1\n",
     "weir.toml:2: drain.timeout_ms = -1: out of range; must be an integer from 0 to 3600000 (ms)"},
    {"TooLarge", "[memory]\nmax_connections = 134217729\n",
     "weir.toml:2: memory.max_connections = 134217729: out of range; must be an integer from 16 to "
     "134217728"},
    {"BeyondThirtyTwoBits", "[tcp]\nttl = 4294967297\n",
     "weir.toml:2: tcp.ttl = 4294967297: out of range; must be an integer from 1 to 255 (hops)"},
    {"ScaleTooLarge", "[tcp]\nwindow_scale = 15\n",
     "weir.toml:2: tcp.window_scale = 15: out of range; must be \"auto\" or an integer from 0 to "
     "14"},
    {"DelayedAckTooLong", "[tcp]\ndelayed_ack_ms = 500\n",
     "weir.toml:2: tcp.delayed_ack_ms = 500: out of range; must be an integer from 1 to 499 (ms)"},
    {"WindowOfElevenSegments", "[tcp]\ninitial_window_segments = 11\n",
     "weir.toml:2: tcp.initial_window_segments = 11: out of range; must be an integer from 1 to 10 "
     "(segments)"},
    {"PathMtuForgottenTooSoon", "[ip]\npath_mtu_lifetime_s = 299\n",
     "weir.toml:2: ip.path_mtu_lifetime_s = 299: out of range; must be an integer from 300 to "
     "86400 "
     "(s)"},
    {"UnknownWord", "[workers]\nidle = \"idle\"\n",
     "weir.toml:2: workers.idle = \"idle\": unknown; must be \"spin\", \"pause\" or \"sleep\""},
    {"UnknownAlgorithm", "[tcp]\ncongestion = \"reno\"\n",
     "weir.toml:2: tcp.congestion = \"reno\": unknown; must be \"newreno\""},
    {"CoreTwice", "[workers]\ncores = [1, 0, 1]\n",
     "weir.toml:2: workers.cores = 1: given twice; must be unique"},
    {"RingNoPowerOfTwo",
     std::string("[[port]]\npci = \"01:00.0\"\naddresses = [\"198.18.0.2/24\"]\n"
                 "rx_descriptors = 1000\n"),
     "weir.toml:4: port.0.rx_descriptors = 1000: not a power of two; must be a power of two from "
     "64 "
     "to 32768"},
    {"OptionSetByWeir", "[eal]\nargs = [\"-n\", \"2\", \"-l0,1\"]\n",
     "weir.toml:2: eal.args = \"-l0,1\": \"-l0,1\" is set by weir; use workers.cores"},
    {"DeviceAmongArguments", "[eal]\nargs = [\"--vdev=net_null0\"]\n",
     "weir.toml:2: eal.args = \"--vdev=net_null0\": \"--vdev=net_null0\" is set by weir; use "
     "port.device"},
    {"AbbreviatedOption", "[eal]\nargs = [\"--all=01:00.0\"]\n",
     "weir.toml:2: eal.args = \"--all=01:00.0\": \"--all=01:00.0\" is set by weir; use port.pci"},
    {"EndOfOptions", "[eal]\nargs = [\"--\"]\n",
     "weir.toml:2: eal.args = \"--\": \"--\" would end the EAL's options; leave it out"},
    {"SixtyFiveArguments", "[eal]\nargs = [" + Repeat("\"-n\",", 65) + "]\n",
     "weir.toml:2: eal.args = [\"-n\", \"-n\", \"-n\", \"-n\", \"-n\", \"-n\", \"-n\", \"-n\", "
     "\"-n\", \"-n\",..."
     ": has 65 elements; must have at most 64"},
    {"PrefixIsPath", "[eal]\nfile_prefix = \"../x\"\n",
     "weir.toml:2: eal.file_prefix = \"../x\": not a prefix; must be 1 to 32 letters, digits, '_', "
     "'-' or '.', beginning with a letter, a digit or '_'"},
    {"PathHasAZero", "[tcp]\nsyn_cookie_secret_file = \"/a\\u0000b\"\n",
     "weir.toml:2: tcp.syn_cookie_secret_file = \"/a\\u0000b\": not a path; must be the path of a "
     "file, at most 4095 octets without control characters, or \"\""},
    {"PathIsANumber", "[tcp]\nsyn_cookie_secret_file = 7\n",
     "weir.toml:2: tcp.syn_cookie_secret_file = 7: an integer; must be the path of a file or "
     "\"\""},
};
INSTANTIATE_TEST_SUITE_P(Values, ABrokenFile, testing::ValuesIn(kValues), NameOfFile);

// A port on one line, its own address list given.
std::string PortWithAddress(const std::string& address) {
  return "[[port]]\npci = \"01:00.0\"\naddresses = [\"" + address + "\"]\n";
}
std::string AddressMessage(const std::string& address, const std::string& problem) {
  return "weir.toml:3: port.0.addresses = \"" + address + "\": " + problem;
}
const char kWriteAddress[] = "write ADDRESS/LENGTH such as 198.18.0.2/24 or 2001:2::2/64";
const char kUnicast[] = "; must be a host's own unicast address";

const BrokenFile kAddresses[] = {
    {"NoPrefixLength", PortWithAddress("198.18.0.2"),
     AddressMessage("198.18.0.2", std::string("no prefix length; ") + kWriteAddress)},
    {"NoAddress", PortWithAddress("198.18.0/24"),
     AddressMessage("198.18.0/24", std::string("not an IP address; ") + kWriteAddress)},
    {"MappedAddress", PortWithAddress("::ffff:198.18.0.2/120"),
     AddressMessage("::ffff:198.18.0.2/120", std::string("not an IP address; ") + kWriteAddress)},
    {"PrefixTooLong", PortWithAddress("198.18.0.2/33"),
     AddressMessage("198.18.0.2/33", "no such prefix length; must be from 1 to 32")},
    {"PrefixNoNumber", PortWithAddress("2001:2::2/64x"),
     AddressMessage("2001:2::2/64x", "no such prefix length; must be from 1 to 128")},
    {"Multicast", PortWithAddress("224.0.0.1/24"),
     AddressMessage("224.0.0.1/24", std::string("a multicast address") + kUnicast)},
    {"MulticastV6", PortWithAddress("ff02::1/64"),
     AddressMessage("ff02::1/64", std::string("a multicast address") + kUnicast)},
    {"Loopback", PortWithAddress("127.0.0.1/8"),
     AddressMessage("127.0.0.1/8", std::string("a loopback address") + kUnicast)},
    {"Unspecified", PortWithAddress("::/64"),
     AddressMessage("::/64", std::string("the unspecified address") + kUnicast)},
    {"Reserved", PortWithAddress("255.255.255.255/24"),
     AddressMessage("255.255.255.255/24", std::string("a reserved address") + kUnicast)},
    {"ThisNetwork", PortWithAddress("0.1.2.3/24"),
     AddressMessage("0.1.2.3/24", std::string("an address of \"this network\"") + kUnicast)},
    {"NetworkAddress", PortWithAddress("198.18.0.0/24"),
     AddressMessage("198.18.0.0/24", std::string("the network's own address") + kUnicast)},
    {"BroadcastAddress", PortWithAddress("198.18.0.255/24"),
     AddressMessage("198.18.0.255/24", std::string("the network's broadcast address") + kUnicast)},
    {"GatewayOfTheOtherFamily", PortWithAddress("198.18.0.2/24") + "gateway4 = \"fe80::1\"\n",
     "weir.toml:4: port.0.gateway4 = \"fe80::1\": not an IPv4 address; must be a router's address "
     "such as 198.18.0.1"},
    {"MulticastGateway", PortWithAddress("2001:2::2/64") + "gateway6 = \"ff02::2\"\n",
     "weir.toml:4: port.0.gateway6 = \"ff02::2\": a multicast address; must be a router's unicast "
     "address"},
    {"GatewayOffLink", PortWithAddress("198.18.0.2/24") + "gateway4 = \"198.18.1.1\"\n",
     "weir.toml:4: port.0.gateway4 = \"198.18.1.1\": not on link; must be within the prefix of one "
     "of the port's addresses"},
    {"GatewayOffLinkV6", PortWithAddress("2001:2::2/64") + "gateway6 = \"2001:2:0:1::1\"\n",
     "weir.toml:4: port.0.gateway6 = \"2001:2:0:1::1\": not on link; must be within the prefix of "
     "one of the port's addresses, or link-local"},
    {"GatewayIsSelf", PortWithAddress("198.18.0.2/24") + "gateway4 = \"198.18.0.2\"\n",
     "weir.toml:4: port.0.gateway4 = \"198.18.0.2\": the port's own address; must be a router's"},
    {"AddressTwice", PortWithAddress("198.18.0.2/24\", \"198.18.0.2/25"),
     "weir.toml:3: port.0.addresses = [\"198.18.0.2/24\", \"198.18.0.2/25\"]: 198.18.0.2 is "
     "given "
     "twice; each address must be given once"},
    {"AddressOnTwoPorts",
     PortWithAddress("198.18.0.2/24") +
         "[[port]]\npci = \"02:00.0\"\naddresses = [\"198.18.0.2/24\"]\n",
     "weir.toml:6: port.1.addresses = [\"198.18.0.2/24\"]: 198.18.0.2 is also an address of "
     "port.0; "
     "each address must be given once"},
};
INSTANTIATE_TEST_SUITE_P(Addresses, ABrokenFile, testing::ValuesIn(kAddresses), NameOfFile);

std::string PortWith(const std::string& line) {
  return "[[port]]\naddresses = [\"198.18.0.2/24\"]\n" + line + "\n";
}

const BrokenFile kDevices[] = {
    {"NoDevice", PortWith(""), "weir.toml:1: port.0: has neither device nor pci; give one of them"},
    {"TwoDevices", PortWith("device = \"net_null0\"\npci = \"01:00.0\""),
     "weir.toml:4: port.0.pci = \"01:00.0\": clashes with device; leave one of the two out"},
    {"UnknownDriver", PortWith("device = \"net_tun0\""),
     "weir.toml:3: port.0.device = \"net_tun0\": no known virtual device; must begin with net_tap, "
     "net_memif, net_ring, net_af_packet, net_af_xdp, net_pcap, net_null, net_virtio_user or "
     "net_vhost"},
    {"DriverNamePlusLetters", PortWith("device = \"net_tapestry\""),
     "weir.toml:3: port.0.device = \"net_tapestry\": no known virtual device; must begin with "
     "net_tap, net_memif, net_ring, net_af_packet, net_af_xdp, net_pcap, net_null, net_virtio_user "
     "or net_vhost"},
    {"SpaceInDevice", PortWith("device = \"net_tap0, iface=x\""),
     "weir.toml:3: port.0.device = \"net_tap0, iface=x\": a space or an unprintable character; "
     "must "
     "be as after --vdev, without spaces"},
    {"DeviceNameTooLong", PortWith("device = \"net_tap" + Repeat("0", 57) + "\""),
     "weir.toml:3: port.0.device = \"net_tap" + Repeat("0", 52) +
         "...: the device's name is too long; must be at most 63 characters up to the comma"},
    {"PciAddressWrong", PortWith("pci = \"0000:01:20.0\""),
     "weir.toml:3: port.0.pci = \"0000:01:20.0\": not a PCI address; write "
     "DOMAIN:BUS:DEVICE.FUNCTION such as 0000:01:00.0"},
    {"PciFunctionWrong", PortWith("pci = \"01:00.8\""),
     "weir.toml:3: port.0.pci = \"01:00.8\": not a PCI address; write DOMAIN:BUS:DEVICE.FUNCTION "
     "such as 0000:01:00.0"},
    {"MacWrong", PortWith("pci = \"01:00.0\"\nmac = \"02-00-00-00-00-01\""),
     "weir.toml:4: port.0.mac = \"02-00-00-00-00-01\": not a link address; write six octets such "
     "as "
     "02:00:00:00:00:01"},
    {"MacMulticast", PortWith("pci = \"01:00.0\"\nmac = \"01:00:5e:00:00:01\""),
     "weir.toml:4: port.0.mac = \"01:00:5e:00:00:01\": a group address; must be unicast: the first "
     "octet even, such as 02:00:00:00:00:01"},
    {"MacZero", PortWith("pci = \"01:00.0\"\nmac = \"00:00:00:00:00:00\""),
     "weir.toml:4: port.0.mac = \"00:00:00:00:00:00\": all zero; must be a unicast address such as "
     "02:00:00:00:00:01"},
    {"PortNameWrong", PortWith("pci = \"01:00.0\"\nname = \"0\""),
     "weir.toml:4: port.0.name = \"0\": not a name; must be a letter, then up to 31 letters, "
     "digits, '_' or '-'"},
    {"VlanTooLarge", PortWith("pci = \"01:00.0\"\nvlan = 4095"),
     "weir.toml:4: port.0.vlan = 4095: out of range; must be an integer from 1 to 4094, or 0 "
     "(untagged)"},
    {"NoAddresses", "[[port]]\npci = \"01:00.0\"\n",
     "weir.toml:1: port.0: has no addresses; give at least one, such as addresses = "
     "[\"198.18.0.2/24\"]"},
};

const BrokenFile kClashes[] = {
    {"MtuBelowIpv6", "[[port]]\npci = \"01:00.0\"\nmtu = 1279\naddresses = [\"2001:2::2/64\"]\n",
     "weir.toml:3: port.0.mtu = 1279: too small for the port's IPv6 addresses; must be at least "
     "1280"},
    {"CountAndCores", "[workers]\ncount = 3\ncores = [0, 1]\n",
     "weir.toml:2: workers.count = 3: clashes with workers.cores, which names 2; leave one of the "
     "two out"},
    {"FewerQueuesThanWorkers", std::string(kPort) + "queues = 1\n[workers]\ncount = 2\n",
     "weir.toml:5: port.0.queues = 1: fewer than workers (2); must be at least that, or 0 (one for "
     "each worker)"},
    {"SameName",
     std::string(kPort) + "name = \"port1\"\n" +
         "[[port]]\npci = \"02:00.0\"\naddresses = [\"198.19.0.2/24\"]\n",
     "weir.toml:5: port.0.name = \"port1\": port.0 and port.1 have one name; names must be unique"},
    {"SameVirtualDevice",
     std::string(kPort) + "[[port]]\ndevice = \"net_null0,size=64\"\n"
                          "addresses = [\"198.19.0.2/24\"]\n",
     "weir.toml:6: port.1.device = \"net_null0,size=64\": net_null0 is also the device of port.0; "
     "must be unique, such as net_tap0 and net_tap1"},
    {"SamePci",
     PortWithAddress("198.18.0.2/24") +
         "[[port]]\npci = \"0000:01:00.0\"\naddresses = [\"198.19.0.2/24\"]\n",
     "weir.toml:5: port.1.pci = \"0000:01:00.0\": also the device of port.0; must be unique"},
    {"RtoOrder", "[tcp]\nrto_min_ms = 2000\n",
     "weir.toml:2: tcp.rto_min_ms = 2000: rto_initial_ms is below rto_min_ms; rto_initial_ms must "
     "be at least 2000"},
    {"RtoMaximum", "[tcp]\nrto_initial_ms = 5000\nrto_max_ms = 4000\n",
     "weir.toml:2: tcp.rto_initial_ms = 5000: rto_initial_ms is above rto_max_ms; rto_initial_ms "
     "must be at most 4000"},
    {"Retries", "[tcp]\nretries2 = 2\n",
     "weir.toml:2: tcp.retries2 = 2: retries1 is above retries2; retries1 must be at most 2"},
    {"MarksInTheWrongOrder", "[memory]\nshed_high = 80\nshed_low = 81\n",
     "weir.toml:3: memory.shed_low = 81: shed_low is above shed_high; shed_low must be at most "
     "80"},
    {"LowMarkAboveTheDefault", "[memory]\nshed_low = 96\n",
     "weir.toml:2: memory.shed_low = 96: shed_low is above shed_high; shed_low must be at most "
     "95"},
    {"ScaleBelowBuffer", "[tcp]\nwindow_scale = 2\nreceive_buffer = 300000\n",
     "weir.toml:2: tcp.window_scale = 2: windows of at most 262140 octets cannot offer "
     "receive_buffer (300000); must be larger, or \"auto\""},
    {"MssAboveMtu", std::string(kPort) + "[tcp]\nmss = 1461\n",
     "weir.toml:6: tcp.mss = 1461: larger than any port's MTU (1500) allows; must be at most 1460"},
    {"PinnedAboveBuffers", "[memory]\nmax_pinned_buffers = 16385\n",
     "weir.toml:2: memory.max_pinned_buffers = 16385: max_pinned_buffers (16385) is above "
     "receive_buffers (16384); max_pinned_buffers must be at most receive_buffers"},
    {"BuffersBelowPinned", "[memory]\nreceive_buffers = 1024\n",
     "weir.toml:2: memory.receive_buffers = 1024: max_pinned_buffers (8192) is above "
     "receive_buffers (1024); max_pinned_buffers must be at most receive_buffers"},
    {"BuffersBelowRings",
     std::string(kPort) + "[memory]\nreceive_buffers = 1024\nmax_pinned_buffers = 512\n",
     "weir.toml:6: memory.receive_buffers = 1024: receive_buffers (1024) is not above what the "
     "receive rings of a worker hold; receive_buffers must be above 1024, the rx_descriptors of "
     "all its queues"},
    {"RingsAboveBuffers", std::string(kPort) + "rx_descriptors = 16384\n",
     "weir.toml:5: port.0.rx_descriptors = 16384: receive_buffers (16384) is not above what the "
     "receive rings of a worker hold; receive_buffers must be above 16384, the rx_descriptors of "
     "all its queues"},
    {"MemoryTooSmall", "[workers]\ncount = 8\n",
     "weir.toml:2: workers.count = 8: eal.memory_mb = 512 is too little for 393216 packet buffers "
     "on 8 workers; must be at least 960"},
};
INSTANTIATE_TEST_SUITE_P(Clashes, ABrokenFile, testing::ValuesIn(kClashes), NameOfFile);

INSTANTIATE_TEST_SUITE_P(Devices, ABrokenFile, testing::ValuesIn(kDevices), NameOfFile);

TEST(AFileWithSeveralMistakes, GetsThemAllReportedInTheOrderOfItsLines) {
  const absl::StatusOr<Config> config = ParseConfig(
      "[tcp]\nttl = 0\nmss = true\n[ip]\ndad = 1\n[workers]\ncores = [200, 0, 0]\n", "weir.toml");
  EXPECT_EQ(std::string(config.status().message()),
            "weir.toml:2: tcp.ttl = 0: out of range; must be an integer from 1 to 255 (hops)\n"
            "weir.toml:3: tcp.mss = true: a boolean; must be an integer from 88 to 8960 (octets), "
            "or 0 (from the MTU)\n"
            "weir.toml:5: ip.dad = 1: an integer; must be true or false\n"
            "weir.toml:7: workers.cores = 200: out of range; must be an integer from 0 to 127\n"
            "weir.toml:7: workers.cores = 0: given twice; must be unique");
}

TEST(AFileWithSeveralMistakes, IsNotBlamedForAClashWithAValueThatWasRefused) {
  const absl::StatusOr<Config> config =
      ParseConfig("[tcp]\nrto_initial_ms = 99999\nrto_min_ms = 2000\n", "weir.toml");
  EXPECT_EQ(std::string(config.status().message()),
            "weir.toml:2: tcp.rto_initial_ms = 99999: out of range; must be an integer from 10 to "
            "60000 (ms)");
}

TEST(AFileWithSeveralMistakes, IsRefusedWhenItDescribesMorePortsThanThereCanBe) {
  const absl::StatusOr<Config> config = ParseConfig(Repeat("[[port]]\n", 33), "weir.toml");
  EXPECT_THAT(std::string(config.status().message()),
              testing::HasSubstr("weir.toml:33: port.32: too many ports; must be at most 32"));
}

TEST(AFileThatNestsDeeply, IsRefused) {
  const auto config = ParseConfig("x = " + Repeat("[", 100000), "weir.toml");
  EXPECT_THAT(std::string(config.status().message()),
              testing::StartsWith("weir.toml:1: not TOML: "));
}

TEST(AFileThatCannotBeRead, IsNamed) {
  const absl::StatusOr<Config> config = LoadConfig("/nonexistent/weir.toml");
  EXPECT_EQ(config.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(std::string(config.status().message()),
            "/nonexistent/weir.toml: cannot be read: No such file or directory");
}

TEST(AFileThatCannotBeRead, IsADirectory) {
  EXPECT_EQ(std::string(LoadConfig("/").status().message()), "/: cannot be read: Is a directory");
}

struct BrokenCommandLine {
  const char* name;
  std::vector<std::string> arguments;  // after those that describe a port
  std::string message;
};

std::ostream& operator<<(std::ostream& out, const BrokenCommandLine& line) {
  return out << line.name;
}

class ABrokenCommandLine : public testing::TestWithParam<BrokenCommandLine> {
  absl::FlagSaver saver_;
};

TEST_P(ABrokenCommandLine, IsRefusedWithFlagValueAndWhatWouldBeRight) {
  std::vector<std::string> arguments = {"weir-test", "--device=net_null0",
                                        "--address=198.18.0.2/24"};
  arguments.insert(arguments.end(), GetParam().arguments.begin(), GetParam().arguments.end());
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  int argc = static_cast<int>(arguments.size());
  char** argv = pointers.data();
  const absl::StatusOr<CommandLine> result = LoadFromCommandLine(argc, argv);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(result.status().message()), GetParam().message);
}

const BrokenCommandLine kCommandLines[] = {
    {"UnknownFlag", {"--chek"}, "--chek: unknown flag; did you mean --check?"},
    {"UnknownFlagWithItsValue",
     {"--adress", "198.18.0.3/24"},
     "--adress: unknown flag; did you mean --address?"},
    {"FarFlag", {"--flagfile=x"}, "--flagfile=x: unknown flag; --help shows all of them"},
    {"NegatedText", {"--noidle"}, "--noidle: unknown flag; --help shows all of them"},
    {"Positional",
     {"weir.toml"},
     "weir.toml: not a flag; flags begin with --, and what follows a lone -- is the application's "
     "own"},
    {"MissingValue", {"--config"}, "--config: no value; must be --config=VALUE"},
    {"ForgottenValue", {"--set", "--check"}, "--set: no value; must be --set=VALUE"},
    {"ApplicationsFlag",
     {"--test_depth=deep"},
     "--test_depth=deep: Illegal value 'deep' specified for flag 'test_depth'"},
    {"NoFile",
     {"--config=/nonexistent/x"},
     "--config=/nonexistent/x: cannot be read: No such file or directory"},
    {"EmptyDevice", {"--device="}, "--device=: has neither device nor pci; give one of them"},
    {"UnknownDevice",
     {"--device=eth0"},
     "--device=eth0: no known virtual device; must begin with net_tap, net_memif, net_ring, "
     "net_af_packet, net_af_xdp, net_pcap, net_null, net_virtio_user or net_vhost"},
    {"Workers",
     {"--workers=many"},
     "--workers=many: not a TOML value; must be an integer from 1 to 128"},
    {"NoWorkers", {"--workers=0"}, "--workers=0: out of range; must be an integer from 1 to 128"},
    {"Idle", {"--idle=never"}, "--idle=never: unknown; must be \"spin\", \"pause\" or \"sleep\""},
    {"OneOfTwoAddresses",
     {"--address=198.18.0.2/24,2001:2::2"},
     "--address=198.18.0.2/24,2001:2::2: \"2001:2::2\": no prefix length; write ADDRESS/LENGTH "
     "such "
     "as 198.18.0.2/24 or 2001:2::2/64"},
    {"GatewayOffLink",
     {"--gateway=10.0.0.1"},
     "--gateway=10.0.0.1: not on link; must be within the prefix of one of the port's addresses"},
    {"TwoGateways",
     {"--gateway=198.18.0.1,198.18.0.3"},
     "--gateway=198.18.0.1,198.18.0.3: two routers of one family; must be one of each at most"},
    {"SetUnknownKey",
     {"--set=tcp.mms=1400"},
     "--set=tcp.mms=1400: unknown key; did you mean tcp.mss?"},
    {"SetWithoutValue",
     {"--set=tcp.mss"},
     "--set=tcp.mss: not an assignment; must be SECTION.KEY=VALUE"},
    {"SetNothing", {"--set="}, "--set=: not an assignment; must be SECTION.KEY=VALUE"},
    {"SetNoToml",
     {"--set=tcp.keepalive=yes"},
     "--set=tcp.keepalive=yes: not a TOML value; must be true or false"},
    {"SetTwoLines",
     {"--set=tcp.ttl=1\nx = 2"},
     "--set=tcp.ttl=1?x = 2: not a TOML value; must be an integer from 1 to 255 (hops)"},
    {"SetWrongType",
     {"--set=tcp.keepalive=1"},
     "--set=tcp.keepalive=1: an integer; must be true or false"},
    {"SetElement",
     {"--set=workers.cores=[0,500]"},
     "--set=workers.cores=[0,500]: 500: out of range; must be an integer from 0 to 127"},
    {"SetClash",
     {"--set=tcp.mss=2000"},
     "--set=tcp.mss=2000: larger than any port's MTU (1500) allows; must be at most 1460"},
    {"SetNoSuchPort",
     {"--set=port.2.mtu=1500"},
     "--set=port.2.mtu=1500: no such port; must be port.0 to port.1 (which adds one), or a port's "
     "name"},
    {"SetTwoMistakes",
     {"--set=tcp.ttl=0,ip.dad=2"},
     "--set=tcp.ttl=0: out of range; must be an integer from 1 to 255 (hops)\n"
     "--set=ip.dad=2: an integer; must be true or false"},
};
std::string NameOfCommandLine(const testing::TestParamInfo<BrokenCommandLine>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(CommandLines, ABrokenCommandLine, testing::ValuesIn(kCommandLines),
                         NameOfCommandLine);

TEST(ACommandLineWithoutPort, IsRefused) {
  absl::FlagSaver saver;
  char program[] = "weir-test";
  char* pointers[] = {program, nullptr};
  int argc = 1;
  char** argv = pointers;
  EXPECT_EQ(std::string(LoadFromCommandLine(argc, argv).status().message()),
            "no port; must be described by [[port]] in the file of --config, or by --device and "
            "--address");
}

TEST(FlagsThatClash, LeaveTheConfigurationAsItWas) {
  absl::FlagSaver saver;
  absl::SetFlag(&FLAGS_set, Overrides{{"tcp.ttl=9", "tcp.retries1=20"}});
  Config config;
  EXPECT_EQ(std::string(ApplyFlags(config).message()),
            "--set=tcp.retries1=20: retries1 is above retries2; retries1 must be at most 15");
  EXPECT_EQ(config, Config{});
}

}  // namespace
}  // namespace weir::runtime
