#include "http/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/json.h"

/* A document of at least so many bytes is copied, and its answer released: an answer takes about three times the memory of its
 * document, and a slow client would keep it. */
#define LARGE 65536

static void release_result(void *owner)
{
    mrq_answer_free(owner);
}

void mrq_reply_static(mrq_reply *reply, const char *type, const char *text, size_t size)
{
    *reply = (mrq_reply){.status = 200, .type = type, .data = text, .size = size, .cache = "-"};
}

void mrq_reply_owned(mrq_reply *reply, const char *type, char *text, size_t size)
{
    mrq_reply_static(reply, type, text, size);
    reply->release = mrq_free;
    reply->owner = text;
}

/* Replies with a document, which the reply then owns; NULL: with an error document that needs no memory. */
static void reply_text(mrq_reply *reply, unsigned status, char *text)
{
    static const char none[] = "{\"schema\":1,\"error\":{\"code\":\"failed\",\"message\":\"out of memory\"}}\n";
    if (text)
        mrq_reply_owned(reply, MRQ_TYPE_JSON, text, strlen(text));
    else
        mrq_reply_static(reply, MRQ_TYPE_JSON, none, sizeof none - 1);
    reply->status = text ? status : 500;
}

void mrq_reply_result(mrq_reply *reply, mrq_answer *result)
{
    size_t size = 0;
    const char *json = mrq_answer_json(result, &size);
    if (!json) {
        mrq_answer_free(result);
        reply_text(reply, 500, NULL);
        return;
    }
    const char *cache = mrq_answer_cache_state(result);
    char *copy = size >= LARGE ? malloc(size) : NULL;
    if (copy) {
        mrq_reply_owned(reply, MRQ_TYPE_JSON, memcpy(copy, json, size), size);
        mrq_answer_free(result);
    } else {
        mrq_reply_static(reply, MRQ_TYPE_JSON, json, size);
        reply->release = release_result;
        reply->owner = result;
    }
    reply->cache = cache;
}

void mrq_reply_error(mrq_reply *reply, const mrq_error *error)
{
    static const unsigned statuses[] = {[MRQ_OK] = 500,        [MRQ_FAILED] = 500,   [MRQ_USAGE] = 400,
                                        [MRQ_NOT_FOUND] = 404, [MRQ_BAD_FILE] = 500, [MRQ_UNAVAILABLE] = 503};
    reply_text(reply, statuses[error->status], mrq_error_json(error));
}

void mrq_reply_refuse(mrq_reply *reply, unsigned status, const char *code, const char *format, ...)
{
    mrq_error said;
    char message[sizeof said.msg];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    mrq_fail(&said, MRQ_USAGE, "%s", message); /* makes it one line of UTF-8, whatever it quotes */
    mrq_print print = {0};
    mrq_print_error(&print, code, said.msg);
    reply_text(reply, status, mrq_print_take(&print, NULL));
}

void mrq_reply_clear(mrq_reply *reply)
{
    if (reply->release)
        reply->release(reply->owner);
    *reply = (mrq_reply){0};
}
