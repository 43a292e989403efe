#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif

#include "apus_instance.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apus_processor.h"
#include "apus_threads.h"

apus_status apus_failure(apus_message *message, apus_status status, const char *format, ...) {
    va_list arguments;
    if (message == NULL) return status;
    va_start(arguments, format);
    vsnprintf(message->text, sizeof message->text, format, arguments);
    va_end(arguments);
    return status;
}

/// The features that the processor at hand lacks for a program, one after the other; empty if it can execute it.
static void find_missing(const apus_program *program, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    if (strcmp(program->architecture, apus_processor_architecture()) != 0) {
        snprintf(text, size, "%s", program->architecture);
        return;
    }
    for (const char *const *feature = program->features; *feature != NULL && used < size; feature++) {
        if (apus_processor_has(*feature) == 1) continue;
        used += (size_t)snprintf(text + used, size - used, used > 0 ? ", %s" : "%s", *feature);
    }
}

/// The program to run: the best that this processor can execute, or the one of a level that was asked for.
static apus_status choose(const char *level, const apus_program **program, apus_message *message) {
    const apus_model *model = &apus_the_model;
    const apus_program *last = NULL;
    char missing[256] = "";
    for (size_t number = 0; number < model->program_count; number++) {
        last = &model->programs[number];
        if (level != NULL && strcmp(last->level, level) != 0) continue;
        find_missing(last, missing, sizeof missing);
        if (missing[0] != 0 && level == NULL) continue;
        if (missing[0] != 0) break;
        *program = last;
        return APUS_OK;
    }
    if (level != NULL && missing[0] == 0) {
        return apus_failure(message, APUS_INVALID_ARGUMENT, "there is no code for the level '%s'", level);
    }
    return apus_failure(message, APUS_UNSUPPORTED_PROCESSOR,
                        "the code for %s needs %s, which this machine does not have; build the library for it",
                        last->processor, missing);
}

/// Whether the machine has so much memory at all: more than that may be mapped, and ends the process when it is used.
static int is_within_machine(size_t byte_count) {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages <= 0 || page <= 0 || byte_count / (size_t)page <= (size_t)pages;
}

static apus_status take(apus_memory *memory, size_t byte_count, apus_message *message) {
    if (is_within_machine(byte_count) && apus_memory_map(byte_count, memory)) return APUS_OK;
    return apus_failure(message, APUS_OUT_OF_MEMORY, "the system gives no memory of %zu bytes", byte_count);
}

static size_t aligned(size_t byte_count) {
    return (byte_count + APUS_TENSOR_ALIGNMENT - 1) / APUS_TENSOR_ALIGNMENT * APUS_TENSOR_ALIGNMENT;
}

/// Memory that each thread needs, for kernels and for sorts.
static size_t scratch_bytes(const apus_program *program) {
    size_t bytes = program->scratch_bytes;
    for (size_t number = 0; number < program->step_count; number++) {
        const apus_step *step = &program->steps[number];
        size_t entries = 2 * (size_t)step->width * sizeof(uint64_t);
        if (step->kind == APUS_SORT && entries > bytes) bytes = entries;
    }
    return (bytes + 4095) / 4096 * 4096;
}

/// All memory of a new instance.
static apus_status make_room(apus_instance *instance, apus_message *message) {
    const apus_model *model = &apus_the_model;
    const apus_program *program = instance->program;
    size_t parameter_bytes = 0;
    for (size_t number = 0; number < model->parameter_count; number++) {
        parameter_bytes += aligned(model->parameters[number].byte_count);
    }
    instance->scratch_bytes = scratch_bytes(program);
    apus_status status = take(&instance->arena, program->arena_bytes, message);
    if (status == APUS_OK) status = take(&instance->content, parameter_bytes, message);
    if (status == APUS_OK) {
        size_t threads = (size_t)apus_pool_threads(instance->pool);
        status = take(&instance->scratch, instance->scratch_bytes * threads, message);
    }
    if (status != APUS_OK) return status;
    // One more, since nothing of no elements is a reason to have no memory.
    instance->arguments = calloc(program->argument_count + 1, sizeof *instance->arguments);
    instance->parameters = calloc(model->parameter_count + 1, sizeof *instance->parameters);
    instance->own = calloc(model->parameter_count + 1, sizeof *instance->own);
    if (instance->arguments == NULL || instance->parameters == NULL || instance->own == NULL) {
        return apus_failure(message, APUS_OUT_OF_MEMORY, "the system gives no memory for an instance");
    }
    char *place = instance->content.start;
    for (size_t number = 0; number < model->parameter_count; number++) {
        instance->own[number] = place;
        place += aligned(model->parameters[number].byte_count);
    }
    return APUS_OK;
}

static apus_status pin(apus_instance *instance, const int *processors, int count, apus_message *message) {
    int problem = apus_pool_pin(instance->pool, processors, count < APUS_MOST_THREADS ? count : APUS_MOST_THREADS);
    if (problem == 0) return APUS_OK;
    return apus_failure(message, APUS_INVALID_ARGUMENT, "threads cannot be pinned to processors here: %s",
                        strerror(problem));
}

apus_status apus_create(const apus_options *options, apus_instance **result, apus_message *message) {
    const apus_program *program = NULL;
    int threads = options == NULL ? 0 : options->threads;
    if (result == NULL) return apus_failure(message, APUS_INVALID_ARGUMENT, "there is no place for the instance");
    *result = NULL;
    if (threads < 0 || threads > APUS_MOST_THREADS) {
        return apus_failure(message, APUS_INVALID_ARGUMENT, "%d threads are asked for; 1 to %d, or 0", threads,
                            APUS_MOST_THREADS);
    }
    apus_status status = choose(options == NULL ? NULL : options->level, &program, message);
    if (status != APUS_OK) return status;
    apus_processors processors;
    char reason[512];
    int numbers[APUS_MOST_THREADS];
    apus_processors_find("", &processors, numbers, APUS_MOST_THREADS);
    threads = apus_threads_choose(&processors, threads, getenv("APUS_NUM_THREADS"), getenv("OMP_NUM_THREADS"), reason,
                                  sizeof reason);
    if (threads == 0) return apus_failure(message, APUS_INVALID_ARGUMENT, "%s", reason);
    apus_instance *instance = calloc(1, sizeof *instance);
    if (instance == NULL || pthread_mutex_init(&instance->mutex, NULL) != 0) {
        free(instance);
        return apus_failure(message, APUS_OUT_OF_MEMORY, "the system gives no memory for an instance");
    }
    instance->program = program;
    instance->pool = apus_pool_create(threads, apus_processors_at_once(&processors));
    if (options != NULL && options->pin) status = pin(instance, numbers, processors.allowed, message);
    if (status == APUS_OK) status = make_room(instance, message);
    if (status == APUS_OK && apus_the_model.weights != NULL) status = apus_take_weights(instance, message);
    if (status != APUS_OK) {
        apus_destroy(instance);
        return status;
    }
    *result = instance;
    return APUS_OK;
}

void apus_destroy(apus_instance *instance) {
    if (instance == NULL) return;
    apus_pool_destroy(instance->pool);
    apus_memory_unmap(&instance->arena);
    apus_memory_unmap(&instance->scratch);
    apus_memory_unmap(&instance->content);
    free(instance->arguments);
    free(instance->parameters);
    free(instance->own);
    pthread_mutex_destroy(&instance->mutex);
    free(instance);
}

size_t apus_input_count(void) { return apus_the_model.input_count; }
size_t apus_output_count(void) { return apus_the_model.output_count; }
size_t apus_parameter_count(void) { return apus_the_model.parameter_count; }

const apus_tensor *apus_input(size_t number) {
    return number < apus_the_model.input_count ? &apus_the_model.inputs[number] : NULL;
}

const apus_tensor *apus_output(size_t number) {
    return number < apus_the_model.output_count ? &apus_the_model.outputs[number] : NULL;
}

const apus_tensor *apus_parameter(size_t number) {
    return number < apus_the_model.parameter_count ? &apus_the_model.parameters[number] : NULL;
}

size_t apus_find_parameter(const char *name) {
    size_t number = 0;
    while (number < apus_the_model.parameter_count
           && (name == NULL || strcmp(apus_the_model.parameters[number].name, name) != 0)) {
        number++;
    }
    return number;
}

const char *apus_level(size_t number) {
    return number < apus_the_model.program_count ? apus_the_model.programs[number].level : NULL;
}

const char *apus_instance_level(const apus_instance *instance) {
    return instance == NULL ? NULL : instance->program->level;
}

int apus_instance_threads(const apus_instance *instance) {
    return instance == NULL ? 0 : apus_pool_threads(instance->pool);
}

const char *apus_status_text(apus_status status) {
    switch (status) {
    case APUS_OK: return "no error";
    case APUS_INVALID_ARGUMENT: return "invalid argument";
    case APUS_WRONG_SIZE: return "an array of the wrong size";
    case APUS_WRONG_VALUE: return "a number that means nothing";
    case APUS_MISSING_WEIGHTS: return "a parameter has no content";
    case APUS_OUT_OF_MEMORY: return "out of memory";
    case APUS_UNSUPPORTED_PROCESSOR: return "the processor lacks what the code needs";
    case APUS_FILE_ERROR: return "a file cannot be used";
    }
    return "unknown status";
}
