#include "CMPI.h"

#ifdef APUS_MPI

#include <mpi.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Of those that leave, apart from sums that others may be waiting for.
static MPI_Comm leaving;
static MPI_Op bf16_sum;
// The tags of the message that a rank has failed, and of what partners exchange.
static const int notice = 1, pair = 2;
// Seconds in which what others have sent before such a message arrives.
static const double grace = 2;

static float widened(uint16_t number) {
    uint32_t bits = (uint32_t)number << 16;
    float wide;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

// The nearest bf16, ties to even; NaN stays one, and there are no subnormal numbers, as elsewhere in Apus. Without
// branches, so that compilers add up several at once.
static uint16_t narrowed(float number) {
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    uint32_t nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    nearest = (bits & 0x7f800000) == 0 ? (bits >> 16) & 0x8000 : nearest;
    return (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : nearest;
}

static void add_bf16(void *from, void *to, int *count, MPI_Datatype *type) {
    (void)type;
    const uint16_t *restrict a = from;
    uint16_t *restrict b = to;
    for (int i = 0; i < *count; i++) b[i] = narrowed(widened(a[i]) + widened(b[i]));
}

int apus_mpi_join(int *rank, int *count, int *local_count) {
    int given, code = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &given);
    if (code) return code;
    // Errors are returned, so that they can be said with the rank's number.
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm local;
    if (given < MPI_THREAD_SERIALIZED) return MPI_ERR_OTHER;
    if ((code = MPI_Comm_dup(MPI_COMM_WORLD, &leaving))) return code;
    if ((code = MPI_Op_create(add_bf16, 1, &bf16_sum))) return code;
    if ((code = MPI_Comm_rank(MPI_COMM_WORLD, rank))) return code;
    if ((code = MPI_Comm_size(MPI_COMM_WORLD, count))) return code;
    code = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &local);
    if (code) return code;
    code = MPI_Comm_size(local, local_count);
    MPI_Comm_free(&local);
    return code;
}

static MPI_Datatype datatype(int type) {
    return (MPI_Datatype[]){MPI_FLOAT, MPI_DOUBLE, MPI_INT32_T, MPI_UINT16_T}[type];
}

static size_t width(int type) { return (size_t[]){4, 8, 4, 2}[type]; }

static MPI_Op sum(int type) { return type == APUS_MPI_BF16 ? bf16_sum : MPI_SUM; }

// What is under way. Some sums go from a copy of their elements; what is scattered comes into one, a part from each
// rank, to be added up.
typedef struct {
    MPI_Request request;
    void *copy, *elements;
    int kind, type, part, ranks;
} Transfer;

static void end(Transfer *transfer) {
    free(transfer->copy);
    free(transfer);
}

// Adds up the parts that ranks have sent, in their order.
static void add_parts(const Transfer *transfer) {
    size_t bytes = width(transfer->type) * (size_t)transfer->part;
    memcpy(transfer->elements, transfer->copy, bytes);
    for (int rank = 1; rank < transfer->ranks; rank++) {
        const char *part = (const char *)transfer->copy + (size_t)rank * bytes;
        MPI_Reduce_local(part, transfer->elements, transfer->part, datatype(transfer->type), sum(transfer->type));
    }
}

// From so many ranks and bytes on, a sum is sent from a copy. Open MPI (libnbc) adds up in a ring then, in which each
// rank sends and takes less than twice the bytes, however many ranks there are; in place it sends all of them up and
// down a tree.
static const int copied_ranks = 4;
static const size_t copied_bytes = 1 << 16;

int apus_mpi_begin(int kind, void *elements, int count, int type, void **request) {
    Transfer *transfer = calloc(1, sizeof *transfer);
    if (!transfer) return MPI_ERR_NO_MEM;
    int rank, ranks, code;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    size_t bytes = width(type) * (size_t)count, part = bytes / (size_t)ranks;
    *transfer = (Transfer){.elements = elements, .kind = kind, .type = type, .part = count / ranks, .ranks = ranks};
    int is_copied = kind == APUS_MPI_REDUCE_SCATTER
        || (kind == APUS_MPI_ALL_REDUCE && ranks >= copied_ranks && bytes >= copied_bytes);
    if (is_copied && !(transfer->copy = malloc(bytes + 1))) {
        end(transfer);
        return MPI_ERR_NO_MEM;
    }
    switch (kind) {
    case APUS_MPI_REDUCE_SCATTER:
        // Open MPI's own goes through one rank, which takes all elements several times.
        code = MPI_Ialltoall(elements, transfer->part, datatype(type), transfer->copy, transfer->part, datatype(type),
                             MPI_COMM_WORLD, &transfer->request);
        break;
    case APUS_MPI_ALL_GATHER:
        // MPI wants a rank's own part where the others get it.
        if (rank) memcpy((char *)elements + (size_t)rank * part, elements, part);
        code = MPI_Iallgather(MPI_IN_PLACE, 0, datatype(type), elements, transfer->part, datatype(type), MPI_COMM_WORLD,
                              &transfer->request);
        break;
    default:
        if (transfer->copy) memcpy(transfer->copy, elements, bytes);
        code = MPI_Iallreduce(transfer->copy ? transfer->copy : MPI_IN_PLACE, elements, count, datatype(type), sum(type),
                              MPI_COMM_WORLD, &transfer->request);
    }
    if (code) {
        end(transfer);
        return code;
    }
    *request = transfer;
    return 0;
}

int apus_mpi_wait(void *request, int *failed_rank) {
    Transfer *transfer = request;
    int is_done = 0, code, first = -1;
    double noticed = 0;
    *failed_rank = -1;
    for (unsigned turn = 1; !(code = MPI_Test(&transfer->request, &is_done, MPI_STATUS_IGNORE)) && !is_done; turn++) {
        int has_come = 0;
        MPI_Status status;
        if (turn % 1024 || MPI_Iprobe(MPI_ANY_SOURCE, notice, leaving, &has_come, &status) || !has_come) continue;
        // Who fails because of another gives notice later.
        if (!noticed) first = status.MPI_SOURCE;
        if (!noticed) noticed = MPI_Wtime();
        if (MPI_Wtime() < noticed + grace) continue;
        *failed_rank = first;
        return 0;
    }
    if (!code && transfer->kind == APUS_MPI_REDUCE_SCATTER) add_parts(transfer);
    if (!code) end(transfer);
    return code;
}

int apus_mpi_begin_exchange(const void *own, void *other, int bytes, int rank, void **sent, void **taken) {
    Transfer *transfers[] = {calloc(1, sizeof(Transfer)), calloc(1, sizeof(Transfer))};
    if (!transfers[0] || !transfers[1]) return MPI_ERR_NO_MEM;
    int code = MPI_Irecv(other, bytes, MPI_BYTE, rank, pair, MPI_COMM_WORLD, &transfers[0]->request);
    if (!code) code = MPI_Isend(own, bytes, MPI_BYTE, rank, pair, MPI_COMM_WORLD, &transfers[1]->request);
    *taken = transfers[0];
    *sent = transfers[1];
    return code;
}

void apus_mpi_give_notice(uint64_t what) {
    static uint64_t sent;
    int rank, count;
    sent = what;
    MPI_Comm_rank(leaving, &rank);
    MPI_Comm_size(leaving, &count);
    for (int other = 0; other < count; other++) {
        MPI_Request request;
        if (other == rank) continue;
        if (!MPI_Isend(&sent, 1, MPI_UINT64_T, other, notice, leaving, &request)) MPI_Request_free(&request);
    }
}

int apus_mpi_is_said_by_first(uint64_t what, double seconds) {
    double end = MPI_Wtime() + seconds;
    int has_come = 0;
    uint64_t said;
    while (!has_come) {
        if (MPI_Iprobe(0, notice, leaving, &has_come, MPI_STATUS_IGNORE)) return 0;
        if (!has_come && MPI_Wtime() > end) return 0;
        if (!has_come) usleep(1000);
    }
    return !MPI_Recv(&said, 1, MPI_UINT64_T, 0, notice, leaving, MPI_STATUS_IGNORE) && said == what;
}

// Takes the notices that have come to the end of their use.
static void take_notices(void) {
    int has_come = 0;
    MPI_Status status;
    uint64_t said;
    while (!MPI_Iprobe(MPI_ANY_SOURCE, notice, leaving, &has_come, &status) && has_come)
        MPI_Recv(&said, 1, MPI_UINT64_T, status.MPI_SOURCE, notice, leaving, MPI_STATUS_IGNORE);
}

int apus_mpi_progress(void *request, int *is_done) {
    // MPI_Test would free a request that is done.
    return MPI_Request_get_status(((Transfer *)request)->request, is_done, MPI_STATUS_IGNORE);
}

int apus_mpi_leave(double seconds) {
    int is_joined = 0, has_left = 0, has_come = 0;
    MPI_Initialized(&is_joined);
    MPI_Finalized(&has_left);
    if (!is_joined || has_left) return 1;
    MPI_Request all;
    if (MPI_Ibarrier(leaving, &all)) return 0;
    double end = MPI_Wtime() + seconds;
    while (!has_come) {
        if (MPI_Test(&all, &has_come, MPI_STATUS_IGNORE) || (!has_come && MPI_Wtime() > end)) return 0;
        if (!has_come) usleep(1000);
    }
    take_notices();
    return MPI_Finalize() == 0;
}

void apus_mpi_abort(int status) { MPI_Abort(MPI_COMM_WORLD, status); }

void apus_mpi_text(int code, char *text) {
    int length = 0;
    char message[MPI_MAX_ERROR_STRING] = "";
    MPI_Error_string(code, message, &length);
    strncpy(text, message, APUS_MPI_TEXT_BYTES - 1);
    text[APUS_MPI_TEXT_BYTES - 1] = 0;
}

#endif
