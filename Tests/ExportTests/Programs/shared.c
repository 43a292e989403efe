// Three instances of one model, whose weights are all 1 and whose counter starts at 40: prints the bytes that the
// second and the third take for themselves, and those that setting a weight takes.
//
//   shared [shared.weights]

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared.h"

enum { WIDTH = 1024 };

static shared_message message;

static void expect(int is_so, int line) {
    if (is_so) return;
    fprintf(stderr, "shared.c:%d: not as expected (%s)\n", line, message.text);
    exit(1);
}

#define EXPECT(condition) expect(condition, __LINE__)

/// Memory that belongs to this process alone; pages of files are shared.
static long own_bytes(void) {
    long size, resident, shared;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL) return 0;
    EXPECT(fscanf(file, "%ld %ld %ld", &size, &resident, &shared) == 3);
    fclose(file);
    return (resident - shared) * sysconf(_SC_PAGESIZE);
}

/// Makes an instance and runs it once.
static shared_instance *create(const char *weights) {
    shared_options options = {1, NULL, 0};
    shared_instance *instance = NULL;
    EXPECT(shared_create(&options, &instance, &message) == SHARED_OK);
    if (weights != NULL) EXPECT(shared_load_weights(instance, weights, &message) == SHARED_OK);
    return instance;
}

/// Runs an instance on ones, whose products with equal weights are equal: gives one of them, and the counter.
static float run(shared_instance *instance, float *runs) {
    static float x[2][WIDTH], y[2][WIDTH];
    const shared_source inputs[SHARED_INPUTS] = {{x, sizeof x}};
    const shared_target outputs[SHARED_OUTPUTS] = {{y, sizeof y}, {runs, sizeof *runs}};
    for (int place = 0; place < 2 * WIDTH; place++) x[place / WIDTH][place % WIDTH] = 1;
    EXPECT(shared_run(instance, inputs, SHARED_INPUTS, outputs, SHARED_OUTPUTS, &message) == SHARED_OK);
    EXPECT(y[0][0] == y[1][WIDTH - 1]);
    return y[0][0];
}

int main(int count, char **arguments) {
    const char *weights = count > 1 ? arguments[1] : NULL;
    static float numbers[WIDTH][WIDTH], read[WIDTH][WIDTH];
    size_t w = shared_find_parameter("w");
    float runs = 0;
    for (int place = 0; place < WIDTH * WIDTH; place++) numbers[place / WIDTH][place % WIDTH] = 2;
    shared_instance *first = create(weights);
    EXPECT(run(first, &runs) == WIDTH && runs == 41);

    long before = own_bytes();
    shared_instance *second = create(weights), *third = create(weights);
    EXPECT(run(second, &runs) == WIDTH && run(third, &runs) == WIDTH && runs == 41);
    long more = own_bytes() - before;

    // What one is given, the others do not see; what is only read can be read.
    EXPECT(shared_get_parameter(second, w, read, sizeof read, &message) == SHARED_OK && read[7][9] == 1);
    before = own_bytes();
    EXPECT(shared_set_parameter(second, w, numbers, sizeof numbers, &message) == SHARED_OK);
    long set = own_bytes() - before;
    EXPECT(run(second, &runs) == 2 * WIDTH && runs == 42);
    EXPECT(shared_initialize(second, 1, &message) == SHARED_OK && run(second, &runs) == 2 * WIDTH && runs == 43);
    EXPECT(shared_get_parameter(second, w, read, sizeof read, &message) == SHARED_OK && read[7][9] == 2);
    EXPECT(run(first, &runs) == WIDTH && runs == 42 && run(third, &runs) == WIDTH && runs == 42);
    shared_destroy(first);
    EXPECT(run(third, &runs) == WIDTH);
    shared_instance *fourth = create(weights);
    EXPECT(run(fourth, &runs) == WIDTH && runs == 41);
    shared_destroy(second);
    shared_destroy(third);
    shared_destroy(fourth);
    printf("shared: %ld %ld", more, set);
    return 0;
}
