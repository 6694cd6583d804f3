/* Runs a door over the files that are named, or that lie in the folders that are named: what a build without libFuzzer links in its
 * place, so that every build runs every seed and every input that once was a finding. Where one of them is fatal, the last line
 * tells which. */
#include <dirent.h>

#include "base/file.h"
#include "fuzz/fuzz.h"

static void run_file(const char *path)
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
    LLVMFuzzerTestOneInput(exact, map.size);
    free(exact);
    mrq_map_close(&map);
}

static unsigned run(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) {
        run_file(path);
        return 1;
    }
    unsigned n = 0;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char file[4096];
        if (*entry->d_name == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        run_file(file);
        n++;
    }
    closedir(folder);
    return n;
}

int main(int argc, char **argv)
{
    unsigned n = 0;
    for (int i = 1; i < argc; i++)
        n += run(argv[i]);
    fprintf(stderr, "%u inputs\n", n);
    return n ? 0 : 1;
}
