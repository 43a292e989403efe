#include <stdio.h>
#include <string.h>

#include "apus_instance.h"
#include "apus_sort.h"

/// A kernel: pointers to its tensors, the tiles to compute, and memory of the thread.
typedef void Kernel(void *const *arguments, ptrdiff_t begin, ptrdiff_t end, void *scratch);

/// What threads need to know of the step under way.
typedef struct {
    const apus_step *step;
    Kernel *kernel;
    void **arguments;
    char *scratch;
    size_t scratch_bytes;
} Work;

static void compute(void *context, ptrdiff_t begin, ptrdiff_t end, int thread) {
    const Work *work = context;
    work->kernel(work->arguments, begin, end, work->scratch + (size_t)thread * work->scratch_bytes);
}

static void sort(void *context, ptrdiff_t begin, ptrdiff_t end, int thread) {
    const Work *work = context;
    uint64_t *memory = (uint64_t *)(void *)(work->scratch + (size_t)thread * work->scratch_bytes);
    apus_sort_rows(work->arguments[0], work->arguments[1], begin, end, work->step->width, work->step->row_stride, memory);
}

static void *address(const apus_instance *instance, const apus_source *inputs, apus_location location) {
    const void *start = NULL;
    switch (location.region) {
    case APUS_ARENA: start = instance->arena.start; break;
    case APUS_INPUT: start = inputs[location.number].data; break;
    case APUS_PARAMETER: start = instance->parameters[location.number]; break;
    case APUS_CONSTANTS: start = instance->program->constants; break;
    }
    // What is only read has no other kind of pointer in a kernel.
    return (void *)((uintptr_t)start + location.byte_offset);
}

static void execute(apus_instance *instance, const apus_step *step) {
    Work work = {step, NULL, instance->arguments + step->first_argument, instance->scratch.start,
                 instance->scratch_bytes};
    if (step->kind == APUS_SORT) {
        ptrdiff_t grain = step->width < APUS_SORTED_TOGETHER ? APUS_SORTED_TOGETHER / step->width : 1;
        apus_pool_run(instance->pool, step->count, grain, sort, &work);
        return;
    }
    uintptr_t code = (uintptr_t)instance->program->code + step->code_offset;
    memcpy(&work.kernel, &code, sizeof code);
    apus_pool_run(instance->pool, step->count, step->grain, compute, &work);
}

/// A type and a shape as text: f32[2,3].
static void describe(const apus_tensor *tensor, char *text, size_t size) {
    static const char *const names[] = {"f32", "bf16", "f64", "i32", "bool"};
    size_t used = (size_t)snprintf(text, size, "%s[", names[tensor->element]);
    for (size_t axis = 0; axis < tensor->rank && used < size; axis++) {
        used += (size_t)snprintf(text + used, size - used, axis > 0 ? ",%zu" : "%zu", tensor->shape[axis]);
    }
    if (used < size) snprintf(text + used, size - used, "]");
}

static apus_status check_size(const char *kind, const apus_tensor *tensor, size_t byte_count, apus_message *message) {
    char type[128];
    if (byte_count == tensor->byte_count) return APUS_OK;
    describe(tensor, type, sizeof type);
    return apus_failure(message, APUS_WRONG_SIZE, "the %s '%s' is %s of %zu bytes, given %zu", kind, tensor->name, type,
                        tensor->byte_count, byte_count);
}

/// The place of an element, such as [1, 2].
static void describe_place(const apus_tensor *tensor, size_t position, char *text, size_t size) {
    size_t below = 1, used = (size_t)snprintf(text, size, "[");
    for (size_t axis = 0; axis < tensor->rank; axis++) below *= tensor->shape[axis];
    for (size_t axis = 0; axis < tensor->rank && used < size; axis++) {
        below /= tensor->shape[axis];
        used += (size_t)snprintf(text + used, size - used, axis > 0 ? ", %zu" : "%zu",
                                 position / below % tensor->shape[axis]);
    }
    if (used < size) snprintf(text + used, size - used, "]");
}

/// Indices that reach beyond what they index would be clamped or ignored silently: they are refused.
static apus_status check_indices(const apus_tensor *tensor, const apus_limit *limit, const int32_t *numbers,
                                 apus_message *message) {
    size_t count = tensor->byte_count / sizeof *numbers;
    char place[128], exception[32] = "";
    if (limit->below == 0) return APUS_OK;
    for (size_t position = 0; position < count; position++) {
        if ((uint32_t)numbers[position] < limit->below) continue;
        if (limit->has_exception && numbers[position] == limit->exception) continue;
        describe_place(tensor, position, place, sizeof place);
        if (limit->has_exception) snprintf(exception, sizeof exception, " or %d", (int)limit->exception);
        return apus_failure(message, APUS_WRONG_VALUE, "the input '%s' has %d at %s; it must be from 0 to %lu%s",
                            tensor->name, (int)numbers[position], place, (unsigned long)limit->below - 1, exception);
    }
    return APUS_OK;
}

static apus_status check_input(size_t number, const apus_source *source, apus_message *message) {
    static const size_t alignments[] = {4, 2, 8, 4, 1};
    const apus_tensor *tensor = &apus_the_model.inputs[number];
    if (source->data == NULL) {
        return apus_failure(message, APUS_INVALID_ARGUMENT, "the input '%s' is missing", tensor->name);
    }
    if ((uintptr_t)source->data % alignments[tensor->element] != 0) {
        return apus_failure(message, APUS_INVALID_ARGUMENT, "the input '%s' does not lie at a multiple of %zu bytes",
                            tensor->name, alignments[tensor->element]);
    }
    apus_status status = check_size("input", tensor, source->byte_count, message);
    if (status != APUS_OK) return status;
    return check_indices(tensor, &apus_the_model.limits[number], source->data, message);
}

static apus_status check(const apus_source *inputs, size_t input_count, const apus_target *outputs, size_t output_count,
                         apus_message *message) {
    const apus_model *model = &apus_the_model;
    apus_status status = APUS_OK;
    if (input_count != model->input_count || output_count != model->output_count) {
        return apus_failure(message, APUS_INVALID_ARGUMENT, "%zu inputs and %zu outputs are given; there are %zu and %zu",
                            input_count, output_count, model->input_count, model->output_count);
    }
    if ((input_count > 0 && inputs == NULL) || (output_count > 0 && outputs == NULL)) {
        return apus_failure(message, APUS_INVALID_ARGUMENT, "inputs or outputs are missing");
    }
    for (size_t number = 0; number < input_count && status == APUS_OK; number++) {
        status = check_input(number, &inputs[number], message);
    }
    for (size_t number = 0; number < output_count && status == APUS_OK; number++) {
        if (outputs[number].data == NULL) continue;
        status = check_size("output", &model->outputs[number], outputs[number].byte_count, message);
    }
    return status;
}

static apus_status check_weights(const apus_instance *instance, apus_message *message) {
    for (size_t number = 0; number < apus_the_model.parameter_count; number++) {
        if (instance->parameters[number] != NULL) continue;
        return apus_failure(message, APUS_MISSING_WEIGHTS,
                            "the parameter '%s' has no content yet: load weights, set it, or initialize",
                            apus_the_model.parameters[number].name);
    }
    return APUS_OK;
}

apus_status apus_run(apus_instance *instance, const apus_source *inputs, size_t input_count, const apus_target *outputs,
                     size_t output_count, apus_message *message) {
    if (instance == NULL) return apus_failure(message, APUS_INVALID_ARGUMENT, "there is no instance");
    apus_status status = check(inputs, input_count, outputs, output_count, message);
    if (status != APUS_OK) return status;
    const apus_program *program = instance->program;
    pthread_mutex_lock(&instance->mutex);
    status = check_weights(instance, message);
    if (status == APUS_OK) {
        void *before = apus_pool_enter(instance->pool);
        for (size_t number = 0; number < program->argument_count; number++) {
            instance->arguments[number] = address(instance, inputs, program->arguments[number]);
        }
        size_t first = instance->is_prepared ? program->preparation_count : 0;
        for (size_t number = first; number < program->step_count; number++) execute(instance, &program->steps[number]);
        instance->is_prepared = 1;
        for (size_t number = 0; number < output_count; number++) {
            if (outputs[number].data == NULL) continue;
            memcpy(outputs[number].data, address(instance, inputs, program->outputs[number]), outputs[number].byte_count);
        }
        apus_pool_leave(before);
    }
    pthread_mutex_unlock(&instance->mutex);
    return status;
}

static apus_status check_parameter(const apus_instance *instance, size_t number, const void *data, size_t byte_count,
                                   apus_message *message) {
    if (instance == NULL || data == NULL || number >= apus_the_model.parameter_count) {
        return apus_failure(message, APUS_INVALID_ARGUMENT, "there is no instance, no array, or no parameter %zu", number);
    }
    return check_size("parameter", &apus_the_model.parameters[number], byte_count, message);
}

apus_status apus_set_parameter(apus_instance *instance, size_t number, const void *data, size_t byte_count,
                               apus_message *message) {
    apus_status status = check_parameter(instance, number, data, byte_count, message);
    if (status != APUS_OK) return status;
    pthread_mutex_lock(&instance->mutex);
    memcpy(instance->own[number], data, byte_count);
    instance->parameters[number] = instance->own[number];
    instance->is_prepared = 0;
    pthread_mutex_unlock(&instance->mutex);
    return APUS_OK;
}

apus_status apus_get_parameter(apus_instance *instance, size_t number, void *data, size_t byte_count,
                               apus_message *message) {
    apus_status status = check_parameter(instance, number, data, byte_count, message);
    if (status != APUS_OK) return status;
    pthread_mutex_lock(&instance->mutex);
    if (instance->parameters[number] != NULL) {
        memcpy(data, instance->parameters[number], byte_count);
    } else {
        status = apus_failure(message, APUS_MISSING_WEIGHTS, "the parameter '%s' has no content yet",
                              apus_the_model.parameters[number].name);
    }
    pthread_mutex_unlock(&instance->mutex);
    return status;
}
