// Frames to text.
#include "wire/printer.h"

#include "base/bytes.h"
#include "wire/arp.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/mld.h"
#include "wire/nd.h"

namespace weir::wire {
namespace {

std::string Number(uint64_t n) { return std::to_string(n); }

std::string PrintFlags(uint8_t flags) {
  constexpr struct {
    uint8_t bit;
    char letter;
  } kLetters[] = {{kTcpSyn, 'S'}, {kTcpFin, 'F'}, {kTcpRst, 'R'}, {kTcpPsh, 'P'},
                  {kTcpCwr, 'W'}, {kTcpEce, 'E'}, {kTcpUrg, 'U'}, {kTcpAck, '.'}};
  std::string text;
  for (const auto& [bit, letter] : kLetters) {
    if ((flags & bit) != 0) text += letter;
  }
  return text.empty() ? "none" : text;
}

std::string PrintSack(const uint8_t* value, size_t size) {
  std::string text = "sack";
  for (size_t at = 0; at + 8 <= size; at += 8) {
    text += " " + Number(LoadBe32(value + at)) + ":" + Number(LoadBe32(value + at + 4));
  }
  return text;
}

// As tcpdump has it: "tfo cookie 0102...", or "tfo cookiereq".
std::string PrintFastOpen(const char* name, std::span<const uint8_t> cookie) {
  constexpr char kDigits[] = "0123456789abcdef";
  if (cookie.empty()) return std::string(name) + " cookiereq";
  std::string text = std::string(name) + " cookie ";
  for (const uint8_t octet : cookie) {
    text += kDigits[octet >> 4];
    text += kDigits[octet & 0xf];
  }
  return text;
}

// One option of a legal size.
std::string PrintOption(const uint8_t* p, uint8_t size) {
  const auto is = [p, size](uint8_t kind, uint8_t right_size) {
    return p[0] == kind && size == right_size;
  };
  if (is(2, 4)) return "mss " + Number(LoadBe16(p + 2));
  if (is(3, 3)) return "ws " + Number(p[2]);
  if (is(4, 2)) return "sackOK";
  if (is(8, 10)) return "TS " + Number(LoadBe32(p + 2)) + " ecr " + Number(LoadBe32(p + 6));
  if (p[0] == 5 && size > 2 && size % 8 == 2) return PrintSack(p + 2, size - 2u);
  if (p[0] == 34) return PrintFastOpen("tfo", {p + 2, size - size_t{2}});
  if (p[0] == 254 && size >= 4 && LoadBe16(p + 2) == 0xf989) {
    return PrintFastOpen("exp-tfo", {p + 4, size - size_t{4}});
  }
  return "opt-" + Number(p[0]) + ":" + Number(size);
}

std::string PrintTcp(std::span<const uint8_t> octets, const Frame& frame) {
  const TcpHeader& tcp = frame.tcp;
  std::string text = Endpoint{frame.source, tcp.source_port}.ToString() + " > " +
                     Endpoint{frame.destination, tcp.destination_port}.ToString() + " " +
                     PrintFlags(tcp.flags) + " " + Number(tcp.seq.value) + ":" +
                     Number((tcp.seq + frame.text_size).value) + "(" + Number(frame.text_size) +
                     ")";
  if (tcp.has_ack()) text += " ack " + Number(tcp.ack.value);
  text += " win " + Number(tcp.window);
  if ((tcp.flags & kTcpUrg) != 0) text += " urg " + Number(tcp.urgent);
  const size_t options_at = size_t{frame.l4_offset} + kTcpHeaderSize;
  const std::string options =
      PrintTcpOptions(octets.subspan(options_at, frame.text_offset - options_at));
  return options.empty() ? text : text + " <" + options + ">";
}

std::string PrintArp(std::span<const uint8_t> packet) {
  ArpPacket arp;
  if (!ParseArp(packet, arp)) return "arp ?";
  if (arp.operation == kArpRequest) {
    return "arp who-has " + arp.target.ToString() + " tell " + arp.sender.ToString();
  }
  return "arp " + arp.sender.ToString() + " is-at " + arp.sender_mac.ToString();
}

std::string PrintQuoted(const QuotedSegment& quoted) {
  constexpr const char* kKinds[] = {"unreachable", "packet too big", "time exceeded",
                                    "parameter problem"};
  std::string text =
      std::string(kKinds[static_cast<size_t>(quoted.kind)]) + " code " + Number(quoted.code);
  if (quoted.kind == IcmpErrorKind::kPacketTooBig) text += " mtu " + Number(quoted.mtu);
  if (quoted.protocol != kProtocolTcp) {
    return text + " for " + quoted.source.ToString() + " > " + quoted.destination.ToString() +
           " protocol " + Number(quoted.protocol);
  }
  return text + " for " + Endpoint{quoted.source, quoted.source_port}.ToString() + " > " +
         Endpoint{quoted.destination, quoted.destination_port}.ToString() + " seq " +
         Number(quoted.seq.value);
}

std::string PrintNd(const NdMessage& nd) {
  switch (nd.type) {
    case kNdRouterSolicitation:
      return "router solicitation";
    case kNdRouterAdvertisement:
      return "router advertisement lifetime " + Number(nd.router_lifetime_s);
    case kNdNeighborSolicitation:
      return "who-has " + nd.target.ToString();
    case kNdNeighborAdvertisement:
      return nd.target.ToString() +
             (nd.has_target_mac ? " is-at " + nd.target_mac.ToString() : "") +
             (nd.router ? " router" : "") + (nd.solicited ? " solicited" : "") +
             (nd.override ? " override" : "");
    default:
      return "redirect " + nd.redirected.ToString() + " to " + nd.target.ToString();
  }
}

std::string PrintIcmpBody(std::span<const uint8_t> message, const Frame& frame) {
  IcmpHeader header;
  QuotedSegment quoted;
  NdMessage nd;
  if (!ParseIcmp(message, header)) return "?";
  if (header.type == (frame.v4 ? kIcmpEcho : kIcmpv6Echo) ||
      header.type == (frame.v4 ? kIcmpEchoReply : kIcmpv6EchoReply)) {
    const bool is_request = header.type == (frame.v4 ? kIcmpEcho : kIcmpv6Echo);
    return std::string("echo ") + (is_request ? "request" : "reply") + " id " +
           Number(header.echo_id()) + " seq " + Number(header.echo_sequence());
  }
  if (ParseQuoted(message, frame.v4, quoted)) return PrintQuoted(quoted);
  if (!frame.v4 && IsNd(header.type)) {
    const Counter bad = ParseNd(message, frame, nd);
    return bad == kNoDrop ? PrintNd(nd) : "invalid " + std::string(CounterName(bad));
  }
  if (!frame.v4 && header.type == kMldv2Report) {
    return "listener report of " + Number(header.rest & 0xffff) + " groups";
  }
  return "type " + Number(header.type) + " code " + Number(header.code);
}

std::string PrintIcmp(std::span<const uint8_t> octets, const Frame& frame) {
  return frame.source.ToString() + " > " + frame.destination.ToString() +
         (frame.v4 ? " icmp " : " icmp6 ") +
         PrintIcmpBody(octets.subspan(frame.l4_offset, frame.l4_size), frame);
}

std::string PrintTags(const Frame& frame) {
  std::string text;
  if (frame.outer_vlan != 0) text += "vlan " + Number(frame.outer_vlan) + " ";
  if (frame.vlan != 0) text += "vlan " + Number(frame.vlan) + " ";
  return text;
}

}  // namespace

std::string PrintTcpOptions(std::span<const uint8_t> options) {
  std::string text;
  const auto add = [&text](const std::string& option) {
    text += (text.empty() ? "" : ",") + option;
  };
  size_t at = 0;
  while (at < options.size()) {
    if (options[at] == 0) {
      add("eol");
      break;
    }
    if (options[at] == 1) {
      add("nop");
      ++at;
      continue;
    }
    const size_t left = options.size() - at;
    if (left < 2 || options[at + 1] < 2 || options[at + 1] > left) {
      add("malformed");
      break;
    }
    add(PrintOption(&options[at], options[at + 1]));
    at += options[at + 1];
  }
  return text;
}

std::string PrintFrame(std::span<const uint8_t> octets, const FrameHints& hints) {
  Frame frame;
  ParseFrame(octets, hints, frame);
  switch (frame.kind) {
    case FrameKind::kTcp:
      return PrintTags(frame) + PrintTcp(octets, frame);
    case FrameKind::kArp:
      return PrintTags(frame) + PrintArp(octets.subspan(frame.l4_offset));
    case FrameKind::kIcmp:
    case FrameKind::kIcmpv6:
      return PrintTags(frame) + PrintIcmp(octets, frame);
    case FrameKind::kDropped:
      break;
  }
  return "dropped " + std::string(CounterName(frame.drop)) + ": " +
         std::string(CounterSentence(frame.drop));
}

}  // namespace weir::wire
