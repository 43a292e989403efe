// A library for LD_PRELOAD that counts what a process does to the files below a folder and, at a chosen operation,
// kills it, takes the power from the file system, or lets the disk be full. Scripts/endure builds and uses it.
//
//   FAULTS_BELOW   the folder, an absolute path without links; other files are left alone
//   FAULTS_LOG     a file outside of it that gets a line "NUMBER OPERATION PATH [BYTES]" for each operation
//   FAULTS_KIND    kill, power, full or once (full for one operation alone); without it, operations are only counted
//   FAULTS_AT      the number of the operation, from 1 on
//   FAULTS_STATE   what a loss of power leaves: undone, kept, zeros or mixed (see lose_power)
//   FAULTS_SEED    for mixed
//   FAULTS_SIDE    a folder on the same file system, outside of the other one, for files that lose their names
//
// The model of a disk is that of POSIX: the bytes of a file are safe after fsync of the file, a name is after fsync of
// its folder, and nothing else is. That is less than most file systems promise.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

enum { FILES = 65536, CHANGES = 65536 };

/// Files below the folder, by number of the inode: how many of their bytes are on the disk.
static struct { ino_t inode; off_t safe; } files[FILES];
static int file_count;

/// Changes of names that no fsync of their folder has made safe.
struct change { enum { CREATED, MOVED, REMOVED, FOLDER } kind; char *path, *from, *earlier; int is_safe, goes; };
static struct change changes[CHANGES];
static int change_count;

static char *opened[4096];  // the paths of descriptors, of files and folders below the folder
static char is_written[4096];

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static __thread int inside;  // calls of this library itself
static const char *below, *kind, *state, *side;
static long at, number;
static int log_file = -1;
static uint64_t random_state;

__attribute__((constructor)) static void begin(void) {
    below = getenv("FAULTS_BELOW");
    kind = getenv("FAULTS_KIND");
    state = getenv("FAULTS_STATE");
    side = getenv("FAULTS_SIDE");
    at = getenv("FAULTS_AT") ? atol(getenv("FAULTS_AT")) : 0;
    random_state = getenv("FAULTS_SEED") ? strtoull(getenv("FAULTS_SEED"), NULL, 10) : 0;
    const char *log = getenv("FAULTS_LOG");
    inside = 1;
    if (log) log_file = REAL(open)(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    inside = 0;
}

static int is_kind(const char *name) { return kind && strcmp(kind, name) == 0; }

static uint64_t draw(uint64_t below) {  // splitmix64
    uint64_t z = (random_state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (z ^ (z >> 31)) % below;
}

/// The absolute path, in memory of its own, if it is the folder or lies below it.
static char *watched(int folder, const char *path) {
    char start[PATH_MAX] = "", whole[2 * PATH_MAX];
    if (!below || inside || !path) return NULL;
    if (path[0] != '/') {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t count = folder == AT_FDCWD ? 0 : readlink(link, start, sizeof start - 1);
        if (folder == AT_FDCWD && !getcwd(start, sizeof start)) return NULL;
        if (count < 0) return NULL;
        snprintf(whole, sizeof whole, "%s/%s", start, path);
        path = whole;
    }
    size_t length = strlen(below);
    return strncmp(path, below, length) == 0 && (path[length] == '/' || !path[length]) ? strdup(path) : NULL;
}

/// A path as the log says it.
static const char *shown(const char *path) { return path[strlen(below)] ? path + strlen(below) + 1 : "."; }

static char *path_of(int descriptor) {
    return !inside && descriptor >= 0 && descriptor < 4096 ? opened[descriptor] : NULL;
}

// MARK: - The loss of power

static off_t *safe_bytes(ino_t inode, off_t if_new) {
    for (int i = 0; i < file_count; i++) if (files[i].inode == inode) return &files[i].safe;
    if (file_count == FILES) abort();
    files[file_count].inode = inode;
    files[file_count].safe = if_new;
    return &files[file_count++].safe;
}

static void changed(int what, const char *path, const char *from, char *earlier) {
    if (change_count == CHANGES) abort();
    changes[change_count++] = (struct change){what, strdup(path), from ? strdup(from) : NULL, earlier, 0, 0};
}

static int is_in(const char *path, const char *folder) {
    const char *slash = strrchr(path, '/');
    return (size_t)(slash - path) == strlen(folder) && strncmp(path, folder, slash - path) == 0;
}

/// Keeps what has a name that it is about to lose; NULL if there is nothing.
static char *keep(const char *path) {
    static int count;
    char name[PATH_MAX];
    if (!side) return NULL;
    snprintf(name, sizeof name, "%s/%d-%d", side, getpid(), count++);
    return REAL(link)(path, name) == 0 ? strdup(name) : NULL;
}

static int remove_entry(const char *path, const struct stat *s, int type, struct FTW *f) {
    (void)s, (void)type, (void)f;
    return REAL(remove)(path);
}

static int lose_bytes(const char *path, const struct stat *information, int type, struct FTW *f) {
    (void)f;
    if (type != FTW_F) return 0;
    off_t safe = *safe_bytes(information->st_ino, information->st_size), size = information->st_size;
    if (safe >= size) return 0;
    int zeros = strcmp(state, "zeros") == 0;
    if (strcmp(state, "mixed") == 0) {
        zeros = draw(2);
        safe += draw(size - safe + 1);  // a part of it has reached the disk
    }
    if (REAL(truncate)(path, safe) != 0) abort();
    if (zeros && REAL(truncate)(path, size) != 0) abort();
    return 0;
}

/// What the disk holds after a loss of power. Bytes that are not safe are lost: with `undone` and `kept`, files end
/// where they were safe; with `zeros`, what follows is zeros. Changes of names that are not safe are taken back with
/// `undone` and stay with `kept` and `zeros`. With `mixed`, all that is drawn: of each folder the first changes stay.
static void lose_power(void) {
    for (int i = 0; i < change_count; i++) changes[i].goes = !changes[i].is_safe && strcmp(state, "undone") == 0;
    if (strcmp(state, "mixed") == 0) {
        for (int i = 0; i < change_count; i++) {
            if (changes[i].is_safe || changes[i].goes || draw(3) > 0) continue;
            char folder[PATH_MAX];
            snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(changes[i].path, '/') - changes[i].path),
                changes[i].path);
            for (int j = i; j < change_count; j++)
                if (!changes[j].is_safe && is_in(changes[j].path, folder)) changes[j].goes = 1;
        }
    }
    for (int i = change_count - 1; i >= 0; i--) {
        struct change *c = &changes[i];
        if (!c->goes) continue;
        switch (c->kind) {
        case CREATED: REAL(unlink)(c->path); break;
        case MOVED:
            REAL(rename)(c->path, c->from);
            if (c->earlier) REAL(rename)(c->earlier, c->path);
            break;
        case REMOVED: if (c->earlier) REAL(rename)(c->earlier, c->path); break;
        case FOLDER: nftw(c->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS); break;
        }
    }
    nftw(below, lose_bytes, 16, FTW_PHYS);
}

// MARK: - Operations

/// Counts an operation; true if it has to fail. The mutex is held until `done`.
static int operation(const char *name, const char *path, long bytes, int takes_space) {
    pthread_mutex_lock(&mutex);
    inside = 1;
    number++;
    char line[PATH_MAX + 128];
    int count = snprintf(line, sizeof line, bytes < 0 ? "%ld %s %s\n" : "%ld %s %s %ld\n", number, name,
        shown(path), bytes);
    if (log_file >= 0 && REAL(write)(log_file, line, count) != count) abort();
    if (takes_space && (is_kind("once") ? number == at : is_kind("full") && number >= at)) {
        errno = ENOSPC;
        return 1;
    }
    return 0;
}

/// Ends the process if this is the operation to do so at; a write has written a part by then.
static void end_here(void) {
    if (number != at || !(is_kind("kill") || is_kind("power"))) return;
    if (is_kind("power")) lose_power();
    kill(getpid(), SIGKILL);
    pause();
}

static void done(void) {
    int saved = errno;
    inside = 0;
    pthread_mutex_unlock(&mutex);
    errno = saved;
}

static int open_at(int folder, const char *path, int flags, mode_t mode) {
    char *whole = watched(folder, path);
    if (!whole) return REAL(openat)(folder, path, flags, mode);
    struct stat information;
    int creates = (flags & O_CREAT) && lstat(whole, &information) != 0, result = -1;
    if (creates && operation("create", whole, -1, 1)) {
        done();
        free(whole);
        return -1;
    }
    if (!creates) pthread_mutex_lock(&mutex), inside = 1;
    if (creates) end_here();
    result = REAL(openat)(folder, path, flags, mode);
    if (result >= 0 && result < 4096 && fstat(result, &information) == 0) {
        int writes = (flags & O_ACCMODE) != O_RDONLY;
        if (creates) *safe_bytes(information.st_ino, 0) = 0, changed(CREATED, whole, NULL, NULL);
        else if (writes) safe_bytes(information.st_ino, information.st_size);
        // A file that is open for reading alone can be brought to the disk as well.
        opened[result] = whole, whole = NULL;
        is_written[result] = writes;
    }
    done();
    free(whole);
    return result;
}

#define OPEN(name, ...)                                                                        \
    mode_t mode = 0;                                                                           \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                       \
        va_list rest;                                                                          \
        va_start(rest, flags);                                                                 \
        mode = va_arg(rest, mode_t);                                                           \
        va_end(rest);                                                                          \
    }                                                                                          \
    return open_at(__VA_ARGS__, path, flags, mode);
int open(const char *path, int flags, ...) { OPEN(open, AT_FDCWD) }
int open64(const char *path, int flags, ...) { OPEN(open64, AT_FDCWD) }
int openat(int folder, const char *path, int flags, ...) { OPEN(openat, folder) }
int openat64(int folder, const char *path, int flags, ...) { OPEN(openat64, folder) }
int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode); }

/// Streams write inside of libc, where nothing is seen of them; the log says so, and nothing is counted.
FILE *fopen(const char *path, const char *mode) {
    char *whole = strpbrk(mode, "wa+") ? watched(AT_FDCWD, path) : NULL;
    if (whole && log_file >= 0) dprintf(log_file, "0 unseen %s\n", shown(whole));
    free(whole);
    return REAL(fopen)(path, mode);
}
FILE *fopen64(const char *path, const char *mode) { return fopen(path, mode); }

static ssize_t write_to(int descriptor, const void *bytes, size_t count, off_t place) {
    char *path = path_of(descriptor);
#define WRITE(count) (place < 0 ? REAL(write)(descriptor, bytes, count) : REAL(pwrite)(descriptor, bytes, count, place))
    if (!path) return WRITE(count);
    ssize_t result;
    if (operation("write", path, count, 1)) {
        // A full disk takes what there is room for first.
        result = is_kind("full") && number == at && count > 1 ? WRITE(count / 2) : -1;
    } else {
        if (number == at && (is_kind("kill") || is_kind("power"))) WRITE(count / 2);
        end_here();
        result = WRITE(count);
    }
    done();
    return result;
}
ssize_t write(int descriptor, const void *bytes, size_t count) { return write_to(descriptor, bytes, count, -1); }
ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t place) {
    return write_to(descriptor, bytes, count, place);
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off_t place) {
    return write_to(descriptor, bytes, count, place);
}
ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    if (!path_of(descriptor)) return REAL(writev)(descriptor, parts, count);
    return count > 0 ? write_to(descriptor, parts[0].iov_base, parts[0].iov_len, -1) : 0;  // callers go on
}

ssize_t sendfile(int to, int from, off_t *place, size_t count) {
    char *path = path_of(to);
    if (!path) return REAL(sendfile)(to, from, place, count);
    ssize_t result = -1;
    if (!operation("write", path, count, 1)) {
        if (number == at && (is_kind("kill") || is_kind("power"))) REAL(sendfile)(to, from, place, count / 2);
        end_here();
        result = REAL(sendfile)(to, from, place, count);
    }
    done();
    return result;
}
ssize_t sendfile64(int to, int from, off_t *place, size_t count) { return sendfile(to, from, place, count); }
ssize_t copy_file_range(int from, off_t *start, int to, off_t *place, size_t count, unsigned flags) {
    if (!path_of(to)) return REAL(copy_file_range)(from, start, to, place, count, flags);
    errno = ENOSYS;  // callers write then
    return -1;
}

static int synchronize(int descriptor, int (*real)(int)) {
    char *path = path_of(descriptor);
    if (!path) return real(descriptor);
    struct stat information;
    if (fstat(descriptor, &information) != 0) return -1;
    int result = operation(S_ISDIR(information.st_mode) ? "fsync-folder" : "fsync", path, -1, 1) ? -1 : 0;
    if (result == 0) {
        end_here();
        if (S_ISDIR(information.st_mode)) {
            for (int i = 0; i < change_count; i++) if (is_in(changes[i].path, path)) changes[i].is_safe = 1;
        } else {
            *safe_bytes(information.st_ino, 0) = information.st_size;
        }
    }
    done();
    return result;
}
int fsync(int descriptor) { return synchronize(descriptor, REAL(fsync)); }
int fdatasync(int descriptor) { return synchronize(descriptor, REAL(fdatasync)); }

int ftruncate(int descriptor, off_t size) {
    char *path = path_of(descriptor);
    if (!path) return REAL(ftruncate)(descriptor, size);
    operation("truncate", path, size, 0);
    end_here();
    int result = REAL(ftruncate)(descriptor, size);
    struct stat information;
    if (fstat(descriptor, &information) == 0) {
        off_t *safe = safe_bytes(information.st_ino, 0);
        if (*safe > size) *safe = size;
    }
    done();
    return result;
}
int ftruncate64(int descriptor, off_t size) { return ftruncate(descriptor, size); }

int close(int descriptor) {
    char *path = path_of(descriptor);
    if (!path) return REAL(close)(descriptor);
    int fails = 0, counts = is_written[descriptor];
    if (counts) {
        fails = operation("close", path, -1, 1);
        end_here();
    } else {
        pthread_mutex_lock(&mutex);
        inside = 1;
    }
    opened[descriptor] = NULL;
    int result = REAL(close)(descriptor);
    if (fails) result = -1, errno = ENOSPC;
    done();
    free(path);
    return result;
}

/// An operation on one or two names; the one that it leaves behind comes last.
static int name_operation(const char *name, int what, char *path, char *from, int takes_space, int (*act)(void *),
    void *arguments) {
    int result = -1;
    if (!operation(name, path, -1, takes_space)) {
        end_here();
        char *earlier = what == MOVED || what == REMOVED ? keep(path) : NULL;
        result = act(arguments);
        if (result == 0) {
            changed(what, path, from, earlier);
        } else if (earlier) {
            int saved = errno;
            REAL(unlink)(earlier);
            errno = saved;
        }
    }
    done();
    free(path);
    free(from);
    return result;
}

struct arguments { int folder, to_folder, flags; const char *path, *to; mode_t mode; };
static int act_rename(void *a) {
    struct arguments *x = a;
    return REAL(renameat2)(x->folder, x->path, x->to_folder, x->to, x->flags);
}
static int act_unlink(void *a) { struct arguments *x = a; return REAL(unlinkat)(x->folder, x->path, x->flags); }
static int act_mkdir(void *a) { struct arguments *x = a; return REAL(mkdirat)(x->folder, x->path, x->mode); }
static int act_symlink(void *a) { struct arguments *x = a; return REAL(symlinkat)(x->to, x->folder, x->path); }
static int act_link(void *a) {
    struct arguments *x = a;
    return REAL(linkat)(x->folder, x->path, x->to_folder, x->to, x->flags);
}

int renameat2(int folder, const char *path, int to_folder, const char *to, unsigned flags) {
    struct arguments a = {folder, to_folder, flags, path, to, 0};
    char *target = watched(to_folder, to);
    if (!target) return act_rename(&a);
    return name_operation("rename", MOVED, target, watched(folder, path), 1, act_rename, &a);
}
int renameat(int folder, const char *path, int to_folder, const char *to) {
    return renameat2(folder, path, to_folder, to, 0);
}
int rename(const char *path, const char *to) { return renameat2(AT_FDCWD, path, AT_FDCWD, to, 0); }

int unlinkat(int folder, const char *path, int flags) {
    struct arguments a = {folder, 0, flags, path, NULL, 0};
    char *whole = watched(folder, path);
    if (!whole) return act_unlink(&a);
    return name_operation(flags & AT_REMOVEDIR ? "rmdir" : "unlink", REMOVED, whole, NULL, 0, act_unlink, &a);
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int folder, const char *path, mode_t mode) {
    struct arguments a = {folder, 0, 0, path, NULL, mode};
    struct stat information;
    char *whole = watched(folder, path);
    if (!whole || lstat(whole, &information) == 0) {
        free(whole);
        return act_mkdir(&a);
    }
    return name_operation("mkdir", FOLDER, whole, NULL, 1, act_mkdir, &a);
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int symlinkat(const char *to, int folder, const char *path) {
    struct arguments a = {folder, 0, 0, path, to, 0};
    char *whole = watched(folder, path);
    return whole ? name_operation("symlink", CREATED, whole, NULL, 1, act_symlink, &a) : act_symlink(&a);
}
int symlink(const char *to, const char *path) { return symlinkat(to, AT_FDCWD, path); }

int linkat(int folder, const char *path, int to_folder, const char *to, int flags) {
    struct arguments a = {folder, to_folder, flags, path, to, 0};
    char *whole = watched(to_folder, to);
    return whole ? name_operation("link", CREATED, whole, NULL, 1, act_link, &a) : act_link(&a);
}
int link(const char *path, const char *to) { return linkat(AT_FDCWD, path, AT_FDCWD, to, 0); }
