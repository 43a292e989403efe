#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif

#include "apus_memory.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/// Size and alignment of large pages, with which processors find their way through large tensors faster.
static const size_t large_page = (size_t)2 << 20;

int apus_memory_map(size_t byte_count, apus_memory *memory) {
    memset(memory, 0, sizeof *memory);
    // Room to begin at a large page, so that the memory consists of as many of them as possible.
    size_t slack = byte_count >= large_page ? large_page : 0;
    if (byte_count > SIZE_MAX / 2) return 0;
    size_t rounded = (byte_count + APUS_TENSOR_ALIGNMENT - 1) / APUS_TENSOR_ALIGNMENT * APUS_TENSOR_ALIGNMENT;
    size_t mapping_bytes = (rounded > 0 ? rounded : APUS_TENSOR_ALIGNMENT) + slack;
    void *mapping = mmap(NULL, mapping_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (mapping == MAP_FAILED) return 0;
    memory->mapping = mapping;
    memory->mapping_bytes = mapping_bytes;
    memory->start = mapping;
    if (slack > 0) {
        memory->start = (void *)(((uintptr_t)mapping + large_page - 1) / large_page * large_page);
#if defined(MADV_HUGEPAGE)
        (void)madvise(memory->start, byte_count, MADV_HUGEPAGE);
#endif
    }
    return 1;
}

void apus_memory_unmap(apus_memory *memory) {
    if (memory->mapping != NULL) munmap(memory->mapping, memory->mapping_bytes);
    memset(memory, 0, sizeof *memory);
}
