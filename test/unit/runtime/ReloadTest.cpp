//===- ReloadTest.cpp - Artifacts that change while they are loaded ------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "sluice/artifact_abi.h"
#include "sluice/sluice.h"

extern "C" {
#include "hash.h"
}

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <vector>

namespace fs = std::filesystem;

namespace {

using Bytes = std::vector<uint8_t>;
constexpr int weightCount = 16;

Bytes readBytes(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

/// The weights are 1, 2, ..., 16, each times `factor`.
Bytes weightBytes(float factor) {
  Bytes bytes(weightCount * sizeof(float));
  for (int i = 0; i < weightCount; ++i) {
    float weight = factor * float(i + 1);
    std::memcpy(&bytes[i * sizeof weight], &weight, sizeof weight);
  }
  return bytes;
}

void replace(Bytes &bytes, const Bytes &part, const Bytes &other) {
  auto found =
      std::search(bytes.begin(), bytes.end(), part.begin(), part.end());
  ASSERT_NE(found, bytes.end());
  std::copy(other.begin(), other.end(), found);
}

template <typename T> Bytes bytesOf(const T &value) {
  auto raw = reinterpret_cast<const uint8_t *>(&value);
  return Bytes(raw, raw + sizeof value);
}

/// An artifact as the compiler writes it, whose weights have this factor.
Bytes artifact(const std::string &name, float factor) {
  Bytes bytes =
      readBytes(std::string(SLUICE_FAKE_ARTIFACTS) + "/fake_" + name + ".so");
  Bytes plain = weightBytes(1), weights = weightBytes(factor);
  auto place =
      std::search(bytes.begin(), bytes.end(), plain.begin(), plain.end());
  if (place != bytes.end()) {
    uint64_t before = sluice_hash_bytes(plain.data(), plain.size());
    uint64_t after = sluice_hash_bytes(weights.data(), weights.size());
    std::copy(weights.begin(), weights.end(), place);
    replace(bytes, bytesOf(before), bytesOf(after));
  }
  uint64_t offset = place == bytes.end() ? 0 : place - bytes.begin();
  uint64_t size = place == bytes.end() ? 0 : plain.size();
  const uint8_t *data = bytes.data();
  sluice_artifact_trailer trailer = {
      sluice_hash_bytes(data, offset),
      sluice_hash_bytes(data + offset + size, bytes.size() - offset - size),
      offset,
      size,
      bytes.size(),
      SLUICE_TRAILER_MAGIC};
  Bytes end = bytesOf(trailer);
  bytes.insert(bytes.end(), end.begin(), end.end());
  return bytes;
}

/// A model and what it multiplies with; 0 if that is not one number.
struct Loaded {
  Loaded() = default;
  Loaded(const Loaded &) = delete;
  Loaded(Loaded &&other) : model(other.model) { other.model = nullptr; }
  ~Loaded() { sluice_model_release(model); }

  float factor() const {
    sluice_context *context = nullptr;
    float x[weightCount], result = 0;
    std::fill(x, x + weightCount, 1.0f);
    int64_t dims[] = {weightCount};
    sluice_tensor input = {SLUICE_DTYPE_F32, 1, dims, nullptr, x, 0, 0}, output;
    sluice_context_options options = SLUICE_CONTEXT_OPTIONS_INIT;
    options.threads = 1;
    if (model &&
        sluice_context_create(model, &options, &context, nullptr) ==
            SLUICE_OK &&
        sluice_context_set_input(context, 0, &input) == SLUICE_OK &&
        sluice_context_run(context) == SLUICE_OK &&
        sluice_context_output(context, 0, &output) == SLUICE_OK) {
      const float *y = static_cast<const float *>(output.data);
      result = y[0];
      for (int i = 0; i < weightCount; ++i)
        if (y[i] != result * float(i + 1))
          result = 0;
    }
    sluice_context_destroy(context);
    return result;
  }
  sluice_model *model = nullptr;
};

class ReloadTest : public testing::Test {
protected:
  void SetUp() override {
    folder = fs::path(testing::TempDir()) /
             (std::string("sluice-reload-") +
              testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder);
    fs::create_directories(folder);
    path = folder / "net.so";
  }
  void TearDown() override { fs::remove_all(folder); }

  static void writeOver(const fs::path &path, const Bytes &bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char *>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  /// Puts a new file in the place of the old one.
  static void replaceFile(const fs::path &path, const Bytes &bytes) {
    fs::path fresh = path.string() + ".new";
    writeOver(fresh, bytes);
    fs::rename(fresh, path);
  }

  Loaded load(sluice_weights_memory memory = SLUICE_WEIGHTS_MAPPED) {
    sluice_load_options options = SLUICE_LOAD_OPTIONS_INIT;
    options.verify_weights = 1;
    options.weights_memory = memory;
    Loaded loaded;
    status = sluice_model_load(path.c_str(), &options, &loaded.model, &error);
    return loaded;
  }

  fs::path folder, path;
  sluice_status status = SLUICE_OK;
  sluice_error error = {};
};

size_t countFiles() {
  fs::directory_iterator files("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(files), end(files)));
}

} // namespace

TEST_F(ReloadTest, ReplacedFile) {
  size_t files = countFiles();
  writeOver(path, artifact("good", 1));
  Loaded first = load();
  replaceFile(path, artifact("good", 3));
  Loaded second = load();
  replaceFile(path, artifact("twice", 5));
  Loaded third = load(), again = load();
  EXPECT_EQ(first.factor(), 1);
  EXPECT_EQ(second.factor(), 3) << error.message;
  EXPECT_EQ(third.factor(), 10) << error.message;
  EXPECT_EQ(again.factor(), 10) << error.message;
  EXPECT_EQ(countFiles(), files);
}

TEST_F(ReloadTest, FileWrittenAnew) {
  // Only models with a copy of their own go on with what was there before; the
  // others can be unloaded.
  writeOver(path, artifact("good", 1));
  Loaded first = load(SLUICE_WEIGHTS_RESIDENT);
  Loaded mapped = load();
  writeOver(path, artifact("twice", 3));
  Loaded second = load(SLUICE_WEIGHTS_HUGE_PAGES);
  EXPECT_EQ(second.factor(), 6) << error.message;
  Loaded third = load();
  EXPECT_EQ(third.factor(), 6) << error.message;
  writeOver(path, artifact("good", 7));
  EXPECT_EQ(load().factor(), 7) << error.message;
  fs::resize_file(path, 0);
  EXPECT_EQ(load().model, nullptr);
  EXPECT_EQ(status, SLUICE_INVALID_ARTIFACT);
  EXPECT_EQ(first.factor(), 1);
  EXPECT_EQ(second.factor(), 6);
}

TEST_F(ReloadTest, SwitchedLink) {
  fs::path real = path;
  path = folder / "link.so";
  for (int version : {1, 2, 3}) {
    fs::path target = folder / std::to_string(version);
    fs::create_directories(target);
    writeOver(target / "net.so", artifact("good", float(version)));
  }
  std::vector<Loaded> models;
  for (int version : {1, 2, 3, 2}) {
    fs::remove(path);
    fs::create_symlink(fs::path(std::to_string(version)) / "net.so", path);
    models.push_back(load());
    EXPECT_EQ(models.back().factor(), float(version)) << error.message;
  }
  EXPECT_EQ(models.front().factor(), 1);
}

TEST_F(ReloadTest, DeletedFile) {
  writeOver(path, artifact("good", 1));
  Loaded first = load();
  fs::remove(path);
  EXPECT_EQ(first.factor(), 1);
  EXPECT_EQ(load().model, nullptr);
  EXPECT_EQ(status, SLUICE_CANNOT_OPEN);
  writeOver(path, artifact("twice", 2));
  EXPECT_EQ(load().factor(), 4) << error.message;
  EXPECT_EQ(first.factor(), 1);
}

TEST_F(ReloadTest, ManyThreadsAtOnce) {
  const float factors[] = {1, 3, 5};
  writeOver(path, artifact("good", 1));
  Loaded held = load();
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0}, loads{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      while (!stop) {
        sluice_load_options options = SLUICE_LOAD_OPTIONS_INIT;
        options.verify_weights = 1;
        Loaded loaded;
        sluice_model_load(path.c_str(), &options, &loaded.model, nullptr);
        float factor = loaded.factor();
        wrong += std::count(factors, factors + 3, factor) == 0;
        ++loads;
      }
    });
  for (int i = 0; i < 100 || loads < 50; ++i)
    replaceFile(path, artifact("good", factors[i % 3]));
  stop = true;
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0) << "of " << loads;
  EXPECT_EQ(held.factor(), 1);
}

TEST_F(ReloadTest, ReplacedWeightsFile) {
  writeOver(path, artifact("sidefile", 1));
  fs::path weights = folder / "fake.weights";
  writeOver(weights, weightBytes(1));
  Loaded first = load();
  Loaded resident = load(SLUICE_WEIGHTS_RESIDENT);
  EXPECT_EQ(first.factor(), 1) << error.message;
  // Verification tells the weights of another compilation.
  replaceFile(weights, weightBytes(3));
  EXPECT_EQ(load().model, nullptr);
  EXPECT_EQ(status, SLUICE_INVALID_ARTIFACT);
  Bytes other = artifact("sidefile", 1);
  Bytes old = weightBytes(1), fresh = weightBytes(3);
  other.resize(other.size() - sizeof(sluice_artifact_trailer));
  replace(other, bytesOf(sluice_hash_bytes(old.data(), old.size())),
          bytesOf(sluice_hash_bytes(fresh.data(), fresh.size())));
  replaceFile(path, other);
  EXPECT_EQ(load().factor(), 3) << error.message;
  EXPECT_EQ(first.factor(), 1);
  writeOver(weights, weightBytes(9));
  EXPECT_EQ(resident.factor(), 1);
}

TEST_F(ReloadTest, EveryWayOfHavingWeights) {
  writeOver(path, artifact("good", 2));
  for (sluice_weights_memory memory :
       {SLUICE_WEIGHTS_MAPPED, SLUICE_WEIGHTS_POPULATED,
        SLUICE_WEIGHTS_RESIDENT, SLUICE_WEIGHTS_HUGE_PAGES}) {
    EXPECT_EQ(load(memory).factor(), 2) << memory << ": " << error.message;
    // Loaded alone, and beside another one.
    Loaded held = load();
    EXPECT_EQ(load(memory).factor(), 2) << memory << ": " << error.message;
  }
  // Linked by hand: nothing tells where the weights are but the descriptor.
  path = std::string(SLUICE_FAKE_ARTIFACTS) + "/fake_good.so";
  EXPECT_EQ(load(SLUICE_WEIGHTS_RESIDENT).factor(), 1) << error.message;
  EXPECT_EQ(load(SLUICE_WEIGHTS_POPULATED).factor(), 1) << error.message;
  EXPECT_EQ(load(sluice_weights_memory(4)).model, nullptr);
  EXPECT_EQ(status, SLUICE_INVALID_ARGUMENT);
  // Programs from before there was a choice.
  sluice_load_options old = SLUICE_LOAD_OPTIONS_INIT;
  old.struct_size = offsetof(sluice_load_options, weights_memory);
  old.weights_memory = 99;
  Loaded loaded;
  EXPECT_EQ(sluice_model_load(path.c_str(), &old, &loaded.model, &error),
            SLUICE_OK);
}

TEST_F(ReloadTest, PipesAreNoArtifacts) {
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(load().model, nullptr);
  EXPECT_EQ(status, SLUICE_CANNOT_OPEN);
}
