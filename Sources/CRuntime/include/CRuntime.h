// All that Swift uses of this folder.
#ifndef APUS_CRUNTIME_H
#define APUS_CRUNTIME_H

#include "apus_initial.h"
#include "apus_memory.h"
#include "apus_pool.h"
#include "apus_processor.h"
#include "apus_sort.h"
#include "apus_threads.h"

#endif
