#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif

#include "apus_processor.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)

#include <cpuid.h>
#include <stdint.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { EAX, EBX, ECX, EDX };

/// Which registers the system saves for a process; without that, instructions on them fail.
typedef enum { NO_STATE, AVX_STATE, AVX512_STATE, TILE_STATE } State;

typedef struct {
    const char *name;
    uint32_t leaf, subleaf;
    uint8_t output, bit;
    State state;
} Feature;

/// Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, CPUID; those of 0x80000001 by AMD.
static const Feature features[] = {
    {"sse3", 1, 0, ECX, 0, NO_STATE},           {"pclmul", 1, 0, ECX, 1, NO_STATE},
    {"ssse3", 1, 0, ECX, 9, NO_STATE},          {"fma", 1, 0, ECX, 12, AVX_STATE},
    {"cx16", 1, 0, ECX, 13, NO_STATE},          {"sse4.1", 1, 0, ECX, 19, NO_STATE},
    {"sse4.2", 1, 0, ECX, 20, NO_STATE},        {"movbe", 1, 0, ECX, 22, NO_STATE},
    {"popcnt", 1, 0, ECX, 23, NO_STATE},        {"aes", 1, 0, ECX, 25, NO_STATE},
    {"avx", 1, 0, ECX, 28, AVX_STATE},          {"f16c", 1, 0, ECX, 29, AVX_STATE},
    {"bmi", 7, 0, EBX, 3, NO_STATE},            {"avx2", 7, 0, EBX, 5, AVX_STATE},
    {"bmi2", 7, 0, EBX, 8, NO_STATE},           {"avx512f", 7, 0, EBX, 16, AVX512_STATE},
    {"avx512dq", 7, 0, EBX, 17, AVX512_STATE},  {"adx", 7, 0, EBX, 19, NO_STATE},
    {"avx512ifma", 7, 0, EBX, 21, AVX512_STATE}, {"avx512cd", 7, 0, EBX, 28, AVX512_STATE},
    {"sha", 7, 0, EBX, 29, NO_STATE},           {"avx512bw", 7, 0, EBX, 30, AVX512_STATE},
    {"avx512vl", 7, 0, EBX, 31, AVX512_STATE},  {"avx512vbmi", 7, 0, ECX, 1, AVX512_STATE},
    {"avx512vbmi2", 7, 0, ECX, 6, AVX512_STATE}, {"gfni", 7, 0, ECX, 8, NO_STATE},
    {"vaes", 7, 0, ECX, 9, AVX_STATE},          {"vpclmulqdq", 7, 0, ECX, 10, AVX_STATE},
    {"avx512vnni", 7, 0, ECX, 11, AVX512_STATE}, {"avx512bitalg", 7, 0, ECX, 12, AVX512_STATE},
    {"avx512vpopcntdq", 7, 0, ECX, 14, AVX512_STATE}, {"avx512vp2intersect", 7, 0, EDX, 8, AVX512_STATE},
    {"amx-bf16", 7, 0, EDX, 22, TILE_STATE},    {"avx512fp16", 7, 0, EDX, 23, AVX512_STATE},
    {"amx-tile", 7, 0, EDX, 24, TILE_STATE},    {"amx-int8", 7, 0, EDX, 25, TILE_STATE},
    {"avxvnni", 7, 1, EAX, 4, AVX_STATE},       {"avx512bf16", 7, 1, EAX, 5, AVX512_STATE},
    {"lzcnt", 0x80000001, 0, ECX, 5, NO_STATE}, {"sse4a", 0x80000001, 0, ECX, 6, NO_STATE},
    {"xop", 0x80000001, 0, ECX, 11, AVX_STATE}, {"fma4", 0x80000001, 0, ECX, 16, AVX_STATE},
    {"tbm", 0x80000001, 0, ECX, 21, NO_STATE},
};

/// Linux keeps tile registers for processes that ask: Documentation/arch/x86/xstate.rst. To ask again does no harm.
static int may_use_tiles(void) {
#if defined(__linux__)
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
#else
    return 0;
#endif
}

static int has_state(State state) {
    static const uint32_t needed[] = {0, 0x6, 0xe6, 0x60006};
    uint32_t a, b, c, d, low, high;
    if (state == NO_STATE) return 1;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & needed[state]) == needed[state] && (state != TILE_STATE || may_use_tiles());
}

int apus_processor_has(const char *name) {
    for (size_t number = 0; number < sizeof features / sizeof *features; number++) {
        const Feature *feature = &features[number];
        uint32_t outputs[4];
        if (strcmp(feature->name, name) != 0) continue;
        return __get_cpuid_count(feature->leaf, feature->subleaf, &outputs[EAX], &outputs[EBX], &outputs[ECX],
                                 &outputs[EDX])
            && (outputs[feature->output] >> feature->bit & 1) && has_state(feature->state);
    }
    return -1;
}

const char *apus_processor_architecture(void) { return "x86_64"; }

#elif defined(__aarch64__)

#if defined(__linux__)
#include <sys/auxv.h>

typedef struct {
    const char *name;
    unsigned long type, bit;
} Feature;

/// Documentation/arch/arm64/elf_hwcaps.rst of Linux.
static const Feature features[] = {
    {"fp-armv8", AT_HWCAP, 0}, {"neon", AT_HWCAP, 1},    {"lse", AT_HWCAP, 8},   {"fullfp16", AT_HWCAP, 9},
    {"dotprod", AT_HWCAP, 20}, {"fp16fml", AT_HWCAP, 23}, {"sve", AT_HWCAP, 22}, {"sve2", AT_HWCAP2, 1},
    {"i8mm", AT_HWCAP2, 13},   {"bf16", AT_HWCAP2, 14},
};

int apus_processor_has(const char *name) {
    for (size_t number = 0; number < sizeof features / sizeof *features; number++) {
        if (strcmp(features[number].name, name) == 0) {
            return getauxval(features[number].type) >> features[number].bit & 1;
        }
    }
    return -1;
}
#else
int apus_processor_has(const char *name) { return strcmp(name, "neon") == 0 ? 1 : -1; }
#endif

const char *apus_processor_architecture(void) { return "aarch64"; }

#else

int apus_processor_has(const char *name) {
    (void)name;
    return -1;
}

const char *apus_processor_architecture(void) { return "other"; }

#endif
