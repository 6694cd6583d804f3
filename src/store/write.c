/* Writes a generation so that a reader sees all of it or nothing, whenever a crash happens.
 *
 * Order: take the lock; make a temporary folder; write and sync each file, the manifest last; open the result as a reader does. The
 * publish may follow much later, after other checks: rename the folder to its name and sync generations/; replace the link
 * `current` by rename(); sync the store's folder. A crash leaves `current` as it was, and at most a temporary folder or, between
 * the two renames, a complete generation that is not current. A failure removes either. Only if the last sync fails is the new
 * generation already current when the error is reported.
 *
 * Names sort in the order of the exports, on which list, rollback and prune rely. If the clock is not later than the newest name's
 * time, for example because it was set back, the new name's time is one second after that. The manifest stores the clock's time. */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/finite.h"
#include "store/manifest.h"
#include "store/publication.h"
#include "store/queries.h"

/* The parts of a generation. Items, users, seen items and the description are in the model. */
typedef struct parts {
    const mrq_model *model;
    float *vectors; /* (items, dim) */
    mrq_folded *tower;
    mrq_index *index;
    mrq_choice choice;
} parts;

static void parts_clear(parts *p)
{
    mrq_index_free(p->index); /* may borrow the vectors */
    mrq_folded_free(p->tower);
    mrq_free(p->vectors);
    mrq_free(p->choice.trial);
}

/* Computes the vectors of all items, which must be finite, and the folded user tower. */
static mrq_status make_vectors(parts *p, mrq_error *err)
{
    const mrq_table *items = mrq_model_items(p->model);
    const mrq_description *description = mrq_model_description(p->model);
    const uint32_t dim = mrq_description_dim(description);
    double reach;
    p->vectors = mrq_array((size_t)items->rows * dim, sizeof *p->vectors);
    if (!p->vectors)
        return mrq_fail_memory(err, "computing the items' vectors");
    MRQ_TRY(mrq_model_export_items(p->model, p->vectors, &reach, err));
    for (uint32_t i = 0; i < items->rows; i++)
        if (!mrq_all_finite(p->vectors + (size_t)i * dim, dim))
            return mrq_fail(err, MRQ_BAD_FILE, "model %s: the vector of %s %s is not finite", description->name, items->noun.one,
                            mrq_table_id(items, i));
    return mrq_model_fold(p->model, reach, &p->tower, err);
}

static mrq_status choose_index(parts *p, const mrq_export_options *options, mrq_error *err)
{
    uint32_t n;
    MRQ_AUTOFREE float *queries = NULL;
    MRQ_TRY(mrq_store_queries(p->tower, mrq_model_users(p->model), &n, &queries, err));
    return mrq_index_choose(options->index, options->recall, p->vectors, mrq_model_items(p->model)->rows, p->tower->dim, queries, n,
                            &p->index, &p->choice, err);
}

static mrq_status sync_file(const char *path, mrq_error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return mrq_fail_errno(err, "cannot open %s", path);
    const mrq_status status = fsync(fd) == 0 ? MRQ_OK : mrq_fail_errno(err, "cannot sync %s", path);
    close(fd);
    return status;
}

static mrq_status write_container(mrq_part part, const parts *p, const char *path, mrq_error *err)
{
    static const char *const kinds[] = {[MRQ_PART_CATALOGUE] = MRQ_KIND_ITEMS,
                                        [MRQ_PART_USERS] = MRQ_KIND_USERS,
                                        [MRQ_PART_SEEN] = MRQ_KIND_SEEN,
                                        [MRQ_PART_VECTORS] = MRQ_KIND_VECTORS,
                                        [MRQ_PART_HISTORY] = MRQ_KIND_HISTORY};
    const mrq_table *users = mrq_model_users(p->model), *items = mrq_model_items(p->model);
    MRQ_CLEANUP(mrq_container_writer_free) mrq_container_writer *writer = mrq_container_writer_new(kinds[part], MRQ_PARTS_FORMAT);
    if (!writer)
        return mrq_fail_memory(err, "writing a generation");
    switch (part) {
    case MRQ_PART_CATALOGUE:
        mrq_table_save(items, writer, kinds[part]);
        mrq_times_save(mrq_model_times(p->model), items->rows, writer);
        break;
    case MRQ_PART_USERS:
        mrq_table_save(users, writer, kinds[part]);
        mrq_folded_save(p->tower, users, writer);
        break;
    case MRQ_PART_SEEN:
        mrq_lists_save(mrq_model_seen(p->model), users->rows, writer, kinds[part]);
        break;
    case MRQ_PART_HISTORY:
        mrq_folded_save_history(p->tower, users->rows, items->rows, writer);
        break;
    default:
        mrq_container_add(writer, p->vectors, (size_t)items->rows * p->tower->dim, sizeof *p->vectors, "%s", kinds[part]);
        break;
    }
    return mrq_container_write(writer, path, err);
}

static mrq_status write_part(mrq_part part, const parts *p, const char *path, mrq_error *err)
{
    switch (part) {
    case MRQ_PART_INDEX:
        MRQ_TRY(mrq_index_save(p->index, path, err));
        return sync_file(path, err);
    case MRQ_PART_MODEL:
        return mrq_model_save(p->model, path, err);
    default:
        return write_container(part, p, path, err);
    }
}

static mrq_status write_parts(const mrq_publication *publication, const parts *p, mrq_manifest *manifest, mrq_error *err)
{
    for (int i = 0; i < MRQ_PARTS; i++) {
        char path[MRQ_STORE_PATH];
        MRQ_TRY(mrq_path_join(path, sizeof path, publication->folder, mrq_part_names[i], err));
        MRQ_TRY(write_part((mrq_part)i, p, path, err));
        MRQ_TRY(mrq_manifest_note(manifest, (mrq_part)i, path, err));
    }
    return MRQ_OK;
}

/* A time for a name that sorts after all others. */
static mrq_status next_time(const char *store, int64_t now, int64_t *out, mrq_error *err)
{
    uint32_t n;
    MRQ_AUTOFREE mrq_name *names = NULL;
    MRQ_TRY(mrq_store_names(store, &names, &n, err));
    const int64_t last = mrq_generation_time("99991231T235959Z");
    int64_t next = now;
    if (now < 0 || now > last)
        return mrq_fail(err, MRQ_FAILED, "the clock says %lld seconds after 1970; set the clock", (long long)now);
    if (n) {
        const int64_t newest = mrq_generation_time(names[0].text);
        if (newest >= last)
            return mrq_fail(err, MRQ_FAILED, "%s/" MRQ_GENERATIONS "/%s: no name can sort after this one; remove the folder", store,
                            names[0].text);
        if (newest >= now)
            next = newest + 1;
    }
    *out = next;
    return MRQ_OK;
}

/* Writes the manifest into the temporary folder. The generation's name is computed from it. */
static mrq_status write_manifest(const mrq_publication *publication, mrq_manifest *manifest, const parts *p,
                                 char name[MRQ_GENERATION_NAME], mrq_error *err)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t seconds = 0;
    MRQ_TRY(next_time(publication->store, now.tv_sec, &seconds, err));
    manifest->created_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    MRQ_AUTOFREE char *text = mrq_manifest_text(manifest, p->model, &p->choice);
    if (!text)
        return mrq_fail_memory(err, "writing a manifest");
    mrq_generation_name(seconds, text, strlen(text), name);
    char path[MRQ_STORE_PATH];
    MRQ_TRY(mrq_path_join(path, sizeof path, publication->folder, MRQ_MANIFEST, err));
    return mrq_file_write(path, text, strlen(text), err); /* syncs the folder, too */
}

mrq_status mrq_publication_write(mrq_publication *publication, const mrq_model *model, const mrq_export_options *options,
                                 mrq_choice *choice, mrq_error *err)
{
    assert(!publication->generation);
    char name[MRQ_GENERATION_NAME];
    const mrq_description *description = mrq_model_description(model);
    __attribute__((cleanup(parts_clear))) parts p = {.model = model};
    MRQ_TRY(make_vectors(&p, err));
    MRQ_TRY(choose_index(&p, options, err));
    mrq_manifest manifest = {
        .items = mrq_model_items(model)->rows, .users = mrq_model_users(model)->rows, .dim = p.tower->dim, .index = p.choice.best};
    snprintf(manifest.model_name, sizeof manifest.model_name, "%s", description->name);
    MRQ_TRY(write_parts(publication, &p, &manifest, err));
    MRQ_TRY(mrq_model_check_again(model, err)); /* so that the vectors and model.mrq come from the same parameters */
    MRQ_TRY(write_manifest(publication, &manifest, &p, name, err));
    MRQ_TRY(mrq_generation_open_in(publication->folder, name, NULL, true, &publication->generation, err));
    if (choice) {
        *choice = p.choice;
        p.choice.trial = NULL;
    }
    return MRQ_OK;
}

/* Finishes an upload when the generation is current. The generation serves even if this fails. */
static mrq_status settle(const char *store, const mrq_generation *generation, mrq_backend *backend, mrq_uploaded *uploaded,
                         mrq_error *err)
{
    mrq_error problem = {0};
    const mrq_status status = mrq_store_settle(store, generation, backend, uploaded, &problem);
    return status == MRQ_OK
               ? MRQ_OK
               : mrq_fail(err, status, "generation %s serves and is on the backend, but: %.300s", generation->name, problem.msg);
}

mrq_status mrq_store_export(const char *store, const char *model_path, const mrq_export_options *options,
                            char name[MRQ_GENERATION_NAME], mrq_choice *choice, mrq_uploaded *uploaded, mrq_error *err)
{
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    MRQ_CLEANUP(mrq_publication_discard) mrq_publication *publication = NULL;
    mrq_choice made;
    mrq_uploaded up = {0};
    MRQ_TRY(mrq_model_load(model_path, &model, err)); /* verifies the model before the store is changed */
    MRQ_TRY(mrq_publication_open(store, "export", &publication, err));
    MRQ_TRY(mrq_publication_write(publication, model, options, &made, err));
    MRQ_AUTOFREE mrq_trial *trial = made.trial;
    if (options->backend)
        MRQ_TRY(mrq_store_upload(store, publication->generation, options->backend, options->recall, &options->watch, &up, err));
    MRQ_TRY(mrq_publication_publish(publication, err));
    if (options->backend)
        MRQ_TRY(settle(store, publication->generation, options->backend, &up, err));
    strcpy(name, publication->generation->name);
    if (choice) {
        *choice = made;
        trial = NULL;
    }
    if (uploaded)
        *uploaded = up;
    return MRQ_OK;
}

mrq_status mrq_store_export_current(const char *store, const mrq_export_options *options, char name[MRQ_GENERATION_NAME],
                                    mrq_uploaded *uploaded, mrq_error *err)
{
    char current[MRQ_GENERATION_NAME];
    MRQ_TRY(mrq_store_current(store, current, err)); /* first, so that no lock file is made in a folder that is not a store */
    __attribute__((cleanup(mrq_lock_release))) mrq_lock lock;
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *generation = NULL;
    MRQ_TRY(mrq_lock_take(store, "export", &lock, err));
    MRQ_TRY(mrq_generation_open(store, &generation, err));
    MRQ_TRY(mrq_store_upload(store, generation, options->backend, options->recall, &options->watch, uploaded, err));
    MRQ_TRY(settle(store, generation, options->backend, uploaded, err));
    strcpy(name, generation->name);
    return MRQ_OK;
}
