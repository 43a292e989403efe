// Tries the interface of the library of toy.graph: what it refuses, and that it goes on afterwards.
//
//   api toy.weights    in a folder that it may write to; with --no-limit, memory is not limited (sanitizers want much).

#define _XOPEN_SOURCE 700

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "toy.h"

static int failures;
static toy_message message;

static void fail(int line, const char *what) {
    fprintf(stderr, "api.c:%d: %s (%s)\n", line, what, message.text);
    failures++;
}

#define EXPECT(condition) ((condition) ? (void)0 : fail(__LINE__, #condition))
/// A call fails with a status, and a text that says it.
#define REFUSED(call, status, part)                        \
    do {                                                   \
        memset(&message, 0, sizeof message);               \
        EXPECT((call) == (status));                        \
        EXPECT(strstr(message.text, (part)) != NULL);      \
        EXPECT(*toy_status_text(status) != 0);             \
    } while (0)

typedef struct {
    toy_instance *instance;
    float x[4][6], y[3][5], runs;
    int32_t rows[3], order[4][6];
} Numbers;

static void fill(Numbers *numbers, toy_instance *instance, int start) {
    memset(numbers, 0, sizeof *numbers);
    numbers->instance = instance;
    for (int row = 0; row < 4; row++) {
        for (int column = 0; column < 6; column++) {
            numbers->x[row][column] = (float)((start + 7 * row + 5 * column) % 11) - 5;
        }
    }
    for (int row = 0; row < 3; row++) numbers->rows[row] = (start + row) % 4;
}

static toy_status run(Numbers *numbers) {
    toy_source inputs[TOY_INPUTS];
    toy_target outputs[TOY_OUTPUTS];
    inputs[TOY_INPUT_X] = (toy_source){numbers->x, sizeof numbers->x};
    inputs[TOY_INPUT_ROWS] = (toy_source){numbers->rows, sizeof numbers->rows};
    outputs[TOY_OUTPUT_Y] = (toy_target){numbers->y, sizeof numbers->y};
    outputs[TOY_OUTPUT_ORDER] = (toy_target){numbers->order, sizeof numbers->order};
    outputs[TOY_OUTPUT_RUNS] = (toy_target){&numbers->runs, sizeof numbers->runs};
    return toy_run(numbers->instance, inputs, TOY_INPUTS, outputs, TOY_OUTPUTS, &message);
}

/// The products are sums of six terms, in whatever order.
static int is_right(const Numbers *numbers, float w[6][5]) {
    for (int row = 0; row < 3; row++) {
        for (int column = 0; column < 5; column++) {
            double sum = 0;
            for (int k = 0; k < 6; k++) sum += (double)numbers->x[numbers->rows[row]][k] * (double)w[k][column];
            double error = sum - (double)numbers->y[row][column];
            if (error > 1e-4 || error < -1e-4) return 0;
        }
    }
    for (int row = 0; row < 4; row++) {
        for (int place = 1; place < 6; place++) {
            float before = numbers->x[row][numbers->order[row][place - 1]], here = numbers->x[row][numbers->order[row][place]];
            if (before > here) return 0;
            if (before == here && numbers->order[row][place - 1] > numbers->order[row][place]) return 0;
        }
    }
    return 1;
}

static void descriptions(void) {
    EXPECT(toy_input_count() == TOY_INPUTS && toy_output_count() == TOY_OUTPUTS && toy_parameter_count() == 2);
    const toy_tensor *x = toy_input(TOY_INPUT_X);
    EXPECT(x != NULL && strcmp(x->name, "x") == 0 && x->element == TOY_F32 && x->rank == 2);
    EXPECT(x->shape[0] == 4 && x->shape[1] == 6 && x->byte_count == 96);
    EXPECT(toy_output(TOY_OUTPUT_RUNS)->rank == 0 && toy_output(TOY_OUTPUT_ORDER)->element == TOY_I32);
    EXPECT(toy_input(TOY_INPUTS) == NULL && toy_output(TOY_OUTPUTS) == NULL && toy_parameter(2) == NULL);
    EXPECT(toy_find_parameter("runs") < 2 && toy_find_parameter("none") == 2 && toy_find_parameter(NULL) == 2);
    EXPECT(toy_level(0) != NULL && toy_level(1000) == NULL);
    EXPECT(toy_instance_level(NULL) == NULL && toy_instance_threads(NULL) == 0);
    EXPECT(strcmp(toy_status_text((toy_status)1000), "unknown status") == 0);
}

/// How many threads an instance has whose options are zeros; 0 if there is none.
static int threads_by_default(void) {
    toy_instance *instance = NULL;
    toy_options options = {0, NULL, 0};
    int count = toy_create(&options, &instance, &message) == TOY_OK ? toy_instance_threads(instance) : 0;
    toy_destroy(instance);
    return count;
}

/// The variables of the environment that give a number of threads.
static void variables(void) {
    toy_instance *instance = NULL;
    unsetenv("APUS_NUM_THREADS");
    setenv("OMP_NUM_THREADS", "none", 1);
    int all = threads_by_default();
    EXPECT(all > 0);
    setenv("OMP_NUM_THREADS", "4,2", 1);
    EXPECT(threads_by_default() == 4);
    setenv("APUS_NUM_THREADS", "3", 1);
    EXPECT(threads_by_default() == 3);
    setenv("APUS_NUM_THREADS", "none", 1);
    REFUSED(toy_create(NULL, &instance, &message), TOY_INVALID_ARGUMENT, "APUS_NUM_THREADS is 'none'");
    EXPECT(instance == NULL);
    unsetenv("APUS_NUM_THREADS");
    unsetenv("OMP_NUM_THREADS");
    EXPECT(threads_by_default() == all);
}

static void creation(void) {
    toy_instance *instance = NULL;
    toy_options options = {-1, NULL, 0};
    REFUSED(toy_create(NULL, NULL, &message), TOY_INVALID_ARGUMENT, "no place");
    REFUSED(toy_create(&options, &instance, &message), TOY_INVALID_ARGUMENT, "-1 threads");
    options.threads = 1;
    options.level = "x86-64-v9";
    REFUSED(toy_create(&options, &instance, &message), TOY_INVALID_ARGUMENT, "no code for the level 'x86-64-v9'");
    EXPECT(instance == NULL && toy_create(&options, &instance, NULL) == TOY_INVALID_ARGUMENT);
    // A level that this machine lacks is refused by name.
    for (size_t number = 0; (options.level = toy_level(number)) != NULL; number++) {
        toy_status status = toy_create(&options, &instance, &message);
        if (status == TOY_UNSUPPORTED_PROCESSOR && instance == NULL) {
            printf("%s\n", message.text);
            continue;
        }
        EXPECT(status == TOY_OK);
        EXPECT(strcmp(toy_instance_level(instance), options.level) == 0 && toy_instance_threads(instance) == 1);
        toy_destroy(instance);
        instance = NULL;
    }
    toy_destroy(NULL);
}

/// Without memory, the status says so, and nothing is kept.
static void no_memory(void) {
    struct rlimit before, none;
    toy_instance *instance = NULL;
    getrlimit(RLIMIT_AS, &before);
    none = before;
    none.rlim_cur = 1 << 20;
    setrlimit(RLIMIT_AS, &none);
    toy_status status = toy_create(NULL, &instance, &message);
    setrlimit(RLIMIT_AS, &before);
    EXPECT(status == TOY_OUT_OF_MEMORY && instance == NULL && strstr(message.text, "no memory") != NULL);
}

static void copy_file(const char *source, const char *target, long byte_count, long flipped) {
    FILE *from = fopen(source, "rb"), *to = fopen(target, "wb");
    int byte;
    for (long place = 0; place < byte_count && (byte = fgetc(from)) != EOF; place++) {
        fputc(place == flipped ? byte ^ 1 : byte, to);
    }
    fclose(from);
    fclose(to);
}

/// A file whose checksum is right, and whose second content lies nowhere.
static void lying_file(const char *source, const char *target) {
    static uint64_t words[1 << 10];
    const uint64_t prime = UINT64_C(0x9e3779b97f4a7c15);
    FILE *from = fopen(source, "rb"), *to = fopen(target, "wb");
    size_t count = fread(words, 8, sizeof words / 8, from), begin = 8, lane;
    uint64_t sums[8] = {0, 1, 2, 3, 4, 5, 6, 7}, sum = 8 * (count - begin);
    words[begin + 1] = UINT64_C(1) << 40;
    for (size_t place = begin; place < count; place++) {
        sums[place % 8] = (sums[place % 8] ^ words[place]) * prime;
    }
    for (lane = 0; lane < 8; lane++) {
        sum = (sum ^ sums[lane]) * prime;
        sum ^= sum >> 29;
    }
    words[4] = sum;
    fwrite(words, 8, count, to);
    fclose(from);
    fclose(to);
}

static void weights(toy_instance *instance, const char *path) {
    Numbers numbers;
    float w[6][5];
    size_t number = toy_find_parameter("w"), byte_count = sizeof w;
    fill(&numbers, instance, 0);
    REFUSED(run(&numbers), TOY_MISSING_WEIGHTS, "has no content yet");
    REFUSED(toy_get_parameter(instance, number, w, byte_count, &message), TOY_MISSING_WEIGHTS, "'w'");
    REFUSED(toy_load_weights(instance, "none.weights", &message), TOY_FILE_ERROR, "none.weights: No such file");
    REFUSED(toy_load_weights(instance, ".", &message), TOY_FILE_ERROR, "not a regular file");
    REFUSED(toy_load_weights(instance, NULL, &message), TOY_INVALID_ARGUMENT, "no path");
    copy_file(path, "changed.weights", 30, -1);
    REFUSED(toy_load_weights(instance, "changed.weights", &message), TOY_FILE_ERROR, "ends too early");
    copy_file(path, "changed.weights", 130, -1);
    REFUSED(toy_load_weights(instance, "changed.weights", &message), TOY_FILE_ERROR, "bytes are announced");
    copy_file(path, "changed.weights", 1 << 20, 3);
    REFUSED(toy_load_weights(instance, "changed.weights", &message), TOY_FILE_ERROR, "not a file of weights");
    copy_file(path, "changed.weights", 1 << 20, 17);
    REFUSED(toy_load_weights(instance, "changed.weights", &message), TOY_FILE_ERROR, "of another model");
    copy_file(path, "changed.weights", 1 << 20, 140);
    REFUSED(toy_load_weights(instance, "changed.weights", &message), TOY_FILE_ERROR, "damaged");
    remove("changed.weights");
    REFUSED(run(&numbers), TOY_MISSING_WEIGHTS, "has no content yet");

    EXPECT(toy_load_weights(instance, path, &message) == TOY_OK);
    EXPECT(toy_get_parameter(instance, number, w, byte_count, &message) == TOY_OK);
    REFUSED(toy_get_parameter(instance, number, w, 4, &message), TOY_WRONG_SIZE, "'w' is f32[6,5] of 120 bytes, given 4");
    REFUSED(toy_set_parameter(instance, 2, w, byte_count, &message), TOY_INVALID_ARGUMENT, "no parameter 2");
    REFUSED(toy_set_parameter(NULL, 0, w, byte_count, &message), TOY_INVALID_ARGUMENT, "no instance");
    // The file has no content for 'runs'.
    REFUSED(run(&numbers), TOY_MISSING_WEIGHTS, "'runs'");
    REFUSED(toy_initialize(NULL, 1, &message), TOY_INVALID_ARGUMENT, "no instance");
    EXPECT(toy_initialize(instance, 1, &message) == TOY_OK);
    EXPECT(run(&numbers) == TOY_OK && numbers.runs == 1 && is_right(&numbers, w));
    float loaded[6][5];
    EXPECT(toy_get_parameter(instance, number, loaded, byte_count, &message) == TOY_OK);
    EXPECT(memcmp(w, loaded, byte_count) == 0);  // and not initialized
    // What is refused changes nothing.
    memset(w, 0, sizeof w);
    EXPECT(toy_set_parameter(instance, number, w, byte_count, &message) == TOY_OK);
    lying_file(path, "changed.weights");
    REFUSED(toy_load_weights(instance, "changed.weights", &message), TOY_FILE_ERROR, "'runs' lies outside");
    remove("changed.weights");
    EXPECT(toy_get_parameter(instance, number, loaded, byte_count, &message) == TOY_OK);
    EXPECT(memcmp(w, loaded, byte_count) == 0 && run(&numbers) == TOY_OK && numbers.runs == 2);
    EXPECT(toy_load_weights(instance, path, &message) == TOY_OK);
}

static void arrays(toy_instance *instance) {
    Numbers numbers;
    fill(&numbers, instance, 3);
    toy_source inputs[TOY_INPUTS] = {{numbers.x, sizeof numbers.x}, {numbers.rows, sizeof numbers.rows}};
    toy_target outputs[TOY_OUTPUTS] = {{NULL, 0}, {NULL, 0}, {&numbers.runs, sizeof numbers.runs}};
    EXPECT(toy_run(instance, inputs, TOY_INPUTS, outputs, TOY_OUTPUTS, &message) == TOY_OK);
    float runs = numbers.runs;
#define RUN() toy_run(instance, inputs, TOY_INPUTS, outputs, TOY_OUTPUTS, &message)
    REFUSED(toy_run(NULL, inputs, TOY_INPUTS, outputs, TOY_OUTPUTS, &message), TOY_INVALID_ARGUMENT, "no instance");
    REFUSED(toy_run(instance, inputs, 1, outputs, TOY_OUTPUTS, &message), TOY_INVALID_ARGUMENT, "1 inputs and 3 outputs");
    REFUSED(toy_run(instance, NULL, TOY_INPUTS, outputs, TOY_OUTPUTS, &message), TOY_INVALID_ARGUMENT, "are missing");
    inputs[0].byte_count = 48;
    REFUSED(RUN(), TOY_WRONG_SIZE, "the input 'x' is f32[4,6] of 96 bytes, given 48");
    inputs[0].byte_count = 96;
    inputs[0].data = (const char *)numbers.x + 1;
    REFUSED(RUN(), TOY_INVALID_ARGUMENT, "multiple of 4 bytes");
    inputs[0].data = NULL;
    REFUSED(RUN(), TOY_INVALID_ARGUMENT, "the input 'x' is missing");
    inputs[0].data = numbers.x;
    numbers.rows[2] = 4;
    REFUSED(RUN(), TOY_WRONG_VALUE, "the input 'rows' has 4 at [2]; it must be from 0 to 3 or -1");
    numbers.rows[2] = -2;
    REFUSED(RUN(), TOY_WRONG_VALUE, "-2 at [2]");
    numbers.rows[2] = -1;
    outputs[2].byte_count = 8;
    REFUSED(RUN(), TOY_WRONG_SIZE, "the output 'runs' is f32[] of 4 bytes, given 8");
    outputs[2].byte_count = 4;
    EXPECT(RUN() == TOY_OK && numbers.runs == runs + 1);  // nothing that was refused has run
    // Arrays of exactly their size, of which nothing else may be read.
    float *exact = malloc(96);
    memcpy(exact, numbers.x, 96);
    inputs[0].data = exact;
    EXPECT(RUN() == TOY_OK);
    free(exact);
}

enum { TURNS = 200 };

static void *many_runs(void *argument) {
    Numbers *numbers = argument;
    float w[6][5];
    toy_get_parameter(numbers->instance, toy_find_parameter("w"), w, sizeof w, NULL);
    for (int turn = 0; turn < TURNS; turn++) {
        fill(numbers, numbers->instance, turn);
        if (run(numbers) != TOY_OK || !is_right(numbers, w)) return "wrong";
    }
    return NULL;
}

/// Threads take turns with one instance: no update is lost, and nobody gets another's results.
static void threads(toy_instance *instance) {
    enum { THREADS = 4 };
    pthread_t handles[THREADS];
    static Numbers numbers[THREADS];
    float before, after;
    size_t runs = toy_find_parameter("runs");
    toy_get_parameter(instance, runs, &before, sizeof before, NULL);
    for (int thread = 0; thread < THREADS; thread++) {
        numbers[thread].instance = instance;
        EXPECT(pthread_create(&handles[thread], NULL, many_runs, &numbers[thread]) == 0);
    }
    for (int thread = 0; thread < THREADS; thread++) {
        void *result;
        pthread_join(handles[thread], &result);
        EXPECT(result == NULL);
    }
    toy_get_parameter(instance, runs, &after, sizeof after, NULL);
    EXPECT(after == before + THREADS * TURNS);
}

/// What one instance trains, another does not see.
static void two_instances(toy_instance *first) {
    toy_instance *second = NULL;
    float zeros[6][5] = {{0}}, runs;
    Numbers numbers;
    size_t w = toy_find_parameter("w");
    EXPECT(toy_create(NULL, &second, &message) == TOY_OK);
    EXPECT(toy_set_parameter(second, w, zeros, sizeof zeros, &message) == TOY_OK);
    EXPECT(toy_initialize(second, 9, &message) == TOY_OK);
    fill(&numbers, second, 0);
    EXPECT(run(&numbers) == TOY_OK && numbers.runs == 1 && numbers.y[1][2] == 0);
    toy_get_parameter(first, toy_find_parameter("runs"), &runs, sizeof runs, NULL);
    EXPECT(runs > 1);
    numbers.instance = first;
    EXPECT(run(&numbers) == TOY_OK && numbers.y[1][2] != 0);
    toy_destroy(second);
}

int main(int count, char **arguments) {
#if defined(__linux__)
    toy_options options = {2, NULL, 1};
#else
    toy_options options = {2, NULL, 0};
#endif
    toy_instance *instance = NULL;
    if (count < 2) return 2;
    descriptions();
    creation();
    variables();
    if (count < 3) no_memory();
    EXPECT(toy_create(&options, &instance, &message) == TOY_OK);
    weights(instance, arguments[1]);
    arrays(instance);
    threads(instance);
    two_instances(instance);
    printf("%s: %d failures\n", toy_instance_level(instance), failures);
    toy_destroy(instance);
    return failures > 0;
}
