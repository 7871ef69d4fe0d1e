/*===- main.c - Text from two language models ----------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 * Continues a text letter by letter, with a small GPT and a small LLaMA. Their
 * weights are random, so they babble; what they show is how a cache is kept:
 * the whole text goes in once, then one letter at a time, and a context goes
 * back to where a text branches without computing the beginning again.
 *
 *===----------------------------------------------------------------------===*/
#include "gpt.h"
#include "llama.h"

#include <stdio.h>
#include <string.h>

enum { letters = 128, longest = 256, count = 48 };

/* What the typed headers of both models have. */
struct language_model {
  const char *name;
  sluice_status (*create)(sluice_context **context,
                          const sluice_context_options *options,
                          sluice_error *error);
  sluice_status (*run)(sluice_context *context, int64_t new_letters,
                       const int64_t *text, float *scores);
  sluice_status (*seek)(sluice_context *context, int64_t length);
};

/* The letter with the highest score of those that print. */
static int64_t pick(const float *scores) {
  int64_t best = ' ';
  for (int64_t letter = ' '; letter < letters - 1; ++letter)
    if (scores[letter] > scores[best])
      best = letter;
  return best;
}

/* Reads `size` letters and writes `count` more behind what there is of the
 * text. */
static sluice_status continue_text(const struct language_model *model,
                                   sluice_context *context, const char *text,
                                   char *written) {
  int64_t read[longest];
  float scores[letters];
  int64_t size = (int64_t)strlen(text);
  for (int64_t i = 0; i < size; ++i)
    read[i] = text[i];
  for (int i = 0; i < count; ++i) {
    sluice_status status = model->run(context, size, read, scores);
    if (status != SLUICE_OK)
      return status;
    read[0] = pick(scores);
    size = 1;
    written[i] = (char)read[0];
  }
  written[count] = '\0';
  return SLUICE_OK;
}

static int speak(const struct language_model *model) {
  static const char beginning[] = "Once upon a time";
  static const char *const ends[] = {" in a land", " there was"};
  sluice_error error;
  sluice_context *context;
  if (model->create(&context, NULL, &error) != SLUICE_OK) {
    fprintf(stderr, "%s: %s\n", model->name, error.message);
    return 1;
  }
  /* The beginning is read once; each end starts from there. */
  int64_t read[longest];
  float scores[letters];
  int64_t size = (int64_t)strlen(beginning);
  for (int64_t i = 0; i < size; ++i)
    read[i] = beginning[i];
  sluice_status status = model->run(context, size, read, scores);
  for (int i = 0; i < 2 && status == SLUICE_OK; ++i) {
    char written[count + 1];
    status = model->seek(context, size);
    if (status == SLUICE_OK)
      status = continue_text(model, context, ends[i], written);
    if (status == SLUICE_OK)
      printf("%s: %s%s%s\n", model->name, beginning, ends[i], written);
  }
  if (status != SLUICE_OK)
    fprintf(stderr, "%s: %s\n", model->name, sluice_context_message(context));
  sluice_context_destroy(context);
  return status != SLUICE_OK;
}

int main(void) {
  const struct language_model models[] = {
      {"gpt", gpt_context, gpt_run, gpt_seek},
      {"llama", llama_context, llama_run, llama_seek},
  };
  return speak(&models[0]) + speak(&models[1]);
}
