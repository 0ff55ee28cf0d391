// signalfd and eventfd under one poll.
#include "runtime/control_events.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

#include "base/check.h"

namespace weir::runtime {

ControlEvents::ControlEvents() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGUSR1);
  const sigset_t read_here = set;
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) sigaddset(&set, signal);
  WEIR_CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  signals_ = signalfd(-1, &read_here, SFD_NONBLOCK | SFD_CLOEXEC);
  requests_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE);
  WEIR_CHECK(signals_ >= 0 && requests_ >= 0);
  // net_tap asks for a real-time signal per packet; when too many are queued the kernel sends SIGIO
  // instead, whose default is to end the process.
  std::signal(SIGIO, SIG_IGN);
}

ControlEvents::~ControlEvents() {
  close(signals_);
  close(requests_);
}

void LetWakeSignalsIn() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) sigaddset(&set, signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

std::optional<ControlEvent> ControlEvents::Wait(int timeout_ms) {
  pollfd fds[] = {{signals_, POLLIN, 0}, {requests_, POLLIN, 0}};
  if (poll(fds, 2, timeout_ms) <= 0) return std::nullopt;  // interrupted: the caller comes again
  uint64_t count = 0;
  if (read(requests_, &count, sizeof count) == sizeof count) return ControlEvent::kStop;
  signalfd_siginfo signal;
  if (read(signals_, &signal, sizeof signal) != sizeof signal) return std::nullopt;
  return signal.ssi_signo == SIGUSR1 ? ControlEvent::kReport : ControlEvent::kStop;
}

void ControlEvents::RequestStop() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(requests_, &one, sizeof one);
}

}  // namespace weir::runtime
