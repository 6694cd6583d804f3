#include "http/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static void release_result(void *owner)
{
    mrq_result_free(owner);
}

void mrq_reply_static(mrq_reply *reply, const char *type, const char *text, size_t size)
{
    *reply = (mrq_reply){.status = 200, .type = type, .data = text, .size = size, .cache = "-"};
}

/* A text from malloc(), or what can be said without memory. */
static void reply_text(mrq_reply *reply, unsigned status, char *text)
{
    static const char none[] = "{\"schema\":1,\"error\":{\"code\":\"failed\",\"message\":\"out of memory\"}}\n";
    mrq_reply_static(reply, MRQ_TYPE_JSON, text ? text : none, text ? strlen(text) : sizeof none - 1);
    reply->status = text ? status : 500;
    reply->release = text ? free : NULL;
    reply->owner = text;
}

void mrq_reply_result(mrq_reply *reply, mrq_result *result)
{
    size_t size = 0;
    const char *json = mrq_result_json(result, &size);
    if (!json) {
        mrq_result_free(result);
        reply_text(reply, 500, NULL);
        return;
    }
    mrq_reply_static(reply, MRQ_TYPE_JSON, json, size);
    reply->release = release_result;
    reply->owner = result;
    reply->cache = mrq_result_cache(result);
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
    mrq_fail(&said, MRQ_USAGE, "%s", message); /* one line of UTF-8, whatever was quoted */
    cJSON *json = cJSON_CreateObject(), *error;
    char *text = NULL;
    if (json && cJSON_AddNumberToObject(json, "schema", 1) && (error = cJSON_AddObjectToObject(json, "error")) &&
        cJSON_AddStringToObject(error, "code", code) && cJSON_AddStringToObject(error, "message", said.msg))
        text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    reply_text(reply, status, text);
}

void mrq_reply_clear(mrq_reply *reply)
{
    if (reply->release)
        reply->release(reply->owner);
    *reply = (mrq_reply){0};
}
