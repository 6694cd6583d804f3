/* replay DOOR PATH...: runs a door over the files that are named, or that lie in the folders that are named. A build without
 * libFuzzer links the doors with this, so that every build runs every seed and every input that once was a finding. Where one of
 * them is fatal, the last line tells which. */
#include <dirent.h>

#include "base/file.h"
#include "fuzz/fuzz.h"

#define DOOR(name) int door_##name(const uint8_t *data, size_t size);
DOORS
#undef DOOR

typedef int (*fuzz_door)(const uint8_t *data, size_t size);

static fuzz_door door_named(const char *name)
{
#define DOOR(door)                                                                                                                 \
    if (strcmp(name, #door) == 0)                                                                                                  \
        return door_##door;
    DOORS
#undef DOOR
    fprintf(stderr, "replay: no door \"%s\"\n", name);
    exit(2);
}

static void run_file(fuzz_door door, const char *path)
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
    door(exact, map.size);
    free(exact);
    mrq_map_close(&map);
}

static unsigned run(fuzz_door door, const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) {
        run_file(door, path);
        return 1;
    }
    unsigned n = 0;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char file[4096];
        if (*entry->d_name == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        run_file(door, file);
        n++;
    }
    closedir(folder);
    return n;
}

int main(int argc, char **argv)
{
    unsigned n = 0;
    const fuzz_door door = door_named(argc > 1 ? argv[1] : "");
    for (int i = 2; i < argc; i++)
        n += run(door, argv[i]);
    fprintf(stderr, "%u inputs\n", n);
    return n ? 0 : 1;
}
