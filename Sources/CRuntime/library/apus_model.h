#ifndef APUS_MODEL_H
#define APUS_MODEL_H

#include "apus_initial.h"
#include "apus_library.h"

/// Where a tensor lies: so many bytes from the beginning of a region, of which inputs and parameters have numbers.
typedef struct apus_location {
    enum { APUS_ARENA, APUS_INPUT, APUS_PARAMETER, APUS_CONSTANTS } region;
    uint32_t number;
    uint64_t byte_offset;
} apus_location;

/// One step: a kernel with all its arguments over `count` tiles, or a sort of `count` rows (source, result).
typedef struct apus_step {
    enum { APUS_KERNEL, APUS_SORT } kind;
    uint32_t first_argument, argument_count;
    ptrdiff_t count;
    /// Of a kernel: tiles that a thread takes at a time, and where its code begins.
    ptrdiff_t grain;
    size_t code_offset;
    /// Of a sort: elements of a row, and from one row to the next.
    ptrdiff_t width, row_stride;
} apus_step;

/// The program for one kind of processors.
typedef struct apus_program {
    const char *level, *architecture, *processor;
    /// What the code uses, by LLVM's names; NULL is the last one.
    const char *const *features;
    const unsigned char *code, *constants;
    size_t arena_bytes, scratch_bytes;
    const apus_step *steps;
    /// The first ones, up to preparation_count, depend on parameters alone, of which no run changes any.
    size_t step_count, preparation_count;
    /// The arguments of all steps, one after the other.
    const apus_location *arguments;
    size_t argument_count;
    const apus_location *outputs;
} apus_program;

/// What indices in an input have to be: below a number, if that is not 0, or the one that is allowed beside.
typedef struct apus_limit {
    uint32_t below;
    int has_exception;
    int32_t exception;
} apus_limit;

/// All that is known of the model.
typedef struct apus_model {
    const apus_tensor *inputs;
    const apus_limit *limits;
    size_t input_count;
    const apus_tensor *outputs;
    size_t output_count;
    const apus_tensor *parameters;
    const apus_initial *initials;
    /// Of each parameter, whether a run changes it.
    const unsigned char *updates;
    size_t parameter_count;
    /// The best first.
    const apus_program *programs;
    size_t program_count;
    /// What a file of weights of this model begins with, and the content of one; NULL if there is none inside.
    uint64_t weights_key;
    const unsigned char *weights;
    size_t weights_bytes;
} apus_model;

/// The one model of this library.
extern const apus_model apus_the_model;

#endif
