// Secret files: what is read, and that nothing that others could read or write is believed.
#include "runtime/secret_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/config.h"

namespace weir::runtime {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kDigits = "0123456789abcdefFEDCBA9876543210";

// A file that is gone afterwards.
class SecretFile : public testing::Test {
 protected:
  SecretFile() : path_(testing::TempDir() + "/weir_secret_" + std::to_string(getpid())) {}
  ~SecretFile() override { std::remove(path_.c_str()); }

  void Write(const std::string& text, mode_t mode = 0600) {
    std::remove(path_.c_str());
    std::ofstream(path_) << text;
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
  }
  std::string Error(const std::string& path) const {
    SipKey secret{1, 2};
    const absl::Status status = ReadSecretFile(path, secret);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(secret.k0, 1u) << "changed by a file that was refused";
    EXPECT_EQ(secret.k1, 2u);
    EXPECT_EQ(CheckSecretFile(path), status);
    return std::string(status.message());
  }
  std::string Error() const { return Error(path_); }

  const std::string path_;
};

TEST_F(SecretFile, HoldsThirtyTwoDigits) {
  for (const char* end : {"", "\n", "\r\n", "  \n\n"}) {
    for (const mode_t mode : {0600u, 0400u, 0700u}) {
      Write(kDigits + end, mode);
      SipKey secret;
      ASSERT_TRUE(ReadSecretFile(path_, secret).ok()) << Error();
      EXPECT_EQ(secret.k0, 0x0123456789abcdefu);
      EXPECT_EQ(secret.k1, 0xfedcba9876543210u);
      EXPECT_TRUE(CheckSecretFile(path_).ok());
    }
  }
}

TEST_F(SecretFile, IsRefusedWhenOthersMayTouchIt) {
  for (const mode_t mode : {0640u, 0620u, 0610u, 0604u, 0602u, 0601u, 0644u, 0666u}) {
    Write(kDigits, mode);
    char octal[8];
    std::snprintf(octal, sizeof octal, "%04o", mode);
    EXPECT_EQ(Error(), std::string("open to its group or to others (mode ") + octal +
                           "); must be its owner's alone (mode 0600 or 0400)");
  }
}

TEST_F(SecretFile, IsRefusedWhenItIsAnotherUsers) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  Write(kDigits);
  ASSERT_EQ(chown(path_.c_str(), 12345, 0), 0);
  EXPECT_EQ(Error(), "belongs to user 12345; must belong to the user who runs this (0) or to root");
}

TEST_F(SecretFile, IsRefusedWhenItIsNoRegularFile) {
  EXPECT_EQ(Error(testing::TempDir()), "not a regular file; must be one");
  EXPECT_EQ(Error("/dev/null"), "not a regular file; must be one");
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(Error(), "not a regular file; must be one");  // and is not waited for
}

TEST_F(SecretFile, IsRefusedWhenItIsMissing) {
  EXPECT_EQ(Error(path_ + ".missing"),
            "cannot be read (No such file or directory); must hold 32 hexadecimal digits and "
            "nothing else");
}

TEST_F(SecretFile, IsRefusedWhenItHoldsAnythingElseAndIsNotQuoted) {
  const std::string right = "; must hold 32 hexadecimal digits and nothing else";
  const struct {
    std::string text, error;
  } rows[] = {
      {"", "is empty"},
      {"\n", "is empty"},
      {kDigits.substr(1), "holds 31 digits"},
      {kDigits + "0", "holds more than 32 digits"},
      {kDigits + kDigits, "holds more than 32 digits"},
      {std::string(100000, 'a'), "holds more than 32 digits"},
      {kDigits.substr(1) + "g", "holds something else than hexadecimal digits"},
      {"0x" + kDigits.substr(2), "holds something else than hexadecimal digits"},
      {kDigits + "\n" + kDigits, "holds something else than hexadecimal digits"},
      {std::string(32, '\0'), "holds something else than hexadecimal digits"},
      {"hunter2 is what nobody may see", "holds something else than hexadecimal digits"},
  };
  for (const auto& row : rows) {
    Write(row.text);
    EXPECT_EQ(Error(), row.error + right);
  }
}

// The configuration looks at it, too, and has its path but not its contents.
TEST_F(SecretFile, IsCheckedWithTheConfigurationAndNeverPrinted) {
  const std::string config_path = path_ + ".toml";
  std::ofstream(config_path) << "[[port]]\ndevice = \"net_null0\"\naddresses = "
                                "[\"198.18.0.2/24\"]\n[tcp]\nsyn_cookie_secret_file = \""
                             << path_ << "\"\n";
  Write(kDigits);
  const auto config = LoadConfig(config_path);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(PrintConfig(*config), HasSubstr("syn_cookie_secret_file = \"" + path_ + "\""));
  EXPECT_THAT(PrintConfig(*config), Not(HasSubstr(kDigits)));
  Write(kDigits, 0644);
  const auto refused = LoadConfig(config_path);
  EXPECT_EQ(std::string(refused.status().message()),
            config_path + ":5: tcp.syn_cookie_secret_file = \"" + path_ +
                "\": open to its group or to others (mode 0644); must be its owner's alone (mode "
                "0600 or 0400)");
  std::remove(config_path.c_str());
}

}  // namespace
}  // namespace weir::runtime
