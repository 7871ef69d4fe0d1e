/*===- main.c - A model as a part of a C program
 * ---------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 * Draws a disc, finds its edges with the compiled model, and shows them.
 *
 *===----------------------------------------------------------------------===*/
#include "edges.h"

#include <stdio.h>

enum { height = 24, width = 48 };

static void draw_disc(float *image) {
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      float dx = (float)(x - width / 2) / 2, dy = (float)(y - height / 2);
      image[y * width + x] = dx * dx + dy * dy < 81 ? 1.0f : 0.0f;
    }
}

int main(void) {
  static float image[height * width], edges[height * width];
  sluice_error error;
  sluice_context *context;
  if (edges_context(&context, NULL, &error) != SLUICE_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  draw_disc(image);
  if (edges_run(context, image, edges) != SLUICE_OK) {
    fprintf(stderr, "%s\n", sluice_context_message(context));
    sluice_context_destroy(context);
    return 1;
  }
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x)
      putchar(edges[y * width + x] > 1.0f ? '#' : '.');
    putchar('\n');
  }
  sluice_context_destroy(context);
  return 0;
}
