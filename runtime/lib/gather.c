/*===- gather.c - Strided tensors to dense memory -----------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "context.h"

#include <string.h>

/* Copies `count` elements that lie `stride` bytes apart. */
static void copy_row(uint8_t *to, const uint8_t *from, size_t element_size,
                     int64_t count, int64_t stride) {
  if (stride == (int64_t)element_size) {
    memcpy(to, from, (size_t)count * element_size);
    return;
  }
  switch (element_size) {
  case 1:
    for (int64_t i = 0; i < count; ++i)
      to[i] = from[i * stride];
    return;
  case 2:
    for (int64_t i = 0; i < count; ++i)
      memcpy(to + i * 2, from + i * stride, 2);
    return;
  case 4:
    for (int64_t i = 0; i < count; ++i)
      memcpy(to + i * 4, from + i * stride, 4);
    return;
  case 8:
    for (int64_t i = 0; i < count; ++i)
      memcpy(to + i * 8, from + i * stride, 8);
    return;
  default:
    for (int64_t i = 0; i < count; ++i)
      memcpy(to + i * (int64_t)element_size, from + i * stride, element_size);
    return;
  }
}

void sluice_gather(void *dense, const void *data, size_t element_size,
                   int32_t rank, const int64_t *dims, const int64_t *strides) {
  uint8_t *to = dense;
  const uint8_t *from = data;
  int64_t row = rank ? dims[rank - 1] : 1;
  int64_t row_stride =
      rank ? strides[rank - 1] * (int64_t)element_size : (int64_t)element_size;
  int64_t index[sluice_max_rank] = {0};
  for (;;) {
    copy_row(to, from, element_size, row, row_stride);
    to += (size_t)row * element_size;
    /* Step the outer indices like an odometer. */
    int32_t dim = rank - 2;
    for (; dim >= 0; --dim) {
      int64_t stride = strides[dim] * (int64_t)element_size;
      from += stride;
      if (++index[dim] < dims[dim])
        break;
      from -= stride * dims[dim];
      index[dim] = 0;
    }
    if (dim < 0)
      return;
  }
}
