/*===- loader.c - From files and linked descriptors to models -----------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "cpu_features.h"
#include "elf_file.h"
#include "location.h"
#include "model.h"
#include "status.h"

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

/* An open regular file. */
struct input_file {
  int handle;
  size_t size;
};

static sluice_status open_file(const char *path, struct input_file *file,
                               sluice_error *error) {
  file->handle = open(path, O_RDONLY | O_CLOEXEC);
  if (file->handle < 0)
    return sluice_fail(error, SLUICE_CANNOT_OPEN, "cannot open '%s': %s", path,
                       strerror(errno));
  struct stat state;
  if (fstat(file->handle, &state) != 0 || !S_ISREG(state.st_mode)) {
    close(file->handle);
    return sluice_fail(error, SLUICE_CANNOT_OPEN, "'%s' is not a regular file",
                       path);
  }
  file->size = (size_t)state.st_size;
  return sluice_succeed(error);
}

/* Maps the weights side file of a model that has one. */
static sluice_status map_weights(sluice_model *model, const char *path,
                                 sluice_error *error) {
  const sluice_model_descriptor *descriptor = model->descriptor;
  struct input_file file;
  sluice_status status = open_file(path, &file, error);
  if (status != SLUICE_OK)
    return status;
  if (file.size != (uint64_t)descriptor->weights_size)
    status = sluice_fail(error, SLUICE_INVALID_ARTIFACT,
                         "'%s' has %zu bytes, the model's weights have %lld",
                         path, file.size, (long long)descriptor->weights_size);
  if (status == SLUICE_OK && file.size > 0) {
    void *mapping =
        mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, file.handle, 0);
    if (mapping == MAP_FAILED) {
      status = sluice_fail(error, SLUICE_OUT_OF_MEMORY, "cannot map '%s': %s",
                           path, strerror(errno));
    } else {
      model->weights_mapping = mapping;
      model->weights_mapping_size = file.size;
      model->weights = mapping;
    }
  }
  close(file.handle);
  return status;
}

/* Finds the side file: where the caller says, else beside the file that the
 * descriptor is in, whose folder is `folder` or has to be found. */
static sluice_status load_weights(sluice_model *model, const char *folder,
                                  const sluice_load_options *options,
                                  sluice_error *error) {
  const sluice_model_descriptor *descriptor = model->descriptor;
  if (descriptor->weights || !descriptor->weights_file)
    return sluice_succeed(error);
  if (options->weights_path)
    return map_weights(model, options->weights_path, error);
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
  return map_weights(model, path, error);
}

static sluice_status adopt(const sluice_model_descriptor *descriptor,
                           const char *folder,
                           const sluice_load_options *options,
                           sluice_model **model, sluice_error *error) {
  sluice_status status = sluice_check_descriptor(descriptor, error);
  if (status == SLUICE_OK)
    status = sluice_check_features(descriptor->name, descriptor->isa_features,
                                   descriptor->target_cpu, error);
  if (status == SLUICE_OK)
    status = sluice_model_create(descriptor, model, error);
  if (status == SLUICE_OK) {
    status = load_weights(*model, folder, options, error);
    if (status == SLUICE_OK && options->verify_weights)
      status = sluice_model_verify(*model, error);
    if (status != SLUICE_OK) {
      sluice_model_release(*model);
      *model = NULL;
    }
  }
  return status;
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
  sluice_load_options given = SLUICE_LOAD_OPTIONS_INIT;
  sluice_read_options(&given, sizeof given, options);
  return adopt(descriptor, NULL, &given, model, error);
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

/* Maps a checked artifact as code and makes a model of it. */
static sluice_status load_library(const sluice_artifact_trailer *trailer,
                                  char *path,
                                  const sluice_load_options *options,
                                  sluice_model **model, sluice_error *error) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return sluice_fail(error, SLUICE_INVALID_ARTIFACT, "cannot load %s",
                       dlerror());
  const sluice_model_descriptor *descriptor =
      dlsym(library, SLUICE_DESCRIPTOR_SYMBOL);
  sluice_status status;
  if (!descriptor)
    status =
        sluice_fail(error, SLUICE_INVALID_ARTIFACT,
                    "'%s' is a shared object but not a compiled model", path);
  else
    status = sluice_check_descriptor(descriptor, error);
  if (status == SLUICE_OK && !trailer->magic &&
      sluice_expects_trailer(descriptor))
    status = sluice_fail(error, SLUICE_INVALID_ARTIFACT,
                         "'%s' is truncated or damaged: the trailer that the "
                         "compiler wrote at its end is missing",
                         path);
  if (status == SLUICE_OK && descriptor->weights && trailer->weights_size &&
      trailer->weights_size != (uint64_t)descriptor->weights_size)
    status = sluice_fail(error, SLUICE_INVALID_ARTIFACT,
                         "'%s' is damaged: the weights have %llu bytes "
                         "instead of %lld",
                         path, (unsigned long long)trailer->weights_size,
                         (long long)descriptor->weights_size);
  if (status == SLUICE_OK) {
    sluice_cut_file_name(path);
    status = adopt(descriptor, path, options, model, error);
  }
  if (status == SLUICE_OK)
    (*model)->library = library;
  else
    dlclose(library);
  return status;
}

sluice_status sluice_model_load(const char *path,
                                const sluice_load_options *options,
                                sluice_model **model, sluice_error *error) {
  if (!model)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT, "`model` is null");
  *model = NULL;
  if (!path)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT, "`path` is null");
  sluice_load_options given = SLUICE_LOAD_OPTIONS_INIT;
  sluice_read_options(&given, sizeof given, options);
  struct input_file file;
  sluice_status status = open_file(path, &file, error);
  if (status != SLUICE_OK)
    return status;
  sluice_artifact_trailer trailer;
  status = check_file(&file, path, &trailer, error);
  if (status == SLUICE_OK) {
    /* A path with a slash keeps dlopen from searching the system's folders. */
    char *full_path = realpath(path, NULL);
    if (full_path)
      status = load_library(&trailer, full_path, &given, model, error);
    else
      status = sluice_fail(error, SLUICE_CANNOT_OPEN, "cannot open '%s': %s",
                           path, strerror(errno));
    free(full_path);
  }
  close(file.handle);
  return status;
}
