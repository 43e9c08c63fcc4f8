/// Memory for packed weights and values, in huge pages where there are any: the weights of a network are on more small pages than a processor
/// remembers the addresses of, and a walk through a virtual machine's page tables is slow.
#include "bitline_kernels.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/// Blocks are cut from slabs, which start at multiples of their size, so that a block's address tells its slab. What is not written to takes
/// no memory.
enum { SLAB_BYTES = 32 << 20, LINE_BYTES = 64 };
/// Smaller blocks come from `malloc`: a small network is not to fill a huge page with zeros.
enum { LEAST_BYTES = 64 << 10 };

/// The first line of a slab.
typedef struct slab {
  size_t mapped, used, blocks;
} slab;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/// The slab that blocks are cut from.
static slab *current;

static slab *make_slab(size_t bytes) {
  const size_t mapped = (bytes + SLAB_BYTES - 1) / SLAB_BYTES * SLAB_BYTES;
  char *room = mmap(NULL, mapped + SLAB_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) return NULL;
  const size_t before = (size_t)(-(uintptr_t)room % SLAB_BYTES);
  if (before > 0) munmap(room, before);
  munmap(room + before + mapped, SLAB_BYTES - before);
  slab *s = (slab *)(room + before);
#ifdef MADV_HUGEPAGE
  madvise(s, mapped, MADV_HUGEPAGE);
#endif
  *s = (slab){.mapped = mapped, .used = LINE_BYTES};
  return s;
}

void *bitline_memory_take(size_t bytes) {
  if (bytes < LEAST_BYTES) return aligned_alloc(LINE_BYTES, (bytes + LINE_BYTES) / LINE_BYTES * LINE_BYTES);
  const size_t lines = (bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
  pthread_mutex_lock(&lock);
  slab *s = current;
  if (!s || s->used + lines > s->mapped) {
    s = make_slab(lines + LINE_BYTES);
    // One with more room left stays what blocks are cut from; a block's address tells a slab of several only where it is the first.
    if (s && s->mapped == SLAB_BYTES && (!current || s->mapped - s->used - lines > current->mapped - current->used)) {
      if (current && current->blocks == 0) munmap(current, current->mapped);
      current = s;
    }
  }
  void *block = NULL;
  if (s) {
    block = (char *)s + s->used;
    s->used += lines;
    s->blocks++;
  }
  pthread_mutex_unlock(&lock);
  return block;
}

void bitline_memory_give(void *block, size_t bytes) {
  if (bytes < LEAST_BYTES) {
    free(block);
    return;
  }
  pthread_mutex_lock(&lock);
  slab *s = (slab *)((uintptr_t)block / SLAB_BYTES * SLAB_BYTES);
  if (--s->blocks == 0) {
    if (s == current) current = NULL;
    munmap(s, s->mapped);
  }
  pthread_mutex_unlock(&lock);
}
