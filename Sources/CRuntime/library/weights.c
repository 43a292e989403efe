#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apus_instance.h"

// A file of weights: a header, for each parameter of the model in order where its content begins (0 if it has none
// here), and the contents. Each part begins at a multiple of 64 bytes; numbers are little-endian, as all the machines
// are that there is code for.

/// The beginning of a file of weights.
typedef struct {
    char magic[16];
    /// Tells the model by the names and types of its parameters.
    uint64_t key;
    uint64_t byte_count;
    /// Of all that follows the header.
    uint64_t checksum;
    uint64_t zeros[3];
} Header;

static const char magic[16] = "apus weights 1\n";

/// Where weights come from: memory, or a file if that is NULL.
typedef struct {
    const unsigned char *memory;
    int file;
    size_t byte_count;
    const char *name;
} Weights;

static apus_status read_bytes(const Weights *weights, size_t offset, void *target, size_t count,
                              apus_message *message) {
    if (offset > weights->byte_count || count > weights->byte_count - offset) {
        return apus_failure(message, APUS_FILE_ERROR, "%s: the file ends too early", weights->name);
    }
    if (weights->memory != NULL) {
        memcpy(target, weights->memory + offset, count);
        return APUS_OK;
    }
    while (count > 0) {
        ssize_t done = pread(weights->file, target, count, (off_t)offset);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) {
            return apus_failure(message, APUS_FILE_ERROR, "%s: %s", weights->name,
                                done < 0 ? strerror(errno) : "the file ends too early");
        }
        target = (char *)target + done;
        offset += (size_t)done;
        count -= (size_t)done;
    }
    return APUS_OK;
}

/// A checksum that tells damage: eight sums take 64-bit words in turn, each by exclusive or and a multiplication.
static apus_status check_content(const Weights *weights, uint64_t expected, apus_message *message) {
    enum { CHUNK = 1 << 16 };
    const uint64_t prime = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t sums[8] = {0, 1, 2, 3, 4, 5, 6, 7}, sum = weights->byte_count - sizeof(Header);
    uint64_t *words = malloc(CHUNK);
    apus_status status = APUS_OK;
    if (words == NULL) return apus_failure(message, APUS_OUT_OF_MEMORY, "the system gives no memory to read weights");
    for (size_t offset = sizeof(Header); offset < weights->byte_count && status == APUS_OK; offset += CHUNK) {
        size_t left = weights->byte_count - offset, count = left < CHUNK ? left : CHUNK;
        status = read_bytes(weights, offset, words, count, message);
        for (size_t place = 0; place < count / 8 && status == APUS_OK; place++) {
            sums[place % 8] = (sums[place % 8] ^ words[place]) * prime;
        }
    }
    free(words);
    if (status != APUS_OK) return status;
    for (int lane = 0; lane < 8; lane++) {
        sum = (sum ^ sums[lane]) * prime;
        sum ^= sum >> 29;
    }
    if (sum == expected) return APUS_OK;
    return apus_failure(message, APUS_FILE_ERROR, "%s: the weights are damaged", weights->name);
}

static apus_status check_weights(const Weights *weights, apus_message *message) {
    Header header;
    apus_status status = read_bytes(weights, 0, &header, sizeof header, message);
    if (status != APUS_OK) return status;
    if (memcmp(header.magic, magic, sizeof magic) != 0) {
        return apus_failure(message, APUS_FILE_ERROR, "%s: not a file of weights, or one of another version",
                            weights->name);
    }
    if (header.key != apus_the_model.weights_key) {
        return apus_failure(message, APUS_FILE_ERROR, "%s: these are the weights of another model", weights->name);
    }
    if (header.byte_count != weights->byte_count || weights->byte_count % 64 != 0) {
        return apus_failure(message, APUS_FILE_ERROR, "%s: %llu bytes are announced, and there are %zu", weights->name,
                            (unsigned long long)header.byte_count, weights->byte_count);
    }
    return check_content(weights, header.checksum, message);
}

/// Whether all contents lie within the weights, before any of them is taken.
static apus_status check_places(const Weights *weights, apus_message *message) {
    apus_status status = check_weights(weights, message);
    for (size_t number = 0; number < apus_the_model.parameter_count && status == APUS_OK; number++) {
        uint64_t place = 0;
        size_t count = apus_the_model.parameters[number].byte_count;
        status = read_bytes(weights, sizeof(Header) + 8 * number, &place, sizeof place, message);
        if (status != APUS_OK || (place <= weights->byte_count && count <= weights->byte_count - place)) continue;
        return apus_failure(message, APUS_FILE_ERROR, "%s: the content of '%s' lies outside of the file", weights->name,
                            apus_the_model.parameters[number].name);
    }
    return status;
}

static apus_status take_weights(apus_instance *instance, const Weights *weights, apus_message *message) {
    apus_status status = check_places(weights, message);
    instance->is_prepared = 0;
    for (size_t number = 0; number < apus_the_model.parameter_count && status == APUS_OK; number++) {
        uint64_t place = 0;
        size_t count = apus_the_model.parameters[number].byte_count;
        status = read_bytes(weights, sizeof(Header) + 8 * number, &place, sizeof place, message);
        if (status != APUS_OK || place == 0) continue;
        if (weights->memory != NULL && !apus_the_model.updates[number]) {
            instance->parameters[number] = weights->memory + place;
            continue;
        }
        status = read_bytes(weights, place, instance->own[number], count, message);
        // What was its own content is overwritten; what is the library's is still there.
        if (status == APUS_OK || instance->parameters[number] == instance->own[number]) {
            instance->parameters[number] = status == APUS_OK ? instance->own[number] : NULL;
        }
    }
    return status;
}

apus_status apus_take_weights(apus_instance *instance, apus_message *message) {
    const Weights weights = {apus_the_model.weights, -1, apus_the_model.weights_bytes, "the weights of the library"};
    return take_weights(instance, &weights, message);
}

apus_status apus_load_weights(apus_instance *instance, const char *path, apus_message *message) {
    struct stat properties;
    if (instance == NULL || path == NULL) {
        return apus_failure(message, APUS_INVALID_ARGUMENT, "there is no instance or no path");
    }
    // A pipe is not waited for.
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) return apus_failure(message, APUS_FILE_ERROR, "%s: %s", path, strerror(errno));
    if (fstat(file, &properties) != 0 || !S_ISREG(properties.st_mode)) {
        close(file);
        return apus_failure(message, APUS_FILE_ERROR, "%s: not a regular file", path);
    }
    const Weights weights = {NULL, file, (size_t)properties.st_size, path};
    pthread_mutex_lock(&instance->mutex);
    apus_status status = take_weights(instance, &weights, message);
    pthread_mutex_unlock(&instance->mutex);
    close(file);
    return status;
}

/// What the threads fill.
typedef struct {
    apus_instance *instance;
    uint64_t seed;
} Filling;

static void fill(void *context, ptrdiff_t begin, ptrdiff_t end, int thread) {
    static const size_t sizes[] = {4, 2, 8, 4, 1};
    const Filling *filling = context;
    (void)thread;
    for (ptrdiff_t number = begin; number < end; number++) {
        const apus_tensor *tensor = &apus_the_model.parameters[number];
        void *memory = filling->instance->own[number];
        if (filling->instance->parameters[number] != NULL) continue;
        memset(memory, 0, tensor->byte_count);
        apus_fill(memory, (apus_memory_type)tensor->element, (ptrdiff_t)(tensor->byte_count / sizes[tensor->element]),
                  &apus_the_model.initials[number], tensor->name, strlen(tensor->name), filling->seed);
        filling->instance->parameters[number] = memory;
    }
}

apus_status apus_initialize(apus_instance *instance, uint64_t seed, apus_message *message) {
    if (instance == NULL) return apus_failure(message, APUS_INVALID_ARGUMENT, "there is no instance");
    Filling filling = {instance, seed};
    pthread_mutex_lock(&instance->mutex);
    instance->is_prepared = 0;
    apus_pool_run(instance->pool, (ptrdiff_t)apus_the_model.parameter_count, 1, fill, &filling);
    pthread_mutex_unlock(&instance->mutex);
    return APUS_OK;
}
