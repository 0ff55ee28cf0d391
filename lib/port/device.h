// Device: one port of DPDK with its queues, as one worker per queue uses it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "packet/packet.h"

namespace weir::port {

class SynRules;

using MacOctets = std::array<uint8_t, 6>;

struct DeviceOptions {
  std::string name;    // the port's name in messages
  std::string device;  // "net_tap0" or "0000:01:00.0": started by StartEal, or a ring pair's
  uint16_t rx_descriptors = 1024;  // clamped to what the device takes
  uint16_t tx_descriptors = 1024;
  uint16_t mtu = 1500;
  bool vlan_strip = false;           // asked for where the device offers it
  std::optional<MacOctets> mac;      // empty: the device's own
  MacOctets fallback_mac{};          // unicast, for devices that have none
  std::span<const uint8_t> rss_key;  // kRssKeySizeMax octets
  bool syn_queues = false;           // asked for where the device can tell SYNs apart
};

// What the device agreed to.
struct DeviceGrants {
  bool rx_ip_checksum = false;
  bool rx_tcp_checksum = false;
  bool tx_tcp_checksum = false;
  bool tx_chains = false;  // packets of several buffers
  bool vlan_strip = false;
  bool rss = false;         // verified: the receiving queue is the flow's owner by port/rss.h
  bool syn_queues = false;  // pure SYNs arrive in queues of their own, one for each worker
  uint16_t rx_descriptors = 0;
  uint16_t tx_descriptors = 0;
  uint16_t mtu = 0;
};

struct DeviceStats {
  uint64_t rx_missed = 0;     // frames the device dropped because a queue was full
  uint64_t rx_errors = 0;     // frames received broken
  uint64_t rx_no_buffer = 0;  // receptions that found the pool empty
  uint64_t tx_errors = 0;
};

// Opened with one queue pair per pool, and polling; Close before the pools go. The pools' buffers
// must take a whole frame.
//
// Thread: each queue belongs to one worker; everything else to the main thread. Close only when
// nobody polls any more: some drivers crash otherwise.
class Device {
 public:
  static absl::StatusOr<std::unique_ptr<Device>> Open(const DeviceOptions& options,
                                                      std::span<PacketPool* const> pools);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // Fills the front of `out` (empty handles before); returns how many frames came.
  [[nodiscard]] uint16_t Receive(uint16_t queue, std::span<Packet> out);
  // The same from the queue for SYNs of `queue`'s worker; with grants().syn_queues only. Which
  // worker owns what comes is not sure: drivers may map the hash to these queues by another table.
  [[nodiscard]] uint16_t ReceiveSyns(uint16_t queue, std::span<Packet> out);
  // Gives frames to the device from the front and returns how many it took; their handles are empty
  // afterwards. Fewer than all: the ring is full, or the next frame has several buffers, the device
  // takes one only and no buffer was free to join them.
  [[nodiscard]] uint16_t Transmit(uint16_t queue, std::span<Packet> frames);

  // Stops reception and transmission and frees what the queues hold.
  void Close();
  // Buffers that this driver keeps even so: net_af_xdp forgets those it has lent to the kernel.
  uint32_t kept_buffers() const { return kept_buffers_; }

  // DPDK's number, which received packets carry as Packet::port().
  uint16_t id() const { return id_; }
  const std::string& name() const { return name_; }
  const MacOctets& mac() const { return mac_; }
  const DeviceGrants& grants() const { return grants_; }
  // Why there are no queues for SYNs although they were asked for; "" otherwise.
  const std::string& syn_refusal() const { return syn_refusal_; }
  bool link_up() const;
  // Waits for the link as long as devices of this kind take to come up on their own; those that
  // wait for a peer (memif, vhost) are not waited for.
  bool WaitForLink() const;
  DeviceStats stats() const;
  // One line: what it is and what was granted.
  std::string Describe() const;

 private:
  Device(uint16_t id, const DeviceOptions& options, std::span<PacketPool* const> pools);

  absl::Status ConfigureAndStart(const DeviceOptions& options);
  absl::Status BringUp(const DeviceOptions& options, uint16_t syn_queues);
  absl::Status Configure(const DeviceOptions& options, uint16_t syn_queues);
  absl::Status SetUpQueues(uint16_t syn_queues);
  absl::Status AddSynQueues(const DeviceOptions& options);
  std::string RssRefusal() const;
  absl::Status Start(const DeviceOptions& options);
  uint32_t BuffersInUse() const;
  void ReapTransmitted();
  void ChooseMac(const DeviceOptions& options);
  void JoinChains(uint16_t queue, std::span<Packet> frames);
  absl::Status Failed(const std::string& what, int error) const;
  uint16_t ReceiveFrom(uint16_t receive_queue, std::span<Packet> out);

  uint16_t id_;
  std::string name_;
  std::string device_;
  std::string driver_;
  std::vector<PacketPool*> pools_;  // by queue
  MacOctets mac_{};
  DeviceGrants grants_;
  std::unique_ptr<SynRules> syn_rules_;
  std::string syn_refusal_;
  bool stamp_received_ = false;  // the driver does not write the port into received packets
  bool prepare_ = false;         // the driver wants to see checksum requests before it sends
  uint32_t kept_buffers_ = 0;
  bool open_ = false;
};

}  // namespace weir::port
