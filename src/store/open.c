/* Opening a generation: trust runs from the link's target to the name, from the name to the manifest, and from the manifest to the
 * files, each of which has the size and the quick checksum that stand there, so that a part of another generation is as much
 * refused as a damaged one. SHA-256 of every file, at a fifth of the speed, would be most of a query's start-up, and is left to a
 * later audit. The model is only looked at by who asks for it: no query needs it.
 *
 * The folder is entered by its own name, never through `current`, so a generation that is published meanwhile does not mix in. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/manifest.h"

#define MANIFEST_MAX ((size_t)1 << 20)

/* "STORE/generations/NAME/FILE" */
static mrq_status part_path(const char *store, const char *name, const char *file, char out[MRQ_STORE_PATH], mrq_error *err)
{
    char tail[MRQ_GENERATION_NAME + 40];
    snprintf(tail, sizeof tail, MRQ_GENERATIONS "/%s/%s", name, file);
    return mrq_path_join(out, MRQ_STORE_PATH, store, tail, err);
}

/* A file of a generation is there, is a file, and has the size it should have; `size` -1: any. */
static mrq_status check_file(const char *path, int64_t size, mrq_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return mrq_fail(err, MRQ_BAD_FILE, "%s is missing", path);
    if (stat(path, &st) != 0)
        return mrq_fail_errno(err, "cannot read %s", path);
    if (!S_ISREG(st.st_mode))
        return mrq_fail(err, MRQ_BAD_FILE, "%s is not a regular file", path);
    if (size >= 0 && st.st_size != size)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: %lld bytes, the manifest says %lld", path, (long long)st.st_size, (long long)size);
    return MRQ_OK;
}

static mrq_status read_manifest(const char *store, const char *name, mrq_manifest *manifest, mrq_error *err)
{
    char path[MRQ_STORE_PATH];
    mrq_map map = {0};
    MRQ_TRY(part_path(store, name, MRQ_MANIFEST, path, err));
    MRQ_TRY(check_file(path, -1, err));
    MRQ_TRY(mrq_map_open(&map, path, err));
    const char *text = (const char *)map.data;
    mrq_status status;
    if (map.size > MANIFEST_MAX)
        status = mrq_fail(err, MRQ_BAD_FILE, "%s: %zu bytes, want at most %zu", path, map.size, MANIFEST_MAX);
    else if (!mrq_generation_vouches(name, text, map.size))
        status =
            mrq_fail(err, MRQ_BAD_FILE, "%s: damaged: its SHA-256 does not begin with the digits of the generation's name", path);
    else
        status = mrq_manifest_parse(text, map.size, path, manifest, err);
    mrq_map_close(&map);
    return status;
}

static mrq_status agree(const char *path, const char *what, uint32_t have, uint32_t want, mrq_error *err)
{
    return have == want ? MRQ_OK : mrq_fail(err, MRQ_BAD_FILE, "%s: %u %s, the manifest says %u", path, have, what, want);
}

/* The path of a part that is what the manifest says. */
static mrq_status verify_part(const char *store, const char *name, mrq_part part, const mrq_manifest *manifest,
                              char path[MRQ_STORE_PATH], mrq_error *err)
{
    mrq_map map = {0};
    MRQ_TRY(part_path(store, name, mrq_part_names[part], path, err));
    MRQ_TRY(check_file(path, manifest->part[part].size, err));
    MRQ_TRY(mrq_map_open(&map, path, err));
    const bool intact = mrq_checksum(map.data, map.size) == manifest->part[part].checksum;
    mrq_map_close(&map);
    if (!intact)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: the checksum is not the manifest's: damaged, or of another generation", path);
    return MRQ_OK;
}

/* Loads one part; those before it in the order of mrq_part, but for the index, are there. */
static mrq_status load_part(mrq_generation *g, mrq_part part, const char *path, const mrq_manifest *manifest, mrq_error *err)
{
    switch (part) {
    case MRQ_PART_CATALOGUE:
        MRQ_TRY(mrq_container_open(path, MRQ_KIND_MOVIES, MRQ_PARTS_FORMAT, &g->catalogue_file, err));
        MRQ_TRY(mrq_table_load(g->catalogue_file, MRQ_KIND_MOVIES, &g->movies, err));
        return agree(path, "movies", g->movies->rows, manifest->movies, err);
    case MRQ_PART_USERS:
        MRQ_TRY(mrq_container_open(path, MRQ_KIND_USERS, MRQ_PARTS_FORMAT, &g->users_file, err));
        MRQ_TRY(mrq_table_load(g->users_file, MRQ_KIND_USERS, &g->users, err));
        MRQ_TRY(agree(path, "users", g->users->rows, manifest->users, err));
        MRQ_TRY(mrq_folded_load(g->users_file, g->users, &g->tower, err));
        return agree(path, "dimensions", g->tower->dim, manifest->dim, err);
    case MRQ_PART_SEEN:
        MRQ_TRY(mrq_container_open(path, MRQ_KIND_SEEN, MRQ_PARTS_FORMAT, &g->seen_file, err));
        return mrq_lists_load(g->seen_file, MRQ_KIND_SEEN, g->users->rows, g->movies->rows, &g->seen, err);
    case MRQ_PART_INDEX:
        return mrq_index_load(path, g->movies->rows, g->tower->dim, &g->index, err);
    default:
        return MRQ_OK;
    }
}

mrq_status mrq_generation_open_named(const char *store, const char *name, mrq_generation **out, mrq_error *err)
{
    static const mrq_part order[] = {MRQ_PART_CATALOGUE, MRQ_PART_USERS, MRQ_PART_SEEN, MRQ_PART_INDEX};
    mrq_manifest manifest;
    MRQ_TRY(read_manifest(store, name, &manifest, err));
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = calloc(1, sizeof *g);
    if (!g)
        return mrq_fail_memory(err, "opening a generation");
    snprintf(g->name, sizeof g->name, "%s", name);
    strcpy(g->model_name, manifest.model_name);
    strcpy(g->index_kind, manifest.index_kind);
    char path[MRQ_STORE_PATH];
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        MRQ_TRY(verify_part(store, name, order[i], &manifest, path, err));
        MRQ_TRY(load_part(g, order[i], path, &manifest, err));
    }
    MRQ_TRY(part_path(store, name, mrq_part_names[MRQ_PART_MODEL], path, err));
    MRQ_TRY(check_file(path, manifest.part[MRQ_PART_MODEL].size, err));
    *out = g;
    g = NULL;
    return MRQ_OK;
}

mrq_status mrq_generation_open(const char *store, mrq_generation **out, mrq_error *err)
{
    char name[MRQ_GENERATION_NAME];
    MRQ_TRY(mrq_store_current(store, name, err));
    return mrq_generation_open_named(store, name, out, err);
}

mrq_status mrq_store_model(const char *store, mrq_model **out, mrq_error *err)
{
    char name[MRQ_GENERATION_NAME], path[MRQ_STORE_PATH];
    mrq_manifest manifest;
    MRQ_TRY(mrq_store_current(store, name, err));
    MRQ_TRY(read_manifest(store, name, &manifest, err));
    MRQ_TRY(verify_part(store, name, MRQ_PART_MODEL, &manifest, path, err));
    return mrq_model_load(path, out, err);
}

void mrq_generation_close(mrq_generation *generation)
{
    if (!generation)
        return;
    mrq_index_free(generation->index);
    mrq_folded_free(generation->tower);
    mrq_table_free(generation->movies);
    mrq_table_free(generation->users);
    mrq_container_close(generation->catalogue_file);
    mrq_container_close(generation->users_file);
    mrq_container_close(generation->seen_file);
    free(generation);
}
