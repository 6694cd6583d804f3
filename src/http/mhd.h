/* libmicrohttpd, loaded when a server starts. It depends on a dozen libraries for TLS; loading those takes 2 ms, a quarter of the
 * whole run of `infer`, which is the same program. */
#ifndef MRQ_HTTP_MHD_H
#define MRQ_HTTP_MHD_H

#include <microhttpd.h>

#include "base/error.h"

#define MRQ_MICROHTTPD(X)                                                                                                          \
    X(add_connection)                                                                                                              \
    X(add_response_header)                                                                                                         \
    X(create_response_from_buffer)                                                                                                 \
    X(create_response_from_buffer_with_free_callback_cls)                                                                          \
    X(destroy_response)                                                                                                            \
    X(get_connection_info)                                                                                                         \
    X(get_connection_values)                                                                                                       \
    X(get_daemon_info)                                                                                                             \
    X(get_timeout)                                                                                                                 \
    X(get_version)                                                                                                                 \
    X(lookup_connection_value)                                                                                                     \
    X(queue_response)                                                                                                              \
    X(quiesce_daemon)                                                                                                              \
    X(resume_connection)                                                                                                           \
    X(run_wait)                                                                                                                    \
    X(start_daemon)                                                                                                                \
    X(stop_daemon)                                                                                                                 \
    X(suspend_connection)

/* Its functions: MHD_start_daemon() is mrq_mhd.start_daemon(). */
#define MRQ_MICROHTTPD_MEMBER(name) __typeof__(MHD_##name) *name;
extern struct mrq_microhttpd {
    MRQ_MICROHTTPD(MRQ_MICROHTTPD_MEMBER)
} mrq_mhd;

/* To be called before any of the functions; a second call does nothing. MRQ_FAILED when the library is not installed. */
MRQ_CHECKED mrq_status mrq_microhttpd_load(mrq_error *err);

#endif
