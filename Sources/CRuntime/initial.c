#include "apus_initial.h"

#include <float.h>
#include <math.h>
#include <string.h>

// Every operation rounds by itself, whatever the processor could do in one.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

static const double PI = 3.14159265358979323846;

/// Random numbers that belong to one name.
typedef struct {
    uint32_t key[2], name[2];
    uint64_t counter;
    double spare;
    int has_spare;
} Stream;

/// Philox4x32-10: four random words of a counter and a key (Salmon et al. 2011).
static void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)c0 * 0xD2511F53u, b = (uint64_t)c2 * 0xCD9E8D57u;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    words[0] = c0;
    words[1] = c1;
    words[2] = c2;
    words[3] = c3;
}

static Stream stream_of(const char *name, size_t name_bytes, uint64_t seed) {
    // FNV-1a of the name.
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t place = 0; place < name_bytes; place++) {
        hash = (hash ^ (unsigned char)name[place]) * UINT64_C(0x100000001b3);
    }
    Stream stream = {{(uint32_t)seed, (uint32_t)(seed >> 32)}, {(uint32_t)hash, (uint32_t)(hash >> 32)}, 0, 0, 0};
    return stream;
}

/// Uniform in (0, 1), 52 bits and a half of the last one.
static double uniform(Stream *stream) {
    const uint32_t counter[4] = {
        (uint32_t)stream->counter, (uint32_t)(stream->counter >> 32), stream->name[0], stream->name[1]};
    uint32_t words[4];
    philox(counter, stream->key, words);
    stream->counter++;
    uint64_t bits = (uint64_t)words[0] << 21 ^ (uint64_t)(words[1] >> 11);
    return ((double)(bits & ((UINT64_C(1) << 52) - 1)) + 0.5) * 0x1p-52;
}

/// Normal with mean 0 and deviation 1 (Box and Muller 1958).
static double normal(Stream *stream) {
    if (stream->has_spare) {
        stream->has_spare = 0;
        return stream->spare;
    }
    double radius = sqrt(-2 * log(uniform(stream))), angle = 2 * PI * uniform(stream);
    stream->spare = radius * sin(angle);
    stream->has_spare = 1;
    return radius * cos(angle);
}

/// Normal with mean 0, within ±2.
static double truncated_normal(Stream *stream, double deviation) {
    if (deviation <= 2) {
        double value = normal(stream) * deviation;
        while (fabs(value) > 2) value = normal(stream) * deviation;
        return value;
    }
    // Of wide distributions hardly a number lies within; there uniform ones are taken with the normal density, which is
    // at least e^(-1/2) of its largest.
    for (;;) {
        double value = 4 * uniform(stream) - 2, ratio = value / deviation;
        if (uniform(stream) < exp(-ratio * ratio / 2)) return value;
    }
}

/// The nearest number in bf16, ties to even, by its bits.
static uint16_t bfloat16(double value) {
    // First to f32: what bf16 makes of it goes by that number, as it does in a program.
    float single = (float)value;
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    if (!isfinite(single)) return (uint16_t)(bits >> 16);
    // There are no numbers between 0 and the smallest normal one.
    if (fabsf(single) < FLT_MIN) return (uint16_t)(bits >> 16 & 0x8000);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static void put(void *memory, apus_memory_type type, ptrdiff_t index, double value) {
    switch (type) {
    case APUS_MEMORY_F32: ((float *)memory)[index] = (float)value; break;
    case APUS_MEMORY_BF16: ((uint16_t *)memory)[index] = bfloat16(value); break;
    case APUS_MEMORY_F64: ((double *)memory)[index] = value; break;
    case APUS_MEMORY_I32: ((int32_t *)memory)[index] = (int32_t)value; break;
    case APUS_MEMORY_BOOL: ((unsigned char *)memory)[index] = value != 0; break;
    }
}

/// Half of the columns encode the column, half the row of a place; of each, half by sine, half by cosine, with
/// frequencies 10000^(-i / (columns / 4)).
static void put_positions(void *memory, apus_memory_type type, const apus_initial *initial) {
    ptrdiff_t quarter = initial->columns / 4;
    for (ptrdiff_t y = 0; y < initial->grid; y++) {
        for (ptrdiff_t x = 0; x < initial->grid; x++) {
            ptrdiff_t row = (initial->rows + y * initial->grid + x) * initial->columns;
            for (int half = 0; half < 2; half++) {
                for (ptrdiff_t i = 0; i < quarter; i++) {
                    double angle = (double)(half ? y : x) / pow(10000, (double)i / (double)quarter);
                    put(memory, type, row + half * 2 * quarter + i, sin(angle));
                    put(memory, type, row + half * 2 * quarter + quarter + i, cos(angle));
                }
            }
        }
    }
}

void apus_fill(void *memory, apus_memory_type type, ptrdiff_t count, const apus_initial *initial, const char *name,
               size_t name_bytes, uint64_t seed) {
    Stream stream = stream_of(name, name_bytes, seed);
    double first = initial->first;
    switch (initial->distribution) {
    case APUS_CONSTANT:
        if (first == 0) return;
        for (ptrdiff_t index = 0; index < count; index++) put(memory, type, index, first);
        break;
    case APUS_NORMAL:
        for (ptrdiff_t index = 0; index < count; index++) {
            put(memory, type, index, first + normal(&stream) * initial->second);
        }
        break;
    case APUS_TRUNCATED_NORMAL:
        for (ptrdiff_t index = 0; index < count; index++) {
            put(memory, type, index, truncated_normal(&stream, first));
        }
        break;
    case APUS_UNIFORM:
        for (ptrdiff_t index = 0; index < count; index++) {
            put(memory, type, index, (2 * uniform(&stream) - 1) * first);
        }
        break;
    case APUS_SINE_COSINE_2D: put_positions(memory, type, initial); break;
    case APUS_SEED: put(memory, type, 0, (double)(int32_t)(uint32_t)seed); break;
    }
}
