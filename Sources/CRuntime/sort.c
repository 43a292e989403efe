#include "apus_sort.h"

#include <string.h>

/// Entries that are sorted by insertion before they are merged.
enum { RUN = 16 };

/// Bits that compare as the numbers do.
static uint32_t ascending_bits(float number) {
    const uint32_t sign = UINT32_C(1) << 31;
    uint32_t bits;
    if (number != number) return UINT32_MAX;
    memcpy(&bits, &number, sizeof bits);
    return number == 0 ? sign : bits & sign ? ~bits : bits | sign;
}

static void sort_run(uint64_t *entries, ptrdiff_t count) {
    for (ptrdiff_t next = 1; next < count; next++) {
        uint64_t entry = entries[next];
        ptrdiff_t place = next;
        for (; place > 0 && entries[place - 1] > entry; place--) entries[place] = entries[place - 1];
        entries[place] = entry;
    }
}

static void merge(const uint64_t *first, const uint64_t *second, const uint64_t *end, uint64_t *target) {
    const uint64_t *middle = second;
    while (first < middle && second < end) *target++ = *first < *second ? *first++ : *second++;
    while (first < middle) *target++ = *first++;
    while (second < end) *target++ = *second++;
}

/// Sorts entries, which are all different; `other` is memory for as many. Gives where they lie in the end.
static const uint64_t *sorted(uint64_t *entries, uint64_t *other, ptrdiff_t count) {
    for (ptrdiff_t start = 0; start < count; start += RUN) {
        sort_run(entries + start, count - start < RUN ? count - start : RUN);
    }
    for (ptrdiff_t length = RUN; length < count; length *= 2) {
        for (ptrdiff_t start = 0; start < count; start += 2 * length) {
            ptrdiff_t middle = count - start < length ? count : start + length;
            ptrdiff_t end = count - start < 2 * length ? count : start + 2 * length;
            merge(entries + start, entries + middle, entries + end, other + start);
        }
        uint64_t *swapped = entries;
        entries = other;
        other = swapped;
    }
    return entries;
}

void apus_sort_rows(const float *keys, int32_t *order, ptrdiff_t first_row, ptrdiff_t end_row, ptrdiff_t width,
                    ptrdiff_t row_stride, uint64_t *memory) {
    for (ptrdiff_t row = first_row; row < end_row; row++) {
        const float *source = keys + row * row_stride;
        int32_t *target = order + row * width;
        // Element and index are sorted as one number each, which is fast, and stable by itself.
        for (ptrdiff_t index = 0; index < width; index++) {
            memory[index] = (uint64_t)ascending_bits(source[index]) << 32 | (uint64_t)index;
        }
        const uint64_t *entries = sorted(memory, memory + width, width);
        for (ptrdiff_t place = 0; place < width; place++) target[place] = (int32_t)(uint32_t)entries[place];
    }
}
