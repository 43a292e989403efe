// Open MPI, where pkg-config finds it. Only CMPI includes it, and only with the trait MPI.
#include <mpi.h>
