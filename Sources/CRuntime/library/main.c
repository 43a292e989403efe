// Runs the model once or more often, on zeros or on numbers from files, and prints what comes out.
//
//   cc -O2 main.c -I. -L. -lMODEL -o main        (or libMODEL.a -pthread -lm)
//   ./main [--weights FILE] [--seed N] [--threads N] [--pin] [--level NAME] [--repeat N]
//          [--inputs FOLDER] [--outputs FOLDER] [--parameters FOLDER]
//
// A folder of inputs has a file INPUT.raw for each input, the numbers as they lie in memory; or folders 0, 1, 2 and so
// on with such files, one for each run. The last outputs, and all parameters as they are in the end, are written in the
// same form.

#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "apus_library.h"

static apus_message message;

/// Ends the program where something has failed.
static void check(apus_status status) {
    if (status == APUS_OK) return;
    fprintf(stderr, "%s: %s\n", apus_status_text(status), message.text);
    exit(1);
}

static void *memory(size_t byte_count) {
    void *bytes = calloc(byte_count > 0 ? byte_count : 1, 1);
    if (bytes != NULL) return bytes;
    fprintf(stderr, "out of memory\n");
    exit(1);
}

/// The path of a tensor's file; a name may contain what would be a folder.
static void path_of(char path[4096], const char *folder, const char *name) {
    size_t start = strlen(folder) + 1, length = start + strlen(name) + strlen(".raw");
    if (length >= 4096) {
        fprintf(stderr, "%s/%s: the path is too long\n", folder, name);
        exit(1);
    }
    snprintf(path, 4096, "%s/%s.raw", folder, name);
    for (char *letter = path + start; *letter != 0; letter++) {
        if (*letter == '/') *letter = '_';
    }
}

static void read_file(const char *folder, const apus_tensor *tensor, void *bytes) {
    char path[4096];
    path_of(path, folder, tensor->name);
    FILE *file = fopen(path, "rb");
    if (file == NULL || fread(bytes, 1, tensor->byte_count, file) != tensor->byte_count || fgetc(file) != EOF) {
        fprintf(stderr, "%s: not a file of %zu bytes\n", path, tensor->byte_count);
        exit(1);
    }
    fclose(file);
}

static void write_file(const char *folder, const apus_tensor *tensor, const void *bytes) {
    char path[4096];
    path_of(path, folder, tensor->name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, tensor->byte_count, file) != tensor->byte_count || fclose(file) != 0) {
        fprintf(stderr, "%s: cannot be written\n", path);
        exit(1);
    }
}

/// Prints the name, the shape and the first numbers of a tensor.
static void print(const apus_tensor *tensor, const void *bytes) {
    size_t count = 1;
    printf("%s [", tensor->name);
    for (size_t axis = 0; axis < tensor->rank; axis++) {
        printf(axis > 0 ? ",%zu" : "%zu", tensor->shape[axis]);
        count *= tensor->shape[axis];
    }
    printf("]:");
    for (size_t number = 0; number < count && number < 8; number++) {
        switch (tensor->element) {
        case APUS_F32: printf(" %.9g", (double)((const float *)bytes)[number]); break;
        case APUS_F64: printf(" %.17g", ((const double *)bytes)[number]); break;
        case APUS_I32: printf(" %ld", (long)((const int32_t *)bytes)[number]); break;
        case APUS_BOOL: printf(" %d", ((const unsigned char *)bytes)[number]); break;
        case APUS_BF16: printf(" 0x%04x", (unsigned)((const uint16_t *)bytes)[number]); break;
        }
    }
    printf(count > 8 ? " ...\n" : "\n");
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/// Orders times.
static int later(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/// The number of an option, which has to be one.
static long number_of(const char *option, const char *text) {
    char *end;
    long number = strtol(text, &end, 10);
    if (*text != 0 && *end == 0) return number;
    fprintf(stderr, "%s %s: not a number\n", option, text);
    exit(1);
}

int main(int count, char **arguments) {
    const char *weights = NULL, *input_folder = NULL, *output_folder = NULL, *parameter_folder = NULL;
    apus_options options = {0, NULL, 0};
    long repeat = 1, seed = 0;
    for (int place = 1; place < count; place += 2) {
        const char *option = arguments[place], *value = place + 1 < count ? arguments[place + 1] : "";
        if (strcmp(option, "--weights") == 0) {
            weights = value;
        } else if (strcmp(option, "--seed") == 0) {
            seed = number_of(option, value);
        } else if (strcmp(option, "--threads") == 0) {
            options.threads = (int)number_of(option, value);
        } else if (strcmp(option, "--pin") == 0) {
            options.pin = 1;
            place--;
        } else if (strcmp(option, "--level") == 0) {
            options.level = value;
        } else if (strcmp(option, "--repeat") == 0) {
            repeat = number_of(option, value);
        } else if (strcmp(option, "--inputs") == 0) {
            input_folder = value;
        } else if (strcmp(option, "--outputs") == 0) {
            output_folder = value;
        } else if (strcmp(option, "--parameters") == 0) {
            parameter_folder = value;
        } else {
            fprintf(stderr, "%s: unknown option\n", option);
            return 2;
        }
    }

    apus_instance *instance;
    check(apus_create(&options, &instance, &message));
    if (weights != NULL) check(apus_load_weights(instance, weights, &message));
    check(apus_initialize(instance, (uint64_t)seed, &message));
    printf("%s, %d threads\n", apus_instance_level(instance), apus_instance_threads(instance));

    size_t input_count = apus_input_count(), output_count = apus_output_count();
    apus_source *inputs = memory(input_count * sizeof *inputs);
    apus_target *outputs = memory(output_count * sizeof *outputs);
    void **buffers = memory(input_count * sizeof *buffers);
    for (size_t number = 0; number < input_count; number++) {
        inputs[number].byte_count = apus_input(number)->byte_count;
        inputs[number].data = buffers[number] = memory(inputs[number].byte_count);
    }
    for (size_t number = 0; number < output_count; number++) {
        outputs[number].byte_count = apus_output(number)->byte_count;
        outputs[number].data = memory(outputs[number].byte_count);
    }

    if (repeat < 1) repeat = 1;
    double *times = memory((size_t)repeat * sizeof *times);
    long runs = 0;
    for (int is_done = 0; !is_done; runs++) {
        char folder[4096];
        if (input_folder != NULL) {
            snprintf(folder, sizeof folder, "%s/%ld", input_folder, runs);
            int has_folder = access(folder, F_OK) == 0;
            if (!has_folder && runs == 0) snprintf(folder, sizeof folder, "%s", input_folder);
            if (!has_folder && runs > 0) break;
            for (size_t number = 0; number < input_count; number++) {
                read_file(folder, apus_input(number), buffers[number]);
            }
        }
        for (long turn = 0; turn < repeat; turn++) {
            double start = seconds();
            check(apus_run(instance, inputs, input_count, outputs, output_count, &message));
            times[turn] = seconds() - start;
        }
        is_done = input_folder == NULL;
    }
    for (size_t number = 0; number < output_count; number++) {
        print(apus_output(number), outputs[number].data);
        if (output_folder != NULL) write_file(output_folder, apus_output(number), outputs[number].data);
    }
    for (size_t number = 0; number < apus_parameter_count() && parameter_folder != NULL; number++) {
        const apus_tensor *parameter = apus_parameter(number);
        void *bytes = memory(parameter->byte_count);
        check(apus_get_parameter(instance, number, bytes, parameter->byte_count, &message));
        write_file(parameter_folder, parameter, bytes);
        free(bytes);
    }
    qsort(times, (size_t)repeat, sizeof *times, later);
    printf("%ld runs; of the last %ld, median %.3f ms, the fastest %.3f ms\n", runs * repeat, repeat,
           1e3 * times[repeat / 2], 1e3 * times[0]);
    free(times);

    for (size_t number = 0; number < input_count; number++) free(buffers[number]);
    for (size_t number = 0; number < output_count; number++) free(outputs[number].data);
    free(inputs);
    free(outputs);
    free(buffers);
    apus_destroy(instance);
    return 0;
}
