/*===- thread_pool.h - Fork and join inside a run -----------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===*/
#ifndef SLUICE_LIB_THREAD_POOL_H
#define SLUICE_LIB_THREAD_POOL_H

#include "sluice/sluice.h"

#include <stdbool.h>

/* Cuts a loop of `count` iterations of `cost` nanoseconds into shares and
 * chunks. One share means: run it serially. */
struct sluice_loop_shape {
  int32_t shares;
  int64_t chunk;
};

struct sluice_loop_shape sluice_shape_loop(int64_t count, double cost,
                                           int32_t threads);

/* How many threads the pool was asked to have; 0 for as many as there are. */
int32_t sluice_thread_pool_limit(const sluice_thread_pool *pool);

/* Claims the pool for a run; false while another run has it. */
bool sluice_thread_pool_enter(sluice_thread_pool *pool);
/* Ends the run: the workers go to sleep. */
void sluice_thread_pool_leave(sluice_thread_pool *pool);
/* Runs a loop; only between enter and leave, on the thread that entered. */
void sluice_thread_pool_run(sluice_thread_pool *pool, sluice_loop_body body,
                            void *closure, int64_t count, double cost);

#endif
