//===- CommandTest.cpp - sluice-run as its users see it ------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "sluice/sluice.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <sys/wait.h>

namespace fs = std::filesystem;

namespace {

/// Runs the tool on the fake artifact in a folder of its own.
class CommandTest : public testing::Test {
protected:
  void SetUp() override {
    folder = fs::path(testing::TempDir()) /
             (std::string("sluice-run-") +
              testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  void TearDown() override { fs::remove_all(folder); }

  int run(const std::string &arguments, const std::string &artifact = "good") {
    std::string command = "cd '" + folder.string() + "' && '" SLUICE_RUN "' '" +
                          SLUICE_FAKE_ARTIFACTS "/fake_" + artifact + ".so' " +
                          arguments + " 2>&1";
    output.clear();
    FILE *pipe = popen(command.c_str(), "r");
    std::array<char, 4096> buffer;
    while (size_t count = fread(buffer.data(), 1, buffer.size(), pipe))
      output.append(buffer.data(), count);
    return WEXITSTATUS(pclose(pipe));
  }

  bool says(const std::string &part) {
    return output.find(part) != std::string::npos;
  }

  static std::string data(const std::string &name) {
    return std::string(SLUICE_TEST_DATA) + "/" + name;
  }

  fs::path folder;
  std::string output;
};

} // namespace

TEST_F(CommandTest, RandomInputs) {
  EXPECT_EQ(run("--random --dim n=20"), 0) << output;
  EXPECT_TRUE(says("output 'y' f32[20]: min ")) << output;
  EXPECT_EQ(run("--random --dim 'x[0]=21'"), 0) << output;
  EXPECT_TRUE(says("output 'y' f32[21]: min ")) << output;
  EXPECT_EQ(run("--random --shape x=3 --repeat 20"), 0) << output;
  EXPECT_TRUE(says("f32[3]")) << output;
  EXPECT_TRUE(says("20 runs on ")) << output;
  EXPECT_TRUE(says("p99")) << output;
}

TEST_F(CommandTest, Info) {
  EXPECT_EQ(run("--info"), 0);
  EXPECT_TRUE(says("input     x: f32[n]")) << output;
  EXPECT_TRUE(says("workspace 0 B (lower bound: 0 B)\n")) << output;
}

TEST_F(CommandTest, ExitCodes) {
  EXPECT_EQ(run("--nonsense"), 1);
  EXPECT_EQ(run("--random --dim other=3"), 1);
  EXPECT_TRUE(says("no input has a dimension named 'other'; there are: 'n' "
                   "(x[0])"))
      << output;
  EXPECT_EQ(run("--random --dim n"), 1);
  EXPECT_EQ(run("--random --shape x=axb"), 1);
  EXPECT_EQ(run("--random", "version"), 2);
  EXPECT_EQ(run("--random", "missing"), 2);
  EXPECT_EQ(run("--random", "isa"), 3);
  EXPECT_EQ(run(""), 4);
  EXPECT_TRUE(says("input 'x' (f32[n]) has no values")) << output;
  EXPECT_EQ(run("--input y=a.npy"), 4);
  EXPECT_TRUE(says("no such input; the model has 'x'")) << output;
  EXPECT_EQ(run("--input x=missing.npy"), 4);
  EXPECT_EQ(run("--input x=" + data("f32.npy")), 4);
  EXPECT_TRUE(says("input 'x' has 2 dimensions")) << output;
  EXPECT_EQ(run("--input x=" + data("longs.pb")), 4);
  EXPECT_TRUE(says("element type i64, the model wants f32")) << output;
  EXPECT_EQ(run("--random --save /nonexistent/out.npz"), 4);
}

TEST_F(CommandTest, ComparesWithWhatIsExpected) {
  // The model's weights are 1, 2, 3, ...
  EXPECT_EQ(run("--fill x=0.5 --dim n=3 --save out.npz -q"), 0) << output;
  EXPECT_EQ(output, "");
  EXPECT_EQ(run("--fill x=0.5 --dim n=3 --expect out.npz"), 0) << output;
  EXPECT_TRUE(says("output 'y' matches: max abs 0")) << output;
  EXPECT_EQ(run("--fill x=0.25 --dim n=3 --expect out.npz"), 5) << output;
  EXPECT_TRUE(says("3 of 3 elements")) << output;
  EXPECT_TRUE(says("worst at [2]: got 0.75, expected 1.5")) << output;
  EXPECT_EQ(run("--fill x=0.25 --dim n=3 --expect out.npz --atol 1"), 0);
  EXPECT_EQ(run("--fill x=0.5 --dim n=4 --expect out.npz"), 5) << output;
  EXPECT_TRUE(says("got f32[4], expected f32[3]")) << output;
}

TEST_F(CommandTest, FoldersOfNumberedFiles) {
  // y = x * (1, 2, 3, 4, 5, 6), checked through files of raw elements.
  std::ofstream(folder / "x.raw", std::ios::binary)
      .write("\0\0\x80\x3f\0\0\0\x40", 8);
  std::ofstream(folder / "y.raw", std::ios::binary)
      .write("\0\0\x80\x3f\0\0\x80\x40", 8);
  EXPECT_EQ(run("--input x=x.raw --dim n=2 --save outputs --print"), 0)
      << output;
  EXPECT_TRUE(says("y: f32[2]\n[1, 4]")) << output;
  fs::create_directories(folder / "set");
  fs::rename(folder / "outputs/y.npy", folder / "set/output_0.npy");
  EXPECT_EQ(run("--fill x=1 --dim n=2 --save made -q"), 0);
  fs::rename(folder / "made/y.npy", folder / "set/input_0.npy");
  EXPECT_EQ(run("--inputs set --expect set"), 0) << output;
  EXPECT_EQ(run("--inputs made"), 4);
  EXPECT_TRUE(says("nothing in 'made' is named like an input")) << output;
}

TEST_F(CommandTest, MeasurementsAreJson) {
  ASSERT_EQ(run("--random --repeat 5 --json report.json --trace t.json -q"), 0)
      << output;
  auto report = nlohmann::json::parse(std::ifstream(folder / "report.json"),
                                      nullptr, false);
  ASSERT_FALSE(report.is_discarded());
  EXPECT_EQ(report["latency_ms"]["runs"], 5);
  EXPECT_EQ(report["outputs"][0]["name"], "y");
  EXPECT_GT(report["memory"]["peak_resident"], 0);
  auto trace =
      nlohmann::json::parse(std::ifstream(folder / "t.json"), nullptr, false);
  ASSERT_FALSE(trace.is_discarded());
  EXPECT_TRUE(trace["traceEvents"].is_array());
}

TEST_F(CommandTest, ProfileNamesKernels) {
  ASSERT_EQ(run("--random --repeat 3 --profile --threads 1 --trace t.json"), 0)
      << output;
  EXPECT_TRUE(says("GFLOP/s")) << output;
  EXPECT_TRUE(says("scale_0 (/Mul)")) << output;
  auto trace =
      nlohmann::json::parse(std::ifstream(folder / "t.json"), nullptr, false);
  ASSERT_EQ(trace["traceEvents"].size(), 1u);
  EXPECT_EQ(trace["traceEvents"][0]["name"], "scale_0");
}
