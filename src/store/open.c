/* Opens a generation. The link's target gives its name, the name verifies the manifest, and the manifest verifies the files. Each
 * file is read once. A container is verified by the checksum in its header, which is compared with the manifest's, so that a part
 * of another generation is refused like a damaged one. The index file has FAISS's format and is verified by the manifest only.
 * SHA-256 of every file is a hundred times slower and would dominate the start of `infer`, so only the audit of list and rollback
 * computes it. No query needs the model file: opening only compares its size. A Flat index is scanned in vectors.mrq: its
 * items.faiss is verified, but FAISS does not load it.
 *
 * The folder is opened by its own name, never through `current`, so files of a generation published at the same time do not mix in.
 * A generation may be pruned between reading `current` and opening its last file. But then it is no longer current: if opening
 * fails, the reader reads `current` again, and retries if it has changed.
 *
 * Rejected: loading the index in a second thread; mapping with MAP_POPULATE. Neither made `infer` faster on two cores. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/finite.h"
#include "model/network.h"
#include "store/manifest.h"

#define MANIFEST_MAX ((size_t)1 << 20)
#define ATTEMPTS     100 /* retries if generations are removed while being opened */

/* The status of opening a file of a generation: a missing file is damage. */
static mrq_status part_status(mrq_status status, const char *path, mrq_error *err)
{
    return status == MRQ_NOT_FOUND ? mrq_fail(err, MRQ_BAD_FILE, "%s is missing", path) : status;
}

static mrq_status of_another(const char *path, mrq_error *err)
{
    return mrq_fail(err, MRQ_BAD_FILE,
                    "%s: the checksum differs from the manifest's: the file is damaged, or of another generation", path);
}

mrq_status mrq_manifest_read(const char *folder, const char *name, mrq_manifest *out, mrq_model_curve *curve, mrq_error *err)
{
    char path[MRQ_STORE_PATH];
    mrq_map map = {0};
    MRQ_TRY(mrq_path_join(path, sizeof path, folder, MRQ_MANIFEST, err));
    MRQ_TRY(part_status(mrq_map_open(&map, path, err), path, err));
    const char *text = (const char *)map.data;
    mrq_status status;
    if (map.size > MANIFEST_MAX)
        status = mrq_fail(err, MRQ_BAD_FILE, "%s: %zu bytes, want at most %zu", path, map.size, MANIFEST_MAX);
    else if (!mrq_generation_vouches(name, text, map.size))
        status =
            mrq_fail(err, MRQ_BAD_FILE, "%s: damaged: its SHA-256 does not begin with the digits of the generation's name", path);
    else
        status = mrq_manifest_parse(text, map.size, path, out, curve, err);
    mrq_map_close(&map);
    return status;
}

static mrq_status agree(const char *path, const char *what, uint32_t have, uint32_t want, mrq_error *err)
{
    return have == want ? MRQ_OK : mrq_fail(err, MRQ_BAD_FILE, "%s: %u %s, the manifest says %u", path, have, what, want);
}

/* Opens a part that is a container. */
static mrq_status open_container(const char *path, const char *kind, uint64_t checksum, mrq_container **out, mrq_error *err)
{
    MRQ_TRY(part_status(mrq_container_open(path, kind, MRQ_PARTS_FORMAT, out, err), path, err));
    return mrq_container_checksum(*out) == checksum ? MRQ_OK : of_another(path, err);
}

static mrq_status another_size(const char *path, int64_t have, int64_t want, mrq_error *err)
{
    return mrq_fail(err, MRQ_BAD_FILE, "%s: %lld bytes, the manifest says %lld", path, (long long)have, (long long)want);
}

static mrq_status load_index(mrq_generation *g, const char *path, const float *vectors, const mrq_manifest *manifest,
                             mrq_error *err)
{
    mrq_map map = {0};
    MRQ_TRY(part_status(mrq_map_open(&map, path, err), path, err));
    mrq_status status;
    if ((int64_t)map.size != manifest->part[MRQ_PART_INDEX].size)
        status = another_size(path, (int64_t)map.size, manifest->part[MRQ_PART_INDEX].size, err);
    else if (mrq_checksum(map.data, map.size) != manifest->part[MRQ_PART_INDEX].checksum)
        status = of_another(path, err);
    else
        status = mrq_index_load(&map, path, &manifest->index.settings, vectors, g->items->rows, g->tower->dim, &g->index, err);
    mrq_map_close(&map);
    return status;
}

mrq_status mrq_generation_vectors(const mrq_container *file, uint32_t items, uint32_t dim, const float **out, mrq_error *err)
{
    size_t count = (size_t)items * dim;
    const void *data;
    MRQ_TRY(mrq_container_get(file, sizeof **out, &count, &data, err, MRQ_KIND_VECTORS));
    if (!mrq_all_finite(data, count))
        return mrq_container_bad(file, err, "a vector holds a number that is not finite");
    *out = data;
    return MRQ_OK;
}

/* Loads one part. The parts before it in the order of opening are loaded. */
static mrq_status load_part(mrq_generation *g, mrq_part part, const char *path, const float **vectors, const mrq_manifest *manifest,
                            mrq_error *err)
{
    const uint64_t checksum = manifest->part[part].checksum;
    switch (part) {
    case MRQ_PART_CATALOGUE:
        MRQ_TRY(open_container(path, MRQ_KIND_ITEMS, checksum, &g->catalogue_file, err));
        MRQ_TRY(mrq_table_load(g->catalogue_file, MRQ_KIND_ITEMS, &g->items, err));
        MRQ_TRY(mrq_times_load(g->catalogue_file, g->items->rows, &g->times, err));
        return agree(path, "items", g->items->rows, manifest->items, err);
    case MRQ_PART_USERS:
        MRQ_TRY(open_container(path, MRQ_KIND_USERS, checksum, &g->users_file, err));
        MRQ_TRY(mrq_table_load(g->users_file, MRQ_KIND_USERS, &g->users, err));
        MRQ_TRY(agree(path, "users", g->users->rows, manifest->users, err));
        MRQ_TRY(mrq_folded_load(g->users_file, g->users, &g->tower, err));
        return agree(path, "dimensions", g->tower->dim, manifest->dim, err);
    case MRQ_PART_SEEN:
        MRQ_TRY(open_container(path, MRQ_KIND_SEEN, checksum, &g->seen_file, err));
        return mrq_lists_load(g->seen_file, MRQ_KIND_SEEN, g->users->rows, g->items->rows, &g->seen, err);
    case MRQ_PART_VECTORS:
        MRQ_TRY(open_container(path, MRQ_KIND_VECTORS, checksum, &g->vectors_file, err));
        return mrq_generation_vectors(g->vectors_file, g->items->rows, g->tower->dim, vectors, err);
    case MRQ_PART_HISTORY:
        MRQ_TRY(open_container(path, MRQ_KIND_HISTORY, checksum, &g->history_file, err));
        return mrq_folded_load_history(g->history_file, g->users->rows, g->items->rows, g->tower, err);
    case MRQ_PART_INDEX:
        return load_index(g, path, *vectors, manifest, err);
    default:
        return MRQ_OK;
    }
}

/* Checks that a part which is not opened exists and has its size. */
static mrq_status look_at(const char *folder, mrq_part part, int64_t size, mrq_error *err)
{
    char path[MRQ_STORE_PATH];
    MRQ_TRY(mrq_path_join(path, sizeof path, folder, mrq_part_names[part], err));
    struct stat st;
    if (stat(path, &st) != 0)
        return part_status(mrq_fail_errno(err, "cannot read %s", path), path, err);
    if (!S_ISREG(st.st_mode))
        return mrq_fail(err, MRQ_BAD_FILE, "%s is not a regular file", path);
    return st.st_size == size ? MRQ_OK : another_size(path, st.st_size, size, err);
}

/* Connects the backend's index instead of loading items.faiss, of which only the size is checked. */
static mrq_status connect(mrq_generation *g, mrq_backend *backend, const char *folder, const float *vectors,
                          const mrq_manifest *manifest, mrq_error *err)
{
    mrq_contents contents = {.items = g->items, .vectors = vectors, .dim = g->tower->dim};
    memcpy(contents.name, g->content, sizeof contents.name);
    MRQ_TRY(look_at(folder, MRQ_PART_INDEX, manifest->part[MRQ_PART_INDEX].size, err));
    return mrq_index_connect(backend, &contents, &g->index, err);
}

mrq_status mrq_generation_open_in(const char *folder, const char *name, mrq_backend *backend, bool history, mrq_generation **out,
                                  mrq_error *err)
{
    static const mrq_part order[] = {MRQ_PART_CATALOGUE, MRQ_PART_USERS, MRQ_PART_SEEN,
                                     MRQ_PART_VECTORS,   MRQ_PART_INDEX, MRQ_PART_HISTORY};
    mrq_manifest manifest;
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = calloc(1, sizeof *g);
    if (!g)
        return mrq_fail_memory(err, "opening a generation");
    MRQ_TRY(mrq_manifest_read(folder, name, &manifest, &g->curve, err));
    snprintf(g->name, sizeof g->name, "%s", name);
    mrq_manifest_content(&manifest, g->content);
    strcpy(g->model_name, manifest.model_name);
    strcpy(g->index_kind, manifest.index.settings.factory);
    g->created = manifest.created_us / 1000000;
    g->recall = manifest.index.recall;
    g->p50 = manifest.index.p50;
    g->p99 = manifest.index.p99;
    g->results = manifest.results;
    g->quality = manifest.quality;
    char path[MRQ_STORE_PATH];
    const float *vectors = NULL;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (order[i] == MRQ_PART_HISTORY && !history && !g->tower->has_neighbours) {
            MRQ_TRY(look_at(folder, order[i], manifest.part[order[i]].size, err));
            continue;
        }
        if (order[i] == MRQ_PART_INDEX && backend) {
            MRQ_TRY(connect(g, backend, folder, vectors, &manifest, err));
            continue;
        }
        MRQ_TRY(mrq_path_join(path, sizeof path, folder, mrq_part_names[order[i]], err));
        MRQ_TRY(load_part(g, order[i], path, &vectors, &manifest, err));
    }
    if (g->tower->has_neighbours)
        MRQ_TRY(mrq_lengths_new(vectors, g->items->rows, g->tower->dim, &g->lengths, err));
    MRQ_TRY(look_at(folder, MRQ_PART_MODEL, manifest.part[MRQ_PART_MODEL].size, err));
    g->index_bytes = (int64_t)g->items->rows * g->tower->dim * (int64_t)sizeof *vectors;
    if (strcmp(g->index_kind, "Flat") != 0)
        g->index_bytes += manifest.part[MRQ_PART_INDEX].size;
    *out = g;
    g = NULL;
    return MRQ_OK;
}

static mrq_status load_model(const char *folder, const char *name, mrq_model **out, mrq_error *err)
{
    char path[MRQ_STORE_PATH];
    mrq_manifest manifest;
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    MRQ_TRY(mrq_manifest_read(folder, name, &manifest, NULL, err));
    MRQ_TRY(mrq_path_join(path, sizeof path, folder, mrq_part_names[MRQ_PART_MODEL], err));
    MRQ_TRY(part_status(mrq_model_load(path, &model, err), path, err));
    if (mrq_container_checksum(model->file) != manifest.part[MRQ_PART_MODEL].checksum)
        return of_another(path, err);
    *out = model;
    model = NULL;
    return MRQ_OK;
}

/* Compares the SHA-256 of every file. */
static mrq_status compare_digests(const char *folder, const char *name, mrq_error *err)
{
    mrq_manifest manifest, have;
    MRQ_TRY(mrq_manifest_read(folder, name, &manifest, NULL, err));
    for (int i = 0; i < MRQ_PARTS; i++) {
        char path[MRQ_STORE_PATH];
        MRQ_TRY(mrq_path_join(path, sizeof path, folder, mrq_part_names[i], err));
        MRQ_TRY(part_status(mrq_manifest_note(&have, (mrq_part)i, path, err), path, err));
        if (strcmp(have.part[i].sha256, manifest.part[i].sha256) != 0)
            return mrq_fail(err, MRQ_BAD_FILE, "%s: its SHA-256 begins with %.12s, the manifest says %.12s: it was changed", path,
                            have.part[i].sha256, manifest.part[i].sha256);
    }
    return MRQ_OK;
}

static mrq_status audit(const char *folder, const char *name, mrq_generation **out, mrq_model **model, mrq_error *err)
{
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    MRQ_CLEANUP(mrq_model_free) mrq_model *loaded = NULL;
    MRQ_TRY(mrq_generation_open_in(folder, name, NULL, true, &g, err));
    MRQ_TRY(load_model(folder, name, &loaded, err));
    MRQ_TRY(compare_digests(folder, name, err));
    *out = g;
    *model = loaded;
    g = NULL;
    loaded = NULL;
    return MRQ_OK;
}

mrq_status mrq_generation_check(const char *store, const char *name, mrq_error *err)
{
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *generation = NULL;
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    char folder[MRQ_STORE_PATH];
    MRQ_TRY(mrq_generation_path(store, name, folder, err));
    return audit(folder, name, &generation, &model, err);
}

mrq_status mrq_generation_glance(const char *store, const char *name, mrq_error *err)
{
    mrq_manifest manifest;
    char folder[MRQ_STORE_PATH];
    MRQ_TRY(mrq_generation_path(store, name, folder, err));
    MRQ_TRY(mrq_manifest_read(folder, name, &manifest, NULL, err));
    for (int i = 0; i < MRQ_PARTS; i++)
        MRQ_TRY(look_at(folder, (mrq_part)i, manifest.part[i].size, err));
    return MRQ_OK;
}

/* Adds to the message about a damaged generation which one could serve instead. Its files are not verified here, which would take
 * long for large files; rollback verifies them, and goes on to an older one if they are damaged too. If the message becomes too
 * long, its beginning with the file's name is kept. */
static void offer_fallback(const char *store, const char *name, mrq_error *err)
{
    char found[MRQ_GENERATION_NAME], offer[sizeof err->msg / 2];
    if (!err || (err->status != MRQ_BAD_FILE && err->status != MRQ_NOT_FOUND) ||
        mrq_store_fallback(store, name, mrq_generation_glance, found, NULL) != MRQ_OK)
        return;
    int size = snprintf(offer, sizeof offer, "; try `marquee rollback --store %s`: %s looks intact", store, found);
    if ((size_t)size >= sizeof offer)
        size = snprintf(offer, sizeof offer, "; try `marquee rollback`: %s looks intact", found);
    const mrq_error inner = *err;
    mrq_fail(err, inner.status, "%.*s%s", (int)sizeof inner.msg - 1 - size, inner.msg, offer);
}

/* Opens the current generation, or its model, or both with an audit; `generation` or `model` is NULL if not wanted. */
static mrq_status open_current(const char *store, mrq_backend *backend, bool history, mrq_generation **generation,
                               mrq_model **model, mrq_error *err)
{
    char name[MRQ_GENERATION_NAME] = "", tried[MRQ_GENERATION_NAME] = "", folder[MRQ_STORE_PATH];
    mrq_status status = mrq_store_current(store, name, err);
    for (int i = 0; strcmp(name, tried) != 0 && i < ATTEMPTS; i++) {
        strcpy(tried, name);
        MRQ_TRY(mrq_generation_path(store, name, folder, err));
        status = !model        ? mrq_generation_open_in(folder, name, backend, history, generation, err)
                 : !generation ? load_model(folder, name, model, err)
                               : audit(folder, name, generation, model, err);
        if (status == MRQ_OK || mrq_store_current(store, name, NULL) != MRQ_OK)
            break;
    }
    if (status != MRQ_OK)
        offer_fallback(store, name, err);
    return status;
}

mrq_status mrq_generation_open(const char *store, mrq_generation **out, mrq_error *err)
{
    return open_current(store, NULL, true, out, NULL, err);
}

mrq_status mrq_generation_open_plain(const char *store, mrq_generation **out, mrq_error *err)
{
    return open_current(store, NULL, false, out, NULL, err);
}

mrq_status mrq_generation_open_on(const char *store, mrq_backend *backend, bool history, mrq_generation **out, mrq_error *err)
{
    return open_current(store, backend, history, out, NULL, err);
}

mrq_status mrq_store_model(const char *store, mrq_model **out, mrq_error *err)
{
    return open_current(store, NULL, false, NULL, out, err);
}

mrq_status mrq_generation_audit(const char *store, mrq_generation **out, mrq_model **model, mrq_error *err)
{
    return open_current(store, NULL, true, out, model, err);
}

void mrq_generation_close(mrq_generation *generation)
{
    if (!generation)
        return;
    mrq_index_free(generation->index);
    mrq_lengths_free(generation->lengths);
    mrq_folded_free(generation->tower);
    mrq_table_free(generation->items);
    mrq_table_free(generation->users);
    mrq_container_close(generation->catalogue_file);
    mrq_container_close(generation->users_file);
    mrq_container_close(generation->seen_file);
    mrq_container_close(generation->vectors_file);
    mrq_container_close(generation->history_file);
    mrq_free(generation->curve.epoch);
    free(generation);
}
