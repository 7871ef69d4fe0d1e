/*===- library.c - Maps the code of an artifact -------------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#include "library.h"

#include "status.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010u
#endif

/* Is the file that was opened the one under its path? */
static bool is_at_path(const struct sluice_artifact_file *file) {
  struct stat opened, found;
  return fstat(file->handle, &opened) == 0 && stat(file->path, &found) == 0 &&
         opened.st_dev == found.st_dev && opened.st_ino == found.st_ino;
}

/* Does the library have the descriptor of the file, as far as that is not
 * relocated? Tells files apart that took turns under one path. */
static bool has_descriptor_of(const struct sluice_library *library,
                              const struct sluice_artifact_file *file) {
  struct link_map *map;
  if (dlinfo(library->handle, RTLD_DI_LINKMAP, &map) != 0)
    return false;
  const sluice_model_descriptor *mapped = library->descriptor;
  uint64_t address = (uint64_t)(uintptr_t)mapped - map->l_addr;
  sluice_model_descriptor wanted;
  const size_t common = offsetof(sluice_model_descriptor, workspace_size);
  return sluice_read_image(file->code, address, &wanted, common) &&
         wanted.magic == mapped->magic &&
         wanted.abi_version == mapped->abi_version &&
         wanted.descriptor_size == mapped->descriptor_size &&
         wanted.weights_size == mapped->weights_size &&
         wanted.weights_checksum == mapped->weights_checksum &&
         wanted.static_workspace_size == mapped->static_workspace_size &&
         wanted.liveness_lower_bound == mapped->liveness_lower_bound;
}

/* Fills in the descriptor; false when there is none. */
static bool find_descriptor(struct sluice_library *library) {
  library->descriptor = dlsym(library->handle, SLUICE_DESCRIPTOR_SYMBOL);
  return library->descriptor;
}

static void close_library(struct sluice_library *library) {
  if (library->handle)
    dlclose(library->handle);
  *library = (struct sluice_library){0};
}

static sluice_status no_model(const struct sluice_artifact_file *file,
                              sluice_error *error) {
  return sluice_fail(error, SLUICE_INVALID_ARTIFACT,
                     "'%s' is a shared object but not a compiled model",
                     file->name);
}

/* Replaces pages that nothing writes to by a copy of them. */
static void detach_pages(uintptr_t begin, uintptr_t end) {
  if (begin >= end)
    return;
  void *copy = mmap(NULL, end - begin, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy == MAP_FAILED)
    return;
  memcpy(copy, (const void *)begin, end - begin);
  if (mprotect(copy, end - begin, PROT_READ) != 0 ||
      mremap(copy, end - begin, end - begin, MREMAP_MAYMOVE | MREMAP_FIXED,
             (void *)begin) == MAP_FAILED)
    munmap(copy, end - begin);
}

/* The dynamic linker reads the tables of all libraries when it loads another
 * one. So that it finds what it expects even where the file of this one is
 * written anew, they become the process's own: some pages, unlike the code and
 * the weights. */
static void detach_tables(const struct sluice_library *library,
                          const struct sluice_artifact_file *file) {
  struct link_map *map;
  ElfW(Ehdr) header;
  if (dlinfo(library->handle, RTLD_DI_LINKMAP, &map) != 0)
    return;
  memcpy(&header, file->code.data, sizeof header);
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    ElfW(Phdr) segment;
    memcpy(&segment, file->code.data + header.e_phoff + i * sizeof segment,
           sizeof segment);
    uintptr_t begin = (map->l_addr + segment.p_vaddr) & ~page;
    uintptr_t end = map->l_addr + segment.p_vaddr + segment.p_memsz;
    bool is_code = segment.p_offset + segment.p_filesz <= file->code.size;
    if (segment.p_type == PT_LOAD && segment.p_flags == PF_R && is_code)
      detach_pages(begin, (end + page) & ~page);
    if (segment.p_type == PT_GNU_RELRO)
      detach_pages(begin, end & ~page);
  }
}

/* Leaves no library behind where the dynamic linker has one of this path or
 * file already, or where the path leads to another file by now. What it has is
 * never looked at: where its file was written anew, it is a mixture. */
static sluice_status open_in_place(const struct sluice_artifact_file *file,
                                   struct sluice_library *library,
                                   sluice_error *error) {
  const int flags = RTLD_NOW | RTLD_LOCAL;
  void *known = dlopen(file->path, flags | RTLD_NOLOAD);
  if (known) {
    dlclose(known);
    return sluice_succeed(error);
  }
  library->handle = dlopen(file->path, flags);
  bool same = is_at_path(file);
  if (!library->handle && same)
    return sluice_fail(error, SLUICE_INVALID_ARTIFACT, "cannot load %s",
                       dlerror());
  bool found = library->handle && find_descriptor(library);
  if (same && found && has_descriptor_of(library, file)) {
    detach_tables(library, file);
    return sluice_succeed(error);
  }
  close_library(library);
  return same && !found ? no_model(file, error) : sluice_succeed(error);
}

/* A file in memory with the code; -1, and `errno`, when there is none. */
static int copy_code(const struct sluice_artifact_file *file) {
  const char *name = strrchr(file->path, '/') + 1;
  char shown[200];
  snprintf(shown, sizeof shown, "%s", name);
  int copy = memfd_create(shown, MFD_CLOEXEC | MFD_EXEC);
  if (copy < 0 && errno == EINVAL) /* before Linux 6.3 */
    copy = memfd_create(shown, MFD_CLOEXEC);
  if (copy < 0)
    return -1;
  bool right = ftruncate(copy, (off_t)file->size) == 0;
  for (size_t done = 0; right && done < file->code.size;) {
    ssize_t written =
        write(copy, file->code.data + done, file->code.size - done);
    right = written > 0 || (written < 0 && errno == EINTR);
    done += written > 0 ? (size_t)written : 0;
  }
  if (right)
    return copy;
  int reason = errno;
  close(copy);
  errno = reason;
  return -1;
}

/* A path to the open file that the dynamic linker does not know: it may know
 * that of an earlier one whose number this file has now. With the number of the
 * process a debugger that is told of the library opens the same file. */
static bool find_unknown_path(int *file, char *path, size_t size) {
  for (;;) {
    snprintf(path, size, "/proc/%d/fd/%d", (int)getpid(), *file);
    void *known = dlopen(path, RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
    if (!known)
      return true;
    dlclose(known);
    int next = fcntl(*file, F_DUPFD_CLOEXEC, *file + 1);
    if (next < 0)
      return false;
    close(*file);
    *file = next;
  }
}

static sluice_status open_copy(const struct sluice_artifact_file *file,
                               struct sluice_library *library,
                               sluice_error *error) {
  char path[64];
  const char *reason = NULL;
  int copy = copy_code(file);
  if (copy < 0 || !find_unknown_path(&copy, path, sizeof path))
    reason = strerror(errno);
  else if (!(library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL)))
    reason = dlerror();
  sluice_status status = sluice_succeed(error);
  if (reason)
    status = sluice_fail(error, SLUICE_CANNOT_OPEN,
                         "'%s' cannot be loaded beside the model that was "
                         "loaded from its path before: a copy of its code in "
                         "memory is needed, and that failed: %s",
                         file->name, reason);
  else if (!find_descriptor(library))
    status = no_model(file, error);
  if (copy >= 0)
    close(copy);
  library->copied = true;
  if (status != SLUICE_OK)
    close_library(library);
  return status;
}

sluice_status sluice_open_library(const struct sluice_artifact_file *file,
                                  bool own_copy, struct sluice_library *library,
                                  sluice_error *error) {
  *library = (struct sluice_library){0};
  if (own_copy && open_copy(file, library, NULL) == SLUICE_OK)
    return sluice_succeed(error);
  sluice_status status = open_in_place(file, library, error);
  if (status == SLUICE_OK && !library->handle)
    status = open_copy(file, library, error);
  return status;
}
