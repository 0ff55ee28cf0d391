// Answer and WriteHead: statuses, conditions, ranges, and the octets of a head.
#include "http/response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace weir::http {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

// A site with one file, "/digits", whose body is 0123456789.
class AnHttpAnswer : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string name = (fs::temp_directory_path() / "weir-response-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    std::ofstream(fs::path(name) / "digits") << "0123456789";
    std::ofstream(fs::path(name) / "empty");
    absl::StatusOr<Site> site = Site::Load(name);
    fs::remove_all(name);
    ASSERT_TRUE(site.ok()) << site.status();
    site_ = new Site(*std::move(site));
  }
  static void TearDownTestSuite() { delete site_; }

  // Answers "METHOD /path" with more fields, and keeps head and body.
  Response Get(std::string_view method_and_path, std::string_view fields = "") {
    const std::string text =
        std::string(method_and_path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
    RequestParser parser;
    parser.Consume({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    EXPECT_EQ(parser.status(), 200) << text;
    const Response response = Answer(*site_, parser.request());
    Keep(response);
    return response;
  }
  void Keep(const Response& response) {
    const std::span<const char> head = WriteHead(response, kDate, room_);
    head_.assign(head.data(), head.size());
    body_.assign(response.body.begin(), response.body.end());
  }
  static std::string Etag() { return site_->Find("/digits")->etag; }

  static inline const Site* site_ = nullptr;
  std::array<char, kHeadRoom> room_;
  std::string head_;
  std::string body_;
};

TEST_F(AnHttpAnswer, IsTheFile) {
  EXPECT_EQ(Get("GET /digits").status, 200);
  EXPECT_EQ(body_, "0123456789");
  EXPECT_EQ(head_,
            "HTTP/1.1 200 OK\r\nServer: weir\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\n"
            "Content-Length: 10\r\nETag: " +
                Etag() + "\r\nLast-Modified: " + site_->Find("/digits")->last_modified +
                "\r\nConnection: keep-alive\r\n\r\n");
}

TEST_F(AnHttpAnswer, OfHeadIsTheHeadOfGet) {
  Get("GET /digits");
  const std::string head = head_;
  EXPECT_EQ(Get("HEAD /digits").status, 200);
  EXPECT_EQ(head_, head);
  EXPECT_EQ(body_, "");
}

TEST_F(AnHttpAnswer, SaysThatTheConnectionCloses) {
  Get("GET /digits", "Connection: close\r\n");
  EXPECT_THAT(head_, HasSubstr("\r\nConnection: close\r\n\r\n"));
}

TEST_F(AnHttpAnswer, IsFourHundredAndFourForWhatIsNotThere) {
  EXPECT_EQ(Get("GET /nothing").status, 404);
  EXPECT_EQ(body_, "Not Found");
  EXPECT_THAT(head_, HasSubstr("\r\nContent-Length: 9\r\n"));
  EXPECT_THAT(head_, Not(HasSubstr("ETag")));
  EXPECT_EQ(Get("HEAD /nothing").status, 404);
  EXPECT_EQ(body_, "");
}

TEST_F(AnHttpAnswer, NeverLeavesTheRoot) {
  EXPECT_EQ(Get("GET /../../../../etc/passwd").status, 400);
  EXPECT_EQ(Get("GET /%2e%2e/%2e%2e/etc/passwd").status, 400);
  EXPECT_EQ(Get("GET /x/../digits").status, 200);
  EXPECT_EQ(Get("GET http://a/../etc/passwd").status, 400);
  EXPECT_EQ(Get("GET //etc/passwd").status, 404);
}

TEST_F(AnHttpAnswer, NamesTheMethodsThereAre) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"}) {
    EXPECT_EQ(Get(std::string(method) + " /digits").status, 405) << method;
    EXPECT_THAT(head_, HasSubstr("\r\nAllow: GET, HEAD\r\n")) << method;
  }
}

TEST_F(AnHttpAnswer, IsShortForWhoHasTheFile) {
  for (const std::string& tag :
       {Etag(), "W/" + Etag(), "\"x\", " + Etag() + " ,\"y\"", std::string("*")}) {
    EXPECT_EQ(Get("GET /digits", "If-None-Match: " + tag + "\r\n").status, 304) << tag;
    EXPECT_EQ(body_, "");
    EXPECT_THAT(head_, HasSubstr("\r\nETag: " + Etag() + "\r\n"));
    EXPECT_THAT(head_, Not(HasSubstr("Content-Length")));
  }
  EXPECT_EQ(Get("GET /digits", "If-None-Match: \"other\"\r\n").status, 200);
}

TEST_F(AnHttpAnswer, IsShortIfTheFileHasNotChangedSince) {
  const std::string then = site_->Find("/digits")->last_modified;
  EXPECT_EQ(Get("GET /digits", "If-Modified-Since: " + then + "\r\n").status, 304);
  EXPECT_EQ(Get("GET /digits", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n").status, 200);
  EXPECT_EQ(Get("GET /digits", "If-Modified-Since: yesterday\r\n").status, 200);
  // RFC 9110 13.1.3: the tag decides alone.
  EXPECT_EQ(
      Get("GET /digits", "If-None-Match: \"x\"\r\nIf-Modified-Since: " + then + "\r\n").status,
      200);
}

TEST_F(AnHttpAnswer, IsThePartAskedFor) {
  EXPECT_EQ(Get("GET /digits", "Range: bytes=2-4\r\n").status, 206);
  EXPECT_EQ(body_, "234");
  EXPECT_THAT(head_, HasSubstr("HTTP/1.1 206 Partial Content\r\n"));
  EXPECT_THAT(head_, HasSubstr("\r\nContent-Range: bytes 2-4/10\r\n"));
  EXPECT_THAT(head_, HasSubstr("\r\nContent-Length: 3\r\n"));
  EXPECT_EQ(Get("GET /digits", "Range: bytes=7-\r\n").status, 206);
  EXPECT_EQ(body_, "789");
  EXPECT_EQ(Get("GET /digits", "Range: bytes=-2\r\n").status, 206);
  EXPECT_EQ(body_, "89");
}

TEST_F(AnHttpAnswer, SaysHowLongTheFileIsWhenThePartLiesBeyondIt) {
  EXPECT_EQ(Get("GET /digits", "Range: bytes=10-\r\n").status, 416);
  EXPECT_THAT(head_, HasSubstr("\r\nContent-Range: bytes */10\r\n"));
  EXPECT_EQ(body_, "Range Not Satisfiable");
  EXPECT_EQ(Get("GET /empty", "Range: bytes=0-\r\n").status, 416);
  EXPECT_THAT(head_, HasSubstr("\r\nContent-Range: bytes */0\r\n"));
}

TEST_F(AnHttpAnswer, IsAPartOnlyOfTheVersionTheClientHas) {
  const std::string range = "Range: bytes=0-0\r\nIf-Range: ";
  EXPECT_EQ(Get("GET /digits", range + Etag() + "\r\n").status, 206);
  EXPECT_EQ(Get("GET /digits", range + site_->Find("/digits")->last_modified + "\r\n").status, 206);
  EXPECT_EQ(Get("GET /digits", range + "\"old\"\r\n").status, 200);
  // RFC 9110 13.1.5: a weak tag never matches here.
  EXPECT_EQ(Get("GET /digits", range + "W/" + Etag() + "\r\n").status, 200);
  // Ranges are for GET alone (14.2), and conditions come first (13.2.2).
  EXPECT_EQ(Get("HEAD /digits", "Range: bytes=0-0\r\n").status, 200);
  EXPECT_EQ(Get("GET /digits", "Range: bytes=0-0\r\nIf-None-Match: *\r\n").status, 304);
}

TEST(ARefusal, HasALineOfTextAndCloses) {
  std::array<char, kHeadRoom> room;
  for (const int status : {400, 408, 414, 431, 505}) {
    const Response response = Refuse(status);
    const std::span<const char> head = WriteHead(response, kDate, room);
    const std::string text(head.data(), head.size());
    EXPECT_THAT(text, HasSubstr("HTTP/1.1 " + std::to_string(status) + " "));
    EXPECT_THAT(text, HasSubstr("\r\nConnection: close\r\n\r\n"));
    EXPECT_EQ(response.content_length, response.body.size());
    EXPECT_FALSE(response.body.empty());
  }
}

TEST(AResponseHead, FitsItsRoomAtItsLongest) {
  Resource resource;
  resource.content_type = "text/javascript; charset=utf-8";
  resource.etag = "\"" + std::string(16, 'f') + "-" + std::string(16, 'f') + "\"";
  resource.modified = 1;
  resource.last_modified = kDate;
  Response response;
  response.status = 206;
  response.resource = &resource;
  response.content_length = SIZE_MAX / 2;
  response.range_begin = SIZE_MAX / 2;
  response.keep_alive = true;
  std::array<char, kHeadRoom> room;
  const std::span<const char> head = WriteHead(response, kDate, room);
  EXPECT_LT(head.size(), kHeadRoom);
  EXPECT_TRUE(std::string_view(head.data(), head.size()).ends_with("\r\n\r\n"));
}

TEST(ARange, IsReadAsRfc9110Says) {
  const struct {
    const char* field;
    size_t size;
    Range::Kind kind;
    size_t begin;
    size_t part;
  } kCases[] = {
      {"bytes=0-0", 10, Range::kPart, 0, 1},
      {"bytes=0-9", 10, Range::kPart, 0, 10},
      {"bytes=0-", 10, Range::kPart, 0, 10},
      {"bytes=3-100", 10, Range::kPart, 3, 7},
      {"bytes=9-9", 10, Range::kPart, 9, 1},
      {"bytes=-1", 10, Range::kPart, 9, 1},
      {"bytes=-100", 10, Range::kPart, 0, 10},
      {"bytes= 1-2 ", 10, Range::kPart, 1, 2},
      {"bytes=0-99999999999999999999999", 10, Range::kPart, 0, 10},
      {"bytes=10-", 10, Range::kUnsatisfiable, 0, 0},
      {"bytes=10-20", 10, Range::kUnsatisfiable, 0, 0},
      {"bytes=-0", 10, Range::kUnsatisfiable, 0, 0},
      {"bytes=-5", 0, Range::kUnsatisfiable, 0, 0},
      {"bytes=99999999999999999999999-", 10, Range::kUnsatisfiable, 0, 0},
      {"", 10, Range::kWhole, 0, 0},
      {"bytes", 10, Range::kWhole, 0, 0},
      {"bytes=", 10, Range::kWhole, 0, 0},
      {"bytes=-", 10, Range::kWhole, 0, 0},
      {"bytes=5", 10, Range::kWhole, 0, 0},
      {"bytes=4-2", 10, Range::kWhole, 0, 0},
      {"bytes=a-b", 10, Range::kWhole, 0, 0},
      {"bytes=1-2,4-5", 10, Range::kWhole, 0, 0},
      {"bytes=+1-2", 10, Range::kWhole, 0, 0},
      {"bytes=--1", 10, Range::kWhole, 0, 0},
      {"lines=1-2", 10, Range::kWhole, 0, 0},
  };
  for (const auto& c : kCases) {
    const Range range = ParseRange(c.field, c.size);
    EXPECT_EQ(range.kind, c.kind) << c.field;
    EXPECT_EQ(range.begin, c.begin) << c.field;
    EXPECT_EQ(range.size, c.part) << c.field;
  }
}

}  // namespace
}  // namespace weir::http
