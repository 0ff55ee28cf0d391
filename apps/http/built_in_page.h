// The page of a weir-http that was given no --root.
#pragma once

#include <string_view>

namespace weir::http {

inline constexpr std::string_view kBuiltInPage = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>weir</title>
<style>body { font: 1rem/1.5 sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }</style>
</head>
<body>
<h1>weir is serving this page</h1>
<p>No kernel took part on this side of the wire: weir-http received your request from a
<a href="https://www.dpdk.org/">DPDK</a> port, and weir's own Ethernet, IP and TCP carried this
answer back to you.</p>
<p>weir is a framework for TCP servers: a poll loop on each core takes packets from its own
queue into its own TCP engine and calls the application back.</p>
<p>Give weir-http a directory with <code>--root</code> and it serves that instead.</p>
</body>
</html>
)html";

}  // namespace weir::http
