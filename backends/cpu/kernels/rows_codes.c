/// Rows of codes that become numbers for a sum or a mean and then codes again.
#include "team.h"
#include "table.h"

typedef struct add_work {
  const bitline_table *table;
  const bitline_add_codes_plan *plan;
  int64_t count, part;
  const uint8_t *a, *b;
  uint8_t *y;
} add_work;

static void add_task(void *context, int64_t index, int worker) {
  const add_work *w = context;
  (void)worker;
  const int64_t first = index * w->part;
  w->table->add_codes(w->plan, bitline_min(w->part, w->count - first), w->a + first, w->b + first, w->y + first);
}

void bitline_add_codes(
  bitline_isa isa, const bitline_add_codes_plan *plan, int64_t count, const void *a, const void *b, void *y, bitline_team *team
) {
  const int threads = bitline_team_threads(team);
  add_work work = {.table = bitline_table_of(isa), .plan = plan, .count = count, .a = a, .b = b, .y = y};
  work.part = bitline_max(64, bitline_round_up((count + threads - 1) / threads, 64));
  bitline_team_run(team, (count + work.part - 1) / work.part, add_task, &work);
}

void bitline_mean_codes_blocked(
  bitline_isa isa, const bitline_mean_codes_plan *plan, int64_t blocks, int64_t positions, const void *x, void *y
) {
  bitline_table_of(isa)->mean_codes(plan, blocks, positions, x, y);
}
