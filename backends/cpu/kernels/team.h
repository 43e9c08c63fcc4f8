/// Threads that share the work of one step. Not public.
#ifndef BITLINE_TEAM_H
#define BITLINE_TEAM_H

#include "bitline_kernels.h"

/// Multiply-adds that take longer than calling a team together.
enum { TEAM_WORTH = 1 << 17 };

/// Calls `task(context, 0...tasks - 1, worker)`, each once, on any of the team's threads, and returns when all are done.
/// A null team is the calling thread alone, which works as worker 0. Tasks write apart, so that results do not depend on who does them.
void bitline_team_run(bitline_team *team, int64_t tasks, void (*task)(void *context, int64_t index, int worker), void *context);

#endif
