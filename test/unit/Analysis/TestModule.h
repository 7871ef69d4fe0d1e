//===- TestModule.h - MLIR text to look at in tests -------------*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_TEST_UNIT_ANALYSIS_TESTMODULE_H
#define SLUICE_TEST_UNIT_ANALYSIS_TESTMODULE_H

#include "dialects/Kernel/Kernel.h"
#include "dialects/Sluice/Sluice.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

namespace sluice::test {

/// A parsed function whose ops are found by an attribute `name` they carry.
class TestModule {
public:
  explicit TestModule(llvm::StringRef text) {
    context.loadDialect<kernel::KernelDialect, SluiceDialect,
                        mlir::func::FuncDialect, mlir::scf::SCFDialect,
                        mlir::tensor::TensorDialect>();
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module);
  }

  mlir::func::FuncOp function() {
    return *module->getOps<mlir::func::FuncOp>().begin();
  }

  mlir::Operation *find(llvm::StringRef name) {
    mlir::Operation *found = nullptr;
    module->walk([&](mlir::Operation *op) {
      auto known = op->getAttrOfType<mlir::StringAttr>("name");
      if (known && known.getValue() == name)
        found = op;
    });
    EXPECT_TRUE(found) << name.str();
    return found;
  }

  mlir::Value value(llvm::StringRef name) { return find(name)->getResult(0); }

private:
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace sluice::test

#endif // SLUICE_TEST_UNIT_ANALYSIS_TESTMODULE_H
