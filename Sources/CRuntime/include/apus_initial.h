#ifndef APUS_INITIAL_H
#define APUS_INITIAL_H

#include <stddef.h>
#include <stdint.h>

/// The types of a tensor's elements, as they lie in memory.
typedef enum apus_memory_type {
    APUS_MEMORY_F32,
    APUS_MEMORY_BF16,
    APUS_MEMORY_F64,
    APUS_MEMORY_I32,
    /// One byte, 0 or 1.
    APUS_MEMORY_BOOL
} apus_memory_type;

/// How a parameter is filled.
typedef enum apus_distribution {
    /// `first` throughout.
    APUS_CONSTANT,
    /// Normal, with mean `first` and deviation `second`.
    APUS_NORMAL,
    /// Normal with mean 0 and deviation `first`, within ±2.
    APUS_TRUNCATED_NORMAL,
    /// Uniform in ±`first`.
    APUS_UNIFORM,
    /// `rows` rows of zeros, then one with sines and cosines for each place of a grid of `grid` by `grid`; a row has
    /// `columns` numbers.
    APUS_SINE_COSINE_2D,
    /// The lower 32 bits of the seed, then zeros.
    APUS_SEED
} apus_distribution;

/// A distribution with its numbers; those that it has no use for are 0.
typedef struct apus_initial {
    apus_distribution distribution;
    double first, second;
    ptrdiff_t grid, rows, columns;
} apus_initial;

/// Fills `count` elements, whose memory is zero. The numbers depend on seed, name and place alone; narrower types round
/// them.
void apus_fill(void *memory, apus_memory_type type, ptrdiff_t count, const apus_initial *initial, const char *name,
               size_t name_bytes, uint64_t seed);

#endif
