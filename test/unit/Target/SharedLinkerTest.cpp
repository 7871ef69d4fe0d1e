//===- SharedLinkerTest.cpp - Tests of the linker -------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Target/CPU/SharedLinker.h"
#include "Support/CompileText.h"
#include "lib/Target/CPU/Linker.h"
#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "gtest/gtest.h"
#include <dlfcn.h>
#include <thread>
#include <unistd.h>

using namespace sluice;

namespace {

constexpr llvm::StringLiteral code = R"mlir(
func.func @visible(%a: f32) -> f32 {
  %r = func.call @hidden(%a) : (f32) -> f32
  return %r : f32
}
func.func @hidden(%a: f32) -> f32 attributes {no_inline} {
  %r = math.atan %a : f32
  return %r : f32
}
)mlir";

class SharedLinker : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("sluice-link", folder));
    options.triple = "x86_64-unknown-linux-gnu";
    options.output = (folder + "/lib.so").str();
    options.exports = {"visible"};
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  CodeBuffer compile(llvm::StringRef triple, llvm::StringRef cpu) {
    auto machine = getMachineModel(triple, cpu);
    EXPECT_TRUE(bool(machine));
    return test::compileText(
        code, [](mlir::OpPassManager &) {}, CodeForm::Object,
        ObjectEmitterOptions{*machine});
  }

  std::string link() { return llvm::toString(linkSharedLibrary(options)); }

  int filesInFolder() {
    std::error_code code;
    int count = 0;
    for (llvm::sys::fs::directory_iterator file(folder, code), end;
         file != end && !code; file.increment(code))
      ++count;
    return count;
  }

  llvm::SmallString<128> folder;
  SharedLinkOptions options;
};

#ifdef __x86_64__
TEST_F(SharedLinker, LibraryLoadsAndHidesItsInside) {
  CodeBuffer object = compile(options.triple, "x86-64");
  options.inputObjects = {object};
  for (int run = 0; run < 2; ++run) { // LLD can be called again
    ASSERT_EQ(link(), "");
    EXPECT_EQ(filesInFolder(), 1);
  }
  void *library = dlopen(options.output.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_TRUE(library) << dlerror();
  auto visible = reinterpret_cast<float (*)(float)>(dlsym(library, "visible"));
  ASSERT_TRUE(visible);
  EXPECT_NEAR(visible(1.0f), 0.7853982f, 1e-6);
  EXPECT_FALSE(dlsym(library, "hidden"));
  dlclose(library);
}
#endif

TEST_F(SharedLinker, SeveralThreadsAtOnce) {
  // LLD has global state; callers need not know.
  CodeBuffer object = compile(options.triple, "x86-64");
  std::string damaged = "not an object file";
  std::vector<std::string> messages(8);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < messages.size(); ++i)
    threads.emplace_back([&, i] {
      SharedLinkOptions mine = options;
      mine.output = (folder + "/lib" + std::to_string(i) + ".so").str();
      mine.inputObjects = {i % 4 == 3 ? llvm::ArrayRef<char>(damaged) : object};
      messages[i] = llvm::toString(linkSharedLibrary(mine));
    });
  for (std::thread &thread : threads)
    thread.join();
  for (size_t i = 0; i < messages.size(); ++i)
    EXPECT_EQ(messages[i].empty(), i % 4 != 3) << messages[i];
  EXPECT_EQ(filesInFolder(), 6);
}

TEST_F(SharedLinker, LinksForAnotherArchitecture) {
  options.triple = "aarch64-unknown-linux-gnu";
  CodeBuffer object = compile(options.triple, "generic");
  options.inputObjects = {object};
  EXPECT_EQ(link(), "");
  EXPECT_TRUE(llvm::sys::fs::exists(options.output));
}

TEST_F(SharedLinker, DamagedInputLeavesNothing) {
  options.inputObjects = {llvm::ArrayRef<char>("not an object file", 18)};
  llvm::Error error = linkSharedLibrary(options);
  EXPECT_TRUE(error.isA<LinkError>());
  std::string message = llvm::toString(std::move(error));
  EXPECT_NE(message.find("linking failed"), std::string::npos) << message;
  EXPECT_EQ(filesInFolder(), 0);
}

TEST_F(SharedLinker, OddPaths) {
  CodeBuffer object = compile(options.triple, "x86-64");
  options.inputObjects = {object};
  for (const char *name :
       {"100%", "%s %d", "ä \xff", "@file", "'\"\\*?[x]{}"}) {
    std::string inside = (folder + "/" + name).str();
    ASSERT_FALSE(llvm::sys::fs::create_directory(inside));
    options.output = inside + "/" + name + ".so";
    EXPECT_EQ(link(), "") << name;
    EXPECT_EQ(llvm::toString(linkObject(options)), "") << name;
    EXPECT_TRUE(llvm::sys::fs::exists(options.output)) << name;
    ASSERT_FALSE(llvm::sys::fs::remove_directories(inside));
  }
  EXPECT_EQ(filesInFolder(), 0);
}

TEST_F(SharedLinker, MissingFolder) {
  CodeBuffer object = compile(options.triple, "x86-64");
  options.inputObjects = {object};
  options.output = (folder + "/none/lib.so").str();
  llvm::Error error = linkSharedLibrary(options);
  EXPECT_FALSE(error.isA<LinkError>());
  std::string message = llvm::toString(std::move(error));
  EXPECT_NE(message.find("cannot write"), std::string::npos) << message;
  options.output = "";
  EXPECT_EQ(link(), "no output file name");
}

TEST_F(SharedLinker, OutputIsAFolder) {
  // A folder stands where the file should go: the final rename fails.
  CodeBuffer object = compile(options.triple, "x86-64");
  options.inputObjects = {object};
  ASSERT_FALSE(llvm::sys::fs::create_directory(options.output));
  EXPECT_NE(link().find("cannot write"), std::string::npos);
  EXPECT_EQ(filesInFolder(), 1);
}

// What LLD does where it cannot go on: control leaves it in the middle.
bool breakDown(llvm::ArrayRef<const char *>, llvm::raw_ostream &,
               llvm::raw_ostream &, bool, bool) {
  llvm::CrashRecoveryContext::GetCurrent()->HandleExit(1);
}

TEST(Linker, IsNotUsedAgainAfterABreakdown) {
  llvm::CrashRecoveryContext::Enable();
  Linker linker(&breakDown);
  EXPECT_EQ(llvm::toString(linker.run({"ld.lld"})),
            "linking failed: the linker broke down");
  EXPECT_EQ(llvm::toString(linker.run({"ld.lld"})),
            "linking failed: the linker broke down before in this process");
  llvm::CrashRecoveryContext::Disable();
}

} // namespace
