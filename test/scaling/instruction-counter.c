/*===- instruction-counter.c - Counts what a program executes -------------===*\
|*
|* Part of Sluice, under the Apache License v2.0. See LICENSE.
|*
|*===----------------------------------------------------------------------===*|
|*
|* A plugin of qemu's user mode emulation, for programs of one thread:
|*
|*   qemu-x86_64 -plugin instruction-counter.so,out=FILE PROGRAM ARGUMENTS...
|*
|* writes the number of instructions that the program executed to FILE. It is
|* the same in every run with the same arguments and environment. Of qemu's
|* interface (version 1, docs/devel/tcg-plugins.rst in its sources) this
declares
|* what it uses, as Debian's package has no header.
|*
\*===----------------------------------------------------------------------===*/

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
enum { QEMU_PLUGIN_INLINE_ADD_U64 = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(
    qemu_plugin_id_t id,
    void (*translated)(qemu_plugin_id_t, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block,
                                              int operation, void *number,
                                              uint64_t operand);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
                                    void (*done)(qemu_plugin_id_t, void *),
                                    void *data);

EXPORT int qemu_plugin_version = 1;

static uint64_t instructions;
static char path[4096];

static void count_block(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
  qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64,
                                           &instructions,
                                           qemu_plugin_tb_n_insns(block));
}

static void write_count(qemu_plugin_id_t id, void *data) {
  FILE *file = fopen(path, "w");
  if (!file)
    return;
  fprintf(file, "%" PRIu64 "\n", instructions);
  fclose(file);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc,
                               char **argv) {
  if (argc != 1 || strncmp(argv[0], "out=", 4) != 0 ||
      strlen(argv[0] + 4) >= sizeof path)
    return 1;
  strcpy(path, argv[0] + 4);
  qemu_plugin_register_vcpu_tb_trans_cb(id, count_block);
  qemu_plugin_register_atexit_cb(id, write_count, NULL);
  return 0;
}
