// Flight: what a connection needs only while text is unacknowledged, unread, out of order or not
// yet acknowledged by us. Borrowed from a pool, given back when idle.
#pragma once

#include <cstdint>

#include "base/seq.h"
#include "base/time.h"
#include "tcp/text.h"

namespace weir::tcp {

struct Flight {
  // --- sending ---
  TextQueue send;        // from SND.UNA on, without gaps
  Text* next_to_send;    // the piece that holds the next octet to send, or null: look from the head
  uint32_t send_octets;  // in `send`, SND.UNA to the end of the queue
  uint32_t copied_octets;  // those of them that Send copied: what the send buffer limits
  Seq resend;              // after a timeout: the next octet to send again; SND.NXT when nothing is
  Seq short_end;           // of the last segment sent that was shorter than the MSS (Nagle)
  Seq recover;             // RFC 6582: highest sequence number sent when recovery began
  bool in_recovery;
  bool recover_valid;
  bool partial_acked;  // in this recovery
  uint8_t dup_acks;
  uint8_t probe_backoff;  // zero-window probes sent in a row, answered or not (SHLD-30)
  // One segment at a time is timed (RFC 6298 3, Karn): when rtt_seq is acknowledged, a sample is
  // due.
  bool timing;
  Seq rtt_seq;
  int64_t rtt_sent_us;
  Millis progress_at;  // what the user timeout counts from: something acknowledged, or begun
  // The most octets that were out at once in this round trip or the last; it ends when round_end is
  // acknowledged. Whether cwnd was the limit can be told from it (RFC 7661).
  uint32_t flight_max;
  Seq round_end;
  uint32_t acked_in_window;  // octets acknowledged since cwnd last grew (congestion avoidance)

  // --- path MTU (path_mtu.cc); sizes are those of the text in one segment ---
  uint16_t mss_limit;  // Tcb::mss when no path is in the way
  uint16_t size_sent;  // the largest segment sent, while none larger has arrived
  uint16_t size_acked;
  Seq size_sent_end;     // of the first of that size
  uint16_t claimed_mtu;  // by a message that waits for a timeout to prove it; 0 = none
  Seq claimed_seq;       // the segment that it is about
  uint16_t probe_size;   // outstanding; 0 = none
  Seq probe_seq;
  uint16_t search_high;  // the largest size that may get through; 0 while nothing is searched for
  Millis search_at;      // when the next search may begin

  // --- receiving ---
  TextQueue unread;  // in order, not delivered yet
  uint32_t unread_octets;
  TextQueue out_of_order;
  uint32_t out_of_order_octets;
  uint32_t out_of_order_pieces;

  // --- acknowledging ---
  Seq last_ack_sent;
  Millis ack_at;              // delayed ACK, when ack_pending
  uint16_t segments_unacked;  // segments with text since the last ACK
  bool ack_pending;

  // The first SYN-ACK brings a new fast-open cookie, as the option that the SYN had.
  bool new_cookie;
  bool new_cookie_experimental;

  Seq urgent;  // one past the last urgent octet announced, when urgent_valid
  bool urgent_valid;

  uint32_t generation;
  uint32_t link;
  uint32_t& free_link() { return link; }
};
static_assert(sizeof(Flight) <= 256);

}  // namespace weir::tcp
