/*===- loader.c - From files and linked descriptors to models -----------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "cpu_features.h"
#include "elf_file.h"
#include "library.h"
#include "location.h"
#include "model.h"
#include "status.h"
#include "weights.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* How often a load begins anew because its file was replaced meanwhile. */
enum { max_tries = 16 };

/* An open regular file. */
struct input_file {
  int handle;
  size_t size;
};

/* `name` is what messages call it. */
static sluice_status open_file(const char *path, const char *name,
                               struct input_file *file, sluice_error *error) {
  file->handle = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file->handle < 0)
    return sluice_fail(error, SLUICE_CANNOT_OPEN, "cannot open '%s': %s", name,
                       strerror(errno));
  struct stat state;
  if (fstat(file->handle, &state) != 0 || !S_ISREG(state.st_mode)) {
    close(file->handle);
    return sluice_fail(error, SLUICE_CANNOT_OPEN, "'%s' is not a regular file",
                       name);
  }
  file->size = (size_t)state.st_size;
  return sluice_succeed(error);
}

/* Takes the weights from the side file of a model that has one. */
static sluice_status take_side_file(sluice_model *model, const char *path,
                                    const sluice_load_options *options,
                                    sluice_error *error) {
  const sluice_model_descriptor *descriptor = model->descriptor;
  struct input_file file;
  sluice_status status = open_file(path, path, &file, error);
  if (status != SLUICE_OK)
    return status;
  if (file.size != (uint64_t)descriptor->weights_size)
    status = sluice_fail(error, SLUICE_INVALID_ARTIFACT,
                         "'%s' has %zu bytes, the model's weights have %lld",
                         path, file.size, (long long)descriptor->weights_size);
  const struct sluice_file_part all = {file.handle, 0, file.size, path};
  if (status == SLUICE_OK)
    status = sluice_take_file_weights(
        model, &all, (sluice_weights_memory)options->weights_memory, error);
  close(file.handle);
  return status;
}

/* Finds the side file: where the caller says, else beside the file that the
 * descriptor is in, whose folder is `folder` or has to be found. */
static sluice_status find_side_file(sluice_model *model, const char *folder,
                                    const sluice_load_options *options,
                                    sluice_error *error) {
  const sluice_model_descriptor *descriptor = model->descriptor;
  if (options->weights_path)
    return take_side_file(model, options->weights_path, options, error);
  const char *name = descriptor->weights_file;
  if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 ||
      strcmp(name, "..") == 0)
    return sluice_fail(error, SLUICE_INVALID_ARTIFACT,
                       "the model's weights file '%s' is not a plain file name",
                       name);
  char path[PATH_MAX], found[PATH_MAX];
  if (!folder && sluice_find_folder(descriptor, found, sizeof found))
    folder = found;
  if (!folder)
    return sluice_fail(error, SLUICE_CANNOT_OPEN,
                       "cannot tell which file the model is in, to find its "
                       "weights file '%s' beside it",
                       name);
  int length = snprintf(path, sizeof path, "%s/%s", folder, name);
  if (length < 0 || (size_t)length >= sizeof path)
    return sluice_fail(error, SLUICE_CANNOT_OPEN,
                       "the path of the weights file '%s' is too long", name);
  return take_side_file(model, path, options, error);
}

/* Where a model comes from. */
struct origin {
  const char *folder; /* of its file, or null */
  /* Where the weights are in that file if not mapped with the code. */
  const struct sluice_file_part *weights;
};

static sluice_status take_weights(sluice_model *model,
                                  const struct origin *origin,
                                  const sluice_load_options *options,
                                  sluice_error *error) {
  const sluice_model_descriptor *descriptor = model->descriptor;
  sluice_weights_memory memory = (sluice_weights_memory)options->weights_memory;
  bool has_side_file = !descriptor->weights && descriptor->weights_file;
  if (options->weights_path && !has_side_file)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "'%s' was given as the weights file of model '%s', "
                       "which has none",
                       options->weights_path, descriptor->name);
  if (origin->weights)
    return sluice_take_file_weights(model, origin->weights, memory, error);
  if (has_side_file)
    return find_side_file(model, origin->folder, options, error);
  return sluice_take_mapped_weights(model, memory, error);
}

static sluice_status adopt(const sluice_model_descriptor *descriptor,
                           const struct origin *origin,
                           const sluice_load_options *options,
                           sluice_model **model, sluice_error *error) {
  sluice_status status = sluice_check_descriptor(descriptor, error);
  if (status == SLUICE_OK)
    status = sluice_check_features(descriptor->name, descriptor->isa_features,
                                   descriptor->target_cpu, error);
  if (status == SLUICE_OK)
    status = sluice_model_create(descriptor, model, error);
  if (status == SLUICE_OK) {
    status = take_weights(*model, origin, options, error);
    if (status == SLUICE_OK && options->verify_weights)
      status = sluice_model_verify(*model, error);
    if (status != SLUICE_OK) {
      sluice_model_release(*model);
      *model = NULL;
    }
  }
  return status;
}

static sluice_status read_options(sluice_load_options *read,
                                  const sluice_load_options *given,
                                  sluice_error *error) {
  *read = (sluice_load_options)SLUICE_LOAD_OPTIONS_INIT;
  sluice_status status = sluice_read_options(read, sizeof *read, given, error);
  if (status != SLUICE_OK)
    return status;
  if (read->weights_memory < SLUICE_WEIGHTS_MAPPED ||
      read->weights_memory > SLUICE_WEIGHTS_HUGE_PAGES)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "there is no way %lld for weights to be in memory",
                       (long long)read->weights_memory);
  return sluice_succeed(error);
}

sluice_status
sluice_model_from_descriptor(const sluice_model_descriptor *descriptor,
                             const sluice_load_options *options,
                             sluice_model **model, sluice_error *error) {
  if (!model)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT, "`model` is null");
  *model = NULL;
  if (!descriptor)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT, "`descriptor` is null");
  sluice_load_options given;
  sluice_status status = read_options(&given, options, error);
  if (status != SLUICE_OK)
    return status;
  const struct origin origin = {NULL, NULL};
  return adopt(descriptor, &origin, &given, model, error);
}

/* Checks the file's structure; `trailer` is all zero if it has none. */
static sluice_status check_file(const struct input_file *file, const char *path,
                                sluice_artifact_trailer *trailer,
                                sluice_error *error) {
  *trailer = (sluice_artifact_trailer){0};
  struct sluice_file_view view = {(const uint8_t *)"", file->size};
  void *mapping = NULL;
  if (file->size > 0) {
    mapping = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, file->handle, 0);
    if (mapping == MAP_FAILED)
      return sluice_fail(error, SLUICE_OUT_OF_MEMORY, "cannot map '%s': %s",
                         path, strerror(errno));
    view.data = mapping;
  }
  sluice_status status = sluice_check_file(view, path, error);
  if (status == SLUICE_OK && !sluice_find_trailer(view, trailer))
    *trailer = (sluice_artifact_trailer){0};
  if (mapping)
    munmap(mapping, file->size);
  return status;
}

/* Compares what the file and its descriptor say about each other. */
static sluice_status check_descriptor(const sluice_model_descriptor *descriptor,
                                      const struct sluice_artifact_file *file,
                                      sluice_error *error) {
  const sluice_artifact_trailer *trailer = &file->trailer;
  sluice_status status = sluice_check_descriptor(descriptor, error);
  if (status == SLUICE_OK && !trailer->magic &&
      sluice_expects_trailer(descriptor))
    status = sluice_fail(error, SLUICE_INVALID_ARTIFACT,
                         "'%s' is truncated or damaged: the trailer that the "
                         "compiler wrote at its end is missing",
                         file->name);
  if (status == SLUICE_OK && descriptor->weights && trailer->weights_size &&
      trailer->weights_size != (uint64_t)descriptor->weights_size)
    status = sluice_fail(error, SLUICE_INVALID_ARTIFACT,
                         "'%s' is damaged: the weights have %llu bytes "
                         "instead of %lld",
                         file->name, (unsigned long long)trailer->weights_size,
                         (long long)descriptor->weights_size);
  return status;
}

static bool has_weights_last(const struct sluice_artifact_file *file) {
  const sluice_artifact_trailer *trailer = &file->trailer;
  return trailer->weights_offset > 0 && trailer->weights_size > 0 &&
         trailer->weights_offset + trailer->weights_size == trailer->file_size;
}

/* Maps a checked artifact as code and makes a model of it. */
static sluice_status load_library(const struct sluice_artifact_file *file,
                                  const sluice_load_options *options,
                                  sluice_model **model, sluice_error *error) {
  bool own_copy = options->weights_memory >= SLUICE_WEIGHTS_RESIDENT;
  struct sluice_library library;
  sluice_status status = sluice_open_library(file, own_copy, &library, error);
  if (status != SLUICE_OK)
    return status;
  status = check_descriptor(library.descriptor, file, error);
  if (status == SLUICE_OK) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", file->path);
    sluice_cut_file_name(folder);
    const struct sluice_file_part weights = {
        file->handle, file->trailer.weights_offset, file->trailer.weights_size,
        file->name};
    bool apart = library.descriptor->weights && has_weights_last(file) &&
                 (library.copied || own_copy);
    const struct origin origin = {folder, apart ? &weights : NULL};
    status = adopt(library.descriptor, &origin, options, model, error);
  }
  if (status == SLUICE_OK)
    (*model)->library = library.handle;
  else
    dlclose(library.handle);
  return status;
}

/* Maps the code of a checked file and loads that. */
static sluice_status load_file(struct sluice_artifact_file *file,
                               const sluice_load_options *options,
                               sluice_model **model, sluice_error *error) {
  size_t size = has_weights_last(file) ? (size_t)file->trailer.weights_offset
                                       : file->size;
  void *code = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file->handle, 0);
  if (code == MAP_FAILED)
    return sluice_fail(error, SLUICE_OUT_OF_MEMORY, "cannot map '%s': %s",
                       file->name, strerror(errno));
  file->code = (struct sluice_file_view){code, size};
  sluice_status status = load_library(file, options, model, error);
  munmap(code, size);
  return status;
}

/* Loads what the path leads to now. `opened` tells which file that was. */
static sluice_status load_once(const char *path,
                               const sluice_load_options *options,
                               struct stat *opened, sluice_model **model,
                               sluice_error *error) {
  *opened = (struct stat){0};
  /* First the path, then the file: where a symbolic link is switched meanwhile,
   * the weights beside the model are still looked for in its own folder. */
  char full_path[PATH_MAX];
  if (!realpath(path, full_path))
    return sluice_fail(error, SLUICE_CANNOT_OPEN, "cannot open '%s': %s", path,
                       strerror(errno));
  struct input_file input;
  sluice_status status = open_file(full_path, path, &input, error);
  if (status != SLUICE_OK)
    return status;
  fstat(input.handle, opened);
  struct sluice_artifact_file file = {.handle = input.handle,
                                      .size = input.size,
                                      .path = full_path,
                                      .name = path};
  status = check_file(&input, path, &file.trailer, error);
  if (status == SLUICE_OK)
    status = load_file(&file, options, model, error);
  close(input.handle);
  return status;
}

/* Does the path lead to another file by now? */
static bool was_replaced(const char *path, const struct stat *opened) {
  struct stat found;
  return stat(path, &found) == 0 &&
         (found.st_dev != opened->st_dev || found.st_ino != opened->st_ino);
}

sluice_status sluice_model_load(const char *path,
                                const sluice_load_options *options,
                                sluice_model **model, sluice_error *error) {
  if (!model)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT, "`model` is null");
  *model = NULL;
  if (!path)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT, "`path` is null");
  sluice_load_options given;
  sluice_status status = read_options(&given, options, error);
  if (status != SLUICE_OK)
    return status;
  /* What fails while the file or the weights beside it are being replaced is
   * the old pair's business. */
  struct stat opened;
  int tries = 0;
  do
    status = load_once(path, &given, &opened, model, error);
  while (status != SLUICE_OK && ++tries < max_tries &&
         was_replaced(path, &opened));
  return status;
}
