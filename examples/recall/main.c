/*===- main.c - A model that remembers ----------------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 * Attention as a memory: every run stores a key with a value, in each of two
 * heads, and answers with the value whose key is like the query. The keys and
 * values are states of the model, so the program passes what is new only.
 *
 *===----------------------------------------------------------------------===*/
#include "recall.h"

#include <stdio.h>

enum { heads = 2, width = 8 };

/* A key that is unlike all others. */
static void make_key(float *key, int number) {
  for (int i = 0; i < heads * width; ++i)
    key[i] = i % width == number ? 8.0f : 0.0f;
}

/* Stores a value under a number, and asks for the one that is stored under
 * another. */
static sluice_status store(sluice_context *context, int number, float value,
                           int asked, float *answer) {
  float key[heads * width], query[heads * width];
  float pair[heads] = {value, -value};
  make_key(key, number);
  make_key(query, asked);
  return recall_run(context, query, key, pair, answer);
}

int main(void) {
  sluice_error error;
  sluice_context *context;
  float answer[heads];
  if (recall_context(&context, NULL, &error) != SLUICE_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  int failed = 0;
  for (int i = 0; i < width && !failed; ++i) {
    failed = store(context, i, (float)(i * i), i / 2, answer) != SLUICE_OK;
    if (!failed)
      printf("%d stored, %d is %.0f and %.0f\n", i + 1, i / 2, answer[0],
             answer[1]);
  }
  if (failed)
    fprintf(stderr, "%s\n", sluice_context_message(context));
  /* There is no more room, and nothing is lost. */
  if (store(context, 0, 1.0f, 0, answer) == SLUICE_BUFFER_TOO_SMALL)
    printf("full: %s\n", sluice_context_message(context));
  /* Forget all but the first three. */
  if (recall_seek(context, 3) == SLUICE_OK &&
      store(context, 3, 30.0f, 3, answer) == SLUICE_OK)
    printf("again, 3 is %.0f and %.0f\n", answer[0], answer[1]);
  sluice_context_destroy(context);
  return failed;
}
