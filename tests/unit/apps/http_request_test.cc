// RequestParser: whole requests, requests in pieces, and a table of broken ones.
#include "http/request.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::http {
namespace {

Bytes AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// Parses one request and returns its status; what is left over must be nothing.
int StatusOf(std::string_view text) {
  RequestParser parser;
  parser.Consume(AsBytes(text));
  return parser.status();
}

TEST(AnHttpRequest, IsReadWithItsFields) {
  RequestParser parser;
  const std::string text =
      "GET /a/b.html?x=1 HTTP/1.1\r\nHost: weir\r\nIF-none-MATCH: \"a\"\r\nIf-None-Match: \"b\"\r\n"
      "Range: bytes=0-1\r\nIf-Range: \"c\"\r\n"
      "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
  EXPECT_EQ(parser.Consume(AsBytes(text)), text.size());
  ASSERT_EQ(parser.status(), 200);
  const Request& r = parser.request();
  EXPECT_EQ(r.method, Method::kGet);
  EXPECT_TRUE(r.keep_alive);
  EXPECT_EQ(r.path, "/a/b.html");
  EXPECT_EQ(r.if_none_match.view(), "\"a\", \"b\"");
  EXPECT_EQ(r.range.view(), "bytes=0-1");
  EXPECT_EQ(r.if_range.view(), "\"c\"");
  EXPECT_EQ(r.if_modified_since.view(), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(AnHttpRequest, ReadsTheSameOctetByOctet) {
  RequestParser parser;
  const std::string text =
      "HEAD /file?query HTTP/1.1\r\nHost: weir\r\nIf-None-Match: \"abc\"\r\n\r\n";
  for (size_t i = 0; i < text.size(); ++i) {
    ASSERT_EQ(parser.status(), 0) << i;
    EXPECT_EQ(parser.Consume(AsBytes(text.substr(i, 1))), 1u);
    EXPECT_TRUE(parser.begun());
  }
  ASSERT_EQ(parser.status(), 200);
  EXPECT_EQ(parser.request().method, Method::kHead);
  EXPECT_EQ(parser.request().path, "/file");
  EXPECT_EQ(parser.request().if_none_match.view(), "\"abc\"");
}

TEST(AnHttpRequest, EndsWhereThePipelinedNextOneBegins) {
  RequestParser parser;
  const std::string first = "GET /1 HTTP/1.1\r\nHost: a\r\nRange: bytes=1-2\r\n\r\n";
  const std::string second = "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string both = first + second;
  ASSERT_EQ(parser.Consume(AsBytes(both)), first.size());
  ASSERT_EQ(parser.status(), 200);
  EXPECT_EQ(parser.request().path, "/1");
  parser.Next();
  EXPECT_FALSE(parser.begun());
  EXPECT_EQ(parser.Consume(AsBytes(second)), second.size());
  ASSERT_EQ(parser.status(), 200);
  EXPECT_EQ(parser.request().path, "/2");
  EXPECT_TRUE(parser.request().range.empty()) << "kept from the request before";
}

TEST(AnHttpRequest, EndsBehindItsBody) {
  for (const std::string body : {"Content-Length: 5\r\n\r\nhello",
                                 "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                                 "Transfer-Encoding: chunked\r\n\r\n"
                                 "2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nHost: trailer\r\n\r\n"}) {
    RequestParser parser;
    const std::string text = "POST / HTTP/1.1\r\nHost: a\r\n" + body;
    EXPECT_EQ(parser.Consume(AsBytes(text + "GET / HTTP/1.1\r\n")), text.size()) << body;
    EXPECT_EQ(parser.status(), 200) << body;
    EXPECT_EQ(parser.request().method, Method::kOther);
  }
}

TEST(AnHttpRequest, WithABodyCanBeLongerThanTheHeadMayBe) {
  RequestParser parser;
  const std::string head = "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
  const std::string text = head + std::string(100000, 'x');
  EXPECT_EQ(parser.Consume(AsBytes(text)), text.size());
  EXPECT_EQ(parser.status(), 200);
}

TEST(AnHttpRequest, MayWaitForOneHundredContinue) {
  RequestParser parser;
  parser.Consume(AsBytes("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n"));
  EXPECT_FALSE(parser.wants_continue());
  parser.Consume(AsBytes("Content-Length: 2\r\n\r\n"));
  EXPECT_TRUE(parser.wants_continue());
  parser.ContinueSent();
  EXPECT_FALSE(parser.wants_continue());
  parser.Consume(AsBytes("ab"));
  EXPECT_EQ(parser.status(), 200);
}

TEST(AnHttpRequest, SaysWhetherTheConnectionStays) {
  const struct {
    const char* text;
    bool keep_alive;
  } kCases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n", false},
      {"GET / HTTP/1.0\r\n\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
      {"CONNECT weir:80 HTTP/1.1\r\nHost: a\r\n\r\n", false},
  };
  for (const auto& c : kCases) {
    RequestParser parser;
    parser.Consume(AsBytes(c.text));
    EXPECT_EQ(parser.status(), 200) << c.text;
    EXPECT_EQ(parser.request().keep_alive, c.keep_alive) << c.text;
  }
}

TEST(AnHttpRequest, IgnoresAWishForAnotherProtocol) {
  RequestParser parser;
  const std::string text =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
  parser.Consume(AsBytes(text));
  ASSERT_EQ(parser.status(), 200);
  parser.Next();
  parser.Consume(AsBytes(text));
  EXPECT_EQ(parser.status(), 200);
}

TEST(AnHttpRequest, NamesAPathInEachFormOfTarget) {
  const struct {
    const char* target;
    const char* path;
  } kCases[] = {
      {"/", "/"},
      {"/a?b", "/a"},
      {"/?/..", "/"},
      {"http://weir/a/b?c", "/a/b"},
      {"HTTP://weir:8080/x", "/x"},
      {"http://weir", "/"},
      {"http://weir?q", "/"},
  };
  for (const auto& c : kCases) {
    RequestParser parser;
    parser.Consume(AsBytes(std::string("GET ") + c.target + " HTTP/1.1\r\nHost: a\r\n\r\n"));
    EXPECT_EQ(parser.status(), 200) << c.target;
    EXPECT_EQ(parser.request().path, c.path) << c.target;
  }
}

TEST(AnHttpRequest, MayHaveALongQueryButNotALongPath) {
  const std::string end = " HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(StatusOf("GET /?" + std::string(8000, 'q') + end), 200);
  EXPECT_EQ(StatusOf("GET /" + std::string(kTargetMax - 1, 'p') + end), 200);
  EXPECT_EQ(StatusOf("GET /" + std::string(kTargetMax, 'p') + end), 414);
  EXPECT_EQ(StatusOf("GET /?" + std::string(9000, 'q') + end), 414);
}

TEST(AnHttpRequest, MayHaveAHeadOfEightKibibytesAndNoMore) {
  const std::string begin = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  const size_t room = RequestParser::kHeadMax - begin.size() - 4;
  EXPECT_EQ(StatusOf(begin + std::string(room, 'x') + "\r\n\r\n"), 200);
  EXPECT_EQ(StatusOf(begin + std::string(room + 1, 'x') + "\r\n\r\n"), 431);
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  while (many.size() <= RequestParser::kHeadMax) many += "A: b\r\n";
  EXPECT_EQ(StatusOf(many), 431);
}

TEST(AnHttpRequest, TakesAnOverlongFieldOfOursAsAbsent) {
  RequestParser parser;
  parser.Consume(AsBytes("GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1" + std::string(500, ' ') +
                         ",\r\nIf-None-Match: " + std::string(500, 'x') + "\r\n\r\n"));
  ASSERT_EQ(parser.status(), 200);
  EXPECT_TRUE(parser.request().range.empty());
  EXPECT_TRUE(parser.request().if_none_match.empty());
  EXPECT_TRUE(parser.request().if_none_match.overflown());
}

struct Broken {
  const char* what;
  const char* text;
  int status;
};

TEST(ABrokenHttpRequest, IsAnsweredByItsStatus) {
  const Broken kBroken[] = {
      {"not HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01", 400},
      {"no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a method nobody knows", "FETCH / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"no version", "GET /\r\n\r\n", 400},
      {"another protocol", "GET / FTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a version without a number", "GET / HTTP/x.y\r\nHost: a\r\n\r\n", 400},
      {"version 2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"version 9", "GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505},
      {"version 0", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"a field without a colon", "GET / HTTP/1.1\r\nHost: a\r\nwhat\r\n\r\n", 400},
      {"a space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"a space before the colon of a length",
       "GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc", 400},
      {"a length that is no number", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400},
      {"a negative length", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
      {"an endless length",
       "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
      {"two lengths", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
       400},
      {"a length and chunks",
       "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"an encoding that does not end in chunked",
       "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400},
      {"a chunk without a size",
       "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"a target that is no path", "GET weir HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a target of another scheme", "GET ftp://weir/a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"an asterisk for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"a control character in a field name", "GET / HTTP/1.1\r\nHost: a\r\nA\x01: b\r\n\r\n", 400},
  };
  for (const Broken& b : kBroken) EXPECT_EQ(StatusOf(b.text), b.status) << b.what;
}

TEST(ABrokenHttpRequest, IsRefusedInPiecesOfAnySizeToo) {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    RequestParser parser;
    for (size_t at = 0; at < text.size(); at += piece) {
      parser.Consume(AsBytes(text.substr(at, piece)));
    }
    EXPECT_EQ(parser.status(), 400) << piece;
  }
}

TEST(ATruncatedHttpRequest, IsNeverComplete) {
  const std::string text =
      "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc";
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(StatusOf(text.substr(0, size)), 0) << size;
  }
  EXPECT_EQ(StatusOf(text), 200);
}

TEST(ARequestParser, ReadsAWholeRequestAfterAResetFromABrokenOne) {
  RequestParser parser;
  parser.Consume(AsBytes("nonsense\r\n\r\n"));
  ASSERT_EQ(parser.status(), 400);
  parser.Reset();
  parser.Consume(AsBytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(parser.status(), 200);
}

}  // namespace
}  // namespace weir::http
