/* Files of a test's own folder. */
#ifndef MRQ_TESTS_PUT_FILES_H
#define MRQ_TESTS_PUT_FILES_H

#include "testing.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"

static char folder[300];
static mrq_error err;

static void put_bytes(const char *name, const void *data, size_t size)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(mrq_file_write(path, data, size, &err));
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

#endif
