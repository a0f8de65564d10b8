/** @file
 * libcnn-mpi: groups (group.h) whose processes reach each other by MPI.
 *
 * The library is built once for each MPI (libcnn-mpi-openmpi, libcnn-mpi-mpich), and a program uses the one of the MPI
 * that it is compiled with. A program that includes no <mpi.h>, or opens the library at run time, defines
 * CNN_WITHOUT_MPI_H before this header and calls cnn_mpi_world(). */
#ifndef CNN_MPI_H
#define CNN_MPI_H

#include <cnn/group.h>
#ifndef CNN_WITHOUT_MPI_H
#include <mpi.h>
#endif

CNN_BEGIN_DECLS

/** Initialises MPI, unless the program did, so that a group may compute, send and give signs of life at once
 * (MPI_THREAD_MULTIPLE; with less, see cnn_group_set_silence() and cnn_mpi_group()). Where MPI does not start within
 * ten minutes, the process ends with status 1, as it does where another one does not come to cnn_mpi_threads() or
 * cnn_mpi_group() for so long. Before the first context is made, whose number of threads cnn_mpi_threads() gives.
 * CNN_ERROR_IO where MPI does not start; CNN_ERROR_STATE after cnn_mpi_end(), and where the launcher of another MPI
 * started several processes, each of which would be alone. Called by the program's main thread. @since 0.2 */
CNN_API cnn_status cnn_mpi_begin(void);

/** Finalises MPI where cnn_mpi_begin() initialised it; after all groups were freed. All processes meet first: where one
 * does not come within ten minutes, all are ended as by cnn_group_abort(). MPI itself has ten minutes more, and
 * less with cnn_mpi_end_within(). @since 0.2 */
CNN_API void cnn_mpi_end(void);

/**
 * The same as the last call of a program whose work is done and said, for an MPI that does not return from
 * MPI_Finalize(), as MPICH 4.0 between hosts often does not: streams of stdio are flushed, and where MPI has not let
 * go after so many seconds, the calling thread is halted (by the signal SIGRTMAX), and a second later, when that of
 * every process is, the process ends with this exit status, without what atexit() was told.
 * @param seconds  above 0, after all processes have met.
 * @param status   0 to 255; 1 in place of 0 where a stream cannot be flushed or stdout has failed. @since 0.2
 */
CNN_API void cnn_mpi_end_within(double seconds, int status);

/** How many threads this process should compute with: the CPUs that it is bound to, divided fairly where other
 * processes of this machine are bound to the same; at least 1. Collective over MPI_COMM_WORLD; 1 before
 * cnn_mpi_begin(), which is reported (CNN_ERROR_STATE). @since 0.2 */
CNN_API int cnn_mpi_threads(void);

/** Makes a group of all processes that MPI started together. Collective over MPI_COMM_WORLD, after cnn_mpi_begin().
 * @return a group owned by the caller; NULL on failure, as cnn_mpi_group() says. @since 0.2 */
CNN_API cnn_group *cnn_mpi_world(cnn_context *ctx);

/** The name of the MPI that the library was built for: "openmpi", "mpich" or "mpi". @since 0.2 */
CNN_API const char *cnn_mpi_name(void);

#ifndef CNN_WITHOUT_MPI_H
/**
 * Makes a group of the processes of a communicator, which is duplicated and not used otherwise. Collective over it.
 * Where MPI was initialised with less than MPI_THREAD_SERIALIZED, nothing is sent while another thing is computed; with
 * less than MPI_THREAD_MULTIPLE there are no signs of life. Otherwise a thread of the group's calls MPI at any time.
 * @return a group owned by the caller, freed before MPI is finalised; NULL on failure: CNN_ERROR_STATE where MPI is not
 *         initialised; CNN_ERROR_INVALID_ARGUMENT (a NULL, MPI_COMM_NULL); CNN_ERROR_IO; CNN_ERROR_NO_MEMORY;
 *         CNN_ERROR_THREAD. @since 0.2
 */
CNN_API cnn_group *cnn_mpi_group(cnn_context *ctx, MPI_Comm comm);
#endif

CNN_END_DECLS

#endif
