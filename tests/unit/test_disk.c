/* Base room, what comes from disk and goes there: files whose every call fails once, containers whose every byte and field is wrong
 * once, secrets, libraries. After each test as many descriptors are open as before. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/container.h"
#include "base/library.h"
#include "base/secret.h"
#include "unit/failing_memory.h"
#include "unit/testing.h"

static mrq_error err;
static char *folder;

static const char *in_folder(const char *name)
{
    static char path[2][400];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

/* System calls that fail when their turn has come, and a look at each sync. */
typedef enum call { FSTAT, MMAP, FSYNC, FDOPEN, FLOCK, CALLS } call;
static int left[CALLS]; /* calls up to the one that fails; 0: none does */
static int syncs, locks;
static void (*on_sync)(int number, int fd);

static bool fails(call which, int code)
{
    const bool now = left[which] > 0 && --left[which] == 0;
    if (now)
        errno = code;
    return now;
}

int __real_fstat64(int fd, struct stat *st);
int __wrap_fstat64(int fd, struct stat *st);
void *__real_mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
FILE *__real_fdopen(int fd, const char *mode);
FILE *__wrap_fdopen(int fd, const char *mode);
int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);

int __wrap_fstat64(int fd, struct stat *st)
{
    return fails(FSTAT, EIO) ? -1 : __real_fstat64(fd, st);
}

void *__wrap_mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    return fails(MMAP, ENOMEM) ? MAP_FAILED : __real_mmap64(at, size, protection, flags, fd, offset);
}

int __wrap_fsync(int fd)
{
    if (on_sync)
        on_sync(syncs, fd);
    syncs++;
    return fails(FSYNC, EIO) ? -1 : __real_fsync(fd);
}

FILE *__wrap_fdopen(int fd, const char *mode)
{
    return fails(FDOPEN, EMFILE) ? NULL : __real_fdopen(fd, mode);
}

static const char *swept; /* removed when a lock is taken, as somebody else would */

int __wrap_flock(int fd, int operation)
{
    locks++;
    if (swept)
        unlink(swept);
    swept = NULL;
    return fails(FLOCK, ENOLCK) ? -1 : __real_flock(fd, operation);
}

static int descriptors;

static int count_descriptors(void **state)
{
    (void)state;
    descriptors = descriptors_of_process();
    memset(left, 0, sizeof left);
    return 0;
}

static int compare_descriptors(void **state)
{
    (void)state;
    return descriptors_of_process() != descriptors;
}

static void assert_holds(const char *path, const char *want)
{
    size_t size;
    MRQ_AUTOFREE char *text = (char *)read_bytes(path, &size);
    assert_string_equal(text, want);
}

static const char *temporary_of(const char *name)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/%s.tmp-%ld", folder, name, (long)getpid());
    return path;
}

/* Files */

static void each_failing_call_is_told_and_leaves_the_old_file(void **state)
{
    (void)state;
    static const struct {
        call call;
        int turn;
        const char *says, *then;
    } writing[] = {{FDOPEN, 1, "cannot write ", "old"},
                   {FSYNC, 1, "cannot write ", "old"},
                   {FSYNC, 2, "cannot sync the folder of ", "new"},
                   {FSTAT, 1, NULL, "new"},  /* of the lock: as if nobody had swept */
                   {FLOCK, 1, NULL, "new"}}; /* a file system without locks */
    for (size_t i = 0; i < sizeof writing / sizeof *writing; i++) {
        assert_ok(mrq_file_write(in_folder("f"), "old", 3, &err));
        left[writing[i].call] = writing[i].turn;
        if (writing[i].says) {
            assert_fails(mrq_file_write(in_folder("f"), "new", 3, &err), MRQ_FAILED, writing[i].says);
            assert_non_null(strstr(err.msg, writing[i].call == FDOPEN ? ": Too many open files" : ": Input/output error"));
        } else {
            assert_ok(mrq_file_write(in_folder("f"), "new", 3, &err));
        }
        assert_int_equal(left[writing[i].call], 0);
        assert_holds(in_folder("f"), writing[i].then);
        assert_false(mrq_file_exists(temporary_of("f")));
    }
    mrq_map map = {0};
    left[FSTAT] = 1;
    assert_fails(mrq_map_open(&map, in_folder("f"), &err), MRQ_FAILED, "cannot read ");
    left[MMAP] = 1;
    assert_fails(mrq_map_open(&map, in_folder("f"), &err), MRQ_FAILED, "cannot map ");
    assert_null(map.data);
    mrq_output *out = NULL;
    atomic_store(&allocations_left, 0);
    assert_int_equal(mrq_output_open(in_folder("f"), &out, &err), MRQ_FAILED);
    atomic_store(&allocations_left, INT_MAX);
    assert_string_equal(err.msg, "out of memory while opening a file to write");
    assert_null(out);
    left[FSYNC] = 1;
    assert_fails(mrq_folder_sync(folder, &err), MRQ_FAILED, ": Input/output error");
    assert_fails(mrq_folder_sync(in_folder("none"), &err), MRQ_NOT_FOUND, "cannot sync folder ");
    assert_fails(mrq_folder_sync(in_folder("f"), &err), MRQ_NOT_FOUND, "cannot sync folder ");
    assert_fails(mrq_map_open(&map, in_folder("none"), &err), MRQ_NOT_FOUND, "cannot open ");
}

/* What a full disk would do. */
static void a_write_that_fails_is_told(void **state)
{
    (void)state;
    static const char large[100000];
    struct rlimit before, small;
    mrq_output *out = NULL;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){1000, before.rlim_max};
    assert_ok(mrq_file_write(in_folder("full"), "old", 3, &err));
    for (int size = 1001; size <= 100000; size += 98999) { /* of which the first fails when it is flushed */
        assert_ok(mrq_output_open(in_folder("full"), &out, &err));
        setrlimit(RLIMIT_FSIZE, &small);
        mrq_status status = mrq_output_write(out, large, (size_t)size, &err);
        if (size == 1001) {
            assert_int_equal(status, MRQ_OK);
            status = mrq_output_commit(out, &err);
        } else {
            mrq_output_discard(out);
        }
        setrlimit(RLIMIT_FSIZE, &before);
        assert_int_equal(status, MRQ_FAILED);
        assert_non_null(strstr(err.msg, "/full: File too large"));
        assert_memory_equal(err.msg, "cannot write ", 13);
        assert_holds(in_folder("full"), "old");
        assert_false(mrq_file_exists(temporary_of("full")));
    }
    setrlimit(RLIMIT_FSIZE, &small);
    const mrq_status status = mrq_file_write(in_folder("full"), large, sizeof large, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, MRQ_FAILED);
    assert_holds(in_folder("full"), "old");
    signal(SIGXFSZ, SIG_DFL);
}

static bool stood[2]; /* whether the new file stood in its place at each sync */

static void look_at_sync(int number, int fd)
{
    struct stat st;
    assert_int_equal(__real_fstat64(fd, &st), 0);
    assert_true(number < 2 && S_ISDIR(st.st_mode) == number);
    assert_true(number == 1 || st.st_size == 3);
    stood[number] = mrq_file_exists(in_folder("synced"));
}

/* The file before it has its name, the folder afterwards: else a power cut leaves an empty file, or none. */
static void the_file_is_synced_before_its_folder(void **state)
{
    (void)state;
    syncs = 0;
    on_sync = look_at_sync;
    const mrq_status status = mrq_file_write(in_folder("synced"), "new", 3, &err);
    on_sync = NULL;
    assert_int_equal(status, MRQ_OK);
    assert_int_equal(syncs, 2);
    assert_true(!stood[0] && stood[1]);
}

/* Who sweeps between our open and our lock takes the file that has no lock yet: another is made. */
static void a_file_that_is_swept_before_its_lock_is_made_again(void **state)
{
    (void)state;
    mrq_output *out = NULL;
    locks = 0;
    swept = temporary_of("again");
    assert_ok(mrq_output_open(in_folder("again"), &out, &err));
    assert_int_equal(locks, 2);
    assert_true(mrq_file_exists(temporary_of("again")));
    const int other = open(temporary_of("again"), O_RDONLY);
    assert_int_equal(__real_flock(other, LOCK_EX | LOCK_NB), -1); /* locked while it is written */
    close(other);
    for (int fd = 3; fd < 64; fd++) /* and not passed on to a child */
        assert_true(fcntl(fd, F_GETFD) != 0 || fcntl(fd, F_GETFL) == -1 || !(fcntl(fd, F_GETFL) & O_WRONLY));
    assert_ok(mrq_output_write(out, "new", 3, &err));
    assert_ok(mrq_output_write(out, NULL, 0, &err));
    assert_ok(mrq_output_commit(out, &err));
    assert_holds(in_folder("again"), "new");
}

/* "folder/././f" of so many bytes. */
static const char *long_path(size_t size)
{
    static char path[5000];
    size_t n = (size_t)snprintf(path, sizeof path, "%s/", folder);
    if ((size - n) % 2 == 0)
        path[n++] = '/';
    while (n + 1 < size) {
        path[n++] = '.';
        path[n++] = '/';
    }
    path[n] = 'f';
    path[n + 1] = '\0';
    assert_int_equal(strlen(path), size);
    return path;
}

static void a_path_may_be_as_long_as_the_system_takes(void **state)
{
    (void)state;
    char tail[40], joined[16], old[16] = "xxxxxxxxxxxxxxx";
    const size_t most = 4095 - (size_t)snprintf(tail, sizeof tail, ".tmp-%ld", (long)getpid());
    assert_ok(mrq_file_write(long_path(most), "long", 4, &err));
    assert_holds(long_path(most), "long");
    assert_fails(mrq_file_write(long_path(most + 1), "long", 4, &err), MRQ_FAILED, "... is too long");
    assert_fails(mrq_file_write(long_path(4095), "long", 4, &err), MRQ_FAILED, "... is too long");
    assert_fails(mrq_file_write(long_path(4096), "long", 4, &err), MRQ_FAILED, "... is too long");
    assert_ok(mrq_path_join(joined, sizeof joined, "folder", "name5678", &err));
    assert_string_equal(joined, "folder/name5678");
    assert_fails(mrq_path_join(old, sizeof old, "folder", "name56789", &err), MRQ_FAILED,
                 "the path folder.../name56789 is too long");
}

/* In a folder that is not named, and in the root. */
static void a_name_alone_is_in_the_working_folder(void **state)
{
    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        int wrong = chdir(folder) != 0;
        close(open("alone.tmp-99999999", O_WRONLY | O_CREAT, 0600));
        wrong |= mrq_file_write("alone", "new", 3, &err) != MRQ_OK || access("alone.tmp-99999999", F_OK) == 0;
        wrong |= access("alone", F_OK) != 0;
        close(open("alone.tmp-99999999", O_WRONLY | O_CREAT, 0600));
        mrq_file_remove("alone");
        wrong |= access("alone.tmp-99999999", F_OK) == 0 || access("alone", F_OK) == 0;
        if (chroot(".") == 0) { /* as root alone may do */
            close(open("/root.tmp-99999999", O_WRONLY | O_CREAT, 0600));
            wrong |= mrq_file_write("/root", "new", 3, &err) != MRQ_OK || access("/root.tmp-99999999", F_OK) == 0;
            mrq_file_remove("/root");
            wrong |= access("/root", F_OK) == 0;
        }
        _exit(wrong);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

/* Whether a file whose path ends so is mapped. */
static bool is_mapped(const char *end)
{
    char line[600];
    bool found = false;
    FILE *f = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, f))
        found = found || strstr(line, end);
    fclose(f);
    return found;
}

static void what_is_there_and_what_is_not(void **state)
{
    (void)state;
    char path[5000];
    assert_ok(mrq_file_write(in_folder("there"), "", 0, &err));
    assert_true(mrq_file_exists(in_folder("there")) && mrq_file_exists(folder));
    assert_false(mrq_file_exists(in_folder("not")) || mrq_file_exists(in_folder("there/not")));
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_true(mrq_file_exists(path)); /* the system does not tell */
    mrq_file_remove(in_folder("there"));
    assert_false(mrq_file_exists(in_folder("there")));
    mrq_file_remove(in_folder("there"));
    mrq_map map = {0};
    mrq_map_close(&map);
    assert_ok(mrq_file_write(in_folder("map"), "12", 2, &err));
    assert_ok(mrq_map_open(&map, in_folder("map"), &err));
    assert_true(map.size == 2 && memcmp(map.data, "12", 2) == 0);
    assert_true(is_mapped("/map\n"));
    mrq_map_close(&map);
    assert_false(is_mapped("/map\n"));
    assert_true(!map.data && map.size == 0);
    mrq_map_close(&map);
    mrq_output_discard(NULL);
    mrq_container_close(NULL);
}

/* Containers */

/* The layout that base/container.h tells, made here once more. */
static void a_container_has_the_bytes_that_are_written_down(void **state)
{
    (void)state;
    enum { N = 6, HEAD = 48 + N * 40, MOST = 2000 };
    static const size_t sizes[N] = {0, 1, 63, 64, 65, 128};
    static const uint32_t fields[] = {7, 0x01020304, N, 1};
    unsigned char data[200], want[MOST] = "MARQUEE\nkind567";
    mrq_container_writer *writer = mrq_container_writer_new("kind567", 7);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i + 1);
    uint64_t at = (HEAD + 63) / 64 * 64;
    memcpy(want + 16, fields, sizeof fields);
    for (int i = 0; i < N; i++) {
        char *name = (char *)want + 48 + 40 * i;
        snprintf(name, 24, "a-name-of-23-bytes....%d", i);
        memcpy(name + 24, &at, 8);
        memcpy(name + 32, &(uint64_t){sizes[i]}, 8);
        memcpy(want + at, data, sizes[i]);
        mrq_container_add(writer, data, sizes[i], 1, "a-name-of-23-bytes....%d", i);
        at = (at + sizes[i] + 63) / 64 * 64;
    }
    memcpy(want + 32, &at, 8);
    make_checksum(want, at);
    size_t size;
    for (int twice = 0; twice < 2; twice++) {
        assert_ok(mrq_container_write(writer, in_folder("c.mrq"), &err));
        MRQ_AUTOFREE unsigned char *got = read_bytes(in_folder("c.mrq"), &size);
        assert_int_equal(size, at);
        assert_memory_equal(got, want, at);
    }
    mrq_container_writer_free(writer);

    mrq_container *c = NULL;
    mrq_map map = {0};
    uint64_t sum;
    memcpy(&sum, want + 40, 8);
    assert_ok(mrq_container_open(in_folder("c.mrq"), "kind567", 7, &c, &err));
    assert_true(mrq_container_checksum(c) == sum);
    for (int i = 0; i < N; i++) {
        size_t count = sizes[i];
        const void *section;
        assert_ok(mrq_container_get(c, 1, &count, &section, &err, "a-name-of-23-bytes....%d", i));
        assert_memory_equal(section, data, sizes[i]);
        count = MRQ_ANY;
        assert_ok(mrq_container_get(c, 1, &count, &section, &err, "a-name-of-23-bytes....%d", i));
        assert_int_equal(count, sizes[i]);
        count = sizes[i] + 1;
        assert_fails(mrq_container_get(c, 1, &count, &section, &err, "a-name-of-23-bytes....%d", i), MRQ_BAD_FILE, " bytes, want ");
    }
    mrq_container_close(c);
    map = (mrq_map){want, 48};
    assert_true(mrq_container_claim(&map) == sum);
    map.size = 47;
    assert_true(mrq_container_claim(&map) == 0);

    for (size_t i = 0; i < at; i += i < HEAD ? 1 : 7) /* every byte of the head, and of the rest so many */
        for (int bit = 0; bit < 8; bit += 7) {
            want[i] ^= (unsigned char)(1 << bit);
            write_bytes(in_folder("flipped"), want, at);
            want[i] ^= (unsigned char)(1 << bit);
            assert_fails(mrq_container_open(in_folder("flipped"), "kind567", 7, &c, &err), MRQ_BAD_FILE, "flipped: ");
        }
    for (size_t n = 0; n < at; n += n < HEAD ? 1 : 9) {
        write_bytes(in_folder("cut"), want, n);
        assert_fails(mrq_container_open(in_folder("cut"), "kind567", 7, &c, &err), MRQ_BAD_FILE,
                     n < 64 ? "not a Marquee file: " : "cut short");
    }
}

/* By a writer who makes the checksum right. */
static void each_wrong_field_is_told(void **state)
{
    (void)state;
    enum { SIZE = 192 };
    const struct {
        size_t at, size;
        const void *value;
        const char *says; /* NULL: it is right */
    } cases[] = {{0, 1, "m", "not a Marquee file"},
                 {7, 1, "\r", "not a Marquee file"},
                 {8, 8, "tesu\0\0\0", "holds \"tesu\", want \"test\""},
                 {8, 8, "test\0\0x", "holds \"test\", want \"test\""},
                 {8, 8, "test\0\0\0x", "holds \"test\", want \"test\""},
                 {8, 8, "tes\0\0\0\0", "holds \"tes\", want \"test\""},
                 {16, 4, &(uint32_t){0}, "format version 0, this program reads version 1"},
                 {16, 4, &(uint32_t){2}, "format version 2, this program reads version 1"},
                 {20, 4, &(uint32_t){0x04030201}, "written on a machine of another byte order"},
                 {24, 4, &(uint32_t){0}, NULL}, /* no sections */
                 {24, 4, &(uint32_t){3}, NULL}, /* an empty name lies in the file, too */
                 {24, 4, &(uint32_t){4}, "4 sections do not fit"},
                 {24, 4, &(uint32_t){1024}, "1024 sections do not fit"},
                 {24, 4, &(uint32_t){1025}, "1025 sections do not fit"},
                 {24, 4, &(uint32_t){UINT32_MAX}, "4294967295 sections do not fit"},
                 {28, 4, &(uint32_t){0}, "container format 0, this program reads format 1"},
                 {28, 4, &(uint32_t){2}, "container format 2, this program reads format 1"},
                 {32, 8, &(uint64_t){191}, "192 bytes, its header says 191: cut short or damaged"},
                 {32, 8, &(uint64_t){193}, "192 bytes, its header says 193: cut short or damaged"},
                 {48, 24, "a name of 23 bytes, all.", "section 0 lies outside the file"},
                 {48, 23, "a name of 23 bytes, all.", NULL}};
    unsigned char bytes[SIZE];
    mrq_container_writer *writer = mrq_container_writer_new("test", 1);
    mrq_container_add(writer, bytes, 0, 1, "one");
    mrq_container_add(writer, bytes, 0, 1, "two");
    assert_ok(mrq_container_write(writer, in_folder("w.mrq"), &err));
    mrq_container_writer_free(writer);
    size_t size;
    MRQ_AUTOFREE unsigned char *good = read_bytes(in_folder("w.mrq"), &size);
    assert_int_equal(size, 128); /* two sections fit, and no byte is left */
    mrq_container *c = NULL;
    assert_ok(mrq_container_open(in_folder("w.mrq"), "test", 1, &c, &err));
    mrq_container_close(c);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        c = NULL;
        memset(bytes, 0, sizeof bytes);
        memcpy(bytes, good, size);
        memcpy(bytes + 32, &(uint64_t){SIZE}, 8);
        memcpy(bytes + cases[i].at, cases[i].value, cases[i].size);
        make_checksum(bytes, SIZE);
        write_bytes(in_folder("w.mrq"), bytes, SIZE);
        if (cases[i].says) {
            assert_fails(mrq_container_open(in_folder("w.mrq"), "test", 1, &c, &err), MRQ_BAD_FILE, cases[i].says);
            assert_null(c);
        } else {
            assert_ok(mrq_container_open(in_folder("w.mrq"), "test", 1, &c, &err));
            mrq_container_close(c);
        }
    }
    memset(bytes + 40, 0, 8);
    write_bytes(in_folder("w.mrq"), bytes, SIZE);
    assert_fails(mrq_container_open(in_folder("w.mrq"), "test", 1, &c, &err), MRQ_BAD_FILE,
                 "the checksum does not match: the file is damaged");
    left[FSTAT] = 1;
    assert_fails(mrq_container_open(in_folder("w.mrq"), "test", 1, &c, &err), MRQ_FAILED, "cannot read");
    atomic_store(&allocations_left, 0);
    const bool none = !mrq_container_writer_new("test", 1);
    const mrq_status status = mrq_container_open(in_folder("w.mrq"), "test", 1, &c, &err);
    atomic_store(&allocations_left, INT_MAX);
    assert_true(none && status == MRQ_FAILED && strstr(err.msg, "out of memory while opening a file"));
}

static void a_writer_says_what_it_cannot_write(void **state)
{
    (void)state;
    static const struct {
        const char *name, *says;
        size_t count, size;
    } cases[] = {{"", "a section's name is too long", 0, 1},
                 {"a name of 24 bytes, all..", "a section's name is too long", 0, 1},
                 {"a name of 24 bytes, all.", "a section's name is too long", 0, 1},
                 {"one", "two sections of one name", 0, 1},
                 {"huge", "a section is too large", SIZE_MAX / 2, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_container_writer *writer = mrq_container_writer_new("test", 1);
        mrq_container_add(writer, NULL, 0, 1, "one");
        mrq_container_add(writer, NULL, cases[i].count, cases[i].size, "%s", cases[i].name);
        assert_fails(mrq_container_write(writer, in_folder("x.mrq"), &err), MRQ_FAILED, cases[i].says);
        mrq_container_writer_free(writer);
    }
    mrq_container_writer *writer = mrq_container_writer_new("test", 1);
    mrq_container *c = NULL;
    size_t count = 1;
    const void *data;
    for (int i = 0; i < MRQ_CONTAINER_SECTIONS; i++)
        mrq_container_add(writer, "x", 1, 1, "%d", i);
    assert_ok(mrq_container_write(writer, in_folder("x.mrq"), &err));
    assert_ok(mrq_container_open(in_folder("x.mrq"), "test", 1, &c, &err));
    assert_ok(mrq_container_get(c, 1, &count, &data, &err, "%d", MRQ_CONTAINER_SECTIONS - 1));
    assert_fails(mrq_container_get(c, 1, &count, &data, &err, "%d", MRQ_CONTAINER_SECTIONS), MRQ_BAD_FILE, "no section \"1024\"");
    mrq_container_close(c);
    mrq_container_add(writer, "x", 1, 1, "one more");
    assert_fails(mrq_container_write(writer, in_folder("x.mrq"), &err), MRQ_FAILED, "cannot write ");
    assert_non_null(strstr(err.msg, "/x.mrq: too many sections"));
    mrq_container_writer_free(writer);
    mrq_container_writer_free(NULL);
}

/* Secrets and libraries */

static void a_secret_is_one_line_that_few_may_read(void **state)
{
    (void)state;
    char longest[MRQ_SECRET_MAX + 3];
    memset(longest, 'x', sizeof longest);
    const struct {
        const char *text;
        size_t size;
        mode_t mode;
        size_t least;
        const char *says; /* NULL: is right */
    } cases[] = {{"hush", 4, 0600, 4, NULL},
                 {"hush\n", 5, 0640, 1, NULL},
                 {"!~", 2, 0400, 1, NULL},
                 {longest, MRQ_SECRET_MAX, 0600, 1, NULL},
                 {longest, MRQ_SECRET_MAX + 1, 0600, 1, ": has 513 characters or more, want one line of 1 to 512"},
                 {longest, MRQ_SECRET_MAX + 3, 0600, 1, ": has 514 characters or more, want one line of 1 to 512"},
                 {"hush", 4, 0600, 5, ": has 4 characters, want one line of 5 to 512"},
                 {"\n", 1, 0600, 1, ": has 0 characters, want one line of 1 to 512"},
                 {"", 0, 0600, 1, ": has 0 characters, want one line of 1 to 512"},
                 {"hu sh", 5, 0600, 1, ": character 3 is not allowed in a token, want ASCII without blanks"},
                 {"hush\n\n", 6, 0600, 1, ": character 5 is not allowed"},
                 {"\x7fhush", 5, 0600, 1, ": character 1 is not allowed"},
                 {"hus\xc3\xa4", 5, 0600, 1, ": character 4 is not allowed"},
                 {"hu\0sh", 5, 0600, 1, ": character 3 is not allowed"},
                 {"hush", 4, 0604, 1, ": everybody may read it (mode 604), want 600"},
                 {"hush", 4, 0620, 1, ": others than its owner may write it (mode 620): chmod go-w"},
                 {"hush", 4, 0602, 1, ": others than its owner may write it (mode 602): chmod go-w"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_secret secret = {.size = 77};
        unlink(in_folder("secret"));
        write_bytes(in_folder("secret"), cases[i].text, cases[i].size);
        assert_int_equal(chmod(in_folder("secret"), cases[i].mode), 0);
        if (cases[i].says) {
            assert_fails(mrq_secret_read(in_folder("secret"), cases[i].least, &secret, &err), MRQ_USAGE, cases[i].says);
            assert_memory_equal(err.msg, "token file ", 11);
            assert_true(secret.size == 77);
        } else {
            assert_ok(mrq_secret_read(in_folder("secret"), cases[i].least, &secret, &err));
            assert_int_equal(secret.size, cases[i].size - (cases[i].text[cases[i].size - 1] == '\n'));
            assert_memory_equal(secret.text, cases[i].text, secret.size);
            assert_int_equal(secret.text[secret.size], '\0');
        }
    }
    mrq_secret secret;
    assert_fails(mrq_secret_read(in_folder("nobody"), 1, &secret, &err), MRQ_NOT_FOUND, "nobody: No such file");
    assert_fails(mrq_secret_read(folder, 1, &secret, &err), MRQ_USAGE, ": is not a regular file");
    left[FSTAT] = 1;
    assert_fails(mrq_secret_read(in_folder("secret"), 1, &secret, &err), MRQ_FAILED, "secret: Input/output error");
    if (chmod(in_folder("secret"), 0600) == 0 && chown(in_folder("secret"), 12345, (gid_t)-1) == 0)
        assert_fails(mrq_secret_read(in_folder("secret"), 1, &secret, &err), MRQ_USAGE,
                     ": belongs to user 12345, who may write it: chown it to root or to user ");
    assert_int_equal(mrq_secret_flaw("!~"), 0);
    assert_int_equal(mrq_secret_flaw("ab\tc"), 3);
}

static void a_library_is_loaded_or_its_package_named(void **state)
{
    (void)state;
    double (*cosine)(double) = NULL;
    int (*nothing)(void) = NULL;
    const mrq_symbol symbols[] = {{"cos", &cosine}, {"no_such_function", &nothing}};
    assert_ok(mrq_library_load("libm.so.6", "libc6", symbols, 1, &err));
    assert_true(cosine(0) == 1);
    assert_fails(mrq_library_load("libm.so.6", "libc6", symbols, 2, &err), MRQ_FAILED, "libm.so.6: ");
    assert_non_null(strstr(err.msg, "no_such_function"));
    assert_null(nothing);
    assert_fails(mrq_library_load("libnone.so.1", "libnone1", symbols, 1, &err), MRQ_FAILED,
                 "cannot load libnone.so.1 (Debian's package libnone1): ");
}

#define with_descriptors(test) cmocka_unit_test_setup_teardown(test, count_descriptors, compare_descriptors)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_descriptors(each_failing_call_is_told_and_leaves_the_old_file),
        with_descriptors(a_write_that_fails_is_told),
        with_descriptors(the_file_is_synced_before_its_folder),
        with_descriptors(a_file_that_is_swept_before_its_lock_is_made_again),
        with_descriptors(a_path_may_be_as_long_as_the_system_takes),
        with_descriptors(a_name_alone_is_in_the_working_folder),
        with_descriptors(what_is_there_and_what_is_not),
        with_descriptors(a_container_has_the_bytes_that_are_written_down),
        with_descriptors(each_wrong_field_is_told),
        with_descriptors(a_writer_says_what_it_cannot_write),
        with_descriptors(a_secret_is_one_line_that_few_may_read),
        cmocka_unit_test(a_library_is_loaded_or_its_package_named),
    };
    folder = temporary_folder();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
