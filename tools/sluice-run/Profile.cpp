//===- Profile.cpp - Where the time of a run goes ------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "Profile.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

using namespace sluice::run;

void Profile::record(void *user, int32_t kernel, int64_t begin, int64_t end) {
  Profile *profile = static_cast<Profile *>(user);
  if (kernel < 0 || size_t(kernel) >= profile->times.size())
    return;
  Sum &sum = profile->times[size_t(kernel)];
  ++sum.calls;
  sum.nanoseconds += end - begin;
  profile->events.push_back({kernel, begin, end});
}

void Profile::clear() {
  std::fill(times.begin(), times.end(), Sum());
  events.clear();
}

void Profile::beginRun() { events.clear(); }

void Profile::endRun() {
  for (Sum &sum : times)
    if (sum.calls > 0)
      sum.runs.push_back(std::exchange(sum.nanoseconds, 0));
}

static int64_t median(std::vector<int64_t> values) {
  auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<KernelTime> Profile::sorted() const {
  std::vector<KernelTime> result;
  for (size_t i = 0; i < times.size(); ++i) {
    const Sum &sum = times[i];
    if (!sum.runs.empty())
      result.push_back({int32_t(i), sum.calls / int64_t(sum.runs.size()),
                        double(median(sum.runs)) * 1e-6});
  }
  std::sort(result.begin(), result.end(),
            [](const KernelTime &left, const KernelTime &right) {
              return std::pair(-left.milliseconds, left.kernel) <
                     std::pair(-right.milliseconds, right.kernel);
            });
  return result;
}

constexpr const char *wrongMark = "wrong";
constexpr const char *cacheMark = "cache";

/// A number with a decimal, or a dash where it is not known.
static std::string known(double value, bool isKnown) {
  if (!isKnown)
    return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

/// A share of what the machine can do, in percent. More than all means that it
/// is not what limits the kernel: `beyond` says what to think of it.
static std::string shareOf(double rate, double peak, bool isKnown,
                           const char *beyond) {
  constexpr double largest = 1.05;
  if (!isKnown || peak <= 0)
    return "-";
  return rate > largest * peak ? beyond : known(100 * rate / peak, true) + "%";
}

std::string sluice::run::formatProfile(const sluice_model *model,
                                       const std::vector<KernelTime> &times,
                                       const MachinePeak &peak) {
  double total = 0;
  for (const KernelTime &time : times)
    total += time.milliseconds;
  char line[512];
  std::snprintf(line, sizeof line,
                "\nkernels: %.3f ms in %zu kernels; this machine's peak: %.0f "
                "GFLOP/s, %.1f GB/s\n"
                "%10s %6s %6s %9s %6s %8s %6s  %s\n",
                total, times.size(), peak.gigaflops, peak.gigabytes, "ms",
                "share", "calls", "GFLOP/s", "peak", "GB/s", "peak",
                "kernel (ONNX nodes)");
  std::string table = line;
  bool isUnknown = false, isWrong = false, isCached = false;
  for (const KernelTime &time : times) {
    const sluice_kernel_info *kernel = sluice_model_kernel(model, time.kernel);
    double seconds = time.milliseconds * 1e-3;
    double gigaflops = kernel->flops * 1e-9 / seconds;
    double gigabytes = kernel->bytes * 1e-9 / seconds;
    bool hasFlops = kernel->flops > 0 && seconds > 0;
    bool hasBytes = kernel->bytes > 0 && seconds > 0;
    isUnknown |= kernel->flops < 0 || kernel->bytes < 0;
    std::string flopsShare =
        shareOf(gigaflops, peak.gigaflops, hasFlops, wrongMark);
    std::string bytesShare =
        shareOf(gigabytes, peak.gigabytes, hasBytes, cacheMark);
    isWrong |= flopsShare == wrongMark;
    isCached |= bytesShare == cacheMark;
    std::snprintf(
        line, sizeof line, "%10.4f %5.1f%% %6lld %9s %6s %8s %6s  %s (",
        time.milliseconds, total > 0 ? 100 * time.milliseconds / total : 0,
        static_cast<long long>(time.calls), known(gigaflops, hasFlops).c_str(),
        flopsShare.c_str(), known(gigabytes, hasBytes).c_str(),
        bytesShare.c_str(), kernel->name);
    constexpr size_t longest = 60;
    std::string nodes = kernel->nodes;
    if (nodes.size() > longest)
      nodes = nodes.substr(0, longest) + "...";
    table += line + nodes + ")\n";
  }
  if (isWrong)
    table +=
        "Kernels cannot do more than the machine: \"wrong\" means that its "
        "peak was measured while others used it. Measure again.\n";
  if (isCached)
    table +=
        "What moves data faster than memory can (\"cache\") finds it in the "
        "caches.\n";
  if (isUnknown)
    table +=
        "Where sizes are dynamic, GFLOP/s and GB/s are not known: fix them "
        "with sluicec's --dim or --shape.\n";
  return table;
}

std::string sluice::run::formatTrace(const sluice_model *model,
                                     const std::vector<KernelEvent> &events) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  int64_t origin = events.empty() ? 0 : events.front().begin;
  for (const KernelEvent &event : events) {
    const sluice_kernel_info *kernel = sluice_model_kernel(model, event.kernel);
    list.push_back({{"name", kernel->name},
                    {"cat", kernel->kind},
                    {"ph", "X"},
                    {"pid", 1},
                    {"tid", 1},
                    {"ts", double(event.begin - origin) * 1e-3},
                    {"dur", double(event.end - event.begin) * 1e-3},
                    {"args",
                     {{"nodes", kernel->nodes},
                      {"flops", kernel->flops},
                      {"bytes", kernel->bytes}}}});
  }
  nlohmann::ordered_json trace = {{"displayTimeUnit", "ms"},
                                  {"traceEvents", list}};
  return trace.dump(1, ' ', false,
                    nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}
