// LinkRig: one Ip on one port in virtual time; the test plays everybody else on the link.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "ip/ip.h"
#include "packet/frame_list.h"
#include "packet/pool_heap.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ipv6.h"
#include "wire/mld.h"
#include "wire/nd.h"

namespace weir::ip {

inline IpAddress Address(const char* text) { return *IpAddress::Parse(text); }

inline constexpr uint16_t kPort = 3;
inline constexpr wire::MacAddress kOurMac{{0x02, 0, 0, 0, 0, 0x01}};

// 02:00:00:00:01:NN, the hardware address of host NN.
inline wire::MacAddress HostMac(uint8_t n) { return {{0x02, 0, 0, 0, 0x01, n}}; }

struct SentFrame {
  wire::Frame frame;
  std::vector<uint8_t> octets;

  std::span<const uint8_t> message() const {
    return std::span(octets).subspan(frame.l4_offset, frame.l4_size);
  }
  bool IsArp(uint16_t operation) const;
  bool IsIcmpv6(uint8_t type) const;
  wire::ArpPacket arp() const;
  wire::NdMessage nd() const;
  // An ARP request or neighbour solicitation for `target`.
  bool AsksFor(const IpAddress& target) const;
};

// Ours are 198.18.0.2/24, 2001:2::2/64 and the derived link-local address; the gateways are
// 198.18.0.1 and 2001:2::1. The clock starts shortly before 2^32 microseconds.
IpConfig RigConfig();

class LinkRig {
 public:
  explicit LinkRig(const IpConfig& config = RigConfig(), uint32_t frames_max = 256);
  ~LinkRig();

  // Starts, lets duplicate address detection pass, and forgets the frames of that.
  void StartUp();
  void Start() { ip->Start(now, out); }
  // Moves the clock on in steps no longer than a millisecond where there is work.
  void Advance(Duration duration);

  // Gives a whole frame to Ip as if the device had received it. False: it does not parse, or is
  // TCP.
  bool Receive(std::span<const uint8_t> octets);
  void ReceiveArp(const wire::ArpPacket& arp, const wire::MacAddress& to = kOurMac);
  void ReceiveNd(const wire::NdMessage& nd, const IpAddress& source, const IpAddress& destination,
                 const wire::MacAddress& source_mac);
  void ReceiveIcmp(const IpAddress& source, const IpAddress& destination, wire::MacAddress to,
                   std::vector<uint8_t> message, uint8_t ttl = 64);

  // What host `mac` says of itself, in the protocol of `host`'s family: an ARP reply or a neighbour
  // advertisement; to us when it is solicited, to all otherwise.
  void Advertise(const IpAddress& host, const wire::MacAddress& mac, bool solicited = true,
                 bool override = true);
  // The host asks for one of our addresses, and thereby tells us of itself.
  void AskForUs(const IpAddress& host, const wire::MacAddress& mac);

  // Sends `text` as a transport packet from the address of `remote`'s family.
  bool Send(const IpAddress& remote, uint16_t& hint, const std::string& text = "text");
  bool Send(const IpAddress& remote, const std::string& text = "text");
  uint16_t LocalFor(const IpAddress& remote) const;

  // The frames sent since the last call, all of them readable.
  std::vector<SentFrame> Sent();
  // The payloads of the frames among them that carry `Send`'s text, with where they went.
  struct SentText {
    std::string text;
    wire::MacAddress to;
    friend bool operator==(const SentText&, const SentText&) = default;
  };
  std::vector<SentText> SentTexts();
  // How many requests for `target` were sent since the last call; forgets all frames.
  int CountRequests(const IpAddress& target);

  const Neighbour* Find(const IpAddress& address) const;
  NeighbourState StateOf(const IpAddress& address) const;
  uint64_t operator[](Counter counter) const { return counters[counter]; }

  Time now{(int64_t{1} << 32) - 500000};
  HeapPool pool{1024};
  Counters counters;
  FrameList out;
  std::unique_ptr<Ip> ip;
  std::optional<QuotedError> error;  // of the last Receive
};

inline const IpAddress kOurs4 = Address("198.18.0.2");
inline const IpAddress kOurs6 = Address("2001:2::2");
inline const IpAddress kGateway4 = Address("198.18.0.1");
inline const IpAddress kGateway6 = Address("2001:2::1");

}  // namespace weir::ip
