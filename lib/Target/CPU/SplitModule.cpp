//===- SplitModule.cpp - A module in parts to compile apart ---------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "sluice/Target/CPU/SplitModule.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/SymbolTable.h"
#include "sluice/Codegen/CPU/FrameLayout.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sluice {

namespace {

/// A function or global and what it mentions.
struct Piece {
  Operation *op = nullptr;
  int64_t size = 0;
  bool isDeclaration = false;
  bool isHost = false;
  /// It is a piece of what was too long.
  bool isHostPiece = false;
  llvm::SetVector<StringAttr> uses;
};

Piece inspect(Operation *op) {
  Piece piece;
  piece.op = op;
  piece.isHost = op->hasAttr(hostAttributeName);
  piece.isHostPiece = op->hasAttr(longHostAttributeName);
  if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op))
    piece.isDeclaration = function.isExternal();
  else if (auto global = dyn_cast<LLVM::GlobalOp>(op))
    piece.isDeclaration =
        !global.getValueAttr() && global.getInitializerRegion().empty();
  op->walk([&](Operation *inner) {
    ++piece.size;
    llvm::TypeSwitch<Operation *>(inner)
        .Case([&](LLVM::CallOp call) {
          if (auto callee = call.getCalleeAttr())
            piece.uses.insert(callee.getAttr());
        })
        .Case([&](LLVM::AddressOfOp address) {
          piece.uses.insert(address.getGlobalNameAttr().getAttr());
        });
  });
  return piece;
}

/// A declaration of what `op` defines.
Operation *declare(OpBuilder &builder, Operation *op) {
  if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op)) {
    auto declaration =
        cast<LLVM::LLVMFuncOp>(builder.insert(op->cloneWithoutRegions()));
    declaration.setLinkage(LLVM::Linkage::External);
    return declaration;
  }
  auto global = cast<LLVM::GlobalOp>(builder.insert(op->cloneWithoutRegions()));
  global.removeValueAttr();
  global.setLinkage(LLVM::Linkage::External);
  return global;
}

bool isInternal(Operation *op) {
  LLVM::Linkage linkage = LLVM::Linkage::External;
  if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op))
    linkage = function.getLinkage();
  else if (auto global = dyn_cast<LLVM::GlobalOp>(op))
    linkage = global.getLinkage();
  return linkage == LLVM::Linkage::Internal ||
         linkage == LLVM::Linkage::Private;
}

void makeExternal(Operation *op) {
  if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op))
    function.setLinkage(LLVM::Linkage::External);
  else
    cast<LLVM::GlobalOp>(op).setLinkage(LLVM::Linkage::External);
}

} // namespace

SplitModule splitModule(ModuleOp module, int64_t partSize, int64_t longHost) {
  SplitModule result;
  std::vector<Piece> pieces;
  llvm::DenseMap<StringAttr, Operation *> symbols;
  for (Operation &op : *module.getBody()) {
    pieces.push_back(inspect(&op));
    if (auto symbol = dyn_cast<SymbolOpInterface>(op))
      symbols[symbol.getNameAttr()] = &op;
  }
  llvm::DenseMap<Operation *, size_t> partOf;
  std::vector<llvm::SetVector<StringAttr>> uses;
  int64_t size = partSize;
  for (const Piece &piece : pieces) {
    // Declarations are copied to where they are used.
    if (piece.isDeclaration)
      continue;
    bool isLongHost =
        piece.isHostPiece || (piece.isHost && piece.size > longHost);
    if (size >= partSize || isLongHost) {
      auto part = ModuleOp::create(module.getLoc());
      part->setDiscardableAttrs(module->getDiscardableAttrDictionary());
      // Assembly of the module defines symbols: once.
      if (!result.parts.empty())
        part->removeAttr(LLVM::LLVMDialect::getModuleLevelAsmAttrName());
      result.parts.push_back({part, isLongHost});
      uses.emplace_back();
      size = 0;
    }
    size = isLongHost ? partSize : size + piece.size;
    partOf[piece.op] = result.parts.size() - 1;
    uses.back().insert(piece.uses.begin(), piece.uses.end());
  }
  for (const Piece &piece : pieces)
    if (!piece.isDeclaration)
      piece.op->moveBefore(
          result.parts[partOf[piece.op]].module->getBody(),
          result.parts[partOf[piece.op]].module->getBody()->end());
  for (auto [number, part] : llvm::enumerate(result.parts)) {
    auto builder = OpBuilder::atBlockBegin(part.module->getBody());
    for (StringAttr name : uses[number]) {
      Operation *op = symbols.lookup(name);
      if (!op)
        continue;
      auto found = partOf.find(op);
      if (found != partOf.end() && found->second == number)
        continue;
      declare(builder, op);
      if (found != partOf.end() && isInternal(op))
        result.shared.insert(name.getValue());
    }
  }
  for (const auto &name : result.shared)
    makeExternal(symbols[StringAttr::get(module.getContext(), name.getKey())]);
  return result;
}

} // namespace sluice
