#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif

#include "apus_pool.h"
#include "apus_threads.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
    /// Turns of busy waiting before a thread goes to sleep: some hundred microseconds.
    PATIENCE = 2000,
    STACK_BYTES = 8 << 20,
    /// Bytes of a cache line and of the one that processors fetch with it.
    LINE_BYTES = 128,
};

typedef struct {
    apus_pool *pool;
    int number;
    pthread_t thread;
} Helper;

/// The next part of a thread's share of a job that nobody has taken, in memory that no other thread's share touches.
typedef struct {
    atomic_ptrdiff_t next;
    char rest[LINE_BYTES - sizeof(ptrdiff_t)];
} Share;

struct apus_pool {
    int threads;
    /// Turns of busy waiting; none where there are more threads than processors, which others need more.
    int patience;
    /// Helpers that a job wakes: no more than there are processors for, since each takes tiles until none is left.
    int wanted;
    Helper *helpers;
    /// One for each thread.
    Share *shares;
    /// Where the thread of a caller stays during a program; -1 for anywhere.
    int first_processor;
    pthread_mutex_t callers, mutex;
    pthread_cond_t condition, done;
    /// The current job. Helpers read it while it is open.
    ptrdiff_t count, grain;
    apus_tiles *tiles;
    void *context;
    /// Number of the current job; a helper that sees a new number takes part.
    atomic_long generation;
    /// Number of the job whose tiles are handed out; 0 once none are left, and its function must no longer be called.
    atomic_long open;
    /// Helpers that are looking at the job or working on it.
    atomic_int working;
    atomic_int sleeping;
    /// Whether the caller sleeps until nobody works.
    atomic_bool waiting;
    atomic_bool stopped;
};

/// Leaves the processor to others that want it, and comes back at once if there are none.
static void relax(void) { sched_yield(); }

/// Where the share of a thread begins among so many parts, which it takes one after the other.
static ptrdiff_t share_start(const apus_pool *pool, ptrdiff_t parts, int thread) {
    ptrdiff_t each = parts / pool->threads, more = parts % pool->threads;
    return thread * each + (thread < more ? thread : more);
}

/// A thread takes the parts of its own share first, and then what is left of the shares of those after it. So most of
/// what it reads is what it has written in the job before: processors whose threads do not share a cache send each
/// other little.
static void take_tiles(apus_pool *pool, int thread) {
    ptrdiff_t count = pool->count, grain = pool->grain, parts = (count - 1) / grain + 1;
    apus_tiles *tiles = pool->tiles;
    void *context = pool->context;
    for (int turn = 0; turn < pool->threads; turn++) {
        int owner = (thread + turn) % pool->threads;
        atomic_ptrdiff_t *next = &pool->shares[owner].next;
        ptrdiff_t limit = share_start(pool, parts, owner + 1);
        // Looked at first, since a share that is taken is left as it is by all who come by.
        while (atomic_load_explicit(next, memory_order_relaxed) < limit) {
            ptrdiff_t part = atomic_fetch_add_explicit(next, 1, memory_order_relaxed);
            if (part >= limit) break;
            ptrdiff_t start = part * grain;
            tiles(context, start, grain < count - start ? start + grain : count, thread);
        }
    }
}

/// The number of a job later than `seen`, or 0 when the pool has stopped.
static long wait_for_job(apus_pool *pool, long seen) {
    long current = seen;
    for (int turn = 0; turn < pool->patience; turn++) {
        current = atomic_load_explicit(&pool->generation, memory_order_acquire);
        if (current != seen) return current;
        if (atomic_load_explicit(&pool->stopped, memory_order_relaxed)) return 0;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleeping, 1);
    for (;;) {
        current = atomic_load(&pool->generation);
        if (current != seen) break;
        if (atomic_load(&pool->stopped)) {
            current = 0;
            break;
        }
        pthread_cond_wait(&pool->condition, &pool->mutex);
    }
    atomic_fetch_sub(&pool->sleeping, 1);
    pthread_mutex_unlock(&pool->mutex);
    return current;
}

/// Ends the work of a helper on a job, and wakes the caller if it sleeps until then.
static void leave_job(apus_pool *pool) {
    if (atomic_fetch_sub(&pool->working, 1) > 1 || !atomic_load(&pool->waiting)) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_signal(&pool->done);
    pthread_mutex_unlock(&pool->mutex);
}

/// Waits until no helper works on the job that has been closed: the last tiles are short, so busily where there are
/// processors for all.
static void wait_for_helpers(apus_pool *pool) {
    if (pool->patience > 0) {
        while (atomic_load(&pool->working) > 0) relax();
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->waiting, true);
    while (atomic_load(&pool->working) > 0) pthread_cond_wait(&pool->done, &pool->mutex);
    atomic_store(&pool->waiting, false);
    pthread_mutex_unlock(&pool->mutex);
}

static void *serve(void *argument) {
    Helper *helper = argument;
    apus_pool *pool = helper->pool;
    long current = 0;
    while ((current = wait_for_job(pool, current)) != 0) {
        atomic_fetch_add(&pool->working, 1);
        if (atomic_load(&pool->open) == current) take_tiles(pool, helper->number);
        leave_job(pool);
    }
    return NULL;
}

static void wake(apus_pool *pool, int helpers) {
    pthread_mutex_lock(&pool->mutex);
    for (int number = 0; number < helpers; number++) pthread_cond_signal(&pool->condition);
    pthread_mutex_unlock(&pool->mutex);
}

/// Signals are for the threads that the program knows of; only those that a thread causes itself come to it.
static void block_signals(sigset_t *before) {
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    sigset_t blocked;
    sigfillset(&blocked);
    for (size_t number = 0; number < sizeof own / sizeof *own; number++) sigdelset(&blocked, own[number]);
    pthread_sigmask(SIG_SETMASK, &blocked, before);
}

static void start_helpers(apus_pool *pool, int threads) {
    pthread_attr_t attributes;
    sigset_t before;
    if (threads <= 1 || pthread_attr_init(&attributes) != 0) return;
    block_signals(&before);
    if (pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0) {
        while (pool->threads < threads) {
            Helper *helper = &pool->helpers[pool->threads - 1];
            helper->pool = pool;
            helper->number = pool->threads;
            if (pthread_create(&helper->thread, &attributes, serve, helper) != 0) break;
            pool->threads++;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

apus_pool *apus_pool_create(int threads, int processors) {
    if (threads < 1) threads = 1;
    apus_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) return NULL;
    pool->helpers = calloc((size_t)threads, sizeof *pool->helpers);
    pool->shares = calloc((size_t)threads, sizeof *pool->shares);
    if (pool->helpers == NULL || pool->shares == NULL) {
        free(pool->shares);
        free(pool->helpers);
        free(pool);
        return NULL;
    }
    pool->threads = 1;
    pool->patience = threads > processors ? 0 : PATIENCE;
    pool->wanted = (threads < processors ? threads : processors) - 1;
    pool->first_processor = -1;
    pthread_mutex_init(&pool->callers, NULL);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->condition, NULL);
    pthread_cond_init(&pool->done, NULL);
    start_helpers(pool, threads);
    return pool;
}

// MARK: - Where threads run

#if defined(__linux__)

static size_t set_bytes(void) { return CPU_ALLOC_SIZE(APUS_MOST_PROCESSORS); }

static int bind_to(pthread_t thread, int processor) {
    cpu_set_t *set = CPU_ALLOC(APUS_MOST_PROCESSORS);
    if (set == NULL) return ENOMEM;
    CPU_ZERO_S(set_bytes(), set);
    CPU_SET_S(processor, set_bytes(), set);
    int problem = pthread_setaffinity_np(thread, set_bytes(), set);
    CPU_FREE(set);
    return problem;
}

void *apus_pool_enter(const apus_pool *pool) {
    if (pool == NULL || pool->first_processor < 0) return NULL;
    cpu_set_t *before = CPU_ALLOC(APUS_MOST_PROCESSORS);
    if (before == NULL) return NULL;
    if (pthread_getaffinity_np(pthread_self(), set_bytes(), before) == 0) {
        // If the system has taken the processor away since, the thread runs where it may.
        bind_to(pthread_self(), pool->first_processor);
        return before;
    }
    CPU_FREE(before);
    return NULL;
}

/// Lets a thread run where its creator may.
static void release(pthread_t thread) {
    cpu_set_t *set = CPU_ALLOC(APUS_MOST_PROCESSORS);
    if (set == NULL) return;
    if (pthread_getaffinity_np(pthread_self(), set_bytes(), set) == 0) pthread_setaffinity_np(thread, set_bytes(), set);
    CPU_FREE(set);
}

void apus_pool_leave(void *before) {
    if (before == NULL) return;
    pthread_setaffinity_np(pthread_self(), set_bytes(), before);
    CPU_FREE(before);
}

#else

static int bind_to(pthread_t thread, int processor) {
    (void)thread;
    (void)processor;
    return ENOTSUP;
}

static void release(pthread_t thread) { (void)thread; }

void *apus_pool_enter(const apus_pool *pool) {
    (void)pool;
    return NULL;
}

void apus_pool_leave(void *before) { (void)before; }

#endif

int apus_pool_pin(apus_pool *pool, const int *processors, int count) {
    if (pool == NULL || count < 1) return 0;
    pool->first_processor = processors[0];
    // The caller's thread tries it now, so that what fails is told here.
    void *before = apus_pool_enter(pool);
    int problem = bind_to(pthread_self(), processors[0]);
    apus_pool_leave(before);
    int bound = 1;
    for (; bound < pool->threads && problem == 0; bound++) {
        problem = bind_to(pool->helpers[bound - 1].thread, processors[bound % count]);
    }
    if (problem != 0) {
        pool->first_processor = -1;
        while (--bound > 0) release(pool->helpers[bound - 1].thread);
    }
    return problem;
}

void apus_pool_destroy(apus_pool *pool) {
    if (pool == NULL) return;
    atomic_store(&pool->stopped, true);
    wake(pool, pool->threads - 1);
    for (int number = 0; number < pool->threads - 1; number++) pthread_join(pool->helpers[number].thread, NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->condition);
    pthread_mutex_destroy(&pool->mutex);
    pthread_mutex_destroy(&pool->callers);
    free(pool->shares);
    free(pool->helpers);
    free(pool);
}

int apus_pool_threads(const apus_pool *pool) { return pool == NULL ? 1 : pool->threads; }

void apus_pool_run(apus_pool *pool, ptrdiff_t count, ptrdiff_t grain, apus_tiles *tiles, void *context) {
    if (grain < 1) grain = 1;
    if (apus_pool_threads(pool) == 1 || count <= grain) {
        for (ptrdiff_t start = 0, end; start < count; start = end) {
            end = grain < count - start ? start + grain : count;
            tiles(context, start, end, 0);
        }
        return;
    }
    pthread_mutex_lock(&pool->callers);
    pool->count = count;
    pool->grain = grain;
    pool->tiles = tiles;
    pool->context = context;
    for (int thread = 0; thread < pool->threads; thread++) {
        ptrdiff_t start = share_start(pool, (count - 1) / grain + 1, thread);
        atomic_store_explicit(&pool->shares[thread].next, start, memory_order_relaxed);
    }
    long number = atomic_load_explicit(&pool->generation, memory_order_relaxed) + 1;
    atomic_store(&pool->open, number);
    atomic_store(&pool->generation, number);
    if (atomic_load(&pool->sleeping) > 0) wake(pool, pool->wanted);
    take_tiles(pool, 0);
    // A helper that has not begun by now is not waited for: it finds the job closed. It either sees that, or is seen
    // here.
    atomic_store(&pool->open, 0);
    wait_for_helpers(pool);
    pthread_mutex_unlock(&pool->callers);
}
