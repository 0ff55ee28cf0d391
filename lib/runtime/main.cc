// weir::Main: from the command line to the exit status.
#include <cstdio>
#include <string>
#include <utility>

#include "runtime/config.h"
#include "runtime/log_line.h"
#include "runtime/server.h"
#include "weir/server.h"

namespace weir {
namespace {

constexpr int kExitSuccess = 0;
constexpr int kExitFailure = 1;

int Finish(const absl::Status& status, int on_error) {
  if (status.ok()) return kExitSuccess;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return on_error;
}

absl::Status Serve(runtime::Config config, const Setup& setup) {
  runtime::ServerImpl server(std::move(config));
  if (absl::Status status = server.Open(); !status.ok()) return status;
  if (absl::Status status = setup(server); !status.ok()) return status;
  return server.Run();
}

}  // namespace

int Main(int argc, char** argv, const Setup& setup) {
  absl::StatusOr<runtime::CommandLine> command_line = runtime::LoadFromCommandLine(argc, argv);
  if (!command_line.ok()) return Finish(command_line.status(), runtime::kExitConfiguration);
  for (const std::string& warning : command_line->warnings) {
    std::fprintf(stderr, "warning: %s\n", warning.c_str());
  }
  if (command_line->print) {
    std::fputs(command_line->print->c_str(), stdout);
    return kExitSuccess;
  }
  return Finish(Serve(std::move(command_line->config), setup), kExitFailure);
}

}  // namespace weir
