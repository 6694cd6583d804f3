/* One connection to a Redis server: sends bytes and receives replies, with deadlines on mrq_clock(). After a failure the connection
 * is out of step with the server and must be closed. */
#ifndef MRQ_CACHE_WIRE_H
#define MRQ_CACHE_WIRE_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "cache/address.h"
#include "cache/resolve.h"

typedef struct mrq_wire mrq_wire;

/* Connects. A slow look-up of the host name is kept in `*lookup` for the next call. The message of MRQ_UNAVAILABLE says what
 * failed. */
MRQ_CHECKED mrq_status mrq_wire_open(const mrq_address *address, mrq_lookup **lookup, double deadline, mrq_wire **out,
                                     mrq_error *err);
void mrq_wire_close(mrq_wire *wire); /* NULL is legal */

/* Whether nothing can be read. Otherwise the server has hung up or sent unexpected data. */
bool mrq_wire_quiet(const mrq_wire *wire);

/* Sends all bytes. */
MRQ_CHECKED mrq_status mrq_wire_send(mrq_wire *wire, const void *bytes, size_t size, double deadline, mrq_error *err);

/* Receives the next reply; freed with freeReplyObject(). It may be an array of up to `most` replies that are not arrays; 0: no
 * array. The bytes read are subtracted from `*budget`. MRQ_UNAVAILABLE for a time-out, a hang-up, bytes that are not a reply, any
 * other array, or if more than `*budget` bytes would have to be read. */
MRQ_CHECKED mrq_status mrq_wire_receive(mrq_wire *wire, double deadline, size_t *budget, uint32_t most, redisReply **out,
                                        mrq_error *err);

#endif
