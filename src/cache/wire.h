/* One connection to a Redis server: bytes out, replies in, each against a deadline on mrq_clock(). After any failure but a refused
 * argument the wire is out of step with the server: close it. */
#ifndef MRQ_CACHE_WIRE_H
#define MRQ_CACHE_WIRE_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "cache/address.h"
#include "cache/resolve.h"

typedef struct mrq_wire mrq_wire;

/* Connects. `*lookup` keeps a slow look-up of the name from one call to the next. MRQ_UNAVAILABLE tells why not. */
MRQ_CHECKED mrq_status mrq_wire_open(const mrq_address *address, mrq_lookup **lookup, double deadline, mrq_wire **out,
                                     mrq_error *err);
void mrq_wire_close(mrq_wire *wire); /* NULL is legal */

/* Whether nothing waits to be read: else the server has hung up or said something unasked. */
bool mrq_wire_quiet(const mrq_wire *wire);

/* Sends all the bytes. */
MRQ_CHECKED mrq_status mrq_wire_send(mrq_wire *wire, const void *bytes, size_t size, double deadline, mrq_error *err);

/* The next reply; freed with freeReplyObject(). An array may hold up to `most` replies that are none themselves; 0: no array will
 * do. MRQ_UNAVAILABLE for a time-out, a hang-up, bytes that are no reply, another array, or when more than `*budget` bytes would
 * have to be read; what is read is taken off it. */
MRQ_CHECKED mrq_status mrq_wire_receive(mrq_wire *wire, double deadline, size_t *budget, uint32_t most, redisReply **out,
                                        mrq_error *err);

#endif
