#ifndef APUS_LIBRARY_H
#define APUS_LIBRARY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define APUS_PUBLIC __attribute__((visibility("default")))
#else
#define APUS_PUBLIC
#endif

//MODEL//

/// What functions return.
typedef enum apus_status {
    APUS_OK = 0,
    /// A pointer is NULL, an index is out of range, an array is not aligned as its elements are, or a name is not
    /// known.
    APUS_INVALID_ARGUMENT = 1,
    /// An array does not have the size of its tensor.
    APUS_WRONG_SIZE = 2,
    /// A number means nothing, such as a label of a class that is not there.
    APUS_WRONG_VALUE = 3,
    /// A parameter has no content yet.
    APUS_MISSING_WEIGHTS = 4,
    /// The system gives no more memory, or address space.
    APUS_OUT_OF_MEMORY = 5,
    /// The processor lacks what the code needs.
    APUS_UNSUPPORTED_PROCESSOR = 6,
    /// A file cannot be read, or is not what it should be.
    APUS_FILE_ERROR = 7
} apus_status;

/// The types of elements, as they lie in memory.
typedef enum apus_element {
    /// `float`.
    APUS_F32 = 0,
    /// The upper half of a `float`, in 2 bytes.
    APUS_BF16 = 1,
    /// `double`.
    APUS_F64 = 2,
    /// `int32_t`.
    APUS_I32 = 3,
    /// One byte, 0 or 1.
    APUS_BOOL = 4
} apus_element;

/// What a tensor is called and how it lies in memory: row by row, the last axis without gaps.
typedef struct apus_tensor {
    const char *name;
    apus_element element;
    size_t rank;
    /// The extents of the axes, `rank` of them.
    const size_t *shape;
    size_t byte_count;
} apus_tensor;

/// An array that is read: it has to be aligned as its elements are, and is fastest at a multiple of 64.
typedef struct apus_source {
    const void *data;
    size_t byte_count;
} apus_source;

/// An array that is written, of any alignment.
typedef struct apus_target {
    void *data;
    size_t byte_count;
} apus_target;

/// What is chosen about an instance; all zeros are the defaults.
typedef struct apus_options {
    /// Threads that work on a run, the caller's included; 0 for as many as the variable APUS_NUM_THREADS says, or else
    /// OMP_NUM_THREADS, or else one for each core that the process may use, within its affinity mask and the quota of
    /// its container. Those that the system does not give are done without.
    int threads;
    /// The level of the code, such as "x86-64-v3"; NULL for the best that the processor can execute.
    const char *level;
    /// Whether each thread stays on a processor of its own, the caller's during runs: one of each core first, then
    /// their siblings.
    int pin;
} apus_options;

/// Says what is wrong, in a sentence.
typedef struct apus_message {
    char text[512];
} apus_message;

/// The model with weights, memory and threads of its own. Instances share nothing that changes; of calls with one
/// instance, from whatever threads, each waits until the one before has ended.
typedef struct apus_instance apus_instance;

/// Makes an instance; NULL as options are the defaults. `message` may be NULL here and everywhere else: it gets a text
/// where the status is not APUS_OK.
APUS_PUBLIC apus_status apus_create(const apus_options *options, apus_instance **instance, apus_message *message);

/// Gives back all that an instance has; no call with it may be under way. NULL is allowed.
APUS_PUBLIC void apus_destroy(apus_instance *instance);

/// Fills the parameters that have no content yet by their initialisers. The numbers depend on seed and name alone.
APUS_PUBLIC apus_status apus_initialize(apus_instance *instance, uint64_t seed, apus_message *message);

/// Reads the parameters that a file of weights of this model has; others stay as they are.
APUS_PUBLIC apus_status apus_load_weights(apus_instance *instance, const char *path, apus_message *message);

/// Gives a parameter its content.
APUS_PUBLIC apus_status apus_set_parameter(apus_instance *instance, size_t number, const void *data, size_t byte_count,
                                           apus_message *message);

/// Copies the content of a parameter.
APUS_PUBLIC apus_status apus_get_parameter(apus_instance *instance, size_t number, void *data, size_t byte_count,
                                           apus_message *message);

/// Runs the model once: reads all inputs, in order, where they lie, updates the parameters that it trains, and copies
/// the outputs, but those whose `data` is NULL. Where the status is not APUS_OK, nothing has changed.
APUS_PUBLIC apus_status apus_run(apus_instance *instance, const apus_source *inputs, size_t input_count,
                                 const apus_target *outputs, size_t output_count, apus_message *message);

/// How many inputs, outputs and parameters there are.
APUS_PUBLIC size_t apus_input_count(void);
APUS_PUBLIC size_t apus_output_count(void);
APUS_PUBLIC size_t apus_parameter_count(void);

/// What the one of a number is; NULL if there is none.
APUS_PUBLIC const apus_tensor *apus_input(size_t number);
APUS_PUBLIC const apus_tensor *apus_output(size_t number);
APUS_PUBLIC const apus_tensor *apus_parameter(size_t number);

/// The number of the parameter of a name; the count of parameters if there is none.
APUS_PUBLIC size_t apus_find_parameter(const char *name);

/// The levels that there is code for, the best first; NULL for a number that is too large.
APUS_PUBLIC const char *apus_level(size_t number);

/// The level that an instance has chosen, and how many threads it has.
APUS_PUBLIC const char *apus_instance_level(const apus_instance *instance);
APUS_PUBLIC int apus_instance_threads(const apus_instance *instance);

/// What a status means, in a few words.
APUS_PUBLIC const char *apus_status_text(apus_status status);

#ifdef __cplusplus
}
#endif

#endif
