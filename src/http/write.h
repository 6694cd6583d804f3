/* Requests that change what is live. They are answered when the change is on disk: until then the connection is suspended, and its
 * worker goes on with others. */
#ifndef MRQ_HTTP_WRITE_H
#define MRQ_HTTP_WRITE_H

#include "engine/changes.h"
#include "http/reply.h"

struct mrq_request;

/* What the routes of the table read from a request. MRQ_USAGE. */
mrq_status mrq_write_events(const struct mrq_request *request, mrq_changes *changes, mrq_error *err);
mrq_status mrq_write_no_event(const struct mrq_request *request, mrq_changes *changes, mrq_error *err);
mrq_status mrq_write_no_pair(const struct mrq_request *request, mrq_changes *changes, mrq_error *err);
mrq_status mrq_write_user(const struct mrq_request *request, mrq_changes *changes, mrq_error *err);
mrq_status mrq_write_no_user(const struct mrq_request *request, mrq_changes *changes, mrq_error *err);
mrq_status mrq_write_item(const struct mrq_request *request, mrq_changes *changes, mrq_error *err);
mrq_status mrq_write_no_item(const struct mrq_request *request, mrq_changes *changes, mrq_error *err);

/* Replies to a request whose changes are on disk, or have failed as changes->post.error says. */
void mrq_write_reply(const mrq_changes *changes, mrq_reply *reply);

/* Replies with the state of the live database; MRQ_NOT_FOUND when there is none. */
mrq_status mrq_write_state(const struct mrq_request *request, mrq_reply *reply, mrq_error *err);

#endif
