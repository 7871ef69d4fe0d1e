//===- RemarkPrinter.cpp - Remarks of passes for the user -----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "RemarkPrinter.h"
#include "sluice/Support/NodeNames.h"
#include "sluice/Support/Remarks.h"

using namespace mlir;

namespace sluice {

namespace {

class Printer final : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit Printer(llvm::raw_ostream &os) : os(os) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) final {
    bool missed = remark.getRemarkType() == llvm::remarks::Type::Missed;
    os << "remark: " << remark.getCategoryName() << (missed ? " (missed)" : "");
    SmallVector<StringRef> names = findNodeNames(remark.getLocation());
    if (!names.empty()) {
      os << " at ";
      llvm::interleaveComma(names, os,
                            [&](StringRef name) { os << "'" << name << "'"; });
    }
    os << ": ";
    for (const auto &argument : remark.getArgs())
      os << argument.val;
    os << "\n";
  }

private:
  llvm::raw_ostream &os;
};

} // namespace

llvm::Error printRemarks(MLIRContext &context, StringRef categories,
                         llvm::raw_ostream &os) {
  std::string filter;
  SmallVector<StringRef> known(std::begin(remarks::categories),
                               std::end(remarks::categories));
  SmallVector<StringRef> wanted;
  categories.split(wanted, ',');
  if (categories == "all")
    wanted = known;
  for (StringRef category : wanted) {
    if (!llvm::is_contained(known, category))
      return llvm::createStringError(
          llvm::inconvertibleErrorCode(),
          "there are no remarks of the kind '%s'; there are: %s",
          category.str().c_str(), llvm::join(known, ", ").c_str());
    filter += (filter.empty() ? "^(" : "|") + category.str();
  }
  filter += ")$";
  remark::RemarkCategories selected;
  selected.passed = selected.missed = filter;
  if (failed(remark::enableOptimizationRemarks(
          context, std::make_unique<Printer>(os),
          std::make_unique<remark::RemarkEmittingPolicyAll>(), selected)))
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   "remarks cannot be printed");
  return llvm::Error::success();
}

} // namespace sluice
