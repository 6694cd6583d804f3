#include "dataset/bad.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/parse.h"

static const char head[] = "file\tline\treason\twhat\n";

const char *const mrq_bad_names[MRQ_BAD_REASONS] = {"value", "fields", "quotes",   "bytes", "json",
                                                    "id",    "twice",  "unlisted", "time"};

mrq_status mrq_bad_share(const char *text, double *share, mrq_error *err)
{
    const size_t size = strlen(text);
    const bool percent = size && text[size - 1] == '%';
    double number;
    if (!mrq_parse_real(text, size - percent, 0, percent ? 100 : 1, &number))
        return mrq_fail(err, MRQ_USAGE, "--skip-bad \"%.40s\": want a share of the rows, such as 1%% or 0.01", text);
    *share = percent ? number / 100 : number;
    return MRQ_OK;
}

mrq_status mrq_bad_check_list(const char *path, mrq_error *err)
{
    mrq_map map;
    if (!mrq_file_exists(path))
        return MRQ_OK;
    const mrq_status status = mrq_map_open(&map, path, err);
    if (status != MRQ_OK) /* a path that is not a regular file is refused when it is written */
        return status == MRQ_BAD_FILE ? MRQ_OK : status;
    const bool ours = !map.size || (map.size >= sizeof head - 1 && memcmp(map.data, head, sizeof head - 1) == 0);
    mrq_map_close(&map);
    return ours ? MRQ_OK
                : mrq_fail(err, MRQ_USAGE, "--bad %s: this file exists and is no list of bad rows; want another name", path);
}

void mrq_bad_begin(mrq_bad *bad)
{
    bad->file = (mrq_bad_count){0};
    bad->pending = false;
}

void mrq_bad_add(mrq_bad *bad, const char *file, uint64_t line, const char *what)
{
    if (!mrq_bad_total(&bad->file))
        snprintf(bad->first, sizeof bad->first, "line %llu: %.200s", (unsigned long long)line, what);
    bad->file.left_out[bad->reason]++;
    bad->pending = false;
    if (bad->list && bad->listed++ < MRQ_BAD_LISTED)
        mrq_writer_put(&bad->lines, "%s\t%llu\t%s\t%s\n", file, (unsigned long long)line, mrq_bad_names[bad->reason], what);
}

uint64_t mrq_bad_total(const mrq_bad_count *count)
{
    uint64_t total = 0;
    for (int i = 0; i < MRQ_BAD_REASONS; i++)
        total += count->left_out[i];
    return total;
}

const char *mrq_bad_tell(const mrq_bad_count *count, char out[MRQ_BAD_TOLD])
{
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < MRQ_BAD_REASONS && used < MRQ_BAD_TOLD; i++)
        if (count->left_out[i])
            used += (size_t)snprintf(out + used, MRQ_BAD_TOLD - used, "%s%s %llu", used ? ", " : "", mrq_bad_names[i],
                                     (unsigned long long)count->left_out[i]);
    return out;
}

mrq_status mrq_bad_end(mrq_bad *bad, const char *name, mrq_error *err)
{
    char told[MRQ_BAD_TOLD];
    const uint64_t total = mrq_bad_total(&bad->file);
    bad->all.rows += bad->file.rows;
    for (int i = 0; i < MRQ_BAD_REASONS; i++)
        bad->all.left_out[i] += bad->file.left_out[i];
    const double most = floor(bad->share * (double)bad->file.rows + 1e-9);
    if ((double)total <= most)
        return MRQ_OK;
    return mrq_fail(err, MRQ_BAD_FILE, "%.40s: %llu of %llu rows do not fit (%s), --skip-bad %g%% leaves out at most %.0f; %s",
                    name, (unsigned long long)total, (unsigned long long)bad->file.rows, mrq_bad_tell(&bad->file, told),
                    100 * bad->share, most, bad->first);
}

mrq_status mrq_bad_save(const mrq_bad *bad, mrq_error *err)
{
    mrq_output *out = NULL;
    if (!bad->list)
        return MRQ_OK;
    if (bad->lines.failed)
        return mrq_fail_memory(err, "listing bad rows");
    MRQ_TRY(mrq_output_open(bad->list, &out, err));
    mrq_status status = mrq_output_write(out, head, sizeof head - 1, err);
    if (status == MRQ_OK && bad->lines.size)
        status = mrq_output_write(out, bad->lines.data, bad->lines.size, err);
    if (status == MRQ_OK)
        return mrq_output_commit(out, err);
    mrq_output_discard(out);
    return status;
}

void mrq_bad_clear(mrq_bad *bad)
{
    mrq_writer_close(&bad->lines);
}
