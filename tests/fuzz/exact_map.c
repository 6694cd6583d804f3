/* Files that the targets read are not mapped but copied into a block of exactly their size: a map is readable to the end of its
 * page, where the sanitizer would not notice a read behind the end of the file. */
#include "base/file.h"
#include "fuzz/fuzz.h"

mrq_status __real_mrq_map_open(mrq_map *map, const char *path, mrq_error *err);
void __real_mrq_map_close(mrq_map *map);
mrq_status __wrap_mrq_map_open(mrq_map *map, const char *path, mrq_error *err);
void __wrap_mrq_map_close(mrq_map *map);
void __wrap_mrq_map_forget(const mrq_map *map, size_t from, size_t to);

mrq_status __wrap_mrq_map_open(mrq_map *map, const char *path, mrq_error *err)
{
    const mrq_status status = __real_mrq_map_open(map, path, err);
    if (status != MRQ_OK || !map->size)
        return status;
    void *copy = NULL;
    FUZZ_CHECK(posix_memalign(&copy, 4096, map->size) == 0); /* a map begins with a page */
    memcpy(copy, map->data, map->size);
    const size_t size = map->size;
    __real_mrq_map_close(map);
    *map = (mrq_map){copy, size};
    return MRQ_OK;
}

void __wrap_mrq_map_close(mrq_map *map)
{
    if (map->size)
        free((void *)(uintptr_t)map->data);
    *map = (mrq_map){0};
}

void __wrap_mrq_map_forget(const mrq_map *map, size_t from, size_t to)
{
    (void)map;
    (void)from;
    (void)to;
}
