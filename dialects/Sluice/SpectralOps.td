//===- SpectralOps.td - Discrete Fourier transforms -----------------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef SLUICE_SPECTRAL_OPS_TD
#define SLUICE_SPECTRAL_OPS_TD

include "dialects/Sluice/SluiceBase.td"

def FourierTransformOp : Sluice_Op<"fourier_transform",
    [HasSizeConditions, TakesFloats]> {
  let summary = "discrete Fourier transforms along the first dimension";
  let description = [{
    The operand is [n, parts, batch] with one part (real numbers) or two (real
    and imaginary ones); the result is [n, 2, batch], or [n / 2 + 1, 2, batch]
    where `onesided` asks for the frequencies that a real signal has:

        result[k] = sum over j of operand[j] * exp(-2 pi i j k / n)

    `inverse` turns the sign of the exponent around and divides by n. The
    batch is innermost, so that every step works on whole vectors of it.

    `radices` are the factors of n, in the order in which the transform is
    split by them (each 2, 4, or odd and at most 13). Without them n is a
    power of two that may be known in the run only. `roots` [n, 2] are the
    powers exp(-2 pi i k / n).
  }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$roots,
                       DenseI64ArrayAttr:$radices, UnitAttr:$onesided,
                       UnitAttr:$inverse);
  let results = (outs AnyRankedTensor:$result);
  let extraClassDeclaration = baseDeclaration # [{
    /// The largest odd radix.
    static constexpr int64_t maxOddRadix = 13;
    /// The factors of n; none where one of them is too large.
    static std::optional<llvm::SmallVector<int64_t>> factorise(int64_t n);
  }];
  let hasVerifier = 1;
  let hasFolder = 0;
  let hasCanonicalizer = 1;
}

#endif // SLUICE_SPECTRAL_OPS_TD
