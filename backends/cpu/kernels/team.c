/// A few threads that wait for steps to share: they spin for some microseconds and then sleep.
#include "team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SPINS = 4000 };

struct bitline_team {
  int threads;
  void (*task)(void *context, int64_t index, int worker);
  void *context;
  int64_t tasks;
  /// The next task, and how many helpers are still at this round's.
  _Atomic int64_t next;
  _Atomic int busy;
  /// Counts rounds; negative: the team ends.
  _Atomic int64_t round;
  /// Helpers that sleep, guarded by the lock.
  _Atomic int asleep;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  struct helper { bitline_team *team; int worker; pthread_t thread; } helpers[];
};

static inline void rest(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

static void work(bitline_team *team, int worker) {
  for (;;) {
    const int64_t index = atomic_fetch_add_explicit(&team->next, 1, memory_order_relaxed);
    if (index >= team->tasks) return;
    team->task(team->context, index, worker);
  }
}

static void *help(void *argument) {
  struct helper *self = argument;
  bitline_team *team = self->team;
  for (int64_t seen = 0;;) {
    int64_t round = seen;
    for (int i = 0; i < SPINS && round == seen; i++) {
      rest();
      round = atomic_load_explicit(&team->round, memory_order_acquire);
    }
    if (round == seen) {
      pthread_mutex_lock(&team->lock);
      atomic_fetch_add(&team->asleep, 1);
      while ((round = atomic_load(&team->round)) == seen) pthread_cond_wait(&team->wake, &team->lock);
      atomic_fetch_sub(&team->asleep, 1);
      pthread_mutex_unlock(&team->lock);
    }
    if (round < 0) return 0;
    seen = round;
    work(team, self->worker);
    atomic_fetch_sub_explicit(&team->busy, 1, memory_order_release);
  }
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

static void start(bitline_team *team, int64_t round) {
  atomic_store(&team->round, round);
  if (atomic_load(&team->asleep) > 0) {
    pthread_mutex_lock(&team->lock);
    pthread_cond_broadcast(&team->wake);
    pthread_mutex_unlock(&team->lock);
  }
}

void bitline_team_end(bitline_team *team) {
  if (!team) return;
  start(team, -1);
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
  atomic_store_explicit(&team->next, 0, memory_order_relaxed);
  atomic_store_explicit(&team->busy, team->threads - 1, memory_order_relaxed);
  start(team, atomic_load_explicit(&team->round, memory_order_relaxed) + 1);
  work(team, 0);
  for (int spins = 0; atomic_load_explicit(&team->busy, memory_order_acquire) > 0; spins++) {
    // A helper may have lost its processor to another program: then so should we.
    if (spins < SPINS) rest();
    else sched_yield();
  }
}
