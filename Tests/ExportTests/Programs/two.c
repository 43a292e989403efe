// Two models, linked into one program: each has names of its own.

#include <stdio.h>

#include "other.h"
#include "toy.h"

int main(void) {
    static const float x[4][6] = {{1, 2, 3, 4, 5, 6}};
    static const int32_t rows[3] = {0, 1, 2};
    static float y[3][5], scaled[3][5];
    const toy_source toy_inputs[TOY_INPUTS] = {{x, sizeof x}, {rows, sizeof rows}};
    const toy_target toy_outputs[TOY_OUTPUTS] = {{y, sizeof y}, {NULL, 0}, {NULL, 0}};
    const other_source other_inputs[OTHER_INPUTS] = {{y, sizeof y}};
    const other_target other_outputs[OTHER_OUTPUTS] = {{scaled, sizeof scaled}};
    toy_instance *toy = NULL;
    other_instance *other = NULL;
    if (toy_create(NULL, &toy, NULL) != TOY_OK || other_create(NULL, &other, NULL) != OTHER_OK) return 1;
    if (toy_initialize(toy, 1, NULL) != TOY_OK) return 1;
    if (toy_run(toy, toy_inputs, TOY_INPUTS, toy_outputs, TOY_OUTPUTS, NULL) != TOY_OK) return 1;
    if (other_run(other, other_inputs, OTHER_INPUTS, other_outputs, OTHER_OUTPUTS, NULL) != OTHER_OK) return 1;
    toy_destroy(toy);
    other_destroy(other);
    for (int column = 0; column < 5; column++) {
        if (y[0][column] == 0 || scaled[0][column] != 2 * y[0][column]) return 1;
    }
    printf("two models\n");
    return 0;
}
