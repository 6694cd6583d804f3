/* replay TARGET PATH...: runs a target over the files that are named, or that lie in the folders that are named. A build without
 * libFuzzer links the targets with this, so that every build runs every seed and every input that once was a finding. Where one of
 * them is fatal, the last line tells which. */
#include <dirent.h>

#include "base/file.h"
#include "fuzz/fuzz.h"

#define TARGET(name) int target_##name(const uint8_t *data, size_t size);
TARGETS
#undef TARGET

typedef int (*fuzz_target)(const uint8_t *data, size_t size);

static fuzz_target target_named(const char *name)
{
#define TARGET(target)                                                                                                             \
    if (strcmp(name, #target) == 0)                                                                                                \
        return target_##target;
    TARGETS
#undef TARGET
    fprintf(stderr, "replay: no target \"%s\"\n", name);
    exit(2);
}

static void run_file(fuzz_target target, const char *path)
{
    mrq_error err = {0};
    mrq_map map = {0};
    if (mrq_map_open(&map, path, &err) != MRQ_OK) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    fprintf(stderr, "%s\n", path);
    uint8_t *exact = malloc(map.size ? map.size : 1); /* not the map: a read behind its end would not be noticed */
    FUZZ_CHECK(exact);
    memcpy(exact, map.data, map.size);
    target(exact, map.size);
    free(exact);
    mrq_map_close(&map);
}

static unsigned run(fuzz_target target, const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) {
        run_file(target, path);
        return 1;
    }
    unsigned n = 0;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char file[4096];
        if (*entry->d_name == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        run_file(target, file);
        n++;
    }
    closedir(folder);
    return n;
}

int main(int argc, char **argv)
{
    unsigned n = 0;
    const fuzz_target target = target_named(argc > 1 ? argv[1] : "");
    for (int i = 2; i < argc; i++)
        n += run(target, argv[i]);
    fprintf(stderr, "%u inputs\n", n);
    return n ? 0 : 1;
}
