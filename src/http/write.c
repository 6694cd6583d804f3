#include "http/write.h"

#include <math.h>
#include <string.h>

#include "engine/json.h"
#include "engine/options.h"
#include "http/route.h"

mrq_status mrq_write_events(const mrq_request *request, mrq_changes *changes, mrq_error *err)
{
    return mrq_changes_read_events(changes, request->body, request->body_size, err);
}

mrq_status mrq_write_no_event(const mrq_request *request, mrq_changes *changes, mrq_error *err)
{
    return mrq_changes_add(changes, &(mrq_change){.what = MRQ_DROP_EVENT, .id = request->id[0]}, err);
}

mrq_status mrq_write_no_pair(const mrq_request *request, mrq_changes *changes, mrq_error *err)
{
    const mrq_change change = {.what = MRQ_DROP_PAIR, .user = request->id[0], .item = request->id[1], .value = NAN};
    return mrq_changes_add(changes, &change, err);
}

mrq_status mrq_write_user(const mrq_request *request, mrq_changes *changes, mrq_error *err)
{
    return mrq_changes_read_user(changes, request->id[0], request->body, request->body_size, err);
}

mrq_status mrq_write_no_user(const mrq_request *request, mrq_changes *changes, mrq_error *err)
{
    return mrq_changes_add(changes, &(mrq_change){.what = MRQ_ERASE_USER, .user = request->id[0]}, err);
}

mrq_status mrq_write_item(const mrq_request *request, mrq_changes *changes, mrq_error *err)
{
    return mrq_changes_read_item(changes, request->id[0], request->body, request->body_size, err);
}

mrq_status mrq_write_no_item(const mrq_request *request, mrq_changes *changes, mrq_error *err)
{
    return mrq_changes_add(changes, &(mrq_change){.what = MRQ_DROP_ITEM, .item = request->id[0], .time = MRQ_NO_TIME}, err);
}

static void reply_document(mrq_print *print, mrq_reply *reply)
{
    size_t size = 0;
    mrq_print_close(print, '}');
    mrq_print_add(print, "\n");
    char *text = mrq_print_take(print, &size);
    mrq_error err = {.status = MRQ_FAILED};
    if (text) {
        mrq_reply_owned(reply, MRQ_TYPE_JSON, text, size);
    } else {
        (void)mrq_fail_memory(&err, "answering");
        mrq_reply_error(reply, &err);
    }
}

void mrq_write_reply(const mrq_changes *changes, mrq_reply *reply)
{
    static const char no_room[] = "no room";
    const mrq_error *error = &changes->post.error;
    mrq_print print = {0};
    if (error->status == MRQ_FAILED && strncmp(error->msg, no_room, sizeof no_room - 1) == 0) {
        mrq_reply_refuse(reply, 507, "no_room", "%s", error->msg);
        return;
    }
    if (error->status != MRQ_OK) {
        mrq_reply_error(reply, error);
        return;
    }
    if (changes->post.n && changes->change->what == MRQ_DROP_EVENT && !changes->post.changed) {
        mrq_reply_refuse(reply, 404, "not_found", "no event has the id %.60s", changes->change->id);
        return;
    }
    mrq_print_open(&print, '{');
    mrq_print_key(&print, "schema");
    mrq_print_whole(&print, 1);
    mrq_print_key(&print, "changed");
    mrq_print_whole(&print, changes->post.changed);
    reply_document(&print, reply);
}

mrq_status mrq_write_state(const mrq_request *request, mrq_reply *reply, mrq_error *err)
{
    mrq_stats s;
    char time[MRQ_UTC_TEXT];
    mrq_recommender_measure(request->service->recommender, &s);
    if (!s.live)
        return mrq_fail(err, MRQ_NOT_FOUND, "nothing is live here: serve with --live FILE");
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {{"events", s.live_events},   {"users", s.live_users},   {"items", s.live_items}, {"changes", s.live_changes},
                   {"commits", s.live_commits}, {"failed", s.live_failed}, {"bytes", s.live_bytes}};
    mrq_print print = {0};
    mrq_print_open(&print, '{');
    mrq_print_key(&print, "schema");
    mrq_print_whole(&print, 1);
    mrq_print_key(&print, "generation");
    mrq_print_text(&print, s.generation);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        mrq_print_key(&print, numbers[i].name);
        mrq_print_whole(&print, (int64_t)numbers[i].value);
    }
    mrq_print_key(&print, "newest");
    if (s.live_newest && mrq_utc_text(s.live_newest, time))
        mrq_print_text(&print, time);
    else
        mrq_print_raw(&print, "null");
    reply_document(&print, reply);
    return MRQ_OK;
}
