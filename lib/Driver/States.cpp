//===- States.cpp - Outputs that continue inputs --------------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "States.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "sluice/Analysis/StateViews.h"

using namespace mlir;

namespace sluice {

namespace {

/// One --state, with the numbers of what it names.
struct Declaration {
  unsigned output = 0, input = 0;
  std::optional<int64_t> axis;
  int64_t capacity = 0;
};

std::string nameOf(func::FuncOp main, bool isOutput, unsigned number) {
  auto name = isOutput
                  ? main.getResultAttrOfType<StringAttr>(number, "sluice.name")
                  : main.getArgAttrOfType<StringAttr>(number, "sluice.name");
  return name ? name.str() : std::string();
}

llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError("--state: " + message);
}

/// The output or input with the longest name that a text begins with, and that
/// one of the `ends` follows. Names may hold any letters.
std::optional<unsigned> takeName(func::FuncOp main, bool isOutput,
                                 StringRef &text, ArrayRef<StringRef> ends) {
  std::optional<unsigned> found;
  size_t length = 0;
  unsigned count = isOutput ? main.getNumResults() : main.getNumArguments();
  for (unsigned i = 0; i < count; ++i) {
    std::string name = nameOf(main, isOutput, i);
    StringRef rest = text;
    if (name.empty() || name.size() < length || !rest.consume_front(name))
      continue;
    auto follows = [&](StringRef end) {
      return end.empty() ? rest.empty() : rest.starts_with(end);
    };
    if (llvm::any_of(ends, follows)) {
      found = i;
      length = name.size();
    }
  }
  if (found)
    text = text.drop_front(length);
  return found;
}

llvm::Expected<Declaration> parse(func::FuncOp main, StringRef text) {
  StringRef rest = text;
  auto [first, second] = text.split(':');
  if (first.empty() || second.empty())
    return makeError("takes an output and the input that it is in the next "
                     "run, such as present:past@2,capacity=64, not '" +
                     text + "'");
  Declaration result;
  auto output = takeName(main, /*isOutput=*/true, rest, {":"});
  if (!output)
    return makeError("the model has no output '" + first + "'");
  result.output = *output;
  rest = rest.drop_front();
  StringRef wanted = rest;
  auto input = takeName(main, /*isOutput=*/false, rest, {"@", ""});
  if (!input)
    return makeError("the model has no input '" + wanted.split('@').first +
                     "'");
  result.input = *input;
  if (!rest.consume_front("@"))
    return result;
  auto [axis, options] = rest.split(',');
  int64_t number;
  if (axis.getAsInteger(10, number))
    return makeError("'" + axis + "' in '" + text + "' is no dimension");
  result.axis = number;
  if (rest.contains(',') &&
      (!options.consume_front("capacity=") ||
       options.getAsInteger(10, result.capacity) || result.capacity < 1))
    return makeError("behind the dimension in '" + text +
                     "' there may be ',capacity=N' with a positive number");
  return result;
}

/// Do the types of an input and an output fit, but for the axis?
llvm::Error checkTypes(func::FuncOp main, const Declaration &state) {
  auto input = cast<RankedTensorType>(main.getArgumentTypes()[state.input]);
  auto output = cast<RankedTensorType>(main.getResultTypes()[state.output]);
  std::string pair = "output '" + nameOf(main, true, state.output) +
                     "' cannot be the state of input '" +
                     nameOf(main, false, state.input) + "': ";
  auto text = [](Type type) {
    std::string result;
    llvm::raw_string_ostream(result) << type;
    return result;
  };
  if (input.getElementType() != output.getElementType())
    return makeError(pair + "they have element types " +
                     text(output.getElementType()) + " and " +
                     text(input.getElementType()));
  if (input.getRank() != output.getRank())
    return makeError(pair + "they have " + llvm::Twine(output.getRank()) +
                     " and " + llvm::Twine(input.getRank()) + " dimensions");
  if (state.axis && (*state.axis < 0 || *state.axis >= input.getRank()))
    return makeError(pair + "they have no dimension " +
                     llvm::Twine(*state.axis));
  for (int64_t i = 0; i < input.getRank(); ++i) {
    if (state.axis == i) {
      if (!input.isDynamicDim(i) || !output.isDynamicDim(i))
        return makeError(pair + "dimension " + llvm::Twine(i) +
                         ", along which it shall grow, has a fixed size");
    } else if (!input.isDynamicDim(i) && !output.isDynamicDim(i) &&
               input.getDimSize(i) != output.getDimSize(i)) {
      return makeError(pair + "in dimension " + llvm::Twine(i) + " they are " +
                       llvm::Twine(output.getDimSize(i)) + " and " +
                       llvm::Twine(input.getDimSize(i)));
    }
  }
  return llvm::Error::success();
}

Value withoutCasts(Value tensor) {
  while (auto cast = tensor.getDefiningOp<tensor::CastOp>())
    tensor = cast.getSource();
  return tensor;
}

} // namespace

llvm::Error declareStates(ModuleOp module, ArrayRef<std::string> texts) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  module.getContext()->getOrLoadDialect<StateDialect>();
  for (const std::string &text : texts) {
    auto state = parse(main, text);
    if (!state)
      return state.takeError();
    for (unsigned input = 0; input < main.getNumArguments(); ++input) {
      StateAttr other = getState(main, input);
      if (other && input == state->input)
        return makeError("input '" + nameOf(main, false, input) +
                         "' is in two states");
      if (other && other.getOutput() == state->output)
        return makeError("output '" + nameOf(main, true, state->output) +
                         "' is in two states");
    }
    if (llvm::Error error = checkTypes(main, *state))
      return error;
    main.setArgAttr(state->input, stateAttributeName,
                    StateAttr::get(module.getContext(), state->output,
                                   state->axis, state->capacity,
                                   /*in_place=*/false));
  }
  return llvm::Error::success();
}

llvm::Error checkStates(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  for (unsigned i = 0; main && i < main.getNumArguments(); ++i) {
    StateAttr state = getState(main, i);
    if (!state)
      continue;
    auto output = static_cast<unsigned>(state.getOutput());
    if (llvm::Error error =
            checkTypes(main, {output, i, state.getAxis(), state.getCapacity()}))
      return error;
    if (!state.getAxis())
      continue;
    Value result = main.getBody().front().getTerminator()->getOperand(output);
    auto grow = withoutCasts(result).getDefiningOp<GrowStateOp>();
    if (!grow || withoutCasts(grow.getState()) != main.getArgument(i) ||
        static_cast<int64_t>(grow.getAxis()) != *state.getAxis())
      return makeError("output '" + nameOf(main, true, output) +
                       "' is not input '" + nameOf(main, false, i) +
                       "' with something behind it along dimension " +
                       llvm::Twine(*state.getAxis()));
  }
  return llvm::Error::success();
}

std::vector<StateSignature> describeStates(ArrayAttr arguments) {
  std::vector<StateSignature> states;
  for (size_t i = 0; arguments && i < arguments.size(); ++i)
    if (auto state = cast<DictionaryAttr>(arguments[i])
                         .getAs<StateAttr>(stateAttributeName))
      states.push_back({state.getOutput(), static_cast<int64_t>(i),
                        state.getAxis(), state.getInPlace(),
                        state.getCapacity()});
  return states;
}

} // namespace sluice
