#ifndef APUS_MEMORY_H
#define APUS_MEMORY_H

#include <stddef.h>

/// Memory that the system has mapped: all zeros, beginning at a multiple of a page.
typedef struct apus_memory {
    void *start;
    /// What belongs to the system.
    void *mapping;
    size_t mapping_bytes;
} apus_memory;

enum { APUS_TENSOR_ALIGNMENT = 64 };

/// Maps memory for tensors, in large pages where it fills some; its own pages are taken from the machine when they are
/// first touched. Gives 1, and 0 where the system has none.
int apus_memory_map(size_t byte_count, apus_memory *memory);

/// Gives memory back; nothing happens to memory that is all zeros.
void apus_memory_unmap(apus_memory *memory);

#endif
