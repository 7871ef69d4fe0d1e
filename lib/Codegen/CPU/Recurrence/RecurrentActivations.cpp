//===- RecurrentActivations.cpp - Activations of recurrent cells ----------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//

#include "RecurrentActivations.h"
#include "dialects/Sluice/BodyBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sluice;
using arith::CmpFPredicate;

static Value sigmoid(BodyBuilder &body, Value x) {
  Value one = body.constant(x, 1);
  Value power = body.make<math::ExpOp>(body.make<arith::NegFOp>(x));
  return body.div(one, body.add(one, power));
}

Value sluice::applyActivation(BodyBuilder &body, StringRef name, double alpha,
                              double beta, Value x) {
  Value zero = body.constant(x, 0), one = body.constant(x, 1);
  auto number = [&](double value) { return body.constant(x, value); };
  auto positive = [&] { return body.compare(CmpFPredicate::OGT, x, zero); };
  if (name == "sigmoid")
    return sigmoid(body, x);
  if (name == "tanh")
    return body.make<math::TanhOp>(x);
  if (name == "relu")
    return body.select(positive(), x, zero);
  if (name == "leakyrelu")
    return body.select(positive(), x, body.mul(x, number(alpha)));
  if (name == "thresholdedrelu")
    return body.select(body.compare(CmpFPredicate::OGT, x, number(alpha)), x,
                       zero);
  if (name == "affine")
    return body.add(body.mul(x, number(alpha)), number(beta));
  if (name == "scaledtanh")
    return body.mul(number(alpha),
                    body.make<math::TanhOp>(body.mul(x, number(beta))));
  if (name == "hardsigmoid")
    return body.clamp(body.add(body.mul(x, number(alpha)), number(beta)), zero,
                      one);
  if (name == "elu") {
    Value power = body.sub(body.make<math::ExpOp>(x), one);
    return body.select(positive(), x, body.mul(number(alpha), power));
  }
  if (name == "softsign")
    return body.div(x, body.add(one, body.make<math::AbsFOp>(x)));
  // softplus: max(x, 0) + log(1 + exp(-|x|)).
  Value power = body.make<math::ExpOp>(
      body.make<arith::NegFOp>(body.make<math::AbsFOp>(x)));
  return body.add(body.select(positive(), x, zero),
                  body.make<math::Log1pOp>(power));
}
