// MPI as functions that Swift can call: most of its names are macros. Each returns MPI_SUCCESS, 0, or MPI's error code.
// They are declared without the trait MPI too, since Swift reads this without the definitions of mpi.c; they are
// defined, and called, with it alone.
#ifndef CMPI_H
#define CMPI_H

#include <stdint.h>

// What ranks do together, and with what.
enum { APUS_MPI_EXCHANGE, APUS_MPI_ALL_REDUCE, APUS_MPI_REDUCE_SCATTER, APUS_MPI_ALL_GATHER };
enum { APUS_MPI_F32, APUS_MPI_F64, APUS_MPI_I32, APUS_MPI_BF16 };
// Room for a message of MPI with its end.
enum { APUS_MPI_TEXT_BYTES = 512 };

// Joins the processes that a launcher such as mpirun has started, to be used by one thread at a time; once in a
// process.
int apus_mpi_join(int *rank, int *count, int *local_count);
// Begins to do something in place with so many elements, a part of which is this rank's own where they are scattered or
// gathered, and lies at the beginning; `request` is for apus_mpi_wait.
int apus_mpi_begin(int kind, void *elements, int count, int type, void **request);
// Waits for what has begun. Where a rank has given notice and it is not done soon after, `failed_rank` is that one,
// else -1; the memory stays MPI's then.
int apus_mpi_wait(void *request, int *failed_rank);
// Lets what is under way go on.
int apus_mpi_progress(void *request, int *is_done);
// Waits for all processes to call this, for so many seconds at most, and leaves them; 0 if some have not.
int apus_mpi_leave(double seconds);
// Begins to send bytes to another process, and to take as many from it; both requests are for apus_mpi_wait.
int apus_mpi_begin_exchange(const void *own, void *other, int bytes, int rank, void **sent, void **taken);
// Tells all other processes that this one has failed, with a number that stands for what it says.
void apus_mpi_give_notice(uint64_t what);
// Whether the first process has failed with the same, or does so in as many seconds.
int apus_mpi_is_said_by_first(uint64_t what, double seconds);
// Ends all processes.
void apus_mpi_abort(int status);
// What an error code means.
void apus_mpi_text(int code, char *text);

#endif
