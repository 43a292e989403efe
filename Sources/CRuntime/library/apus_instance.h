#ifndef APUS_INSTANCE_H
#define APUS_INSTANCE_H

#include <pthread.h>

#include "apus_memory.h"
#include "apus_model.h"
#include "apus_pool.h"

/// What an instance has of its own.
struct apus_instance {
    /// Held by the call that is under way.
    pthread_mutex_t mutex;
    const apus_program *program;
    apus_pool *pool;
    /// Memory of intermediate values, of each thread, and of the parameters.
    apus_memory arena, scratch, content;
    size_t scratch_bytes;
    /// Where the arguments of all steps lie during a run.
    void **arguments;
    /// Where the content of each parameter lies; NULL if it has none yet. Weights inside of the library are read where
    /// they are, by all instances, if no run changes them and nobody has given this instance others.
    const void **parameters;
    /// Whether the arena has what the first steps compute of these parameters.
    int is_prepared;
    /// Where content of its own lies. Memory that is not touched costs nothing.
    void **own;
};

/// Writes a message, if there is a place for it, and gives the status.
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
apus_status apus_failure(apus_message *message, apus_status status, const char *format, ...);

/// Gives a new instance the weights inside of the library.
apus_status apus_take_weights(apus_instance *instance, apus_message *message);

#endif
