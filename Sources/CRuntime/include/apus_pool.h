#ifndef APUS_POOL_H
#define APUS_POOL_H

#include <stddef.h>

/// A fixed set of threads that divide the tiles of one kernel at a time.
///
/// Each thread takes the tiles of its own share first, a contiguous part, and then what is left of others'; kernels
/// write disjoint tiles, so results do not depend on who takes which.
/// Between kernels of one program the threads wait busily for a moment, since the next one follows at once; but not
/// where there are more threads than processors for them.
typedef struct apus_pool apus_pool;

/// Computes the tiles from `begin` up to `end` on the thread of a number; thread 0 is the caller's.
typedef void apus_tiles(void *context, ptrdiff_t begin, ptrdiff_t end, int thread);

/// A pool of up to `threads` threads, the caller's included, of which there are at least 1: those that the system does
/// not give are done without. `processors` of them can work at the same time. NULL, which is a pool of the caller's
/// thread alone, if there is no memory.
apus_pool *apus_pool_create(int threads, int processors);

/// Ends the threads and waits for that. No call may be under way.
void apus_pool_destroy(apus_pool *pool);

/// How many threads there are.
int apus_pool_threads(const apus_pool *pool);

/// Calls `tiles` for consecutive ranges that together cover 0 up to `count`, each at most `grain` long (but 1 at
/// least), on all threads, and returns when all are done. One call at a time: a second caller waits.
void apus_pool_run(apus_pool *pool, ptrdiff_t count, ptrdiff_t grain, apus_tiles *tiles, void *context);

/// Binds each thread of the pool to a processor of a list of the system's numbers, which begins anew after the last
/// one.
///
/// The caller's thread is bound from `apus_pool_enter` to `apus_pool_leave` only: threads that it starts otherwise
/// would all be bound with it. Gives 0, or the number of the system's error: ENOTSUP where threads cannot be bound.
int apus_pool_pin(apus_pool *pool, const int *processors, int count);

/// Binds the caller's thread, if the pool's are. Gives what `apus_pool_leave` takes, on the same thread.
void *apus_pool_enter(const apus_pool *pool);

/// Lets the caller's thread run where it did before.
void apus_pool_leave(void *before);

#endif
