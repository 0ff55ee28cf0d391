// JsonWriter: JSON text, piece by piece.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace weir::flood {

// Keys and values in the order of the calls; Open and Close must match, which is the caller's care.
// What is no number (infinite) is written as null.
class JsonWriter {
 public:
  JsonWriter& Open(char bracket) {
    Separate();
    text_ += bracket;
    fresh_ = true;
    return *this;
  }
  JsonWriter& Close(char bracket) {
    text_ += bracket;
    fresh_ = false;
    return *this;
  }
  JsonWriter& Key(std::string_view key) {
    Separate();
    Quote(key);
    text_ += ':';
    fresh_ = true;
    return *this;
  }
  JsonWriter& Text(std::string_view value) {
    Separate();
    Quote(value);
    return *this;
  }
  JsonWriter& Number(uint64_t value) {
    Separate();
    absl::StrAppend(&text_, value);
    return *this;
  }
  JsonWriter& Number(double value) {
    Separate();
    text_ += std::isfinite(value) ? absl::StrFormat("%.9g", value) : "null";
    return *this;
  }
  JsonWriter& Bool(bool value) {
    Separate();
    text_ += value ? "true" : "false";
    return *this;
  }
  JsonWriter& Line() {  // after a value, for readers
    line_ = true;
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  void Separate() {
    if (!fresh_) text_ += ',';
    if (line_) text_ += '\n';
    line_ = false;
    fresh_ = false;
  }
  void Quote(std::string_view value) {
    text_ += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') {
        text_ += '\\';
        text_ += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        text_ += absl::StrFormat("\\u%04x", static_cast<unsigned>(c));
      } else {
        text_ += c;
      }
    }
    text_ += '"';
  }

  std::string text_;
  bool fresh_ = true;
  bool line_ = false;
};

}  // namespace weir::flood
