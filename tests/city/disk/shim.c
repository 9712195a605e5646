/*
 * Stands between a program and its files, for tests: loaded by LD_PRELOAD, it lets chosen calls fail, or writes down
 * every change of a folder in the order in which the program made it.
 *
 * All of it is told by environment variables, and concerns files below MULU_SHIM_DIR alone:
 *
 *   MULU_SHIM_FAIL="CALL:N:ERROR:PART"   the N-th call (from 1) of a kind on a path that contains PART fails. CALL is
 *       write, sync, create, truncate, rename or unlink; ERROR is EIO, ENOSPC or EROFS, or SHORT: half of a write is
 *       made. A `+` behind the error: so do all that follow. PART may be empty.
 *   MULU_SHIM_ARMED=FILE                 calls are counted, and fail, from when FILE exists.
 *   MULU_SHIM_SWITCH="FILE:ERROR:PART"   while FILE exists, every write, sync and creation fails so.
 *   MULU_SHIM_SAID=FILE                  a line for each failed call, and for each later sync of a file whose sync failed.
 *   MULU_SHIM_JOURNAL=FILE               the journal of changes; FILE must lie outside of the folder.
 *
 * The journal is a row of records: kind (1), inode (8), number (8), length of a path (4), length of data (4), nanoseconds
 * of the steady clock that all programs share (8), little endian, then path and data. Kinds: c file created (number 1:
 * or emptied), w written (number: offset), t cut or
 * extended (number: length), s synced, d directory synced, r renamed (data: the new path), u unlinked, m directory
 * made, x directory removed. A record is written after its call succeeded and before the program hears of it.
 * sync_file_range is no sync: it flushes neither the drive's cache nor what describes the file.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))next(#name))

enum call { WRITE, SYNC, CREATE, TRUNCATE, RENAME, UNLINK, CALLS };
static const char *const CALL_NAMES[CALLS] = {"write", "sync", "create", "truncate", "rename", "unlink"};

/* What is to fail. */
struct rule {
    int call; /* -1: none */
    long nth;
    int error; /* 0: a short write */
    int stays;
    char part[256];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_length;
static struct rule rule = {.call = -1};
static struct rule switched = {.call = -1};
static char switch_file[PATH_MAX];
static char said_file[PATH_MAX];
static char armed_file[PATH_MAX];
static atomic_int armed;
static int journal = -1;
static atomic_long seen;
static _Atomic uint64_t lost_inode; /* whose sync failed */

static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) {
        _exit(71);
    }
    return found;
}

static int error_of(const char *text) {
    if (strncmp(text, "EIO", 3) == 0) return EIO;
    if (strncmp(text, "ENOSPC", 6) == 0) return ENOSPC;
    if (strncmp(text, "EROFS", 5) == 0) return EROFS;
    if (strncmp(text, "SHORT", 5) == 0) return 0;
    _exit(71);
}

static void begin(void) {
    const char *text = getenv("MULU_SHIM_DIR");
    if (!text) return;
    snprintf(folder, sizeof folder, "%s", text);
    folder_length = strlen(folder);
    char call[16], error[16];
    if ((text = getenv("MULU_SHIM_FAIL"))) {
        struct rule read = {.call = -1};
        if (sscanf(text, "%15[^:]:%ld:%15[^:]:%255[^\n]", call, &read.nth, error, read.part) < 3) _exit(71);
        for (int known = 0; known < CALLS; known++) {
            if (strcmp(call, CALL_NAMES[known]) == 0) read.call = known;
        }
        read.error = error_of(error);
        read.stays = strchr(error, '+') != NULL;
        if (read.call < 0) _exit(71);
        rule = read;
    }
    if ((text = getenv("MULU_SHIM_SWITCH"))) {
        if (sscanf(text, "%4095[^:]:%15[^:]:%255[^\n]", switch_file, error, switched.part) < 2) _exit(71);
        switched.error = error_of(error);
        switched.call = 0;
    }
    if ((text = getenv("MULU_SHIM_ARMED"))) snprintf(armed_file, sizeof armed_file, "%s", text);
    if ((text = getenv("MULU_SHIM_SAID"))) snprintf(said_file, sizeof said_file, "%s", text);
    if ((text = getenv("MULU_SHIM_JOURNAL"))) {
        journal = NEXT(open)(text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (journal < 0) _exit(71);
    }
}

/* Whether a path lies in the folder. */
static int concerns(const char *path) {
    pthread_once(&once, begin);
    return folder_length && strncmp(path, folder, folder_length) == 0 && (path[folder_length] == '/' || !path[folder_length]);
}

/* The path of an open file, if it lies in the folder and still has a name. */
static int path_of(int fd, char *path) {
    pthread_once(&once, begin);
    if (!folder_length) return 0;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int before = errno;
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    errno = before;
    if (length <= 0) return 0;
    path[length] = 0;
    static const char deleted[] = " (deleted)";
    size_t end = sizeof deleted - 1;
    if ((size_t)length > end && strcmp(path + length - end, deleted) == 0) return 0;
    return concerns(path);
}

/* A path as it is given to a call, made absolute; answers whether it concerns us. */
static int resolve(int dir, const char *path, char *absolute) {
    pthread_once(&once, begin);
    if (!folder_length || !path) return 0;
    if (path[0] == '/') {
        snprintf(absolute, PATH_MAX, "%s", path);
    } else {
        char base[PATH_MAX];
        int before = errno;
        char link[64] = "/proc/self/cwd";
        if (dir != AT_FDCWD) snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
        ssize_t length = readlink(link, base, sizeof base - 1);
        errno = before;
        if (length <= 0) return 0;
        base[length] = 0;
        if ((size_t)snprintf(absolute, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return 0;
    }
    size_t length = strlen(absolute);
    while (length > 1 && absolute[length - 1] == '/') absolute[--length] = 0;
    return concerns(absolute);
}

static uint64_t inode_of(int fd) {
    struct stat found;
    int before = errno;
    uint64_t inode = fstat(fd, &found) == 0 ? found.st_ino : 0;
    errno = before;
    return inode;
}

static void say(const char *what, enum call call, const char *path) {
    if (!said_file[0]) return;
    int before = errno;
    int fd = NEXT(open)(said_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%s %s %s\n", what, CALL_NAMES[call], path);
    if (fd >= 0) {
        (void)!NEXT(write)(fd, line, (size_t)length);
        NEXT(close)(fd);
    }
    errno = before;
}

/* Whether a call must fail: -1 with errno set, 1 for a short write, 0 when it may go on. */
static int fails(enum call call, const char *path) {
    if (switched.call >= 0 && call <= CREATE && strstr(path, switched.part)) {
        int before = errno;
        if (access(switch_file, F_OK) == 0) {
            errno = switched.error;
            return -1;
        }
        errno = before;
    }
    if (rule.call != (int)call || !strstr(path, rule.part)) return 0;
    if (armed_file[0] && !armed) {
        int before = errno;
        armed = access(armed_file, F_OK) == 0;
        errno = before;
        if (!armed) return 0;
    }
    long now = atomic_fetch_add(&seen, 1) + 1;
    if (now < rule.nth || (now > rule.nth && !rule.stays)) return 0;
    say("failed", call, path);
    if (rule.error == 0) return 1;
    errno = rule.error;
    return -1;
}

static void record(char kind, uint64_t inode, uint64_t number, const char *path, const void *data, size_t length) {
    size_t path_length = path ? strlen(path) : 0;
    unsigned char head[33];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t time = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    head[0] = (unsigned char)kind;
    uint32_t lengths[2] = {(uint32_t)path_length, (uint32_t)length};
    memcpy(head + 1, &inode, 8);
    memcpy(head + 9, &number, 8);
    memcpy(head + 17, lengths, 8);
    memcpy(head + 25, &time, 8);
    struct iovec parts[3] = {{head, sizeof head}, {(void *)path, path_length}, {(void *)data, length}};
    size_t whole = sizeof head + path_length + length;
    if (NEXT(writev)(journal, parts, 3) != (ssize_t)whole) _exit(72);
}

/* Keeps the journal's order that of the calls. */
static void hold(void) {
    if (journal >= 0) pthread_mutex_lock(&order);
}

static void release(void) {
    if (journal >= 0) pthread_mutex_unlock(&order);
}

/* --- opening --- */

static int opened(int dir, const char *path, int flags, mode_t mode, int (*call)(int, const char *, int, mode_t)) {
    char absolute[PATH_MAX];
    if (!(flags & (O_CREAT | O_TRUNC)) || !resolve(dir, path, absolute)) return call(dir, path, flags, mode);
    hold();
    int before = errno;
    int is_new = access(absolute, F_OK) != 0;
    errno = before;
    int fd = is_new && fails(CREATE, absolute) ? -1 : call(dir, path, flags, mode);
    if (fd >= 0 && journal >= 0) {
        if (is_new) record('c', inode_of(fd), 0, absolute, NULL, 0);
        else if (flags & O_TRUNC) record('t', inode_of(fd), 0, absolute, NULL, 0);
    }
    release();
    return fd;
}

static int call_openat(int dir, const char *path, int flags, mode_t mode) {
    return NEXT(openat)(dir, path, flags | O_LARGEFILE, mode);
}

#define MODE(flags, mode) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

int open(const char *path, int flags, ...) { MODE(flags, mode) return opened(AT_FDCWD, path, flags, mode, call_openat); }
int open64(const char *path, int flags, ...) { MODE(flags, mode) return opened(AT_FDCWD, path, flags, mode, call_openat); }
int openat(int dir, const char *path, int flags, ...) { MODE(flags, mode) return opened(dir, path, flags, mode, call_openat); }
int openat64(int dir, const char *path, int flags, ...) { MODE(flags, mode) return opened(dir, path, flags, mode, call_openat); }

/* --- writing --- */

static ssize_t written(int fd, const struct iovec *parts, int count, int64_t offset) {
    char path[PATH_MAX];
    int is_at = offset >= 0;
    if (!path_of(fd, path)) return is_at ? NEXT(pwritev)(fd, parts, count, offset) : NEXT(writev)(fd, parts, count);
    int failing = fails(WRITE, path);
    if (failing < 0) return -1;
    struct iovec half = parts[0];
    if (failing > 0) {
        half.iov_len = half.iov_len > 1 ? half.iov_len / 2 : half.iov_len;
        parts = &half;
        count = 1;
    }
    hold();
    if (!is_at) {
        struct stat found;
        int flags = NEXT(fcntl)(fd, F_GETFL);
        offset = flags & O_APPEND && fstat(fd, &found) == 0 ? found.st_size : lseek(fd, 0, SEEK_CUR);
    }
    ssize_t done = is_at ? NEXT(pwritev)(fd, parts, count, offset) : NEXT(writev)(fd, parts, count);
    if (done > 0 && journal >= 0) {
        int64_t left = done, at = offset;
        for (int part = 0; part < count && left > 0; part++) {
            int64_t length = (int64_t)parts[part].iov_len < left ? (int64_t)parts[part].iov_len : left;
            record('w', inode_of(fd), (uint64_t)at, NULL, parts[part].iov_base, (size_t)length);
            left -= length;
            at += length;
        }
    }
    release();
    return done;
}

ssize_t write(int fd, const void *data, size_t length) {
    struct iovec part = {(void *)data, length};
    char path[PATH_MAX];
    return path_of(fd, path) ? written(fd, &part, 1, -1) : NEXT(write)(fd, data, length);
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    struct iovec part = {(void *)data, length};
    return written(fd, &part, 1, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    struct iovec part = {(void *)data, length};
    return written(fd, &part, 1, offset);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    char path[PATH_MAX];
    return path_of(fd, path) ? written(fd, parts, count, -1) : NEXT(writev)(fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) { return written(fd, parts, count, offset); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) { return written(fd, parts, count, offset); }

/* --- syncing --- */

static int synced(int fd, int (*call)(int)) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return call(fd);
    if (inode_of(fd) == lost_inode && lost_inode) say("again", SYNC, path);
    if (fails(SYNC, path)) {
        lost_inode = inode_of(fd);
        return -1;
    }
    hold();
    int done = call(fd);
    if (done == 0 && journal >= 0) {
        struct stat found;
        int is_dir = fstat(fd, &found) == 0 && S_ISDIR(found.st_mode);
        record(is_dir ? 'd' : 's', inode_of(fd), 0, path, NULL, 0);
    }
    release();
    return done;
}

int fsync(int fd) { return synced(fd, NEXT(fsync)); }
int fdatasync(int fd) { return synced(fd, NEXT(fdatasync)); }

int sync_file_range(int fd, off64_t offset, off64_t length, unsigned int flags) {
    char path[PATH_MAX];
    if (path_of(fd, path) && fails(SYNC, path)) return -1;
    return NEXT(sync_file_range)(fd, offset, length, flags);
}

/* --- cutting, naming, removing --- */

static int cut(int fd, int64_t length) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return NEXT(ftruncate64)(fd, length);
    if (fails(TRUNCATE, path)) return -1;
    hold();
    int done = NEXT(ftruncate64)(fd, length);
    if (done == 0 && journal >= 0) record('t', inode_of(fd), (uint64_t)length, path, NULL, 0);
    release();
    return done;
}

int ftruncate(int fd, off_t length) { return cut(fd, length); }
int ftruncate64(int fd, off64_t length) { return cut(fd, length); }

static int renamed(int from_dir, const char *from, int to_dir, const char *to) {
    char old[PATH_MAX], new[PATH_MAX];
    int concerned = resolve(from_dir, from, old);
    if (!concerned || !resolve(to_dir, to, new)) return NEXT(renameat)(from_dir, from, to_dir, to);
    if (fails(RENAME, new)) return -1;
    hold();
    int done = NEXT(renameat)(from_dir, from, to_dir, to);
    if (done == 0 && journal >= 0) record('r', 0, 0, old, new, strlen(new));
    release();
    return done;
}

int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int from_dir, const char *from, int to_dir, const char *to) { return renamed(from_dir, from, to_dir, to); }

static int removed(int dir, const char *path, int flags) {
    char absolute[PATH_MAX];
    if (!resolve(dir, path, absolute)) return NEXT(unlinkat)(dir, path, flags);
    if (fails(UNLINK, absolute)) return -1;
    hold();
    int done = NEXT(unlinkat)(dir, path, flags);
    if (done == 0 && journal >= 0) record(flags & AT_REMOVEDIR ? 'x' : 'u', 0, 0, absolute, NULL, 0);
    release();
    return done;
}

int unlink(const char *path) { return removed(AT_FDCWD, path, 0); }
int unlinkat(int dir, const char *path, int flags) { return removed(dir, path, flags); }
int rmdir(const char *path) { return removed(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdir(const char *path, mode_t mode) {
    char absolute[PATH_MAX];
    if (!resolve(AT_FDCWD, path, absolute)) return NEXT(mkdir)(path, mode);
    if (fails(CREATE, absolute)) return -1;
    hold();
    int done = NEXT(mkdir)(path, mode);
    if (done == 0 && journal >= 0) record('m', 0, 0, absolute, NULL, 0);
    release();
    return done;
}
