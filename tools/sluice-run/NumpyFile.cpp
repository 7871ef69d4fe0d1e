//===- NumpyFile.cpp - NumPy's .npy files --------------------------------===//
// Part of Sluice, under the Apache License v2.0. See LICENSE.

#include "NumpyFile.h"

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>

using namespace sluice::run;

namespace {

struct Descriptor {
  const char *text;
  sluice_dtype dtype;
};

/// Two opaque bytes are what Python's bfloat16 arrays are saved as.
constexpr Descriptor descriptors[] = {
    {"<f4", SLUICE_DTYPE_F32},  {"<f8", SLUICE_DTYPE_F64},
    {"<f2", SLUICE_DTYPE_F16},  {"|i1", SLUICE_DTYPE_I8},
    {"|u1", SLUICE_DTYPE_U8},   {"<i2", SLUICE_DTYPE_I16},
    {"<u2", SLUICE_DTYPE_U16},  {"<i4", SLUICE_DTYPE_I32},
    {"<u4", SLUICE_DTYPE_U32},  {"<i8", SLUICE_DTYPE_I64},
    {"<u8", SLUICE_DTYPE_U64},  {"|b1", SLUICE_DTYPE_BOOL},
    {"|V2", SLUICE_DTYPE_BF16}, {"<V2", SLUICE_DTYPE_BF16}};

/// Reads the Python dictionary literal of the header. It always has the keys
/// descr, fortran_order and shape.
class HeaderParser {
public:
  explicit HeaderParser(std::string text) : text(std::move(text)) {}

  /// The text after `'key':`, or nothing.
  bool seek(const char *key) {
    position = text.find("'" + std::string(key) + "'");
    if (position == std::string::npos)
      return false;
    position = text.find(':', position);
    if (position == std::string::npos)
      return false;
    ++position;
    skipSpace();
    return true;
  }

  bool parseString(std::string &value) {
    if (position >= text.size() || text[position] != '\'')
      return false;
    size_t end = text.find('\'', position + 1);
    if (end == std::string::npos)
      return false;
    value = text.substr(position + 1, end - position - 1);
    return true;
  }

  bool parseBool(bool &value) {
    value = text.compare(position, 4, "True") == 0;
    return value || text.compare(position, 5, "False") == 0;
  }

  bool parseTuple(std::vector<int64_t> &values) {
    if (position >= text.size() || text[position] != '(')
      return false;
    ++position;
    for (;;) {
      skipSpace();
      if (position < text.size() && text[position] == ')')
        return true;
      char *end;
      errno = 0;
      int64_t value = std::strtoll(text.c_str() + position, &end, 10);
      if (errno || end == text.c_str() + position || value < 0)
        return false;
      values.push_back(value);
      position = size_t(end - text.c_str());
      skipSpace();
      if (position < text.size() && text[position] == ',')
        ++position;
      else if (position >= text.size() || text[position] != ')')
        return false;
    }
  }

private:
  void skipSpace() {
    while (position < text.size() && std::isspace(uint8_t(text[position])))
      ++position;
  }

  std::string text;
  size_t position = 0;
};

/// Column-major data in row-major order.
std::vector<uint8_t> transpose(const uint8_t *data, const Tensor &tensor) {
  size_t width = sluice_dtype_size(tensor.dtype);
  int64_t count = tensor.elementCount();
  std::vector<uint8_t> result(size_t(count) * width);
  std::vector<int64_t> index(tensor.dims.size());
  for (int64_t at = 0; at < count; ++at) {
    int64_t from = 0;
    for (size_t d = tensor.dims.size(); d-- > 0;)
      from = from * tensor.dims[d] + index[d];
    std::memcpy(result.data() + size_t(at) * width, data + size_t(from) * width,
                width);
    for (size_t d = tensor.dims.size(); d-- > 0;) {
      if (++index[d] < tensor.dims[d])
        break;
      index[d] = 0;
    }
  }
  return result;
}

} // namespace

Outcome sluice::run::parseNumpy(const std::vector<uint8_t> &bytes,
                                const std::string &what, Tensor &tensor) {
  auto damaged = [&](const char *why) {
    return badInput("'" + what + "' is not a valid .npy file: " + why);
  };
  if (bytes.size() < 12 || std::memcmp(bytes.data(), "\x93NUMPY", 6) != 0)
    return damaged("it does not begin like one");
  bool isLong = bytes[6] >= 2;
  size_t start = isLong ? 12 : 10;
  size_t length = bytes[8] | bytes[9] << 8;
  if (isLong)
    length |= size_t(bytes[10]) << 16 | size_t(bytes[11]) << 24;
  if (length > bytes.size() - start)
    return damaged("its header is cut off");
  HeaderParser parser(
      std::string(bytes.begin() + start, bytes.begin() + start + length));
  std::string descriptor;
  bool columnMajor = false;
  tensor.dims.clear();
  if (!parser.seek("descr") || !parser.parseString(descriptor) ||
      !parser.seek("fortran_order") || !parser.parseBool(columnMajor) ||
      !parser.seek("shape") || !parser.parseTuple(tensor.dims))
    return damaged("its header makes no sense");
  tensor.dtype = SLUICE_DTYPE_UNDEFINED;
  for (const Descriptor &known : descriptors)
    if (descriptor == known.text)
      tensor.dtype = known.dtype;
  if (tensor.dtype == SLUICE_DTYPE_UNDEFINED)
    return badInput("'" + what + "' has elements of type '" + descriptor +
                    "', which models do not take");
  size_t size;
  if (!byteSize(tensor.dtype, tensor.dims, size) ||
      size > bytes.size() - start - length)
    return damaged("its data is cut off");
  const uint8_t *data = bytes.data() + start + length;
  if (columnMajor && size > 0)
    tensor.data = transpose(data, tensor);
  else
    tensor.data.assign(data, data + size);
  return {};
}

std::vector<uint8_t> sluice::run::formatNumpy(const Tensor &tensor) {
  bool widened = tensor.dtype == SLUICE_DTYPE_BF16;
  sluice_dtype dtype = widened ? SLUICE_DTYPE_F32 : tensor.dtype;
  const char *descriptor = "";
  for (const Descriptor &known : descriptors)
    if (known.dtype == dtype)
      descriptor = known.text;
  std::string header = "{'descr': '" + std::string(descriptor) +
                       "', 'fortran_order': False, 'shape': (";
  for (int64_t dim : tensor.dims)
    header += std::to_string(dim) + ", ";
  header += "), }";
  // The data begins on a multiple of 64 bytes, the header ends in a newline.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::vector<uint8_t> bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
  bytes.push_back(uint8_t(header.size()));
  bytes.push_back(uint8_t(header.size() >> 8));
  bytes.insert(bytes.end(), header.begin(), header.end());
  std::vector<uint8_t> wide;
  if (widened)
    wide = widenFromBFloat16(tensor.data);
  const std::vector<uint8_t> &data = widened ? wide : tensor.data;
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}
