/*===- thread_pool.c - Fork and join inside a run -----------------------===//
 *
 * Part of Sluice, under the Apache License v2.0. See LICENSE.
 *
 *===----------------------------------------------------------------------===//
 *
 * One loop runs at a time. Its state is one word that workers also sleep on:
 *
 *   bits 16-31  generation, raised for every loop
 *   bit 15      open: workers may join
 *   bit 14      the calling thread sleeps until the last worker has left
 *   bits 0-13   workers that have joined and not left
 *
 * The calling thread fills in the loop, opens it, works, closes it and waits
 * for those that joined. Workers that are asleep or scheduled away are never
 * waited for: the others do their share. A worker that joins a loop younger
 * than the one it saw does no harm, so the generation may wrap around.
 *
 * The iterations are cut into one contiguous share per thread, so that the same
 * thread touches the same part of the data from loop to loop. A thread takes
 * chunks of its own share first and then helps with the others'.
 *
 *===----------------------------------------------------------------------===*/
#include "thread_pool.h"

#include "platform.h"
#include "process_flags.h"
#include "processor.h"
#include "status.h"

#include <assert.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
  joined_mask = 0x3fff,
  caller_sleeps = 0x4000,
  open_flag = 0x8000,
  generation_step = 0x10000,
  max_threads = 4096
};

/* A fork and join costs about 0.3 us; waking a sleeper costs the caller several
 * times that and the sleeper needs tens of microseconds to arrive. */
static const double parallel_threshold = 5000;
static const double wake_threshold = 20000;
static const double minimum_share = 2500;
static const double minimum_chunk = 2000;
static const int chunks_per_share = 4;

/* How long workers wait actively for the next loop of a run, and the caller for
 * workers in their last chunk, before they sleep. */
static const int64_t worker_patience = 200000;
static const int64_t caller_patience = 100000;

struct share {
  _Alignas(64) _Atomic int64_t next;
  int64_t end;
};

struct worker {
  sluice_thread_pool *pool;
  int32_t index;
  pthread_t thread;
};

/* The flags of a pool. */
enum {
  pool_claimed, /* a run has it */
  pool_alive    /* its workers were started in this process */
};

struct sluice_thread_pool {
  struct sluice_process_flags flags;
  _Alignas(64) _Atomic uint32_t state;
  _Alignas(64) _Atomic int32_t sleepers;
  _Atomic uint32_t finished; /* raised by the last worker to leave a loop */
  _Alignas(64) _Atomic bool in_run;
  _Atomic bool stopping;
  /* Workers with a higher index stay out of the current loop. */
  _Atomic int32_t wanted;

  /* The current loop. */
  sluice_loop_body body;
  void *closure;
  int64_t chunk;
  int32_t shares;
  uint64_t float_control;

  /* Fixed once started. `threads` counts the caller; 0 until resolved. */
  int32_t requested_threads;
  int32_t threads;
  bool started;
  struct worker *workers;
  struct share *share;
  int32_t affinity_count;
  int32_t affinity[];
};

static void futex_wait(_Atomic uint32_t *word, uint32_t expected) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

/* A waiting loop that looks at the clock now and then. */
struct patience {
  int64_t deadline;
  int spins;
};

static bool out_of_patience(struct patience *patience, int64_t limit) {
  sluice_pause();
  if (++patience->spins % 128 != 0)
    return false;
  int64_t now = sluice_now();
  if (patience->deadline == 0)
    patience->deadline = now + limit;
  return now >= patience->deadline;
}

static int64_t divide_up(int64_t count, int64_t parts) {
  return count / parts + (count % parts != 0);
}

struct sluice_loop_shape sluice_shape_loop(int64_t count, double cost,
                                           int32_t threads) {
  struct sluice_loop_shape serial = {1, count};
  double total = (double)count * cost;
  if (threads < 2 || count < 2 || !(total >= parallel_threshold))
    return serial;
  int32_t shares = threads;
  if (count < shares)
    shares = (int32_t)count;
  if (total < shares * minimum_share)
    shares = (int32_t)(total / minimum_share);
  int64_t length = divide_up(count, shares);
  int64_t chunk = divide_up(length, chunks_per_share);
  if ((double)chunk * cost < minimum_chunk)
    chunk = (int64_t)(minimum_chunk / cost) + 1;
  struct sluice_loop_shape shape = {shares, chunk < length ? chunk : length};
  return shape;
}

/* Works on the open loop, beginning with the own share. */
static void work(sluice_thread_pool *pool, int32_t index) {
  int64_t chunk = pool->chunk;
  for (int32_t i = 0; i < pool->shares; ++i) {
    struct share *share = &pool->share[(index + i) % pool->shares];
    while (atomic_load_explicit(&share->next, memory_order_relaxed) <
           share->end) {
      int64_t begin =
          atomic_fetch_add_explicit(&share->next, chunk, memory_order_relaxed);
      if (begin >= share->end)
        break;
      int64_t left = share->end - begin;
      pool->body(pool->closure, begin, begin + (left < chunk ? left : chunk));
    }
  }
}

static void leave_loop(sluice_thread_pool *pool) {
  uint32_t before =
      atomic_fetch_sub_explicit(&pool->state, 1, memory_order_acq_rel);
  assert(before & joined_mask && "who leaves a loop has joined it");
  if ((before & joined_mask) == 1 && before & caller_sleeps) {
    atomic_fetch_add(&pool->finished, 1);
    futex_wake(&pool->finished, 1);
  }
}

/* Sleeps until the state changes from one without an open loop to join. */
static void sleep_on(sluice_thread_pool *pool, uint32_t state) {
  /* The caller changes the state before it looks for sleepers, and the kernel
   * compares the state after we are counted: one of the two notices. */
  atomic_fetch_add(&pool->sleepers, 1);
  if (!atomic_load(&pool->stopping) && atomic_load(&pool->state) == state)
    futex_wait(&pool->state, state);
  atomic_fetch_sub(&pool->sleepers, 1);
}

/* Waits for a loop and joins it; false when the pool stops. */
static bool join_loop(sluice_thread_pool *pool, int32_t index,
                      uint32_t *generation) {
  struct patience patience = {0, 0};
  uint32_t state = atomic_load_explicit(&pool->state, memory_order_acquire);
  while (!atomic_load_explicit(&pool->stopping, memory_order_relaxed)) {
    uint32_t current = state / generation_step;
    bool joinable = state & open_flag && current != *generation;
    if (joinable &&
        index > atomic_load_explicit(&pool->wanted, memory_order_relaxed)) {
      *generation = current;
      joinable = false;
    }
    if (joinable) {
      if (atomic_compare_exchange_weak_explicit(&pool->state, &state, state + 1,
                                                memory_order_acq_rel,
                                                memory_order_acquire)) {
        *generation = current;
        return true;
      }
      continue;
    }
    if (!atomic_load_explicit(&pool->in_run, memory_order_relaxed) ||
        out_of_patience(&patience, worker_patience))
      sleep_on(pool, state);
    state = atomic_load_explicit(&pool->state, memory_order_acquire);
  }
  return false;
}

static void *worker_main(void *argument) {
  struct worker *worker = argument;
  sluice_thread_pool *pool = worker->pool;
  uint32_t generation = UINT32_MAX;
  while (join_loop(pool, worker->index, &generation)) {
    if (sluice_get_float_control() != pool->float_control)
      sluice_set_float_control(pool->float_control);
    work(pool, worker->index);
    leave_loop(pool);
  }
  return NULL;
}

static void bind_worker(const sluice_thread_pool *pool, struct worker *worker) {
  if (pool->affinity_count == 0)
    return;
  int32_t cpu = pool->affinity[(worker->index - 1) % pool->affinity_count];
  cpu_set_t *set = CPU_ALLOC((size_t)cpu + 1);
  if (!set)
    return;
  size_t size = CPU_ALLOC_SIZE((size_t)cpu + 1);
  CPU_ZERO_S(size, set);
  CPU_SET_S((size_t)cpu, size, set);
  /* A CPU that is not there leaves the worker where the scheduler wants it. */
  pthread_setaffinity_np(worker->thread, size, set);
  CPU_FREE(set);
}

/* Starts the workers. Whatever cannot be had is done without: in the end the
 * calling thread does all the work. */
static void start(sluice_thread_pool *pool) {
  pool->started = true;
  sluice_process_flag_raise(&pool->flags, pool_alive);
  int32_t threads = pool->threads;
  pool->threads = 1;
  pool->workers = calloc((size_t)threads, sizeof *pool->workers);
  pool->share = aligned_alloc(_Alignof(struct share),
                              (size_t)threads * sizeof *pool->share);
  if (!pool->workers || !pool->share)
    return;
  /* The application's signal handlers run on the application's threads. */
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &previous);
  while (pool->threads < threads) {
    struct worker *worker = &pool->workers[pool->threads];
    worker->pool = pool;
    worker->index = pool->threads;
    if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
      break;
    bind_worker(pool, worker);
    ++pool->threads;
  }
  pthread_sigmask(SIG_SETMASK, &previous, NULL);
}

static void open_loop(sluice_thread_pool *pool, struct sluice_loop_shape shape,
                      int64_t count) {
  pool->chunk = shape.chunk;
  pool->shares = shape.shares;
  pool->float_control = sluice_get_float_control();
  int64_t length = count / shape.shares, longer = count % shape.shares;
  int64_t begin = 0;
  for (int32_t i = 0; i < shape.shares; ++i) {
    atomic_store_explicit(&pool->share[i].next, begin, memory_order_relaxed);
    begin += length + (i < longer);
    pool->share[i].end = begin;
  }
  atomic_store_explicit(&pool->wanted, shape.shares - 1, memory_order_relaxed);
  assert(begin == count && "the shares are the loop");
  /* Nobody is joined and the loop is closed, so nobody else writes the word. */
  uint32_t state = atomic_load_explicit(&pool->state, memory_order_relaxed);
  assert(!(state & (open_flag | joined_mask)) && "one loop at a time");
  atomic_store(&pool->state,
               ((state / generation_step + 1) * generation_step) | open_flag);
}

static void close_loop(sluice_thread_pool *pool) {
  uint32_t state = atomic_fetch_and_explicit(&pool->state, ~(uint32_t)open_flag,
                                             memory_order_acq_rel);
  struct patience patience = {0, 0};
  while (state & joined_mask) {
    if (out_of_patience(&patience, caller_patience)) {
      uint32_t finished = atomic_load(&pool->finished);
      state = atomic_fetch_or(&pool->state, caller_sleeps);
      if (state & joined_mask)
        futex_wait(&pool->finished, finished);
    }
    state = atomic_load_explicit(&pool->state, memory_order_acquire);
  }
  if (state & caller_sleeps)
    atomic_fetch_and(&pool->state, ~(uint32_t)caller_sleeps);
}

void sluice_thread_pool_run(sluice_thread_pool *pool, sluice_loop_body body,
                            void *closure, int64_t count, double cost) {
  double total = (double)count * cost;
  if (pool->threads == 0 && total >= parallel_threshold) {
    pool->threads = pool->requested_threads ? pool->requested_threads
                                            : sluice_usable_cores();
    if (pool->threads > max_threads)
      pool->threads = max_threads;
  }
  struct sluice_loop_shape shape =
      sluice_shape_loop(count, cost, pool->threads);
  bool asleep = !pool->started || atomic_load(&pool->sleepers) > 0;
  bool worthwhile = shape.shares > 1 && (!asleep || total >= wake_threshold);
  if (worthwhile && !pool->started) {
    start(pool);
    shape = sluice_shape_loop(count, cost, pool->threads);
    worthwhile = shape.shares > 1;
  }
  if (!worthwhile) {
    body(closure, 0, count);
    return;
  }
  pool->body = body;
  pool->closure = closure;
  open_loop(pool, shape, count);
  if (atomic_load(&pool->sleepers) > 0)
    futex_wake(&pool->state, shape.shares - 1);
  work(pool, 0);
  close_loop(pool);
}

int32_t sluice_thread_pool_limit(const sluice_thread_pool *pool) {
  return pool->requested_threads;
}

/* In the child of a fork the workers are gone, and the last loop of the parent
 * may not have ended: the pool begins anew. */
static void forget_workers(sluice_thread_pool *pool) {
  free(pool->workers);
  free(pool->share);
  pool->workers = NULL;
  pool->share = NULL;
  pool->started = false;
  pool->threads = 0;
  atomic_store(&pool->state, 0);
  atomic_store(&pool->sleepers, 0);
  atomic_store(&pool->finished, 0);
}

static bool lost_workers(const sluice_thread_pool *pool) {
  return pool->started &&
         !sluice_process_flag_is_raised(&pool->flags, pool_alive);
}

bool sluice_thread_pool_enter(sluice_thread_pool *pool) {
  if (!sluice_process_flag_raise(&pool->flags, pool_claimed))
    return false;
  if (lost_workers(pool))
    forget_workers(pool);
  atomic_store_explicit(&pool->in_run, true, memory_order_relaxed);
  return true;
}

void sluice_thread_pool_leave(sluice_thread_pool *pool) {
  atomic_store_explicit(&pool->in_run, false, memory_order_relaxed);
  sluice_process_flag_lower(&pool->flags, pool_claimed);
}

sluice_status
sluice_thread_pool_create(const sluice_thread_pool_options *options,
                          sluice_thread_pool **pool, sluice_error *error) {
  if (!pool)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT, "`pool` is null");
  *pool = NULL;
  sluice_thread_pool_options given = SLUICE_THREAD_POOL_OPTIONS_INIT;
  sluice_status read =
      sluice_read_options(&given, sizeof given, options, error);
  if (read != SLUICE_OK)
    return read;
  if (given.threads < 0)
    return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                       "the number of threads is negative: %d", given.threads);
  if (given.affinity_count < 0 || (given.affinity_count && !given.affinity))
    return sluice_fail(
        error, SLUICE_INVALID_ARGUMENT, "the affinity list has %d entries%s",
        given.affinity_count, given.affinity ? "" : " but is null");
  for (int32_t i = 0; i < given.affinity_count; ++i)
    if (given.affinity[i] < 0 || given.affinity[i] >= 1 << 20)
      return sluice_fail(error, SLUICE_INVALID_ARGUMENT,
                         "entry %d of the affinity list is no CPU: %d", i,
                         given.affinity[i]);
  size_t list = (size_t)given.affinity_count * sizeof *given.affinity;
  size_t size = (sizeof(sluice_thread_pool) + list + 63) / 64 * 64;
  sluice_thread_pool *created =
      aligned_alloc(_Alignof(sluice_thread_pool), size);
  if (!created)
    return sluice_fail(error, SLUICE_OUT_OF_MEMORY,
                       "no memory for the thread pool");
  memset(created, 0, size);
  if (!sluice_process_flags_create(&created->flags)) {
    free(created);
    return sluice_fail(error, SLUICE_OUT_OF_MEMORY,
                       "no memory for the thread pool");
  }
  created->requested_threads = given.threads;
  created->affinity_count = given.affinity_count;
  if (list)
    memcpy(created->affinity, given.affinity, list);
  *pool = created;
  return sluice_succeed(error);
}

void sluice_thread_pool_destroy(sluice_thread_pool *pool) {
  if (!pool)
    return;
  if (lost_workers(pool))
    forget_workers(pool);
  atomic_store(&pool->stopping, true);
  atomic_fetch_add(&pool->state, generation_step);
  futex_wake(&pool->state, INT_MAX);
  for (int32_t i = 1; i < pool->threads && pool->started; ++i)
    pthread_join(pool->workers[i].thread, NULL);
  free(pool->workers);
  free(pool->share);
  sluice_process_flags_destroy(&pool->flags);
  free(pool);
}
