// Reads, prints and describes the value of one key, by the type of its slot.
#include "runtime/config_value.h"

#include <bit>
#include <concepts>
#include <sstream>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "runtime/config_words.h"

namespace weir::runtime {
namespace {

constexpr size_t kExcerptMax = 60;   // octets of a value that a message shows
constexpr size_t kElementsMax = 64;  // of a list: arguments, addresses; cores are fewer than 129
constexpr size_t kProcessorsMax = 128;

using Refusals = std::vector<Refusal>;

template <typename T>
concept Word = std::is_enum_v<T>;

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;  // clang 14 does not deduce aggregates

std::string TypeName(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

std::string Quoted(std::string_view text) {
  std::ostringstream out;
  out << toml::toml_formatter{toml::value<std::string>(std::string(text)),
                              toml::format_flags::none};
  return out.str();
}

Refusals Refuse(const toml::node& node, std::string text) {
  return {{Excerpt(node), static_cast<int>(node.source().begin.line), std::move(text)}};
}

Refusals Refuse(const toml::node& node, const absl::Status& status) {
  return Refuse(node, std::string(status.message()));
}

Refusals RefuseType(const toml::node& node, const Slot& slot, const std::string& unit = "") {
  return Refuse(node, absl::StrCat(TypeName(node), "; must be ", DescribeRange(slot, unit)));
}

std::string DescribeNumber(const Number& n, const std::string& unit) {
  std::string text = absl::StrCat(n.power_of_two ? "a power of two" : "an integer", " from ", n.min,
                                  " to ", n.max);
  if (!unit.empty()) absl::StrAppend(&text, " (", unit, ")");
  if (*n.zero != '\0') absl::StrAppend(&text, ", or 0 (", n.zero, ")");
  return text;
}

template <Word E>
std::string DescribeWords() {
  const auto words = Words(E{});
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    absl::StrAppend(&text,
                    i == 0                  ? ""
                    : i + 1 == words.size() ? " or "
                                            : ", ",
                    "\"", words[i], "\"");
  }
  return text;
}

Refusals ReadNumber(const toml::node& node, const Number& n, const std::string& unit) {
  const auto* integer = node.as_integer();
  if (integer == nullptr) return RefuseType(node, n, unit);
  const int64_t value = integer->get();
  const bool zero = value == 0 && *n.zero != '\0';
  if (!zero && (value < n.min || value > n.max)) {
    return Refuse(node, "out of range; must be " + DescribeNumber(n, unit));
  }
  if (!zero && n.power_of_two && !std::has_single_bit(static_cast<uint64_t>(value))) {
    return Refuse(node, "not a power of two; must be " + DescribeNumber(n, unit));
  }
  *n.value = static_cast<uint32_t>(value);
  return {};
}

Refusals ReadNumberOrAuto(const toml::node& node, const NumberOrAuto& n) {
  if (const auto* text = node.as_string(); text != nullptr && text->get() == "auto") {
    n.value->reset();
    return {};
  }
  uint32_t value = 0;
  if (!node.is_integer()) return RefuseType(node, n);
  if (!ReadNumber(node, Number{&value, n.min, n.max}, "").empty()) {
    return Refuse(node, "out of range; must be " + DescribeRange(n, ""));
  }
  *n.value = value;
  return {};
}

template <Word E>
Refusals ReadWord(const toml::node& node, E* value) {
  const auto* text = node.as_string();
  if (text == nullptr) return RefuseType(node, value);
  const auto words = Words(E{});
  for (size_t i = 0; i < words.size(); ++i) {
    if (text->get() == words[i]) {
      *value = static_cast<E>(i);
      return {};
    }
  }
  return Refuse(node, "unknown; must be " + DescribeWords<E>());
}

Refusals ReadBool(const toml::node& node, bool* value) {
  const auto* boolean = node.as_boolean();
  if (boolean == nullptr) return RefuseType(node, value);
  *value = boolean->get();
  return {};
}

Refusals ReadText(const toml::node& node, const Text& slot) {
  const auto* text = node.as_string();
  if (text == nullptr) return RefuseType(node, slot);
  std::string value = text->get();
  if (const absl::Status status = slot.normalize(value); !status.ok()) return Refuse(node, status);
  *slot.value = std::move(value);
  return {};
}

// The whole array, each element read by `element(node, list)`, which returns refusals.
template <typename T, typename F>
Refusals ReadList(const toml::node& node, const Slot& slot, std::vector<T>* list, size_t size_max,
                  F element) {
  const auto* array = node.as_array();
  if (array == nullptr) return RefuseType(node, slot);
  if (array->size() > size_max) {
    return Refuse(node,
                  absl::StrCat("has ", array->size(), " elements; must have at most ", size_max));
  }
  std::vector<T> read;
  Refusals refusals;
  for (const toml::node& one : *array) {
    for (Refusal& refusal : element(one, read)) refusals.push_back(std::move(refusal));
  }
  if (refusals.empty()) *list = std::move(read);
  return refusals;
}

Refusals ReadNumberList(const toml::node& node, const NumberList& slot) {
  return ReadList(node, slot, slot.value, kProcessorsMax,
                  [&](const toml::node& one, std::vector<uint32_t>& read) -> Refusals {
                    uint32_t value = 0;
                    Refusals refusals = ReadNumber(one, Number{&value, slot.min, slot.max}, "");
                    if (!refusals.empty()) return refusals;
                    for (uint32_t other : read) {
                      if (other == value) return Refuse(one, "given twice; must be unique");
                    }
                    read.push_back(value);
                    return {};
                  });
}

Refusals ReadTextList(const toml::node& node, const TextList& slot) {
  return ReadList(node, slot, slot.value, kElementsMax,
                  [&](const toml::node& one, std::vector<std::string>& read) -> Refusals {
                    const auto* text = one.as_string();
                    if (text == nullptr) {
                      return Refuse(one, absl::StrCat(TypeName(one), "; must be a string"));
                    }
                    read.push_back(text->get());
                    const absl::Status status = slot.check({read.back()});
                    return status.ok() ? Refusals{} : Refuse(one, status);
                  });
}

Refusals ReadAddresses(const toml::node& node, std::vector<InterfaceAddress>* list) {
  return ReadList(node, list, list, kElementsMax,
                  [](const toml::node& one, std::vector<InterfaceAddress>& read) -> Refusals {
                    const auto* text = one.as_string();
                    if (text == nullptr) {
                      return Refuse(one, absl::StrCat(TypeName(one), "; must be a string"));
                    }
                    const auto address = ParseInterfaceAddress(text->get());
                    if (!address.ok()) return Refuse(one, address.status());
                    read.push_back(*address);
                    return {};
                  });
}

// A string whose empty form means "none", parsed by `parse`.
template <typename T, typename F>
Refusals ReadOptional(const toml::node& node, const Slot& slot, std::optional<T>* value, F parse) {
  const auto* text = node.as_string();
  if (text == nullptr) return RefuseType(node, slot);
  if (text->get().empty()) {
    value->reset();
    return {};
  }
  const absl::StatusOr<T> parsed = parse(text->get());
  if (!parsed.ok()) return Refuse(node, parsed.status());
  *value = *parsed;
  return {};
}

template <typename T, typename F>
std::string PrintList(const std::vector<T>& list, F print) {
  std::string text = "[";
  for (const T& one : list) absl::StrAppend(&text, text.size() > 1 ? ", " : "", print(one));
  return text + "]";
}

}  // namespace

std::string InterfaceAddress::ToString() const {
  return absl::StrCat(address.ToString(), "/", prefix_bits);
}

std::string Excerpt(const toml::node& node) {
  std::string text;
  if (const toml::array* list = node.as_array()) {
    for (const toml::node& one : *list) {
      if (text.size() > kExcerptMax) break;
      absl::StrAppend(&text, text.empty() ? "[" : ", ", Excerpt(one));
    }
    text += text.empty() ? "[]" : "]";
  } else if (node.is_table()) {
    text = "{...}";
  } else {
    std::ostringstream out;
    node.visit([&](const auto& value) {
      if constexpr (toml::is_value<decltype(value)>) {
        out << toml::toml_formatter{value, toml::format_flags::none};
      }
    });
    text = OneLine(out.str());
  }
  if (text.size() <= kExcerptMax) return text;
  size_t end = kExcerptMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // whole UTF-8
  return text.substr(0, end) + "...";
}

std::vector<Refusal> ReadValue(const toml::node& node, const Slot& slot, const std::string& unit) {
  return std::visit(Overloaded{
                        [&](const Number& s) { return ReadNumber(node, s, unit); },
                        [&](const NumberOrAuto& s) { return ReadNumberOrAuto(node, s); },
                        [&](const NumberList& s) { return ReadNumberList(node, s); },
                        [&](const Text& s) { return ReadText(node, s); },
                        [&](const TextList& s) { return ReadTextList(node, s); },
                        [&](const Gateway& s) {
                          const auto parse = [&](const std::string& text) {
                            return ParseGateway(text, s.v4);
                          };
                          return ReadOptional(node, slot, s.value, parse);
                        },
                        [&](bool* s) { return ReadBool(node, s); },
                        [&](std::optional<MacAddress>* s) {
                          return ReadOptional(node, slot, s, ParseMacAddress);
                        },
                        [&](std::vector<InterfaceAddress>* s) { return ReadAddresses(node, s); },
                        [&](Word auto* s) { return ReadWord(node, s); },
                    },
                    slot);
}

std::string PrintValue(const Slot& slot) {
  const auto quoted = [](const std::string& text) { return Quoted(text); };
  return std::visit(
      Overloaded{
          [](const Number& s) { return std::to_string(*s.value); },
          [&](const NumberOrAuto& s) {
            return *s.value ? std::to_string(**s.value) : Quoted("auto");
          },
          [](const NumberList& s) {
            return PrintList(*s.value, [](uint32_t n) { return std::to_string(n); });
          },
          [](const Text& s) { return Quoted(*s.value); },
          [&](const TextList& s) { return PrintList(*s.value, quoted); },
          [](const Gateway& s) { return Quoted(*s.value ? (*s.value)->ToString() : ""); },
          [](bool* s) { return std::string(*s ? "true" : "false"); },
          [](std::optional<MacAddress>* s) { return Quoted(*s ? PrintMacAddress(**s) : ""); },
          [](std::vector<InterfaceAddress>* s) {
            return PrintList(*s, [](const InterfaceAddress& a) { return Quoted(a.ToString()); });
          },
          [](Word auto* s) { return Quoted(Words(*s)[static_cast<size_t>(*s)]); },
      },
      slot);
}

std::string DescribeRange(const Slot& slot, const std::string& unit) {
  return std::visit(
      Overloaded{
          [&](const Number& s) { return DescribeNumber(s, unit); },
          [](const NumberOrAuto& s) {
            return absl::StrCat("\"auto\" or an integer from ", s.min, " to ", s.max);
          },
          [](const NumberList& s) {
            return absl::StrCat("a list of integers from ", s.min, " to ", s.max);
          },
          [](const Text& s) { return std::string(s.right); },
          [](const TextList& s) { return std::string(s.right); },
          [](const Gateway& s) {
            return std::string(s.v4 ? "an IPv4 address or \"\"" : "an IPv6 address or \"\"");
          },
          [](bool*) { return std::string("true or false"); },
          [](std::optional<MacAddress>*) {
            return std::string("a link address such as \"02:00:00:00:00:01\" or \"\"");
          },
          [](std::vector<InterfaceAddress>*) {
            return std::string("a list of addresses such as [\"198.18.0.2/24\", \"2001:2::2/64\"]");
          },
          [](Word auto* s) { return DescribeWords<std::remove_pointer_t<decltype(s)>>(); },
      },
      slot);
}

bool IsText(const Slot& slot) {
  return std::visit(Overloaded{
                        [](const Number&) { return false; },
                        [](const NumberList&) { return false; },
                        [](const TextList&) { return false; },
                        [](bool*) { return false; },
                        [](std::vector<InterfaceAddress>*) { return false; },
                        [](const auto&) { return true; },
                    },
                    slot);
}

}  // namespace weir::runtime
