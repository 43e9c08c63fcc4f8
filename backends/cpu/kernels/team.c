/// A few threads that wait for steps to share: they spin for some microseconds and then sleep.
#include "team.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SPINS = 4000 };

struct bitline_team {
  int threads;
  /// Of the round under way; read only by those who have claimed a task of it.
  void (*task)(void *context, int64_t index, int worker);
  void *context;
  int64_t tasks;
  /// The round in the upper half, the tasks that nobody has claimed yet in the lower.
  _Atomic uint64_t ticket;
  _Atomic int64_t done;
  _Atomic int ending;
  /// Helpers that sleep; they look at the ticket again under the lock before they do.
  _Atomic int asleep;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  struct helper { bitline_team *team; int worker; pthread_t thread; } helpers[];
};

enum { HALF = 32 };
static const uint64_t REMAINING = 0xffffffff;

static inline void rest(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Claims and does one task; 0 when none is left. The round stays until every claimed task is done, and nobody waits for a thread that has
/// claimed none: a helper whose processor is taken away costs at most the task it is at.
static int work(bitline_team *team, int worker) {
  uint64_t ticket = atomic_load_explicit(&team->ticket, memory_order_acquire);
  do {
    if ((ticket & REMAINING) == 0) return 0;
  } while (!atomic_compare_exchange_weak_explicit(&team->ticket, &ticket, ticket - 1, memory_order_acquire, memory_order_acquire));
  team->task(team->context, team->tasks - (int64_t)(ticket & REMAINING), worker);
  atomic_fetch_add_explicit(&team->done, 1, memory_order_release);
  return 1;
}

static int has_work(bitline_team *team) { return (atomic_load(&team->ticket) & REMAINING) > 0 || atomic_load(&team->ending); }

static void *help(void *argument) {
  struct helper *self = argument;
  bitline_team *team = self->team;
  while (!atomic_load_explicit(&team->ending, memory_order_acquire)) {
    if (work(team, self->worker)) continue;
    int spins = 0;
    while (spins < SPINS && !has_work(team)) {
      rest();
      spins++;
    }
    if (spins < SPINS) continue;
    pthread_mutex_lock(&team->lock);
    atomic_fetch_add(&team->asleep, 1);
    while (!has_work(team)) pthread_cond_wait(&team->wake, &team->lock);
    atomic_fetch_sub(&team->asleep, 1);
    pthread_mutex_unlock(&team->lock);
  }
  return 0;
}

bitline_team *bitline_team_make(int threads) {
  if (threads < 2) return 0;
  bitline_team *team = calloc(1, sizeof(bitline_team) + sizeof(struct helper) * (size_t)(threads - 1));
  if (!team) return 0;
  pthread_mutex_init(&team->lock, 0);
  pthread_cond_init(&team->wake, 0);
  team->threads = 1;
  for (int i = 0; i < threads - 1; i++) {
    team->helpers[i] = (struct helper){.team = team, .worker = i + 1};
    if (pthread_create(&team->helpers[i].thread, 0, help, &team->helpers[i]) != 0) break;
    team->threads++;
  }
  return team;
}

int bitline_team_threads(const bitline_team *team) { return team ? team->threads : 1; }

static void call(bitline_team *team) {
  if (atomic_load(&team->asleep) == 0) return;
  pthread_mutex_lock(&team->lock);
  pthread_cond_broadcast(&team->wake);
  pthread_mutex_unlock(&team->lock);
}

void bitline_team_end(bitline_team *team) {
  if (!team) return;
  atomic_store(&team->ending, 1);
  call(team);
  for (int i = 0; i < team->threads - 1; i++) pthread_join(team->helpers[i].thread, 0);
  pthread_mutex_destroy(&team->lock);
  pthread_cond_destroy(&team->wake);
  free(team);
}

void bitline_team_run(bitline_team *team, int64_t tasks, void (*task)(void *context, int64_t index, int worker), void *context) {
  if (!team || team->threads < 2 || tasks < 2) {
    for (int64_t i = 0; i < tasks; i++) task(context, i, 0);
    return;
  }
  team->task = task;
  team->context = context;
  team->tasks = tasks;
  atomic_store_explicit(&team->done, 0, memory_order_relaxed);
  const uint64_t round = (atomic_load_explicit(&team->ticket, memory_order_relaxed) >> HALF) + 1;
  atomic_store(&team->ticket, round << HALF | (uint64_t)tasks);
  call(team);
  while (work(team, 0)) {}
  for (int spins = 0; atomic_load_explicit(&team->done, memory_order_acquire) < tasks; spins++) {
    // A helper may have lost its processor to another program: then so should we.
    if (spins < SPINS) rest();
    else sched_yield();
  }
}
