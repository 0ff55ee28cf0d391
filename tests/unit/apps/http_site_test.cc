// Site: which files are served under which paths, and that no path leads outside.
#include "http/site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace weir::http {
namespace {

namespace fs = std::filesystem;

class ASite : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "weir-site-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    top_ = name;
    root_ = top_ / "root";
    fs::create_directory(root_);
  }
  void TearDown() override { fs::remove_all(top_); }

  void Write(const fs::path& path, std::string_view text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }

  fs::path top_;
  fs::path root_;
};

TEST_F(ASite, ServesEveryFileUnderItsPath) {
  Write(root_ / "a.txt", "one");
  Write(root_ / "sub/deep/b.html", "two");
  Write(root_ / "empty", "");
  const absl::StatusOr<Site> site = Site::Load(root_.string());
  ASSERT_TRUE(site.ok()) << site.status();
  EXPECT_EQ(site->size(), 3u);
  EXPECT_EQ(site->octets(), 6u);
  ASSERT_NE(site->Find("/a.txt"), nullptr);
  EXPECT_EQ(site->Find("/a.txt")->body, "one");
  EXPECT_EQ(site->Find("/a.txt")->content_type, "text/plain; charset=utf-8");
  ASSERT_NE(site->Find("/sub/deep/b.html"), nullptr);
  EXPECT_EQ(site->Find("/sub/deep/b.html")->body, "two");
  ASSERT_NE(site->Find("/empty"), nullptr);
  EXPECT_EQ(site->Find("/empty")->body, "");
  for (const char* path : {"/", "", "a.txt", "/a.txt/", "/sub", "/sub/", "/A.TXT", "//a.txt"}) {
    EXPECT_EQ(site->Find(path), nullptr) << path;
  }
}

TEST_F(ASite, ServesAnIndexUnderItsDirectoryToo) {
  Write(root_ / "index.html", "top");
  Write(root_ / "sub/index.html", "below");
  const absl::StatusOr<Site> site = Site::Load(root_.string());
  ASSERT_TRUE(site.ok()) << site.status();
  ASSERT_NE(site->Find("/"), nullptr);
  EXPECT_EQ(site->Find("/")->body, "top");
  EXPECT_EQ(site->Find("/")->content_type, "text/html; charset=utf-8");
  ASSERT_NE(site->Find("/sub/"), nullptr);
  EXPECT_EQ(site->Find("/sub/")->body, "below");
  EXPECT_NE(site->Find("/sub/index.html"), nullptr);
}

TEST_F(ASite, LeavesOutWhatIsHiddenLinkedOrNoFile) {
  Write(top_ / "secret", "outside");
  Write(root_ / ".hidden", "x");
  Write(root_ / ".git/config", "x");
  fs::create_symlink(top_ / "secret", root_ / "link");
  fs::create_directory_symlink(top_, root_ / "up");
  fs::create_directory_symlink(root_, root_ / "loop");
  ASSERT_EQ(mkfifo((root_ / "pipe").c_str(), 0600), 0);
  Write(root_ / "seen", "x");
  const absl::StatusOr<Site> site = Site::Load(root_.string());
  ASSERT_TRUE(site.ok()) << site.status();
  EXPECT_EQ(site->size(), 1u);
  EXPECT_NE(site->Find("/seen"), nullptr);
}

TEST_F(ASite, MayBeReachedThroughALinkItself) {
  Write(root_ / "a", "x");
  fs::create_directory_symlink(root_, top_ / "current");
  const absl::StatusOr<Site> site = Site::Load((top_ / "current").string());
  ASSERT_TRUE(site.ok()) << site.status();
  EXPECT_NE(site->Find("/a"), nullptr);
}

TEST_F(ASite, TellsVersionsOfAFileApart) {
  Write(root_ / "a", "one");
  Write(root_ / "b", "two");
  Write(root_ / "c", "one");
  const absl::StatusOr<Site> site = Site::Load(root_.string());
  ASSERT_TRUE(site.ok()) << site.status();
  EXPECT_NE(site->Find("/a")->etag, site->Find("/b")->etag);
  EXPECT_EQ(site->Find("/a")->etag, site->Find("/c")->etag);
  EXPECT_THAT(site->Find("/a")->etag, testing::MatchesRegex("\"[0-9a-f]+-[0-9a-f]+\""));
  EXPECT_EQ(ParseHttpDate(site->Find("/a")->last_modified), site->Find("/a")->modified);
}

TEST_F(ASite, NeedsADirectory) {
  Write(root_ / "file", "x");
  for (const fs::path& path : {top_ / "missing", root_ / "file"}) {
    const absl::StatusOr<Site> site = Site::Load(path.string());
    ASSERT_FALSE(site.ok()) << path;
    EXPECT_THAT(std::string(site.status().message()),
                testing::HasSubstr("--root: " + path.string() + ": is not a directory"));
  }
}

TEST_F(ASite, RefusesAFileTooLargeToSend) {
  Write(root_ / "large", "");
  fs::resize_file(root_ / "large", (1ull << 30) + 1);
  const absl::StatusOr<Site> site = Site::Load(root_.string());
  ASSERT_FALSE(site.ok());
  EXPECT_THAT(std::string(site.status().message()),
              testing::HasSubstr("large: 1073741825 octets; at most 1 GiB"));
}

TEST(TheBuiltInPage, StandsAtTheRootAndNowhereElse) {
  const Site site = Site::BuiltIn();
  ASSERT_NE(site.Find("/"), nullptr);
  EXPECT_THAT(site.Find("/")->body, testing::HasSubstr("weir is serving this page"));
  EXPECT_EQ(site.Find("/")->content_type, "text/html; charset=utf-8");
  EXPECT_EQ(site.Find("/index.html"), nullptr);
}

TEST(ARequestPath, IsDecoded) {
  const struct {
    const char* path;
    const char* decoded;  // null: refused
  } kCases[] = {
      {"/", "/"},
      {"/a/b", "/a/b"},
      {"/a%20b", "/a b"},
      {"/%c3%A9", "/\xc3\xa9"},
      {"/a%2fb", "/a/b"},
      {"/a%252fb", "/a%2fb"},
      {"/./a", "/a"},
      {"/a/./b", "/a/b"},
      {"/a/.", "/a/"},
      {"/a/..", "/"},
      {"/a/../b", "/b"},
      {"/a/b/../../c", "/c"},
      {"/a/b/..", "/a/"},
      {"/a/..b", "/a/..b"},
      {"/...", "/..."},
      {"/a//b", "/a//b"},
      {"/a//../b", "/a/b"},
      {"/.", "/"},
      {"/a/", "/a/"},
      {"/..", nullptr},
      {"/../etc/passwd", nullptr},
      {"/a/../../etc/passwd", nullptr},
      {"/%2e%2e/etc/passwd", nullptr},
      {"/..%2fetc/passwd", nullptr},
      {"/%2E./%2e%2E/x", nullptr},
      {"/a%00.html", nullptr},
      {"/%", nullptr},
      {"/%2", nullptr},
      {"/%zz", nullptr},
      {"/%-1", nullptr},
      {"", nullptr},
      {"a", nullptr},
  };
  for (const auto& c : kCases) {
    const std::string path = c.path;
    // Exactly as long as promised, so that AddressSanitizer sees a write beyond it.
    const auto out = std::make_unique<char[]>(path.size());
    const auto decoded = DecodePath(path, out.get());
    if (c.decoded == nullptr) {
      EXPECT_EQ(decoded, std::nullopt) << path;
    } else {
      EXPECT_EQ(decoded, c.decoded) << path;
    }
  }
}

TEST(AnHttpDate, GoesThereAndBack) {
  EXPECT_EQ(FormatHttpDate(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  for (const std::time_t time : {0L, 784111777L, 951782400L, 4102444799L}) {
    EXPECT_EQ(ParseHttpDate(FormatHttpDate(time)), time);
  }
}

TEST(AnHttpDate, OfAnotherFormIsNotRead) {
  for (const char* text : {"", "now", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                           "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Xyz 1994 08:49:37 GMT"}) {
    EXPECT_EQ(ParseHttpDate(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace weir::http
