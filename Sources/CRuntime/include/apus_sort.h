#ifndef APUS_SORT_H
#define APUS_SORT_H

#include <stddef.h>
#include <stdint.h>

/// Elements that a thread sorts at a time.
enum { APUS_SORTED_TOGETHER = 2048 };

/// The ascending order of each of some rows of keys, stable: the place of its smallest element, and so on. Both zeros
/// are equal, and so are all NaN, above everything else.
///
/// Rows of keys begin `row_stride` elements apart, those of `order` lie one after the other. `memory` holds twice as
/// many numbers as a row.
void apus_sort_rows(const float *keys, int32_t *order, ptrdiff_t first_row, ptrdiff_t end_row, ptrdiff_t width,
                    ptrdiff_t row_stride, uint64_t *memory);

#endif
