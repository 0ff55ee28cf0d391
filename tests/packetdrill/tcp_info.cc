// The fields of struct tcp_info that weir can fill.
#include "packetdrill/tcp_info.h"

#include <linux/tcp.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace weir::packetdrill {
namespace {

// packetdrill's own record; the kernel's headers may have a shorter one, of the same layout as far
// as it goes.
constexpr size_t kRecordSize = 280;
static_assert(sizeof(tcp_info) <= kRecordSize);

// Linux numbers the states its own way.
uint8_t LinuxState(const Socket& s, TcpState state) {
  if (s.listener) return 10;
  switch (state) {
    case TcpState::kEstablished:
      return 1;
    case TcpState::kSynSent:
      return 2;
    case TcpState::kSynReceived:
      return 3;
    case TcpState::kFinWait1:
      return 4;
    case TcpState::kFinWait2:
      return 5;
    case TcpState::kTimeWait:
      return 6;
    case TcpState::kCloseWait:
      return 8;
    case TcpState::kLastAck:
      return 9;
    case TcpState::kListen:
      return 10;
    case TcpState::kClosing:
      return 11;
    case TcpState::kClosed:
      break;
  }
  return 7;
}

uint32_t Segments(uint32_t octets, uint32_t mss) {
  return mss == 0 ? 0 : static_cast<uint32_t>((uint64_t{octets} + mss - 1) / mss);
}

}  // namespace

void FillTcpInfo(const Socket& s, void* value, socklen_t* size) {
  const ConnectionInfo info = s.connection.Info();
  tcp_info out{};
  out.tcpi_state = LinuxState(s, info.state);
  out.tcpi_retransmits = info.retransmissions;
  if (info.timestamps) out.tcpi_options |= TCPI_OPT_TIMESTAMPS;
  if (s.syn_text_taken) out.tcpi_options |= TCPI_OPT_SYN_DATA;
  if (info.send_window_scale != 0) out.tcpi_options |= TCPI_OPT_WSCALE;
  out.tcpi_snd_wscale = info.send_window_scale & 0xf;
  out.tcpi_rcv_wscale = info.receive_window_scale & 0xf;
  out.tcpi_rto = info.rto_us;
  out.tcpi_rtt = info.srtt_us;
  out.tcpi_rttvar = info.rttvar_us;
  out.tcpi_snd_mss = info.mss;
  out.tcpi_unacked = Segments(info.unacknowledged, info.mss);
  // Linux counts both windows in segments; its "no threshold yet" is 2^31 - 1.
  out.tcpi_snd_cwnd = info.mss == 0 ? 0 : info.congestion_window / info.mss;
  const uint32_t threshold = info.mss == 0 ? 0 : info.slow_start_threshold / info.mss;
  const bool none = info.slow_start_threshold >= 0x7fffffffu;
  out.tcpi_snd_ssthresh = none ? 0x7fffffffu : threshold;
  out.tcpi_notsent_bytes = info.unsent;
  out.tcpi_advmss = info.announced_mss;
  out.tcpi_backoff = info.backoff;
  out.tcpi_probes = info.probes;
  // What is known is when the last segment of any kind came.
  out.tcpi_last_data_recv = out.tcpi_last_ack_recv = info.silent_ms;
  // tcpi_snd_wnd and tcpi_rcv_wnd, which older headers do not name.
  constexpr size_t kSendWindowAt = 228, kReceiveWindowAt = 232;
  std::array<uint8_t, kRecordSize> record{};
  std::memcpy(record.data(), &out, sizeof(out));
  std::memcpy(record.data() + kSendWindowAt, &info.send_window, 4);
  std::memcpy(record.data() + kReceiveWindowAt, &info.receive_window, 4);
  *size = std::min<socklen_t>(*size, kRecordSize);
  std::memcpy(value, record.data(), *size);
}

}  // namespace weir::packetdrill
