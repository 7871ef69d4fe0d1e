//===- Closure.h - What outlined code uses of its surroundings -*- C++ -*-===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_LIB_CODEGEN_CPU_CLOSURE_H
#define SLUICE_LIB_CODEGEN_CPU_CLOSURE_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"

namespace sluice {

/// A function of the module's own for code of `origin`, named after it. The
/// builder goes to the start of its body.
mlir::func::FuncOp createOutlinedFunction(mlir::OpBuilder &builder,
                                          mlir::SymbolTable &symbols,
                                          mlir::func::FuncOp origin,
                                          llvm::StringRef suffix,
                                          mlir::TypeRange arguments);

/// The values from outside that a region uses.
struct UsedValues {
  llvm::SmallVector<mlir::Value> captures;
  /// Copied instead of captured.
  llvm::SmallVector<mlir::Value> constants;
};

/// The values from outside that `region` uses, and `others`.
UsedValues findUsedValues(mlir::Region &region, mlir::ValueRange others);

/// Values as fields of a struct in memory. A buffer whose sizes and strides are
/// in its type is one pointer; other buffers are whole descriptors.
class Closure {
public:
  Closure(mlir::LLVMTypeConverter &converter, UsedValues used);

  /// Room for the struct in the entry block of `function`, so that a loop does
  /// not grow the stack.
  mlir::Value allocate(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::func::FuncOp function);

  /// Writes the captured values to the struct at `closure`.
  void store(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value closure);

  /// Maps the captured values to what the struct at `closure` holds, and the
  /// constants to copies.
  void load(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value closure,
            mlir::IRMapping &mapping);

private:
  mlir::Type fieldType(mlir::Type type) const;
  mlir::Value address(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value closure, unsigned position);
  mlir::Value toField(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value value);
  mlir::Value fromField(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value field, mlir::Type original);

  mlir::LLVMTypeConverter &converter;
  UsedValues used;
  mlir::LLVM::LLVMStructType type;
};

} // namespace sluice

#endif // SLUICE_LIB_CODEGEN_CPU_CLOSURE_H
