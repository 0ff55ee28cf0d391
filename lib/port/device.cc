// Device: opening - asking for what is reported and no more - bursts, and closing.
#include "port/device.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "packet/pool_mempool.h"
#include "port/eal.h"
#include "port/log_capture.h"
#include "port/rss.h"
#include "port/syn_rules.h"

namespace weir::port {
namespace {

constexpr unsigned kVirtualLinkWaitMs = 200;
constexpr unsigned kReapDelayUs = 1000;
constexpr unsigned kPhysicalLinkWaitMs = 5000;  // autonegotiation takes seconds

bool IsVirtual(const std::string& device) { return device.compare(0, 4, "net_") == 0; }
bool IsTap(const std::string& driver) { return driver == "net_tap"; }
// Their link comes up when a peer does, which may be never.
bool WaitsForPeer(const std::string& driver) {
  return driver == "net_memif" || driver == "net_vhost" || driver == "net_virtio_user";
}

std::string MacText(const MacOctets& mac) {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
                mac[4], mac[5]);
  return text;
}

const char* YesNo(bool value) { return value ? "yes" : "no"; }

uint16_t Clamp(uint16_t wanted, const rte_eth_desc_lim& limit) {
  uint32_t n = wanted;
  if (limit.nb_max != 0) n = std::min<uint32_t>(n, limit.nb_max);
  n = std::max<uint32_t>(n, limit.nb_min);
  if (limit.nb_align > 1) n = n / limit.nb_align * limit.nb_align;
  return static_cast<uint16_t>(n);
}

// The EAL starts without a device that its driver could not open: only its log knows why.
absl::Status NoDevice(const DeviceOptions& options) {
  const char* hint = IsVirtual(options.device) ? ": its driver could not open it."
                                               : "; is it bound to a driver of DPDK?";
  return absl::NotFoundError("port " + options.name + ": DPDK has no device \"" + options.device +
                             "\"" + hint + " The EAL said:" + EalStartLog());
}

}  // namespace

Device::Device(uint16_t id, const DeviceOptions& options, std::span<PacketPool* const> pools)
    : id_(id),
      name_(options.name),
      device_(options.device),
      pools_(pools.begin(), pools.end()),
      syn_rules_(std::make_unique<SynRules>(id)) {}

Device::~Device() { Close(); }

absl::StatusOr<std::unique_ptr<Device>> Device::Open(const DeviceOptions& options,
                                                     std::span<PacketPool* const> pools) {
  uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(options.device.c_str(), &id) != 0) return NoDevice(options);
  std::unique_ptr<Device> device(new Device(id, options, pools));
  LogCapture capture;
  const absl::Status status = device->ConfigureAndStart(options);
  const std::string log = capture.Finish();
  if (!status.ok()) return absl::Status(status.code(), std::string(status.message()) + log);
  return device;
}

absl::Status Device::ConfigureAndStart(const DeviceOptions& options) {
  const absl::Status status = BringUp(options, 0);
  return status.ok() && options.syn_queues ? AddSynQueues(options) : status;
}

// Also of a device that has been stopped.
absl::Status Device::BringUp(const DeviceOptions& options, uint16_t syn_queues) {
  if (absl::Status status = Configure(options, syn_queues); !status.ok()) return status;
  open_ = true;  // from here on there is something to close
  const uint32_t in_use = BuffersInUse();
  if (absl::Status status = SetUpQueues(syn_queues); !status.ok()) return status;
  if (driver_ == "net_af_xdp") kept_buffers_ = BuffersInUse() - in_use;
  return Start(options);
}

// The rules are offered while the device has only the queues that it needs anyhow: one that refuses
// them is left as it is.
absl::Status Device::AddSynQueues(const DeviceOptions& options) {
  rte_eth_dev_info info;
  if (int error = rte_eth_dev_info_get(id_, &info); error != 0) return Failed("information", error);
  const uint16_t workers = static_cast<uint16_t>(pools_.size());
  const RssRequest rss = PlanRss(info, workers, options.rss_key);
  SynRule::Target target{.queues = workers, .rss_key = rss.key};
  syn_refusal_ = syn_rules_->Refusal(options.vlan_strip, target);
  if (syn_refusal_.empty() && info.max_rx_queues < 2 * workers) {
    syn_refusal_ = std::to_string(2 * workers) + " receive queues are needed, there are " +
                   std::to_string(info.max_rx_queues);
  }
  if (syn_refusal_.empty()) syn_refusal_ = RssRefusal();
  if (!syn_refusal_.empty()) return absl::OkStatus();

  rte_eth_dev_stop(id_);
  target.first = workers;
  const absl::Status status = BringUp(options, workers);
  syn_refusal_ = status.ok() ? RssRefusal() : std::string(status.message());
  if (syn_refusal_.empty()) syn_refusal_ = syn_rules_->Create(options.vlan_strip, target);
  grants_.syn_queues = syn_refusal_.empty();
  if (grants_.syn_queues) return absl::OkStatus();
  rte_eth_dev_stop(id_);
  return BringUp(options, 0);
}

// Without our table a device spreads everything over all its queues as it pleases.
std::string Device::RssRefusal() const {
  return pools_.size() > 1 && !grants_.rss ? "no RSS by our table" : "";
}

absl::Status Device::Failed(const std::string& what, int error) const {
  return absl::InternalError("port " + name_ + " (" + device_ + "): " + what + ": " +
                             rte_strerror(error < 0 ? -error : error));
}

absl::Status Device::Configure(const DeviceOptions& options, uint16_t syn_queues) {
  rte_eth_dev_info info;
  if (int error = rte_eth_dev_info_get(id_, &info); error != 0) return Failed("information", error);
  driver_ = info.driver_name;
  const uint16_t queues = static_cast<uint16_t>(pools_.size());
  if (queues > info.max_rx_queues || queues > info.max_tx_queues) {
    return absl::InvalidArgumentError(
        "port " + name_ + " (" + device_ + "): " + std::to_string(queues) +
        " workers need as many queues; the device has " + std::to_string(info.max_rx_queues) +
        " for receiving and " + std::to_string(info.max_tx_queues) +
        " for sending (af_packet: qpairs=N, af_xdp: queue_count=N, virtio_user: queues=N)");
  }
  if (info.max_mtu != 0 && options.mtu > info.max_mtu) {
    return absl::InvalidArgumentError("port " + name_ + " (" + device_ + "): mtu " +
                                      std::to_string(options.mtu) + " is more than the device's " +
                                      std::to_string(info.max_mtu));
  }
  rte_eth_conf conf{};
  const auto take = [](uint64_t& asked, uint64_t reported, uint64_t bit) {
    asked |= reported & bit;
    return (reported & bit) != 0;
  };
  uint64_t& rx = conf.rxmode.offloads;
  uint64_t& tx = conf.txmode.offloads;
  grants_.rx_ip_checksum = take(rx, info.rx_offload_capa, RTE_ETH_RX_OFFLOAD_IPV4_CKSUM);
  grants_.rx_tcp_checksum = take(rx, info.rx_offload_capa, RTE_ETH_RX_OFFLOAD_TCP_CKSUM);
  grants_.vlan_strip =
      options.vlan_strip && take(rx, info.rx_offload_capa, RTE_ETH_RX_OFFLOAD_VLAN_STRIP);
  grants_.tx_tcp_checksum = take(tx, info.tx_offload_capa, RTE_ETH_TX_OFFLOAD_TCP_CKSUM);
  grants_.tx_chains = take(tx, info.tx_offload_capa, RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
  RssRequest rss = PlanRss(info, queues, options.rss_key);
  if (rss.wanted) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf = {rss.key.data(), static_cast<uint8_t>(rss.key.size()), rss.types};
  }
  conf.rxmode.mtu = options.mtu;
  grants_.mtu = options.mtu;
  grants_.rx_descriptors = Clamp(options.rx_descriptors, info.rx_desc_lim);
  grants_.tx_descriptors = Clamp(options.tx_descriptors, info.tx_desc_lim);
  prepare_ = grants_.tx_tcp_checksum && !IsVirtual(device_);
  stamp_received_ = IsVirtual(device_);
  const uint16_t receive_queues = static_cast<uint16_t>(queues + syn_queues);
  if (int error = rte_eth_dev_configure(id_, receive_queues, queues, &conf); error != 0) {
    return Failed("configuring " + std::to_string(receive_queues) + " queues", error);
  }
  return absl::OkStatus();
}

absl::Status Device::SetUpQueues(uint16_t syn_queues) {
  const int socket = rte_eth_dev_socket_id(id_);
  const unsigned node = socket < 0 ? 0 : static_cast<unsigned>(socket);
  for (uint16_t queue = 0; queue < pools_.size(); ++queue) {
    int error = rte_eth_rx_queue_setup(id_, queue, grants_.rx_descriptors, node, nullptr,
                                       pools_[queue]->raw());
    if (error != 0) return Failed("receive queue " + std::to_string(queue), error);
    error = rte_eth_tx_queue_setup(id_, queue, grants_.tx_descriptors, node, nullptr);
    if (error != 0) return Failed("transmit queue " + std::to_string(queue), error);
  }
  for (uint16_t i = 0; i < syn_queues; ++i) {
    const uint16_t queue = static_cast<uint16_t>(pools_.size() + i);
    const int error =
        rte_eth_rx_queue_setup(id_, queue, grants_.rx_descriptors, node, nullptr, pools_[i]->raw());
    if (error != 0) return Failed("receive queue " + std::to_string(queue), error);
  }
  return absl::OkStatus();
}

absl::Status Device::Start(const DeviceOptions& options) {
  uint16_t mtu = 0;
  if (rte_eth_dev_get_mtu(id_, &mtu) == 0 && mtu != options.mtu) {
    // Drivers without a notion of MTU (ring, null) say that they have none to set.
    const int error = rte_eth_dev_set_mtu(id_, options.mtu);
    if (error != 0 && error != -ENOTSUP) return Failed("mtu " + std::to_string(options.mtu), error);
  }
  if (int error = rte_eth_dev_start(id_); error != 0) return Failed("starting", error);
  ChooseMac(options);
  // Solicited-node groups (RFC 4291 2.7.1). On a TAP this would change the kernel's side.
  if (!IsTap(driver_) && rte_eth_allmulticast_enable(id_) != 0 && !IsVirtual(device_)) {
    rte_eth_promiscuous_enable(id_);
  }
  rte_eth_dev_info info;
  if (rte_eth_dev_info_get(id_, &info) == 0) {
    const uint16_t queues = static_cast<uint16_t>(pools_.size());
    grants_.rss = ApplyAndVerifyRss(id_, info, queues, PlanRss(info, queues, options.rss_key));
  }
  return absl::OkStatus();
}

void Device::ChooseMac(const DeviceOptions& options) {
  rte_ether_addr own{};
  rte_eth_macaddr_get(id_, &own);
  std::memcpy(mac_.data(), own.addr_bytes, mac_.size());
  if (rte_is_zero_ether_addr(&own)) mac_ = options.fallback_mac;
  if (IsTap(driver_)) {
    // A TAP's address is the kernel's end of the wire; ours must be another, or both would form the
    // same link-local address and see each other as a duplicate (RFC 4862 5.4).
    mac_[0] = static_cast<uint8_t>((mac_[0] | 0x02) ^ 0x40);
    if (options.mac) mac_ = *options.mac;
    return;
  }
  if (!options.mac) return;
  mac_ = *options.mac;
  rte_ether_addr wanted;
  std::memcpy(wanted.addr_bytes, mac_.data(), mac_.size());
  if (rte_eth_dev_default_mac_addr_set(id_, &wanted) != 0) rte_eth_promiscuous_enable(id_);
}

uint16_t Device::Receive(uint16_t queue, std::span<Packet> out) { return ReceiveFrom(queue, out); }

uint16_t Device::ReceiveSyns(uint16_t queue, std::span<Packet> out) {
  return ReceiveFrom(static_cast<uint16_t>(pools_.size() + queue), out);
}

uint16_t Device::ReceiveFrom(uint16_t receive_queue, std::span<Packet> out) {
  rte_mbuf** raw = reinterpret_cast<rte_mbuf**>(out.data());
  const uint16_t count =
      rte_eth_rx_burst(id_, receive_queue, raw, static_cast<uint16_t>(out.size()));
  if (stamp_received_) {
    for (uint16_t i = 0; i < count; ++i) raw[i]->port = id_;
  }
  return count;
}

uint16_t Device::Transmit(uint16_t queue, std::span<Packet> frames) {
  if (!grants_.tx_chains) JoinChains(queue, frames);
  rte_mbuf** raw = reinterpret_cast<rte_mbuf**>(frames.data());
  uint16_t count = static_cast<uint16_t>(frames.size());
  if (!grants_.tx_chains) {
    // A chain that could not be joined would go out cut short.
    uint16_t sound = 0;
    while (sound < count && raw[sound]->nb_segs == 1) ++sound;
    count = sound;
  }
  if (prepare_) count = rte_eth_tx_prepare(id_, queue, raw, count);
  const uint16_t sent = rte_eth_tx_burst(id_, queue, raw, count);
  std::memset(raw, 0, sent * sizeof(rte_mbuf*));  // the device owns them now
  return sent;
}

// Copies each packet of several buffers into one.
void Device::JoinChains(uint16_t queue, std::span<Packet> frames) {
  for (Packet& frame : frames) {
    if (frame.contiguous()) continue;
    Packet joined = AllocatePacket(*pools_[queue]);
    if (!joined) return;
    const uint32_t size = frame.size();
    if (size > PacketRoom(*pools_[queue])) return;
    uint8_t* out = joined.Append(static_cast<uint16_t>(size));
    if (out == nullptr || frame.CopyOut(0, {out, size}) != size) return;
    joined.set_port(frame.port());
    joined.raw()->ol_flags = frame.raw()->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK;
    joined.raw()->tx_offload = frame.raw()->tx_offload;
    frame = std::move(joined);
  }
}

uint32_t Device::BuffersInUse() const {
  uint32_t count = 0;
  for (const PacketPool* pool : pools_) count += PacketsInUse(*pool);
  return count;
}

// Some drivers look at what has been sent only when there is something to send.
void Device::ReapTransmitted() {
  rte_delay_us_sleep(kReapDelayUs);
  for (uint16_t queue = 0; queue < pools_.size(); ++queue) {
    rte_eth_tx_burst(id_, queue, nullptr, 0);
  }
}

void Device::Close() {
  if (!open_) return;
  open_ = false;
  syn_rules_->Destroy();
  if (driver_ == "net_af_xdp") ReapTransmitted();
  rte_eth_dev_stop(id_);
  rte_eth_dev_close(id_);
}

bool Device::link_up() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

bool Device::WaitForLink() const {
  const unsigned wait_ms = WaitsForPeer(driver_) ? 0
                           : IsVirtual(device_)  ? kVirtualLinkWaitMs
                                                 : kPhysicalLinkWaitMs;
  for (unsigned waited_ms = 0; !link_up(); waited_ms += 10) {
    if (waited_ms >= wait_ms) return false;
    rte_delay_us_sleep(10000);
  }
  return true;
}

DeviceStats Device::stats() const {
  rte_eth_stats stats{};
  if (!open_ || rte_eth_stats_get(id_, &stats) != 0) return {};
  return {stats.imissed, stats.ierrors, stats.rx_nombuf, stats.oerrors};
}

std::string Device::Describe() const {
  const bool checksum_both = grants_.rx_ip_checksum && grants_.rx_tcp_checksum;
  const char* rx = checksum_both             ? "ip+tcp"
                   : grants_.rx_ip_checksum  ? "ip"
                   : grants_.rx_tcp_checksum ? "tcp"
                                             : "no";
  return "port " + name_ + ": " + device_ + " (" + driver_ + "), " + MacText(mac_) + ", mtu " +
         std::to_string(grants_.mtu) + ", " + std::to_string(pools_.size()) + " queues of " +
         std::to_string(grants_.rx_descriptors) + "/" + std::to_string(grants_.tx_descriptors) +
         "; granted: rx checksum " + rx + ", tx checksum " +
         (grants_.tx_tcp_checksum ? "tcp" : "no") + ", chains " + YesNo(grants_.tx_chains) +
         ", vlan strip " + YesNo(grants_.vlan_strip) + ", rss " + YesNo(grants_.rss) +
         ", syn queue " + YesNo(grants_.syn_queues) +
         (syn_refusal_.empty() ? "" : " (" + syn_refusal_ + ")") + "; link " +
         (link_up() ? "up" : "down");
}

}  // namespace weir::port
