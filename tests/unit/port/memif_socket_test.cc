// Stale memif sockets are removed, live ones and other files are not.
#include "port/memif_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "gtest/gtest.h"

namespace weir::port {
namespace {

class MemifSocketTest : public testing::Test {
 protected:
  MemifSocketTest()
      : path_(testing::TempDir() + "/weir_memif_" + std::to_string(getpid())),
        device_("net_memif0,role=server,socket=" + path_ + ",socket-abstract=no") {
    unlink(path_.c_str());
  }
  ~MemifSocketTest() override { unlink(path_.c_str()); }

  // A socket file as a memif server leaves it; listening until the descriptor is closed.
  int Listen() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(fd, 1), 0);
    return fd;
  }
  bool Exists() {
    struct stat status;
    return stat(path_.c_str(), &status) == 0;
  }

  std::string path_;
  std::string device_;
};

TEST_F(MemifSocketTest, AStaleSocketIsRemoved) {
  close(Listen());
  ASSERT_TRUE(Exists());
  EXPECT_TRUE(RemoveStaleMemifSocket(device_).ok());
  EXPECT_FALSE(Exists());
}

TEST_F(MemifSocketTest, ALiveSocketIsSomebodyElses) {
  const int fd = Listen();
  EXPECT_EQ(RemoveStaleMemifSocket(device_).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(Exists());
  close(fd);
}

TEST_F(MemifSocketTest, AnotherKindOfFileIsLeftAlone) {
  std::ofstream(path_) << "text";
  EXPECT_TRUE(RemoveStaleMemifSocket(device_).ok());
  EXPECT_TRUE(Exists());
}

TEST_F(MemifSocketTest, AClientsSocketIsLeftAlone) {
  close(Listen());
  EXPECT_TRUE(
      RemoveStaleMemifSocket("net_memif0,role=client,socket=" + path_ + ",socket-abstract=no")
          .ok());
  EXPECT_TRUE(Exists());
}

TEST_F(MemifSocketTest, OtherDevicesAreNoConcern) {
  EXPECT_TRUE(RemoveStaleMemifSocket("net_tap0,iface=weir0").ok());
}

}  // namespace
}  // namespace weir::port
