/* Counts the bytes a process holds from malloc and its kin; preloaded (glibc). */
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);
extern void __libc_free(void*);

static atomic_long live, peak;

static void* gained(void* block) {
  if (!block) return block;
  const long now =
      atomic_fetch_add(&live, (long)malloc_usable_size(block)) + (long)malloc_usable_size(block);
  long before = atomic_load(&peak);
  while (now > before && !atomic_compare_exchange_weak(&peak, &before, now)) {
  }
  return block;
}

void* malloc(size_t size) { return gained(__libc_malloc(size)); }
void* calloc(size_t count, size_t size) { return gained(__libc_calloc(count, size)); }
void* memalign(size_t alignment, size_t size) { return gained(__libc_memalign(alignment, size)); }
void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void** block, size_t alignment, size_t size) {
  *block = memalign(alignment, size);
  return *block ? 0 : ENOMEM;
}

void* realloc(void* block, size_t size) {
  const long old = block ? (long)malloc_usable_size(block) : 0;
  void* grown = __libc_realloc(block, size);
  if (grown || size == 0) atomic_fetch_sub(&live, old);
  return gained(grown);
}

void free(void* block) {
  if (block) atomic_fetch_sub(&live, (long)malloc_usable_size(block));
  __libc_free(block);
}

long heap_live(void) { return atomic_load(&live); }
long heap_peak(void) { return atomic_load(&peak); }
void heap_reset(void) { atomic_store(&peak, atomic_load(&live)); }
