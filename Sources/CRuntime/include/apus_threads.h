#ifndef APUS_THREADS_H
#define APUS_THREADS_H

#include <stddef.h>

enum {
    APUS_MOST_THREADS = 1024,
    /// Processors of higher numbers are not looked at.
    APUS_MOST_PROCESSORS = 4096
};

/// The processors that the calling thread may use.
typedef struct apus_processors {
    /// Processors that are running, and those of them that the affinity mask allows.
    int online, allowed;
    /// Cores that the allowed ones belong to. Each processor of a virtual machine counts as one.
    int cores;
    /// Processors' worth of time that the control groups give, which may be a fraction; 0 without a limit.
    double quota;
} apus_processors;

/// Reads what Linux says in files below a folder, which is empty but for tests. Files that are missing or make no sense
/// limit nothing.
///
/// `numbers` gets the first `capacity` of the allowed processors, one of each core first and then their siblings; it
/// may be NULL.
void apus_processors_find(const char *root, apus_processors *processors, int *numbers, int capacity);

/// How many threads can work at the same time, at least 1.
int apus_processors_at_once(const apus_processors *processors);

/// How many threads work: as many as `asked`, 1 to APUS_MOST_THREADS, if that is not 0; else as many as the variable
/// APUS_NUM_THREADS says, of which `own` is the value, else OMP_NUM_THREADS (`general`), else one for each core within
/// the quota.
///
/// `text` says the number and why, such as "2 threads (quota of 2 of 8 processors)". A value of OMP_NUM_THREADS that is
/// no number of threads is told there and not used. With one of APUS_NUM_THREADS the result is 0 and `text` the
/// mistake.
int apus_threads_choose(const apus_processors *processors, int asked, const char *own, const char *general, char *text,
                        size_t size);

#endif
