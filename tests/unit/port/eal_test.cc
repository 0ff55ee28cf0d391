// The EAL's argument list: what it must always and must never say.
#include "port/eal.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir::port {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsSupersetOf;
using testing::Not;

EalOptions OneWorker() {
  EalOptions options;
  options.cores = {0};
  return options;
}

TEST(EalArgumentsTest, NoPciDeviceIsTouchedUnlessNamed) {
  EXPECT_THAT(EalArguments(OneWorker()), Contains("--no-pci"));
}

TEST(EalArgumentsTest, NamedPciDevicesAreTheOnlyOnes) {
  EalOptions options = OneWorker();
  options.pci_addresses = {"0000:01:00.0", "0000:01:00.1"};
  const auto arguments = EalArguments(options);
  EXPECT_THAT(arguments, IsSupersetOf({"--allow=0000:01:00.0", "--allow=0000:01:00.1"}));
  EXPECT_THAT(arguments, Not(Contains("--no-pci")));
}

TEST(EalArgumentsTest, WithoutHugePagesNothingIsInMemoryMode) {
  const auto arguments = EalArguments(OneWorker());
  EXPECT_THAT(arguments, IsSupersetOf({"--no-huge", "--no-shconf"}));
  EXPECT_THAT(arguments, Not(Contains("--in-memory")));
}

TEST(EalArgumentsTest, WithHugePagesNoFileOutlivesTheProcess) {
  EalOptions options = OneWorker();
  options.huge_pages = true;
  const auto arguments = EalArguments(options);
  EXPECT_THAT(arguments, Contains("--in-memory"));
  EXPECT_THAT(arguments, Not(Contains("--no-huge")));
}

TEST(EalArgumentsTest, WorkersArePinnedAndTheMainThreadFloats) {
  EalOptions options;
  options.cores = {3, 5};
  const auto arguments = EalArguments(options);
  const auto at = std::find(arguments.begin(), arguments.end(), "--lcores");
  ASSERT_NE(at, arguments.end());
  EXPECT_THAT(*(at + 1), testing::StartsWith("0@("));
  EXPECT_THAT(*(at + 1), testing::EndsWith("),1@3,2@5"));
}

TEST(EalArgumentsTest, ExtraArgumentsComeLast) {
  EalOptions options = OneWorker();
  options.virtual_devices = {"net_null0"};
  options.extra = {"--log-level=debug", "--no-telemetry"};
  const auto arguments = EalArguments(options);
  EXPECT_THAT(std::vector<std::string>(arguments.end() - 3, arguments.end()),
              ElementsAre("--vdev=net_null0", "--log-level=debug", "--no-telemetry"));
}

}  // namespace
}  // namespace weir::port
