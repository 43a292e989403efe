// What is computed of weights once for many runs is computed anew when they are others.
//
//   prepared prepared.weights

#include <stdio.h>
#include <stdlib.h>

#include "prepared.h"

enum { INNER = 64, WIDTH = 128 };

static prepared_message message;

static void expect(int is_so, int line) {
    if (is_so) return;
    fprintf(stderr, "prepared.c:%d: not as expected (%s)\n", line, message.text);
    exit(1);
}

#define EXPECT(condition) expect(condition, __LINE__)

/// What an instance makes of ones: the weight that all are, if it is right, else -1.
static float weight(prepared_instance *instance) {
    static float x[2][INNER], y[2][WIDTH];
    const prepared_source inputs[PREPARED_INPUTS] = {{x, sizeof x}};
    const prepared_target outputs[PREPARED_OUTPUTS] = {{y, sizeof y}};
    for (int place = 0; place < 2 * INNER; place++) x[place / INNER][place % INNER] = 1;
    EXPECT(prepared_run(instance, inputs, PREPARED_INPUTS, outputs, PREPARED_OUTPUTS, &message) == PREPARED_OK);
    for (int place = 0; place < 2 * WIDTH; place++) {
        if (y[place / WIDTH][place % WIDTH] != y[0][0]) return -1;
    }
    return y[0][0] / INNER;
}

int main(int count, char **arguments) {
    prepared_instance *first = NULL, *second = NULL;
    static float numbers[INNER][WIDTH];
    EXPECT(count == 2);
    EXPECT(prepared_create(NULL, &first, &message) == PREPARED_OK);
    EXPECT(prepared_initialize(first, 1, &message) == PREPARED_OK);
    EXPECT(weight(first) == 3 && weight(first) == 3);
    EXPECT(prepared_load_weights(first, arguments[1], &message) == PREPARED_OK);
    EXPECT(weight(first) == 1 && weight(first) == 1);
    for (int place = 0; place < INNER * WIDTH; place++) numbers[place / WIDTH][place % WIDTH] = 2;
    EXPECT(prepared_set_parameter(first, 0, numbers, sizeof numbers, &message) == PREPARED_OK);
    EXPECT(weight(first) == 2 && weight(first) == 2);
    EXPECT(prepared_create(NULL, &second, &message) == PREPARED_OK);
    EXPECT(prepared_load_weights(second, arguments[1], &message) == PREPARED_OK);
    EXPECT(weight(second) == 1 && weight(first) == 2);
    // A file that is refused leaves the weights as they are.
    EXPECT(prepared_load_weights(first, "prepared.h", &message) != PREPARED_OK);
    EXPECT(weight(first) == 2);
    prepared_destroy(first);
    prepared_destroy(second);
    puts("prepared");
    return 0;
}
